// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Shelves} from "./Shelves.sol";
import {AccountWord} from "./libraries/AccountWord.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {Lists} from "./libraries/Lists.sol";
import {PerpMath} from "./libraries/PerpMath.sol";
import {PortfolioMath} from "./libraries/PortfolioMath.sol";
import {Scenarios} from "./libraries/Scenarios.sol";
import {SeriesArray} from "./libraries/SeriesArray.sol";
import {MarketStatus} from "./Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Risks                                                                         │
│                                                                               │
│ What an account in memory loses in the scenarios of portfolio margin: by      │
│ underlying, over its perpetual and its options.                               │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Risks is Shelves {
    using FixedMath for int256;

    /// A perpetual position in memory.
    struct Perp {
        uint32 market;
        bool dirty;
        /// s8.
        int256 size;
        /// q6.
        int256 cost;
        /// f12.
        int256 funding;
    }

    /// A held series in memory.
    struct Holding {
        uint32 series;
        bool dirty;
        /// s8.
        int256 size;
        /// Where the series' view is in memory, 0 before anybody asked.
        uint256 seen;
    }

    /// An account in memory. `perps` holds `count` positions and `options` `optionCount` holdings;
    /// any may have become flat.
    struct Trader {
        uint64 id;
        bool dirty;
        /// Whether the list of held series changed.
        bool relisted;
        /// Whether positions and holdings have been read.
        bool loaded;
        address owner;
        /// q6.
        int256 cash;
        AccountWord state;
        Perp[] perps;
        uint256 count;
        Holding[] options;
        uint256 optionCount;
        /// Bit i: something of underlying i is in `risks`, which are in the order of the bits.
        uint256 underlyings;
        /// Whether `risks` are those of the positions as they stand.
        bool summed;
        /// `riskCount` of them are in use.
        PortfolioMath.Risk[] risks;
        uint256 riskCount;
    }

    /// The value of all held options.
    function _weighOptions(Shelf memory shelf, Trader memory trader, PerpMath.Sums memory sums)
        internal
        view
        returns (bool prices, bool arrays)
    {
        int256 value = 0;
        (Holding[] memory options, uint256 count) = (trader.options, trader.optionCount);
        // Each value is below 2^78, and other sums below 2^254.
        unchecked {
            for (uint256 i = 0; i < count; i++) {
                Holding memory holding = _asHolding(Lists.get)(_places(options), i);
                int256 size = holding.size;
                if (size == 0) continue;
                SeriesView memory series = _asSeries(Lists.self)(_holdingSeries(shelf, holding));
                value += SeriesArray.holdingValue(series.value, size);
                if (series.stale) arrays = true;
                if (series.priceStale) prices = true;
            }
            sums.unrealised += value;
            sums.losses += value.min(0);
        }
    }

    /// Portfolio margin in place of cross margin.
    function _weighRisks(Shelf memory shelf, Trader memory trader, PerpMath.Sums memory sums)
        internal
        pure
    {
        (PortfolioMath.Risk[] memory risks, uint256 count) = (trader.risks, trader.riskCount);
        (uint256 initial, uint256 maintenance) = (0, 0);
        // Sums of 64 numbers, each of a few products of packed members.
        unchecked {
            for (uint256 i = 0; i < count; i++) {
                PortfolioMath.Risk memory risk = _asRisk(Lists.get)(_places(risks), i);
                // Open interest, and with it the fraction, moves from fill to fill.
                MarketView memory market =
                    _asMarket(Lists.get)(_places(shelf.markets), risk.market);
                risk.imf = _initialFraction(market);
                (uint256 first, uint256 least) = PortfolioMath.requirement(risk);
                initial += first;
                maintenance += least;
            }
        }
        (sums.initial, sums.maintenance) = (initial, maintenance);
    }

    /// What the account holds, by underlying, in the order of their ids.
    function _risks(Shelf memory shelf, Trader memory trader)
        internal
        view
        returns (PortfolioMath.Risk[] memory risks, uint256 count)
    {
        uint256 held = _underlyings(shelf, trader);
        count = FixedMath.popCount(held);
        (trader.underlyings, trader.riskCount) = (held, count);
        risks = trader.risks;
        if (count > risks.length) {
            // Twice as many as before at least: what memory costs grows with its square, so that an
            // account uses its risks again whenever they are added up.
            risks = PortfolioMath.reserve(FixedMath.max(count, 2 * risks.length));
            trader.risks = risks;
        }
        _openRisks(shelf, risks, held);
        _addPerps(shelf, trader, risks);
        _addOptions(shelf, trader, risks);
    }

    /// The place of an underlying among an account's risks: how many lower ones it has.
    function _riskPlace(Trader memory trader, uint256 market) internal pure returns (uint256) {
        // There is no subtraction from zero.
        unchecked {
            return FixedMath.popCount(trader.underlyings & ((1 << market) - 1));
        }
    }

    /// What a unit of a market's perpetual gains in each scenario, computed once.
    function _perpScenarios(MarketView memory market) internal pure returns (int256[24] memory) {
        if (market.scenarios.length == 0) {
            market.scenarios = new int256[24][](1);
            market.scenarios[0] = Scenarios.perp(market.mark);
        }
        return market.scenarios[0];
    }

    function _places(Holding[] memory items) internal pure returns (uint256[] memory list) {
        assembly ("memory-safe") {
            list := items
        }
    }

    /// The reverse of `_places`. What is behind the account's count need not exist.
    function _holdings(uint256[] memory list) internal pure returns (Holding[] memory items) {
        assembly ("memory-safe") {
            items := list
        }
    }

    /// A holding that the account has not seen the series of yet.
    function _newHolding(uint32 series, int256 size) internal pure returns (uint256 where) {
        Holding memory holding = Holding({series: series, dirty: false, size: size, seen: 0});
        assembly ("memory-safe") {
            where := holding
        }
    }

    /// Bit i: the account holds something of underlying i whose price can still move.
    function _underlyings(Shelf memory shelf, Trader memory trader)
        private
        view
        returns (uint256 bits)
    {
        (Perp[] memory perps, uint256 count) = (trader.perps, trader.count);
        for (uint256 i = 0; i < count; i++) {
            Perp memory perp = _asPerp(Lists.get)(_places(perps), i);
            if (perp.size == 0) continue;
            MarketView memory market = _asMarket(Lists.get)(_places(shelf.markets), perp.market);
            if (!market.loaded) _load(market, perp.market);
            // A closed market's price can't move any more.
            if (market.status != MarketStatus.Closed) bits |= 1 << perp.market;
        }
        (Holding[] memory options, uint256 held) = (trader.options, trader.optionCount);
        for (uint256 i = 0; i < held; i++) {
            Holding memory holding = _asHolding(Lists.get)(_places(options), i);
            if (holding.size == 0) continue;
            bits |= 1 << _asSeries(Lists.self)(_holdingSeries(shelf, holding)).underlying;
        }
    }

    /// Opens a risk for each bit of `held`.
    function _openRisks(Shelf memory shelf, PortfolioMath.Risk[] memory risks, uint256 held)
        private
        pure
    {
        uint256 place = 0;
        // Ids are below 64, and there is a place for each bit.
        unchecked {
            for (uint256 id = 0; held != 0; (id, held) = (id + 1, held >> 1)) {
                if (held & 1 == 0) continue;
                MarketView memory market = _asMarket(Lists.get)(_places(shelf.markets), id);
                PortfolioMath.Risk memory risk = _asRisk(Lists.get)(_places(risks), place);
                PortfolioMath.open(risk, uint32(id), market.index, market.mmf);
                market.riskPlace = place++;
            }
        }
    }

    function _addPerps(
        Shelf memory shelf,
        Trader memory trader,
        PortfolioMath.Risk[] memory risks
    ) private pure {
        (Perp[] memory perps, uint256 count) = (trader.perps, trader.count);
        for (uint256 i = 0; i < count; i++) {
            Perp memory perp = _asPerp(Lists.get)(_places(perps), i);
            MarketView memory market = _asMarket(Lists.get)(_places(shelf.markets), perp.market);
            if (perp.size == 0 || market.status == MarketStatus.Closed) continue;
            PortfolioMath.Risk memory risk = _asRisk(Lists.get)(_places(risks), market.riskPlace);
            risk.perp = perp.size.abs();
            Scenarios.setPerp(risk.pnl, market.mark, perp.size);
        }
    }

    function _addOptions(
        Shelf memory shelf,
        Trader memory trader,
        PortfolioMath.Risk[] memory risks
    ) private pure {
        (Holding[] memory options, uint256 count) = (trader.options, trader.optionCount);
        for (uint256 i = 0; i < count; i++) {
            Holding memory holding = _asHolding(Lists.get)(_places(options), i);
            int256 size = holding.size;
            if (size == 0) continue;
            SeriesView memory series = _asSeries(Lists.self)(holding.seen);
            uint256 place =
                _asMarket(Lists.get)(_places(shelf.markets), series.underlying).riskPlace;
            PortfolioMath.Risk memory risk = _asRisk(Lists.get)(_places(risks), place);
            SeriesArray.addTo(risk.pnl, series.words, size);
            // At most 32 sizes.
            unchecked {
                risk.naked += _naked(options, count, i, holding);
            }
        }
    }

    /// Naked shorts (s8) of the strike of holding number `which`, counted once a strike: at what is
    /// short of its call and put, at the first when both are.
    function _naked(
        Holding[] memory options,
        uint256 count,
        uint256 which,
        Holding memory own
    ) private pure returns (uint256) {
        int256 size = own.size;
        if (size >= 0) return 0;
        uint256[] memory list = _places(options);
        uint256 place = _partnerPlace(list, count, which, own.series ^ 1);
        // Nothing wraps, since sizes lie within int64.
        unchecked {
            if (place == count) return uint256(-size);
            int256 partner = _asHolding(Lists.get)(list, place).size;
            if (place < which && partner < 0) return 0;
            return uint256((-size - partner).max(0));
        }
    }

    /// The place of a series, which is next to holding number `which` most often, or `count`.
    function _partnerPlace(uint256[] memory list, uint256 count, uint256 which, uint32 series)
        private
        pure
        returns (uint256)
    {
        // There is a holding number `which`.
        unchecked {
            if (which != 0 && _asHolding(Lists.get)(list, which - 1).series == series) {
                return which - 1;
            }
            uint256 next = which + 1;
            bool isNext = next != count && _asHolding(Lists.get)(list, next).series == series;
            return isNext ? next : Lists.find(list, count, series);
        }
    }

    /// Where the series of a holding is in memory.
    function _holdingSeries(Shelf memory shelf, Holding memory holding)
        private
        view
        returns (uint256 where)
    {
        where = holding.seen;
        if (where == 0) {
            where = _seriesWhere(shelf, holding.series);
            holding.seen = where;
        }
    }

    function _places(Perp[] memory items) internal pure returns (uint256[] memory list) {
        assembly ("memory-safe") {
            list := items
        }
    }

    function _places(PortfolioMath.Risk[] memory items)
        private
        pure
        returns (uint256[] memory list)
    {
        assembly ("memory-safe") {
            list := items
        }
    }

    /// As `_asMarket`.
    function _asHolding(function(uint256[] memory, uint256) pure returns (uint256) take)
        internal
        pure
        returns (function(uint256[] memory, uint256) pure returns (Holding memory) typed)
    {
        assembly ("memory-safe") {
            typed := take
        }
    }

    /// As `_asMarket`.
    function _asRisk(function(uint256[] memory, uint256) pure returns (uint256) take)
        private
        pure
        returns (function(uint256[] memory, uint256) pure returns (PortfolioMath.Risk memory) typed)
    {
        assembly ("memory-safe") {
            typed := take
        }
    }

    /// As `_asMarket`.
    function _asPerp(function(uint256[] memory, uint256) pure returns (uint256) take)
        internal
        pure
        returns (function(uint256[] memory, uint256) pure returns (Perp memory) typed)
    {
        assembly ("memory-safe") {
            typed := take
        }
    }
}
