// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Insurance} from "../Insurance.sol";
import {OptionInputs, Strike} from "../OptionTypes.sol";
import {IOptions} from "../interfaces/IOptions.sol";
import {IOracle} from "../interfaces/IOracle.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {IndexTwap} from "../libraries/IndexTwap.sol";
import {OptionMath} from "../libraries/OptionMath.sol";
import {PerpMath} from "../libraries/PerpMath.sol";
import {SeriesArray} from "../libraries/SeriesArray.sol";
import {MarketPrice, MarketStatus} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Options                                                                       │
│                                                                               │
│ A series is priced while it lives and settled when it has expired: its price  │
│ is fixed from the samples of the index, then shorts pay into the series' pool │
│ and longs are paid from it.                                                   │
──────────────────────────────────────────────────────────────────────────────*/
contract Options is IOptions, Insurance {
    using FixedMath for int256;

    /// Seconds after an expiry from which a shortfall is judged at whatever prices there are:
    /// nobody waits longer than this for an oracle that fell silent.
    uint256 private constant PATIENCE = 7 days;

    /// An expired series while its holders are settled.
    struct Ending {
        SeriesView series;
        bool isPut;
        /// p8.
        uint256 settlement;
        /// q6.
        int256 pool;
    }

    /*──────────────────────────────── pricing ────────────────────────────*/

    /// @inheritdoc IOptions
    function priceSeries(uint32[] calldata series) external routed {
        for (uint256 i = 0; i < series.length; i++) {
            _price(series[i]);
        }
    }

    function _price(uint32 series) private {
        uint32 id = series & ~uint32(1);
        Strike memory strike = strikes[id];
        if (strike.price == 0) revert SeriesUnknown(series);
        if (block.timestamp >= strike.expiry) revert SeriesExpired(series);
        (uint256 time,,) = SeriesArray.head(seriesArrays[series][0]);
        if (time == block.timestamp) return;
        uint256 spot = _freshSpot(strike.underlying, series);
        OptionInputs memory inputs = optionInputs[id];
        if (_isOld(inputs.time, strike.underlying)) revert InputsStale(series);
        (int256[24] memory a, uint256 value) = OptionMath.scenarios(
            series & 1 != 0,
            inputs.forward,
            strike.price,
            inputs.volatility,
            strike.expiry - block.timestamp,
            inputs.discount
        );
        if (!SeriesArray.fits(a, value, spot)) revert ArrayOverflow(series);
        seriesArrays[series] = SeriesArray.pack(a, value, block.timestamp, spot);
        emit SeriesPriced(series, uint64(value), uint64(spot));
    }

    /// The index that an array refers to; a closed market has no scenarios any more.
    function _freshSpot(uint32 underlying, uint32 series) private view returns (uint256) {
        MarketPrice memory price = markets[underlying].price;
        if (price.status == MarketStatus.Closed) revert IOracle.MarketClosed(underlying);
        if (_isOld(price.indexTime, underlying)) revert InputsStale(series);
        return price.index;
    }

    function _isOld(uint40 time, uint32 underlying) private view returns (bool) {
        return block.timestamp > uint256(time) + markets[underlying].rules.staleSeconds;
    }

    /*──────────────────────────── the last price ─────────────────────────*/

    /// @inheritdoc IOptions
    /// @dev What is fixed depends on the samples alone, so anyone may call this at any time after
    /// the expiry. When the underlying ended before an expiry, its series end with it at its one price.
    function fixSettlement(uint32 underlying, uint40 expiry, uint40 bucket) external routed {
        uint256 key = _expiryKey(underlying, expiry);
        if (underlying >= marketCount) revert IOracle.MarketUnknown(underlying);
        if (expiries[key].settlement != 0) revert AlreadyFixed(underlying, expiry);
        uint256 price = _closedBefore(underlying, expiry);
        if (price == 0) price = _meanBefore(underlying, expiry, bucket);
        expiries[key].settlement = uint64(price);
        emit SettlementFixed(underlying, expiry, uint64(price));
    }

    /// The price (p8) that a market closed at when its last sample's minute ended before `expiry`,
    /// or zero. It is the mean of the half hour up to there.
    function _closedBefore(uint32 underlying, uint40 expiry) private view returns (uint256) {
        uint256 end = (uint256(health[underlying].newestBucket) + 1) * IndexTwap.STEP;
        return end < expiry ? closings[underlying].price : 0;
    }

    function _meanBefore(uint32 underlying, uint40 expiry, uint40 bucket)
        private
        view
        returns (uint256 price)
    {
        // Series expire on the minute; another moment has no grid and no series.
        bool passed = block.timestamp >= expiry && expiry % IndexTwap.STEP == 0;
        if (!passed) revert NotExpired(underlying, expiry);
        price = IndexTwap.mean(indexSamples, _sampleKey(underlying, 0), bucket, expiry);
        if (price == 0) revert WrongBucket(bucket);
    }

    /*─────────────────────────────── holders ─────────────────────────────*/

    /// @inheritdoc IOptions
    function settleOptions(uint32 series, uint64[] calldata holders) external routed {
        Shelf memory shelf = _openShelf();
        Ending memory ending = _ending(shelf, series);
        for (uint256 i = 0; i < holders.length; i++) {
            Trader memory trader;
            _readTrader(trader, holders[i]);
            int256 size = _sizeOf(trader, series);
            if (size == 0) continue;
            int256 payment = size < 0
                ? _collect(ending, shelf, trader, size)
                : _share(ending, size);
            _tradeOption(shelf, trader, series, -size, -payment, 0);
            _writeTrader(trader);
            emit OptionSettled(trader.id, series, int64(size), payment);
        }
        _closeShelf(shelf);
        // Every size is below 2^63 and a payoff a unit below 2^64: the sum of all is below 2^127.
        seriesBooks[series].pool = int128(ending.pool);
    }

    function _ending(Shelf memory shelf, uint32 id) private view returns (Ending memory ending) {
        SeriesView memory series = _seriesOf(shelf, id);
        if (series.strike == 0) revert SeriesUnknown(id);
        uint256 settlement = _settlement(series.underlying, series.expiry);
        if (settlement == 0) {
            if (block.timestamp < series.expiry) revert SeriesNotExpired(id);
            revert NotFixed(series.underlying, series.expiry);
        }
        _openSeries(series);
        return Ending(series, id & 1 != 0, settlement, seriesBooks[id].pool);
    }

    function _settlement(uint32 underlying, uint40 expiry) private view returns (uint256) {
        return expiries[_expiryKey(underlying, expiry)].settlement;
    }

    function _sizeOf(Trader memory trader, uint32 series) private pure returns (int256) {
        for (uint256 i = 0; i < trader.optionCount; i++) {
            if (trader.options[i].series == series) return trader.options[i].size;
        }
        return 0;
    }

    /// What a short's cash changes by (q6, at most 0). It pays its payoff into the pool as far as
    /// its equity goes; insurance adds what it can of the rest.
    /// @dev Nobody's debt goes to insurance at stale prices, until PATIENCE has run out.
    function _collect(
        Ending memory ending,
        Shelf memory shelf,
        Trader memory trader,
        int256 size
    ) private returns (int256 payment) {
        payment =
            OptionMath.payoff(ending.isPut, ending.series.strike, ending.settlement, size);
        ending.pool -= payment;
        if (payment == 0) return 0;
        (int256 equity, bool stale) = _equityWithout(ending, shelf, trader);
        if (equity + payment >= 0) return payment;
        bool waits = block.timestamp < uint256(ending.series.expiry) + PATIENCE;
        if (stale && waits) revert JudgedWhenFresh(trader.id);
        int256 unpaid = (-equity - payment).min(-payment);
        uint256 covered = _drawInsurance(ending.series.underlying, uint256(unpaid));
        uint256 missing = uint256(unpaid) - covered;
        ending.pool -= int256(missing);
        emit ExpiryShortfall(trader.id, ending.series.id, covered, missing);
        return payment + unpaid;
    }

    /// What a long is paid, q6: its payoff, or its share of the pool where that is smaller. Paying
    /// in any order gives the same but for a unit each, and the pool is never overdrawn.
    function _share(Ending memory ending, int256 size) private pure returns (int256 payment) {
        SeriesView memory series = ending.series;
        if (series.shortsLeft != 0) revert ShortsFirst(series.id, uint64(series.shortsLeft));
        payment = OptionMath.payoff(ending.isPut, series.strike, ending.settlement, size);
        // The pool covers what all longs are owed where it covers this one's part of them.
        int256 share = size * ending.pool / int256(series.openInterest);
        payment = payment.min(share);
        ending.pool -= payment;
    }

    /*─────────────────────────── judging a shortfall ─────────────────────*/

    /// Equity of a short (q6) without the holding that ends, and whether something stale is in it.
    /// Its other holdings count at their payoff once their price is fixed, and by their arrays
    /// before: whoever could pay with another option must not leave the debt to insurance.
    function _equityWithout(Ending memory ending, Shelf memory shelf, Trader memory trader)
        private
        view
        returns (int256 equity, bool stale)
    {
        PerpMath.Sums memory sums;
        for (uint256 i = 0; i < trader.count; i++) {
            Perp memory perp = trader.perps[i];
            MarketView memory market = _marketOf(shelf, perp.market);
            _addPosition(sums, market, perp.size, perp.cost, perp.funding);
            stale = stale || market.stale;
        }
        for (uint256 i = 0; i < trader.optionCount; i++) {
            Holding memory holding = trader.options[i];
            if (holding.series == ending.series.id) continue;
            (int256 value, bool old) = _worth(shelf, holding);
            sums.unrealised += value;
            stale = stale || old;
        }
        equity = PerpMath.equity(sums, trader.cash);
    }

    /// What a holding is worth, q6, and whether that is by an old array.
    function _worth(Shelf memory shelf, Holding memory holding)
        private
        view
        returns (int256 value, bool stale)
    {
        SeriesView memory series = _seriesOf(shelf, holding.series);
        uint256 settlement = _settlement(series.underlying, series.expiry);
        if (settlement != 0) {
            bool isPut = holding.series & 1 != 0;
            return (OptionMath.payoff(isPut, series.strike, settlement, holding.size), false);
        }
        value = SeriesArray.holdingValue(series.value, holding.size);
        stale = series.stale || _marketOf(shelf, series.underlying).stale;
    }
}
