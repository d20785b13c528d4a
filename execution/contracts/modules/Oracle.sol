// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Module} from "../Module.sol";
import {IOracle} from "../interfaces/IOracle.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {MarkMath} from "../libraries/MarkMath.sol";
import {PerpMath} from "../libraries/PerpMath.sol";
import {Signatures} from "../libraries/Signatures.sol";
import {
    BookSample,
    BookState,
    FundingRules,
    FundingState,
    Market,
    MarketPrice,
    OracleSigner,
    PriceReport
} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Oracle                                                                        │
│                                                                               │
│ Signed reports become an index, index and book become a mark, and premium     │
│ samples become funding. Funding accrues before a price moves.                 │
──────────────────────────────────────────────────────────────────────────────*/
contract Oracle is IOracle, Module {
    bytes32 private constant INDEX_TYPE =
        keccak256("PriceReport(uint32 market,uint32 round,uint64 price,uint40 timestamp)");
    bytes32 private constant EXTERNAL_TYPE =
        keccak256("ExternalPriceReport(uint32 market,uint32 round,uint64 price,uint40 timestamp)");

    /// p8: bounds of a price, 1e-2 and 1e9 USD.
    uint64 private constant PRICE_MIN = 1e6;
    uint64 private constant PRICE_MAX = 1e17;

    /// What a report must be newer than.
    struct Round {
        bytes32 typeHash;
        uint32 market;
        uint32 round;
        uint32 lastRound;
        uint40 lastTime;
    }

    /// @inheritdoc IOracle
    function reportPrice(uint32 market, uint32 round, PriceReport[] calldata reports)
        external
        routed
    {
        _accrueFunding(market);
        MarketPrice storage price = markets[market].price;
        (uint64 index, uint40 oldest) = _agree(
            Round(INDEX_TYPE, market, round, price.round, price.indexTime), reports
        );
        (price.index, price.indexTime, price.round) = (index, oldest, round);
        emit IndexReported(market, round, index, oldest);
        _moveMark(market);
    }

    /// @inheritdoc IOracle
    function reportExternalPrice(uint32 market, uint32 round, PriceReport[] calldata reports)
        external
        routed
    {
        _accrueFunding(market);
        BookState storage book = markets[market].book;
        (uint64 price, uint40 oldest) = _agree(
            Round(EXTERNAL_TYPE, market, round, book.externalRound, book.externalTime), reports
        );
        (book.external_, book.externalTime, book.externalRound) = (price, oldest, round);
        emit ExternalReported(market, round, price, oldest);
        _moveMark(market);
    }

    /// @inheritdoc IOracle
    function postBookSample(uint32 market, BookSample calldata sample) external onlyRole(matcher) {
        _accrueFunding(market);
        if (sample.bid != 0 && sample.ask != 0 && sample.bid > sample.ask) {
            revert CrossedBook(sample.bid, sample.ask);
        }
        MarketPrice memory price = markets[market].price;
        if (_isStale(price.indexTime, market)) return;
        _samplePremium(markets[market], sample, price.index);
        _sampleBook(markets[market].book, sample, price.index);
        _moveMark(market);
    }

    /// @inheritdoc IOracle
    function accrueFunding(uint32 market) external routed {
        _accrueFunding(market);
    }

    /*────────────────────────────── reports ──────────────────────────────*/

    /// The weighted median of a round's reports and the oldest of their timestamps.
    function _agree(Round memory round, PriceReport[] calldata reports)
        private
        view
        returns (uint64 median, uint40 oldest)
    {
        if (round.round <= round.lastRound) revert RoundNotNew(round.round, round.lastRound);
        bytes32 domain = _domainSeparator();
        uint256[] memory prices = new uint256[](reports.length);
        uint256[] memory weights = new uint256[](reports.length);
        (uint256 seen, uint256 present) = (0, 0);
        oldest = type(uint40).max;
        for (uint256 i = 0; i < reports.length; i++) {
            PriceReport calldata report = reports[i];
            address signer = _signer(round, report, domain);
            OracleSigner memory entry = oracleSigners[signer];
            if (entry.weight == 0) revert NotASigner(signer);
            if ((seen >> entry.index) & 1 != 0) revert SignerTwice(signer);
            seen |= 1 << entry.index;
            present += entry.weight;
            (prices[i], weights[i]) = (report.price, entry.weight);
            if (report.timestamp < oldest) oldest = report.timestamp;
        }
        if (present * 2 <= oracleWeight) revert NotEnoughWeight(present, oracleWeight);
        median = uint64(MarkMath.weightedMedian(prices, weights));
    }

    /// Checks one report's own fields and recovers who signed it.
    function _signer(Round memory round, PriceReport calldata report, bytes32 domain)
        private
        view
        returns (address)
    {
        if (report.price < PRICE_MIN || report.price > PRICE_MAX) {
            revert PriceOutOfBounds(report.price);
        }
        if (report.timestamp <= round.lastTime) {
            revert TimestampNotNew(report.timestamp, round.lastTime);
        }
        if (report.timestamp > block.timestamp) revert TimestampInFuture(report.timestamp);
        bytes32 structHash = keccak256(
            abi.encode(round.typeHash, round.market, round.round, report.price, report.timestamp)
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, structHash));
        return Signatures.recover(digest, report.v, report.r, report.s);
    }

    /*────────────────────────────── the book ─────────────────────────────*/

    /// Counts one premium sample for the slot of the funding interval that is running.
    function _samplePremium(Market storage market, BookSample calldata sample, uint256 index)
        private
    {
        FundingRules memory rules = market.fundingRules;
        uint256 elapsed = block.timestamp - market.flow.fundingTime;
        uint256 slot = elapsed * rules.samples / rules.interval + 1;
        FundingState memory state = market.funding;
        if (slot <= state.lastSample) return;
        int256 premium = PerpMath.premium(sample.impactBid, sample.impactAsk, index, rules.cap);
        // At most `samples` (16 bits) of at most `cap` (1e12) each in an interval.
        state.premiumSum += int64(premium);
        state.lastSample = uint16(slot);
        market.funding = state;
    }

    /// Moves the basis EMA and the book's own price.
    function _sampleBook(BookState storage book, BookSample calldata sample, uint256 index)
        private
    {
        bool twoSided = sample.bid != 0 && sample.ask != 0;
        if (twoSided) {
            int256 mid = int256((uint256(sample.bid) + sample.ask) / 2);
            (int256 basis, uint256 weight) = MarkMath.emaStep(
                book.basis, book.weight, mid - int256(index), block.timestamp - book.basisTime
            );
            // |basis| < 2^64 * 2^40 * 1e18 < 2^191 and weight < 2^41 * 1e18 < 2^128.
            (book.basis, book.basisTime) = (int192(basis), uint40(block.timestamp));
            book.weight = uint128(weight);
        }
        bool whole = twoSided && sample.last != 0;
        book.median =
            whole ? uint64(FixedMath.median(sample.bid, sample.ask, sample.last)) : uint64(0);
        book.sampleTime = uint40(block.timestamp);
    }

    /// The mark from index, book and external price; a part older than the market's staleness is
    /// missing.
    function _moveMark(uint32 id) private {
        Market storage market = markets[id];
        MarketPrice memory price = market.price;
        if (price.index == 0) return;
        BookState memory book = market.book;
        bool sampled = !_isStale(book.sampleTime, id);
        bool based = !_isStale(book.basisTime, id);
        price.mark = uint64(
            MarkMath.mark(
                price.index,
                based ? MarkMath.ema(book.basis, book.weight) : int256(0),
                sampled ? book.median : 0,
                _isStale(book.externalTime, id) ? 0 : book.external_,
                market.caps.markBand
            )
        );
        price.markTime = uint40(block.timestamp);
        market.price = price;
        emit MarkMoved(id, price.mark);
    }

    function _isStale(uint40 time, uint32 market) private view returns (bool) {
        return block.timestamp > uint256(time) + markets[market].rules.staleSeconds;
    }

    function _accrueFunding(uint32 market) private {
        if (market >= marketCount) revert MarketUnknown(market);
        _accrueStored(market);
    }
}
