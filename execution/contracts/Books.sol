// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Module} from "./Module.sol";
import {Series, Strike} from "./OptionTypes.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {PerpMath} from "./libraries/PerpMath.sol";
import {PortfolioMath} from "./libraries/PortfolioMath.sol";
import {Scenarios} from "./libraries/Scenarios.sol";
import {SeriesArray} from "./libraries/SeriesArray.sol";
import {Account, MarketStatus, Position, Standing} from "./Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Books                                                                         │
│                                                                               │
│ Whole accounts in memory: read once, traded on, judged in cross or portfolio  │
│ margin, and written once. Whatever moves positions or collateral works on     │
│ these copies.                                                                 │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Books is Module {
    using FixedMath for int256;

    /// The first id of a series; smaller ones are perpetual markets.
    uint32 internal constant SERIES_START = 64;
    /// So that a margin check has bounded gas.
    uint256 internal constant SERIES_MAX = 32;
    /// Of Account.flags.
    uint8 internal constant FLAG_VAULT = 1;
    /// Of Account.marginMode.
    uint8 internal constant MODE_PORTFOLIO = 1;
    /// Seconds until a scenario array must be computed again.
    uint256 internal constant ARRAY_SECONDS = 60;
    /// An array's underlying may have moved by one part in so many.
    uint256 internal constant ARRAY_MOVE_DIVISOR = 200;

    /// A member would leave its packed field.
    error FieldOverflow();
    /// More series than a margin check may read.
    error TooManySeries(uint64 account);

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
        /// The series' place on the shelf + 1, 0 before anybody asked.
        uint256 place;
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
        Account state;
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

    /// A series in memory.
    struct SeriesView {
        uint32 id;
        uint32 underlying;
        uint40 expiry;
        /// p8.
        uint64 strike;
        /// Expired, or its array is too old or its underlying moved too far.
        bool stale;
        bool dirty;
        /// p8.
        uint256 value;
        uint256[5] words;
        /// s8; read by the first trade only.
        uint256 openInterest;
        uint256 shortsLeft;
        bool opened;
    }

    /// What a call has read of markets and series.
    struct Shelf {
        MarketView[] markets;
        SeriesView[] series;
        uint256 seriesCount;
        /// Open addressing from a series' id to its place + 1; twice as long as `series` at least.
        uint256[] table;
        /// Of the account that is being judged.
        PerpMath.Sums sums;
    }

    /*───────────────────────── markets and series ────────────────────────*/

    function _openShelf() internal view returns (Shelf memory shelf) {
        shelf.markets = new MarketView[](marketCount);
    }

    function _marketOf(Shelf memory shelf, uint32 id)
        internal
        view
        returns (MarketView memory market)
    {
        _touch(shelf, id);
        market = shelf.markets[id];
    }

    /// Reads a market unless it has been read.
    function _touch(Shelf memory shelf, uint32 id) internal view {
        if (!shelf.markets[id].loaded) _load(shelf.markets[id], id);
    }

    /// A registered series; reads it and its array the first time.
    function _seriesOf(Shelf memory shelf, uint32 id)
        internal
        view
        returns (SeriesView memory series)
    {
        // The place first: finding it may put a longer list in place of the old one.
        uint256 place = _seriesPlace(shelf, id);
        series = shelf.series[place];
    }

    /// Where a registered series stands on the shelf.
    function _seriesPlace(Shelf memory shelf, uint32 id) internal view returns (uint256 place) {
        if (shelf.series.length != 0) {
            uint256 found = shelf.table[_tableSlot(shelf, id)];
            if (found != 0) return found - 1;
        }
        place = shelf.seriesCount;
        if (place == shelf.series.length) _growSeries(shelf);
        shelf.seriesCount = place + 1;
        shelf.series[place].id = id;
        shelf.table[_tableSlot(shelf, id)] = place + 1;
        _readSeries(shelf, shelf.series[place], id);
    }

    function _tableSlot(Shelf memory shelf, uint32 id) private pure returns (uint256 slot) {
        uint256[] memory table = shelf.table;
        // A table is never empty, and its entries are places + 1.
        unchecked {
            uint256 mask = table.length - 1;
            slot = id & mask;
            while (table[slot] != 0 && shelf.series[table[slot] - 1].id != id) {
                slot = (slot + 1) & mask;
            }
        }
    }

    function _readSeries(Shelf memory shelf, SeriesView memory series, uint32 id) private view {
        Strike memory strike = strikes[id & ~uint32(1)];
        series.underlying = strike.underlying;
        (series.expiry, series.strike) = (strike.expiry, strike.price);
        series.words = seriesArrays[id];
        uint256 time;
        uint256 spot;
        (time, spot, series.value) = SeriesArray.head(series.words[0]);
        _touch(shelf, strike.underlying);
        series.stale = block.timestamp >= strike.expiry
            || block.timestamp > time + ARRAY_SECONDS
            || _isFar(shelf.markets[strike.underlying].index, spot);
    }

    function _isFar(uint256 index, uint256 spot) internal pure returns (bool) {
        uint256 distance = index > spot ? index - spot : spot - index;
        return distance * ARRAY_MOVE_DIVISOR > spot;
    }

    /// Makes room for twice as many series, of which the table is half full at most.
    function _growSeries(Shelf memory shelf) private pure {
        uint256 count = shelf.seriesCount;
        SeriesView[] memory longer = new SeriesView[](count == 0 ? 4 : 2 * count);
        for (uint256 i = 0; i < count; i++) longer[i] = shelf.series[i];
        shelf.series = longer;
        shelf.table = new uint256[](2 * longer.length);
        for (uint256 i = 0; i < count; i++) {
            shelf.table[_tableSlot(shelf, longer[i].id)] = i + 1;
        }
    }

    /// Reads what a trade changes of a series.
    function _openSeries(SeriesView memory series) internal view {
        if (series.opened) return;
        Series memory book = seriesBooks[series.id];
        (series.openInterest, series.shortsLeft) = (book.openInterest, book.shortsLeft);
        series.opened = true;
    }

    /// Writes the markets and series that trades changed.
    function _closeShelf(Shelf memory shelf) internal {
        for (uint32 id = 0; id < shelf.markets.length; id++) {
            if (shelf.markets[id].dirty) _store(shelf.markets[id], id);
        }
        for (uint256 i = 0; i < shelf.seriesCount; i++) {
            SeriesView memory series = shelf.series[i];
            if (!series.dirty) continue;
            Series storage book = seriesBooks[series.id];
            book.openInterest = uint64(series.openInterest);
            book.shortsLeft = uint64(series.shortsLeft);
        }
    }

    /*───────────────────────────── an account ────────────────────────────*/

    /// An account from storage; `owner` is zero when there is none.
    function _readTrader(Trader memory trader, uint64 id) internal view {
        (trader.id, trader.owner, trader.state) = (id, owners[id], accounts[id]);
        trader.cash = trader.state.cash;
        _readHeld(trader);
    }

    /// Reads what an account holds, unless it has been read.
    function _readHeld(Trader memory trader) internal view {
        if (trader.loaded) return;
        trader.loaded = true;
        _readPerps(trader);
        _readHoldings(trader);
    }

    function _readPerps(Trader memory trader) private view {
        uint256 bits = trader.state.perps;
        // Room for one more, which most trades need.
        Perp[] memory perps = new Perp[](FixedMath.popCount(bits) + 1);
        uint256 count = 0;
        for (uint32 id = 0; bits != 0; (id, bits) = (id + 1, bits >> 1)) {
            if (bits & 1 == 0) continue;
            Position memory position = positions[_positionKey(trader.id, id)];
            Perp memory perp = perps[count];
            (perp.market, perp.size) = (id, position.size);
            (perp.cost, perp.funding) = (position.cost, position.funding);
            count += 1;
        }
        (trader.perps, trader.count) = (perps, count);
    }

    function _readHoldings(Trader memory trader) private view {
        uint256 held = trader.state.options;
        if (held == 0) return;
        Holding[] memory options = new Holding[](held + 1);
        uint256 ids;
        for (uint256 i = 0; i < held; i++) {
            if (i % 8 == 0) ids = heldSeries[_heldKey(trader.id, i)];
            uint32 series = uint32(ids >> ((i % 8) * 32));
            Holding memory holding = options[i];
            (holding.series, holding.size) = (series, _optionSize(trader.id, series));
        }
        trader.options = options;
        trader.optionCount = held;
    }

    function _heldKey(uint64 account, uint256 place) internal pure returns (uint256) {
        return (uint256(account) << 8) | (place / 8);
    }

    function _optionSize(uint64 account, uint32 series) internal view returns (int64) {
        uint256 lanes = optionSizes[_sizeKey(account, series)];
        return int64(uint64(lanes >> ((series & 3) * 64)));
    }

    function _sizeKey(uint64 account, uint32 series) internal pure returns (uint256) {
        return (uint256(account) << 32) | (series >> 2);
    }

    /// Writes an account. Every fill checked that the members fit.
    function _writeTrader(Trader memory trader) internal {
        Account memory state = trader.state;
        uint64 perps = state.perps;
        for (uint256 i = 0; i < trader.count; i++) {
            Perp memory perp = trader.perps[i];
            if (!perp.dirty) continue;
            uint64 bit = uint64(1) << perp.market;
            perps = perp.size == 0 ? perps & ~bit : perps | bit;
            // A flat position leaves a zero slot.
            positions[_positionKey(trader.id, perp.market)] = Position({
                size: int64(perp.size),
                cost: int96(perp.cost),
                funding: perp.size == 0 ? int96(0) : int96(perp.funding)
            });
        }
        state.perps = perps;
        _writeHoldings(trader);
        state.cash = int96(trader.cash);
        accounts[trader.id] = state;
    }

    function _writeHoldings(Trader memory trader) private {
        for (uint256 i = 0; i < trader.optionCount; i++) {
            Holding memory holding = trader.options[i];
            if (!holding.dirty) continue;
            uint256 shift = (holding.series & 3) * 64;
            uint256 key = _sizeKey(trader.id, holding.series);
            uint256 others = optionSizes[key] & ~(uint256(type(uint64).max) << shift);
            optionSizes[key] = others | (uint256(uint64(int64(holding.size))) << shift);
        }
        if (trader.relisted) _writeList(trader);
    }

    /// Writes the ids of the held series, eight a slot, without gaps.
    function _writeList(Trader memory trader) private {
        (uint256 count, uint256 ids) = (0, 0);
        for (uint256 i = 0; i < trader.optionCount; i++) {
            if (trader.options[i].size == 0) continue;
            ids |= uint256(trader.options[i].series) << ((count % 8) * 32);
            count += 1;
            if (count % 8 == 0) {
                heldSeries[_heldKey(trader.id, count - 1)] = ids;
                ids = 0;
            }
        }
        if (ids != 0) heldSeries[_heldKey(trader.id, count)] = ids;
        // Settlement and the other callers of `_holding` keep to SERIES_MAX.
        trader.state.options = uint8(count);
    }

    /// The position of a trader in a market; a flat one is appended when there is none.
    function _perp(Trader memory trader, uint32 id) internal pure returns (Perp memory perp) {
        uint256 place = _perpPlace(trader, id);
        perp = trader.perps[place];
    }

    function _perpPlace(Trader memory trader, uint32 id) internal pure returns (uint256 place) {
        uint256 count = trader.count;
        Perp[] memory perps = trader.perps;
        for (; place < count; place++) {
            if (perps[place].market == id) return place;
        }
        if (count == perps.length) {
            Perp[] memory longer = new Perp[](count + 2);
            for (uint256 i = 0; i < count; i++) longer[i] = perps[i];
            trader.perps = longer;
        }
        trader.perps[count].market = id;
        trader.count = count + 1;
    }

    /// The holding of a trader in a series; a flat one is appended when there is none.
    function _holding(Trader memory trader, uint32 id)
        internal
        pure
        returns (Holding memory holding)
    {
        uint256 place = _holdingPlace(trader, id);
        holding = trader.options[place];
    }

    function _holdingPlace(Trader memory trader, uint32 id) internal pure returns (uint256 place) {
        uint256 count = trader.optionCount;
        Holding[] memory options = trader.options;
        for (; place < count; place++) {
            if (options[place].series == id) return place;
        }
        if (count == options.length) {
            Holding[] memory longer = new Holding[](count + 2);
            for (uint256 i = 0; i < count; i++) longer[i] = options[i];
            trader.options = longer;
        }
        trader.options[count].series = id;
        trader.optionCount = count + 1;
    }

    /// How many series a trader holds now.
    function _heldCount(Trader memory trader) internal pure returns (uint256 count) {
        for (uint256 i = 0; i < trader.optionCount; i++) {
            if (trader.options[i].size != 0) count += 1;
        }
    }

    /*───────────────────────── trades outside batches ────────────────────*/

    /// Books a perpetual trade of `delta` (s8, signed) at `price` (p8) and a fee (q6): funding is
    /// settled first. Open interest isn't capped here; callers close or match positions.
    function _tradePerp(
        Shelf memory shelf,
        Trader memory trader,
        uint32 id,
        int256 delta,
        uint256 price,
        int256 fee
    ) internal view {
        MarketView memory market = _marketOf(shelf, id);
        Perp memory perp = _perp(trader, id);
        int256 payment = PerpMath.fundingPayment(perp.size, market.fundingIndex - perp.funding);
        (int256 size, int256 cost, int256 realised) =
            PerpMath.trade(perp.size, perp.cost, delta, price);
        market.openInterest =
            uint256(int256(market.openInterest) + size.max(0) - perp.size.max(0));
        market.poolChange -= payment;
        (perp.size, perp.cost, perp.funding) = (size, cost, market.fundingIndex);
        trader.cash += payment + realised - fee;
        (perp.dirty, trader.dirty, market.dirty) = (true, true, true);
        bool fits = size.fitsInt64() && cost.fitsInt96() && trader.cash.fitsInt96()
            && market.openInterest < 1 << 63;
        if (!fits) revert FieldOverflow();
    }

    /// Books an option trade of `delta` (s8, signed) for `premium` (q6, what the trader pays; negative
    /// when it receives) and a fee (q6).
    function _tradeOption(
        Shelf memory shelf,
        Trader memory trader,
        uint32 id,
        int256 delta,
        int256 premium,
        int256 fee
    ) internal view {
        SeriesView memory series = _seriesOf(shelf, id);
        _openSeries(series);
        Holding memory holding = _holding(trader, id);
        int256 size = holding.size + delta;
        series.openInterest =
            uint256(int256(series.openInterest) + size.max(0) - holding.size.max(0));
        series.shortsLeft =
            uint256(int256(series.shortsLeft) + (-size).max(0) - (-holding.size).max(0));
        if ((size == 0) != (holding.size == 0)) trader.relisted = true;
        holding.size = size;
        trader.cash -= premium + fee;
        (holding.dirty, trader.dirty, series.dirty) = (true, true, true);
        bool fits = size.fitsInt64() && trader.cash.fitsInt96() && series.openInterest < 1 << 63
            && series.shortsLeft < 1 << 63;
        if (!fits) revert FieldOverflow();
        if (_heldCount(trader) > SERIES_MAX) revert TooManySeries(trader.id);
    }

    /*────────────────────────────── standing ─────────────────────────────*/

    /// An account's standing from storage.
    function _standing(uint64 id) internal view returns (Standing memory) {
        Shelf memory shelf = _openShelf();
        Trader memory trader;
        _readTrader(trader, id);
        return _assess(shelf, trader);
    }

    /// Whether scenarios judge the account: it asked for it, or holds an option.
    function _isPortfolio(Trader memory trader) internal pure returns (bool) {
        if (trader.state.marginMode == MODE_PORTFOLIO) return true;
        for (uint256 i = 0; i < trader.optionCount; i++) {
            if (trader.options[i].size != 0) return true;
        }
        return false;
    }

    /// Equity, requirements and what may leave, in the account's margin mode.
    function _assess(Shelf memory shelf, Trader memory trader)
        internal
        view
        returns (Standing memory)
    {
        trader.summed = false;
        (bool prices, bool arrays) = _weigh(shelf, trader);
        return _standingOf(shelf.sums, trader.cash, prices || arrays);
    }

    /// Sums up an account in `shelf.sums`, in its margin mode. Scenarios are added up unless
    /// `trader.summed` says that they are kept.
    /// @return prices Whether some index is stale. @return arrays Whether some held series is.
    function _weigh(Shelf memory shelf, Trader memory trader)
        internal
        view
        returns (bool prices, bool arrays)
    {
        PerpMath.Sums memory sums = shelf.sums;
        PerpMath.clear(sums);
        prices = _weighPerps(shelf, trader, sums);
        if (!_isPortfolio(trader)) return (prices, false);
        bool optionPrices;
        (optionPrices, arrays) = _weighOptions(shelf, trader, sums);
        if (!trader.summed) {
            _risks(shelf, trader);
            trader.summed = true;
        }
        _weighRisks(shelf, trader, sums);
        return (prices || optionPrices, arrays);
    }

    /// Every position in cross margin.
    function _weighPerps(Shelf memory shelf, Trader memory trader, PerpMath.Sums memory sums)
        private
        view
        returns (bool stale)
    {
        (Perp[] memory perps, uint256 count) = (trader.perps, trader.count);
        for (uint256 i = 0; i < count; i++) {
            Perp memory perp = perps[i];
            if (perp.size == 0) continue;
            MarketView memory market = shelf.markets[perp.market];
            if (!market.loaded) _load(market, perp.market);
            _addPosition(sums, market, perp.size, perp.cost, perp.funding);
            if (market.stale) stale = true;
        }
    }

    /// The value of all held options.
    function _weighOptions(Shelf memory shelf, Trader memory trader, PerpMath.Sums memory sums)
        private
        view
        returns (bool prices, bool arrays)
    {
        int256 value = 0;
        (Holding[] memory options, uint256 count) = (trader.options, trader.optionCount);
        for (uint256 i = 0; i < count; i++) {
            Holding memory holding = options[i];
            if (holding.size == 0) continue;
            uint256 place = _holdingSeries(shelf, holding);
            SeriesView memory series = shelf.series[place];
            value += SeriesArray.holdingValue(series.value, holding.size);
            if (series.stale) arrays = true;
            if (shelf.markets[series.underlying].stale) prices = true;
        }
        sums.unrealised += value;
        sums.losses += value.min(0);
    }

    /// The place on the shelf of a holding's series.
    function _holdingSeries(Shelf memory shelf, Holding memory holding)
        internal
        view
        returns (uint256)
    {
        if (holding.place == 0) holding.place = _seriesPlace(shelf, holding.series) + 1;
        return holding.place - 1;
    }

    /// Portfolio margin in place of cross margin.
    function _weighRisks(Shelf memory shelf, Trader memory trader, PerpMath.Sums memory sums)
        private
        pure
    {
        (sums.initial, sums.maintenance) = (0, 0);
        for (uint256 i = 0; i < trader.riskCount; i++) {
            PortfolioMath.Risk memory risk = trader.risks[i];
            // Open interest, and with it the fraction, moves from fill to fill.
            risk.imf = _initialFraction(shelf.markets[risk.market]);
            (uint256 initial, uint256 maintenance) = PortfolioMath.requirement(risk);
            sums.initial += initial;
            sums.maintenance += maintenance;
        }
    }

    /// What the account holds, by underlying, in the order of their ids.
    function _risks(Shelf memory shelf, Trader memory trader)
        internal
        view
        returns (PortfolioMath.Risk[] memory risks, uint256 count)
    {
        uint256 held = _underlyings(shelf, trader);
        trader.underlyings = held;
        count = FixedMath.popCount(held);
        _reserveRisks(trader, count);
        risks = trader.risks;
        uint256 place = 0;
        for (uint32 id = 0; held >> id != 0; id++) {
            if ((held >> id) & 1 == 0) continue;
            _openRisk(risks[place], shelf.markets[id], id);
            place += 1;
        }
        _addPerps(shelf, trader, risks);
        _addOptions(shelf, trader, risks);
    }

    /// Makes room for so many risks, twice as many as before at least: what memory costs grows with
    /// its square, so that an account uses its risks again whenever they are added up.
    function _reserveRisks(Trader memory trader, uint256 count) private pure {
        PortfolioMath.Risk[] memory risks = trader.risks;
        trader.riskCount = count;
        if (count <= risks.length) return;
        trader.risks = new PortfolioMath.Risk[](FixedMath.max(count, 2 * risks.length));
    }

    function _openRisk(PortfolioMath.Risk memory risk, MarketView memory market, uint32 id)
        private
        pure
    {
        (risk.market, risk.index) = (id, market.index);
        (risk.imf, risk.mmf) = (_initialFraction(market), market.mmf);
        (risk.perp, risk.naked) = (0, 0);
        PortfolioMath.clear(risk.pnl);
    }

    function _addPerps(
        Shelf memory shelf,
        Trader memory trader,
        PortfolioMath.Risk[] memory risks
    ) private pure {
        for (uint256 i = 0; i < trader.count; i++) {
            Perp memory perp = trader.perps[i];
            MarketView memory market = shelf.markets[perp.market];
            if (perp.size == 0 || market.status == MarketStatus.Closed) continue;
            PortfolioMath.Risk memory risk = risks[_riskPlace(trader, perp.market)];
            PortfolioMath.addPerp(risk, perp.size, _perpScenarios(market));
        }
    }

    function _addOptions(
        Shelf memory shelf,
        Trader memory trader,
        PortfolioMath.Risk[] memory risks
    ) private view {
        (Holding[] memory options, uint256 count) = (trader.options, trader.optionCount);
        for (uint256 i = 0; i < count; i++) {
            Holding memory holding = options[i];
            if (holding.size == 0) continue;
            uint256 place = _holdingSeries(shelf, holding);
            SeriesView memory series = shelf.series[place];
            PortfolioMath.Risk memory risk = risks[_riskPlace(trader, series.underlying)];
            SeriesArray.addTo(risk.pnl, series.words, holding.size);
            risk.naked += _naked(options, count, i);
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
            Perp memory perp = perps[i];
            if (perp.size == 0) continue;
            MarketView memory market = shelf.markets[perp.market];
            if (!market.loaded) _load(market, perp.market);
            // A closed market's price can't move any more.
            if (market.status != MarketStatus.Closed) bits |= 1 << perp.market;
        }
        (Holding[] memory options, uint256 held) = (trader.options, trader.optionCount);
        for (uint256 i = 0; i < held; i++) {
            Holding memory holding = options[i];
            if (holding.size == 0) continue;
            uint256 place = _holdingSeries(shelf, holding);
            bits |= 1 << shelf.series[place].underlying;
        }
    }

    /// The place of an underlying among an account's risks: how many lower ones it has.
    function _riskPlace(Trader memory trader, uint32 market) internal pure returns (uint256) {
        return FixedMath.popCount(trader.underlyings & ((1 << market) - 1));
    }

    /// What a unit of a market's perpetual gains in each scenario, computed once.
    function _perpScenarios(MarketView memory market) internal pure returns (int256[24] memory) {
        if (market.scenarios.length == 0) {
            market.scenarios = new int256[24][](1);
            market.scenarios[0] = Scenarios.perp(market.mark);
        }
        return market.scenarios[0];
    }

    /// Naked shorts (s8) of the strike of holding number `which`, counted once a strike: at the first
    /// of its call and put.
    function _naked(Holding[] memory options, uint256 count, uint256 which)
        private
        pure
        returns (uint256)
    {
        Holding memory own = options[which];
        uint32 partner = own.series ^ 1;
        int256 size = own.size;
        for (uint256 i = 0; i < count; i++) {
            Holding memory other = options[i];
            if (other.series != partner) continue;
            if (i < which && other.size != 0) return 0;
            size += other.size;
            break;
        }
        return uint256((-size).max(0));
    }
}
