// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Module} from "../Module.sol";
import {OptionInputs, OptionReport, Strike} from "../OptionTypes.sol";
import {IndexSample, MarketHealth, SafetyRules} from "../SafetyTypes.sol";
import {IOracle} from "../interfaces/IOracle.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {IndexTwap} from "../libraries/IndexTwap.sol";
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
    MarketStatus,
    OracleSigner,
    PriceReport
} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Oracle                                                                        │
│                                                                               │
│ Signed reports become an index or a strike's inputs, index and book become a  │
│ mark, and premium samples become funding, which accrues before a price moves. │
│ Every report of an index leaves a sample for the mean that expiries settle    │
│ at, ends an outage, and pauses its market when it jumps.                      │
──────────────────────────────────────────────────────────────────────────────*/
contract Oracle is IOracle, Module {
    bytes32 private constant INDEX_TYPE =
        keccak256("PriceReport(uint32 market,uint32 round,uint64 price,uint40 timestamp)");
    bytes32 private constant EXTERNAL_TYPE =
        keccak256("ExternalPriceReport(uint32 market,uint32 round,uint64 price,uint40 timestamp)");
    bytes32 private constant OPTION_TYPE = keccak256(
        "OptionReport(uint32 strike,uint32 round,uint64 forward,uint64 discount,uint64 volatility,"
        "uint40 timestamp)"
    );

    /// p8: bounds of a price, 1e-2 and 1e9 USD.
    uint64 private constant PRICE_MIN = 1e6;
    uint64 private constant PRICE_MAX = 1e17;
    /// p8: bounds of a forward, 1e-2 USD and what a lane of a scenario array holds, 1.4e6 USD. A
    /// higher one could only be refused later, when its series are priced.
    uint64 private constant FORWARD_MIN = 1e6;
    uint64 private constant FORWARD_MAX = (1 << 47) - 1;
    /// wad: bounds of a discount factor, far wider than any rate of the lifetimes listed.
    uint64 private constant DISCOUNT_MIN = 1e16;
    uint64 private constant DISCOUNT_MAX = 2e18;
    /// wad: bounds of an annual volatility, 0.01% and 1000%.
    uint64 private constant VOLATILITY_MIN = 1e14;
    uint64 private constant VOLATILITY_MAX = 10e18;
    uint256 private constant PPM = 1e6;

    /// What a report must be newer than.
    struct Round {
        bytes32 typeHash;
        /// Or strike.
        uint32 market;
        uint32 round;
        uint32 lastRound;
        uint40 lastTime;
    }

    /// The reports of a round that were counted so far.
    struct Tally {
        bytes32 domain;
        /// Bit i: the signer with index i.
        uint256 seen;
        /// Sum of their weights.
        uint256 present;
        uint256[] weights;
        /// Seconds.
        uint40 oldest;
    }

    /// @inheritdoc IOracle
    function reportPrice(uint32 market, uint32 round, PriceReport[] calldata reports)
        external
        routed
    {
        _accrueOpen(market);
        MarketPrice memory old = markets[market].price;
        (uint64 index, uint40 oldest) =
            _agree(Round(INDEX_TYPE, market, round, old.round, old.indexTime), reports);
        MarketPrice storage price = markets[market].price;
        (price.index, price.indexTime, price.round) = (index, oldest, round);
        emit IndexReported(market, round, index, oldest);
        uint64 mark = _moveMark(market);
        MarketHealth memory state = health[market];
        _sampleIndex(state, market, index, mark);
        bool wasStale = _isStale(old.indexTime, market);
        _watch(state, market, index, wasStale ? index : old.index);
        if (wasStale && old.index != 0 && !_isStale(oldest, market)) {
            state.resumedTime = uint40(block.timestamp);
            emit PricesResumed(market, state.resumedTime);
        }
        health[market] = state;
    }

    /// @inheritdoc IOracle
    function reportExternalPrice(uint32 market, uint32 round, PriceReport[] calldata reports)
        external
        routed
    {
        _accrueOpen(market);
        BookState storage book = markets[market].book;
        (uint64 price, uint40 oldest) = _agree(
            Round(EXTERNAL_TYPE, market, round, book.externalRound, book.externalTime), reports
        );
        (book.external_, book.externalTime, book.externalRound) = (price, oldest, round);
        emit ExternalReported(market, round, price, oldest);
        _moveMark(market);
    }

    /// @inheritdoc IOracle
    function reportOptionInputs(uint32 strike, uint32 round, OptionReport[] calldata reports)
        external
        routed
    {
        Strike memory terms = strikes[strike];
        if (terms.price == 0) revert StrikeUnknown(strike);
        if (block.timestamp >= terms.expiry) revert StrikeExpired(strike);
        _requireOpen(terms.underlying);
        OptionInputs memory inputs = _agreeInputs(
            Round(OPTION_TYPE, strike, round, terms.round, optionInputs[strike].time), reports
        );
        optionInputs[strike] = inputs;
        strikes[strike].round = round;
        emit OptionInputsReported(
            strike, round, inputs.forward, inputs.discount, inputs.volatility, inputs.time
        );
    }

    /// @inheritdoc IOracle
    function postBookSample(uint32 market, BookSample calldata sample) external onlyRole(matcher) {
        _accrueOpen(market);
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

    /// The weighted median of a round's prices and the oldest of their timestamps.
    function _agree(Round memory round, PriceReport[] calldata reports)
        private
        view
        returns (uint64 median, uint40 oldest)
    {
        Tally memory tally = _openTally(round, reports.length);
        uint256[] memory prices = new uint256[](reports.length);
        for (uint256 i = 0; i < reports.length; i++) {
            PriceReport calldata report = reports[i];
            if (report.price < PRICE_MIN || report.price > PRICE_MAX) {
                revert PriceOutOfBounds(report.price);
            }
            _checkTime(round, tally, report.timestamp);
            bytes32 structHash = keccak256(
                abi.encode(
                    round.typeHash, round.market, round.round, report.price, report.timestamp
                )
            );
            _count(tally, i, _signer(tally.domain, structHash, report.v, report.r, report.s));
            prices[i] = report.price;
        }
        _requireMajority(tally);
        return (_median(prices, tally.weights), tally.oldest);
    }

    /// The weighted medians of a round's option inputs, each by itself.
    function _agreeInputs(Round memory round, OptionReport[] calldata reports)
        private
        view
        returns (OptionInputs memory)
    {
        Tally memory tally = _openTally(round, reports.length);
        uint256[] memory forwards = new uint256[](reports.length);
        uint256[] memory discounts = new uint256[](reports.length);
        uint256[] memory volatilities = new uint256[](reports.length);
        for (uint256 i = 0; i < reports.length; i++) {
            OptionReport calldata report = reports[i];
            _checkInputs(report);
            _checkTime(round, tally, report.timestamp);
            _count(tally, i, _optionSigner(round, tally.domain, report));
            (forwards[i], discounts[i]) = (report.forward, report.discount);
            volatilities[i] = report.volatility;
        }
        _requireMajority(tally);
        return OptionInputs({
            forward: _median(forwards, tally.weights),
            discount: _median(discounts, tally.weights),
            volatility: _median(volatilities, tally.weights),
            time: tally.oldest
        });
    }

    function _openTally(Round memory round, uint256 count)
        private
        view
        returns (Tally memory tally)
    {
        if (round.round <= round.lastRound) revert RoundNotNew(round.round, round.lastRound);
        tally.domain = _domainSeparator();
        tally.weights = new uint256[](count);
        tally.oldest = type(uint40).max;
    }

    function _checkInputs(OptionReport calldata report) private pure {
        bool within = report.forward >= FORWARD_MIN && report.forward <= FORWARD_MAX
            && report.discount >= DISCOUNT_MIN && report.discount <= DISCOUNT_MAX
            && report.volatility >= VOLATILITY_MIN && report.volatility <= VOLATILITY_MAX;
        if (!within) {
            revert InputsOutOfBounds(report.forward, report.discount, report.volatility);
        }
    }

    function _checkTime(Round memory round, Tally memory tally, uint40 timestamp) private view {
        if (timestamp <= round.lastTime) revert TimestampNotNew(timestamp, round.lastTime);
        if (timestamp > block.timestamp) revert TimestampInFuture(timestamp);
        if (timestamp < tally.oldest) tally.oldest = timestamp;
    }

    /// Counts report number `place`, by its signer, once.
    function _count(Tally memory tally, uint256 place, address signer) private view {
        OracleSigner memory entry = oracleSigners[signer];
        if (entry.weight == 0) revert NotASigner(signer);
        if ((tally.seen >> entry.index) & 1 != 0) revert SignerTwice(signer);
        tally.seen |= 1 << entry.index;
        tally.present += entry.weight;
        tally.weights[place] = entry.weight;
    }

    function _requireMajority(Tally memory tally) private view {
        if (tally.present * 2 <= oracleWeight) {
            revert NotEnoughWeight(tally.present, oracleWeight);
        }
    }

    /// Every report was within 64 bits, so one of them is.
    function _median(uint256[] memory values, uint256[] memory weights)
        private
        pure
        returns (uint64)
    {
        return uint64(MarkMath.weightedMedian(values, weights));
    }

    function _optionSigner(Round memory round, bytes32 domain, OptionReport calldata report)
        private
        pure
        returns (address)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                round.typeHash,
                round.market,
                round.round,
                report.forward,
                report.discount,
                report.volatility,
                report.timestamp
            )
        );
        return _signer(domain, structHash, report.v, report.r, report.s);
    }

    function _signer(bytes32 domain, bytes32 structHash, uint8 v, bytes32 r, bytes32 s)
        private
        pure
        returns (address)
    {
        return Signatures.recover(
            keccak256(abi.encodePacked(hex"1901", domain, structHash)), v, r, s
        );
    }

    /*──────────────────────── what an index leaves ───────────────────────*/

    /// Keeps the last index of the running minute and the mark of its first report, and links the
    /// minute to the one before that had a report. Only reports of the index do: a mark that moved
    /// with the book alone leaves no sample, so that every sample is linked.
    function _sampleIndex(MarketHealth memory state, uint32 market, uint64 index, uint64 mark)
        private
    {
        uint40 bucket = uint40(block.timestamp / IndexTwap.STEP);
        IndexSample storage sample = indexSamples[_sampleKey(market, bucket)];
        if (state.newestBucket == bucket) {
            sample.index = index;
            return;
        }
        if (state.newestBucket != 0) {
            indexSamples[_sampleKey(market, state.newestBucket)].next = bucket;
        }
        (sample.index, sample.firstMark) = (index, mark);
        sample.previous = state.newestBucket;
        state.newestBucket = bucket;
    }

    /// Pauses a market whose index moved too far within the window. A new window is anchored at the
    /// index before this report, so that a jump between two windows counts; after an outage at this
    /// one, for the grace period is for those.
    function _watch(MarketHealth memory state, uint32 market, uint64 index, uint64 before)
        private
    {
        SafetyRules memory rules = safetyRules[market];
        if (rules.pauseMove == 0) return;
        if (block.timestamp > uint256(state.anchorTime) + rules.pauseWindow) {
            (state.anchorTime, state.anchorIndex) = (uint40(block.timestamp), before);
        }
        uint256 anchor = state.anchorIndex;
        uint256 move = index > anchor ? index - anchor : anchor - index;
        if (move * PPM <= anchor * rules.pauseMove) return;
        (state.anchorTime, state.anchorIndex) = (uint40(block.timestamp), index);
        state.pausedUntil = uint40(block.timestamp + rules.pauseSeconds);
        emit VolatilityPaused(market, state.pausedUntil);
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
    /// missing. 0 before the first index.
    function _moveMark(uint32 id) private returns (uint64) {
        Market storage market = markets[id];
        MarketPrice memory price = market.price;
        if (price.index == 0) return 0;
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
        return price.mark;
    }

    function _isStale(uint40 time, uint32 market) private view returns (bool) {
        return block.timestamp > uint256(time) + markets[market].rules.staleSeconds;
    }

    function _accrueFunding(uint32 market) private {
        if (market >= marketCount) revert MarketUnknown(market);
        _accrueStored(market);
    }

    /// Before a price of a market moves; a closed one's never does.
    function _accrueOpen(uint32 market) private {
        _accrueFunding(market);
        _requireOpen(market);
    }

    function _requireOpen(uint32 market) private view {
        if (markets[market].price.status == MarketStatus.Closed) revert MarketClosed(market);
    }
}
