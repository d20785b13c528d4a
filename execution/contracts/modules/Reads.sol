// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Books} from "../Books.sol";
import {OptionInputs, OptionRules, Series, Strike} from "../OptionTypes.sol";
import {
    Candidate,
    Closing,
    IndexSample,
    Limiter,
    MarketHealth,
    SafetyRules,
    Vault
} from "../SafetyTypes.sol";
import {IOracle} from "../interfaces/IOracle.sol";
import {IReads} from "../interfaces/IReads.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {MarkMath} from "../libraries/MarkMath.sol";
import {Orders} from "../libraries/Orders.sol";
import {PerpMath} from "../libraries/PerpMath.sol";
import {PortfolioMath} from "../libraries/PortfolioMath.sol";
import {SeriesArray} from "../libraries/SeriesArray.sol";
import {
    Account,
    Market,
    OracleSigner,
    PerpInput,
    Position,
    Role,
    SessionKey,
    Standing
} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Reads                                                                         │
│                                                                               │
│ The books as they stand, and each formula of perpetuals on given inputs.      │
──────────────────────────────────────────────────────────────────────────────*/
contract Reads is IReads, Books {
    /// No module has such a function.
    error UnknownSelector(bytes4 selector);

    /// @dev The router sends here what it doesn't know.
    fallback() external {
        revert UnknownSelector(msg.sig);
    }

    /*────────────────────────────── the books ────────────────────────────*/

    /// @inheritdoc IReads
    function getAccount(uint64 account)
        external
        view
        returns (address owner, Account memory state)
    {
        return (owners[account], accounts[account]);
    }

    /// @inheritdoc IReads
    function getAccountsOf(address owner) external view returns (uint64[] memory) {
        return accountsOf[owner];
    }

    /// @inheritdoc IReads
    function getPosition(uint64 account, uint32 market) external view returns (Position memory) {
        return positions[_positionKey(account, market)];
    }

    /// @inheritdoc IReads
    function getPositions(uint64 account)
        external
        view
        returns (uint32[] memory ids, Position[] memory open)
    {
        uint256 bits = accounts[account].perps;
        uint256 count = FixedMath.popCount(bits);
        (ids, open) = (new uint32[](count), new Position[](count));
        uint256 next = 0;
        for (uint32 id = 0; bits != 0; (id, bits) = (id + 1, bits >> 1)) {
            if (bits & 1 == 0) continue;
            (ids[next], open[next]) = (id, positions[_positionKey(account, id)]);
            next++;
        }
    }

    /// @inheritdoc IReads
    function getMarket(uint32 market) external view returns (Market memory) {
        return markets[market];
    }

    /// @inheritdoc IReads
    function getMarketCount() external view returns (uint32) {
        return marketCount;
    }

    /// @inheritdoc IReads
    function getSessionKey(uint64 account, address key) external view returns (SessionKey memory) {
        return sessionKeys[account][key];
    }

    /// @inheritdoc IReads
    function getFilled(uint64 account, uint64 nonce) external view returns (uint64) {
        uint256 lanes = orderFills[(uint256(account) << 64) | (nonce >> 2)];
        return uint64(lanes >> ((nonce & 3) * 64));
    }

    /// @inheritdoc IReads
    function getRole(Role role) external view returns (address) {
        if (role == Role.Timelock) return timelock;
        return role == Role.Guardian ? guardian : matcher;
    }

    /// @inheritdoc IReads
    function getOracleSigners()
        external
        view
        returns (address[] memory signers, OracleSigner[] memory entries, uint64 totalWeight)
    {
        signers = oracleSignerList;
        entries = new OracleSigner[](signers.length);
        for (uint256 i = 0; i < signers.length; i++) entries[i] = oracleSigners[signers[i]];
        totalWeight = oracleWeight;
    }

    /// @inheritdoc IReads
    function getCustody() external view returns (address token, uint256 held, uint256 fees) {
        return (collateral, custody, feeFund);
    }

    /// @inheritdoc IReads
    function isPaused() external view returns (bool) {
        return paused;
    }

    /// @inheritdoc IReads
    function equity(uint64 account) external view returns (int256) {
        return _standing(account).equity;
    }

    /// @inheritdoc IReads
    function requirements(uint64 account) external view returns (Standing memory) {
        return _standing(account);
    }

    /// @inheritdoc IReads
    function marginFractions(uint32 market) external view returns (uint256 imf, uint256 mmf) {
        if (market >= marketCount) revert IOracle.MarketUnknown(market);
        MarketView memory view_;
        _load(view_, market);
        return (_initialFraction(view_), view_.mmf);
    }

    /// @inheritdoc IReads
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparator();
    }

    /// @inheritdoc IReads
    function orderDigest(
        uint64 account,
        uint32 market,
        bool isBuy,
        uint64 size,
        uint64 price,
        int32 maxFeePpm,
        uint8 flags,
        uint64 nonce,
        uint40 expiry
    ) external view returns (bytes32) {
        Orders.Order memory order = Orders.Order(
            Orders.TYPE, account, market, isBuy, size, price, maxFeePpm, flags, nonce, expiry
        );
        return Orders.digest(order, _domainSeparator());
    }

    /*────────────────────────────── options ──────────────────────────────*/

    /// @inheritdoc IReads
    function getHoldings(uint64 account)
        external
        view
        returns (uint32[] memory series, int64[] memory sizes)
    {
        Trader memory trader;
        _readTrader(trader, account);
        uint256 count = trader.optionCount;
        (series, sizes) = (new uint32[](count), new int64[](count));
        for (uint256 i = 0; i < count; i++) {
            series[i] = trader.options[i].series;
            sizes[i] = int64(trader.options[i].size);
        }
    }

    /// @inheritdoc IReads
    function getStrikeCount() external view returns (uint32) {
        return strikeCount;
    }

    /// @inheritdoc IReads
    function getStrike(uint32 strike)
        external
        view
        returns (Strike memory terms, OptionInputs memory inputs)
    {
        return (strikes[strike], optionInputs[strike]);
    }

    /// @inheritdoc IReads
    function getSeries(uint32 series)
        external
        view
        returns (
            Series memory book,
            int256[24] memory pnl,
            uint256 value,
            uint256 time,
            uint256 spot
        )
    {
        uint256[5] memory words = seriesArrays[series];
        (time, spot, value) = SeriesArray.head(words[0]);
        return (seriesBooks[series], SeriesArray.lanes(words), value, time, spot);
    }

    /// @inheritdoc IReads
    function getSettlement(uint32 underlying, uint40 expiry) external view returns (uint64) {
        return expiries[_expiryKey(underlying, expiry)].settlement;
    }

    /// @inheritdoc IReads
    function getOptionRules(uint32 underlying) external view returns (OptionRules memory) {
        return optionRules[underlying];
    }

    /// @inheritdoc IReads
    function scenarioLosses(uint64 account)
        external
        view
        returns (uint32[] memory underlyings, int256[24][] memory pnl)
    {
        Shelf memory shelf = _openShelf();
        Trader memory trader;
        _readTrader(trader, account);
        if (!_isPortfolio(trader)) return (underlyings, pnl);
        (PortfolioMath.Risk[] memory risks, uint256 count) = _risks(shelf, trader);
        (underlyings, pnl) = (new uint32[](count), new int256[24][](count));
        for (uint256 i = 0; i < count; i++) {
            (underlyings[i], pnl[i]) = (risks[i].market, risks[i].pnl);
        }
    }

    /*─────────────────────── failures and breakers ───────────────────────*/

    /// @inheritdoc IReads
    function getSafety(uint32 market)
        external
        view
        returns (
            SafetyRules memory rules,
            MarketHealth memory state,
            Vault memory vault,
            uint256 insured
        )
    {
        return (safetyRules[market], health[market], vaults[market], insurance[market]);
    }

    /// @inheritdoc IReads
    function getIndexSample(uint32 market, uint40 bucket)
        external
        view
        returns (IndexSample memory)
    {
        return indexSamples[_sampleKey(market, bucket)];
    }

    /// @inheritdoc IReads
    function getClosing(uint32 market) external view returns (Closing memory) {
        return closings[market];
    }

    /// @inheritdoc IReads
    function getClaim(uint64 account, uint32 market) external view returns (uint256) {
        return closingClaims[_positionKey(account, market)];
    }

    /// @inheritdoc IReads
    function getLimiter(uint256 which) external view returns (Limiter memory) {
        return limiters[which];
    }

    /// @inheritdoc IReads
    function getDebt(uint64 account)
        external
        view
        returns (uint256 insured, uint256 reported, uint256 own)
    {
        return (insuranceTotal, reportedDebt, debtOf[account]);
    }

    /// @inheritdoc IReads
    function getExit(uint64 account, uint32 market) external view returns (uint40 time) {
        return exits[_positionKey(account, market)].time;
    }

    /// @inheritdoc IReads
    function getCandidate(uint64 account, uint32 market) external view returns (Candidate memory) {
        return candidates[_positionKey(account, market)];
    }

    /*────────────────────────────── formulas ─────────────────────────────*/

    /// @inheritdoc IReads
    function fillFees(uint64 size, uint64 price, int32 takerPpm, int32 makerPpm)
        external
        pure
        returns (uint256 notional, int256 takerFee, int256 makerFee)
    {
        notional = uint256(PerpMath.value(int256(uint256(size)), price));
        return (notional, PerpMath.fee(notional, takerPpm), PerpMath.fee(notional, makerPpm));
    }

    /// @inheritdoc IReads
    function applyTrade(int256 size, int256 cost, int256 delta, uint256 price)
        external
        pure
        returns (int256 newSize, int256 newCost, int256 realised)
    {
        return PerpMath.trade(size, cost, delta, price);
    }

    /// @inheritdoc IReads
    function premiumSample(uint256 bid, uint256 ask, uint256 index, uint256 cap)
        external
        pure
        returns (int256)
    {
        return PerpMath.premium(bid, ask, index, cap);
    }

    /// @inheritdoc IReads
    function fundingRate(int256 mean, int256 interest, uint256 interestClamp, uint256 cap)
        external
        pure
        returns (int256)
    {
        return PerpMath.fundingRate(mean, interest, interestClamp, cap);
    }

    /// @inheritdoc IReads
    function fundingDelta(int256 rate, uint256 index, uint256 elapsed)
        external
        pure
        returns (int256)
    {
        return PerpMath.fundingDelta(rate, index, elapsed);
    }

    /// @inheritdoc IReads
    function fundingPayment(int256 size, int256 delta) external pure returns (int256) {
        return PerpMath.fundingPayment(size, delta);
    }

    /// @inheritdoc IReads
    function indexPrice(uint256[] calldata prices, uint256[] calldata weights)
        external
        pure
        returns (uint256)
    {
        return MarkMath.weightedMedian(prices, weights);
    }

    /// @inheritdoc IReads
    function basisDecay(uint256 elapsed) external pure returns (uint256) {
        return MarkMath.decay(elapsed);
    }

    /// @inheritdoc IReads
    function basisStep(int256 numerator, uint256 denominator, int256 sample, uint256 elapsed)
        external
        pure
        returns (int256 newNumerator, uint256 newDenominator, int256 basis)
    {
        (newNumerator, newDenominator) =
            MarkMath.emaStep(numerator, denominator, sample, elapsed);
        basis = MarkMath.ema(newNumerator, newDenominator);
    }

    /// @inheritdoc IReads
    function markPrice(uint256 index, int256 basis, uint256 book, uint256 external_, uint256 band)
        external
        pure
        returns (uint256)
    {
        return MarkMath.mark(index, basis, book, external_, band);
    }

    /// @inheritdoc IReads
    function initialFraction(uint256 base, uint256 low, uint256 high, uint256 oi)
        external
        pure
        returns (uint256)
    {
        return PerpMath.initialFraction(base, low, high, oi);
    }

    /// @inheritdoc IReads
    function maintenanceFraction(uint256 from, uint256 to, uint256 elapsed)
        external
        pure
        returns (uint256)
    {
        return PerpMath.maintenanceFraction(from, to, elapsed);
    }

    /// @inheritdoc IReads
    function standing(int256 cash, PerpInput[] calldata perps)
        external
        pure
        returns (Standing memory result)
    {
        PerpMath.Sums memory sums;
        for (uint256 i = 0; i < perps.length; i++) {
            PerpInput calldata p = perps[i];
            PerpMath.add(sums, p.size, p.cost, p.mark, p.fundingDelta, p.imf, p.mmf);
        }
        return _standingOf(sums, cash, false);
    }
}
