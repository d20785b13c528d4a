// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Module} from "./Module.sol";
import {Series, Strike} from "./OptionTypes.sol";
import {AccountWord, AccountWords} from "./libraries/AccountWord.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {PerpMath} from "./libraries/PerpMath.sol";
import {PortfolioMath} from "./libraries/PortfolioMath.sol";
import {PositionWord, PositionWords} from "./libraries/PositionWord.sol";
import {Scenarios} from "./libraries/Scenarios.sol";
import {SeriesArray} from "./libraries/SeriesArray.sol";
import {MarketStatus, Standing} from "./Types.sol";

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
    /// Places of a shelf's first list of series; a power of two.
    uint256 private constant SERIES_FIRST = 16;
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
        /// Of the series, once its place is known.
        uint256 underlying;
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

    /// A series in memory.
    struct SeriesView {
        uint32 id;
        uint32 underlying;
        uint40 expiry;
        /// p8.
        uint64 strike;
        /// Expired, or its array is too old or its underlying moved too far.
        bool stale;
        /// Whether the index of its underlying is stale.
        bool priceStale;
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
        /// Open addressing: a series' id above its place + 1; twice as long as `series`.
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
        MarketView memory market = shelf.markets[id];
        if (!market.loaded) _load(market, id);
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
        uint256 slot;
        if (shelf.series.length != 0) {
            uint256 found;
            (slot, found) = _tableSlot(shelf.table, id);
            if (found != 0) return found - 1;
        }
        place = shelf.seriesCount;
        if (place == shelf.series.length) {
            _growSeries(shelf);
            (slot,) = _tableSlot(shelf.table, id);
        }
        shelf.seriesCount = place + 1;
        shelf.table[slot] = _entry(id, place);
        SeriesView memory series;
        series.id = id;
        shelf.series[place] = series;
        _readSeries(shelf, series, id);
    }

    function _entry(uint32 id, uint256 place) private pure returns (uint256) {
        return (uint256(id) << 128) | (place + 1);
    }

    /// Where a series is in the table, or would be, and its place + 1, or 0.
    function _tableSlot(uint256[] memory table, uint32 id)
        private
        pure
        returns (uint256 slot, uint256 found)
    {
        // The mask, one less than the length, a power of two, keeps within the table, of which at
        // least half is empty.
        assembly ("memory-safe") {
            let mask := sub(mload(table), 1)
            let first := add(table, 32)
            slot := and(id, mask)
            for {} 1 { slot := and(add(slot, 1), mask) } {
                let entry := mload(add(first, shl(5, slot)))
                if iszero(entry) { break }
                if eq(shr(128, entry), id) {
                    found := and(entry, 0xffffffff)
                    break
                }
            }
        }
    }

    function _readSeries(Shelf memory shelf, SeriesView memory series, uint32 id) private view {
        Strike storage strike = strikes[id & ~uint32(1)];
        (uint32 underlying, uint40 expiry) = (strike.underlying, strike.expiry);
        (series.underlying, series.expiry, series.strike) = (underlying, expiry, strike.price);
        uint256[5] storage stored = seriesArrays[id];
        uint256[5] memory words = series.words;
        (words[0], words[1], words[2]) = (stored[0], stored[1], stored[2]);
        (words[3], words[4]) = (stored[3], stored[4]);
        (uint256 time, uint256 spot, uint256 value) = SeriesArray.head(words[0]);
        series.value = value;
        MarketView memory market = shelf.markets[underlying];
        if (!market.loaded) _load(market, underlying);
        series.priceStale = market.stale;
        series.stale = block.timestamp >= expiry || block.timestamp > time + ARRAY_SECONDS
            || _isFar(market.index, spot);
    }

    function _isFar(uint256 index, uint256 spot) internal pure returns (bool) {
        uint256 distance = index > spot ? index - spot : spot - index;
        return distance * ARRAY_MOVE_DIVISOR > spot;
    }

    /// Makes room for twice as many series, of which the table is half full at most.
    function _growSeries(Shelf memory shelf) private pure {
        uint256 count = shelf.seriesCount;
        uint256[] memory places = new uint256[](count == 0 ? SERIES_FIRST : 2 * count);
        SeriesView[] memory longer;
        // A place is written before `seriesCount` counts it, and not read till then.
        assembly ("memory-safe") {
            longer := places
        }
        for (uint256 i = 0; i < count; i++) longer[i] = shelf.series[i];
        shelf.series = longer;
        uint256[] memory table = new uint256[](2 * longer.length);
        for (uint256 i = 0; i < count; i++) {
            (uint256 slot,) = _tableSlot(table, longer[i].id);
            table[slot] = _entry(longer[i].id, i);
        }
        shelf.table = table;
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
        AccountWord state = AccountWords.read(accounts[id]);
        (trader.id, trader.owner, trader.state) = (id, owners[id], state);
        trader.cash = state.cash();
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
        uint256 bits = trader.state.perps();
        if (bits == 0) return;
        uint256 account = trader.id;
        Perp[] memory perps = _perpList(FixedMath.popCount(bits));
        uint256 count = 0;
        // As many as there are bits.
        unchecked {
            for (uint32 id = 0; bits != 0; (id, bits) = (id + 1, bits >> 1)) {
                if (bits & 1 == 0) continue;
                PositionWord word = PositionWords.read(positions[_positionKey(account, id)]);
                perps[count++] = Perp(id, false, word.size(), word.cost(), word.funding());
            }
        }
        (trader.perps, trader.count) = (perps, count);
    }

    /// A list of positions that points nowhere yet: each place is written before it is counted, and
    /// not read till then.
    function _perpList(uint256 length) private pure returns (Perp[] memory perps) {
        uint256[] memory places = new uint256[](length);
        assembly ("memory-safe") {
            perps := places
        }
    }

    function _readHoldings(Trader memory trader) private view {
        uint256 held = trader.state.options();
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
        uint64 held = _writePerps(trader);
        if (trader.optionCount != 0) _writeHoldings(trader);
        AccountWord state = trader.state.withPerps(held).withCash(int96(trader.cash));
        AccountWords.write(accounts[trader.id], state);
    }

    /// @return held Bit i: there is a position in market i now.
    function _writePerps(Trader memory trader) private returns (uint64 held) {
        held = trader.state.perps();
        (Perp[] memory perps, uint256 count) = (trader.perps, trader.count);
        for (uint256 i = 0; i < count; i++) {
            Perp memory perp = perps[i];
            if (!perp.dirty) continue;
            (uint256 market, int256 size) = (perp.market, perp.size);
            uint64 bit = uint64(1 << market);
            held = size == 0 ? held & ~bit : held | bit;
            PositionWords.write(
                positions[_positionKey(trader.id, market)],
                PositionWords.pack(size, perp.cost, perp.funding)
            );
        }
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
        trader.state = trader.state.withOptions(uint8(count));
    }

    /// The position of a trader in a market; a flat one is appended when there is none.
    function _perp(Trader memory trader, uint32 id) internal pure returns (Perp memory perp) {
        uint256 place = _perpPlace(trader, id);
        perp = trader.perps[place];
    }

    function _perpPlace(Trader memory trader, uint32 id) internal pure returns (uint256 place) {
        uint256 count = trader.count;
        Perp[] memory perps = trader.perps;
        place = _findPerp(perps, count, id);
        if (place != count) return place;
        if (count == perps.length) {
            Perp[] memory longer = _perpList(count + 2);
            for (uint256 i = 0; i < count; i++) longer[i] = perps[i];
            (trader.perps, perps) = (longer, longer);
        }
        perps[count] = Perp(id, false, 0, 0, 0);
        trader.count = count + 1;
    }

    /// The place of a market's position among the first `count`, or `count`.
    function _findPerp(Perp[] memory perps, uint256 count, uint32 market)
        private
        pure
        returns (uint256 place)
    {
        // Callers keep `count` within the list. The first member of a position is its market.
        assembly ("memory-safe") {
            let list := add(perps, 32)
            for {} lt(place, count) { place := add(place, 1) } {
                if eq(mload(mload(add(list, shl(5, place)))), market) { break }
            }
        }
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
        if (trader.state.marginMode() == MODE_PORTFOLIO) return true;
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
        bool portfolio = _isPortfolio(trader);
        prices = _weighPerps(shelf, trader, sums, portfolio);
        if (!portfolio) return (prices, false);
        bool optionPrices;
        (optionPrices, arrays) = _weighOptions(shelf, trader, sums);
        if (!trader.summed) {
            _risks(shelf, trader);
            trader.summed = true;
        }
        _weighRisks(shelf, trader, sums);
        return (prices || optionPrices, arrays);
    }

    /// Every position, with what it needs in cross margin unless scenarios tell.
    function _weighPerps(
        Shelf memory shelf,
        Trader memory trader,
        PerpMath.Sums memory sums,
        bool portfolio
    ) private view returns (bool stale) {
        (Perp[] memory perps, uint256 count) = (trader.perps, trader.count);
        for (uint256 i = 0; i < count; i++) {
            Perp memory perp = perps[i];
            if (perp.size == 0) continue;
            MarketView memory market = shelf.markets[perp.market];
            if (!market.loaded) _load(market, perp.market);
            if (portfolio) _addValue(sums, market, perp);
            else _addPosition(sums, market, perp.size, perp.cost, perp.funding);
            if (market.stale) stale = true;
        }
    }

    /// What a position is worth; `_addPosition` without requirements.
    function _addValue(PerpMath.Sums memory sums, MarketView memory market, Perp memory perp)
        private
        pure
    {
        int256 gain = PerpMath.unrealised(perp.size, perp.cost, market.mark);
        // Funding indices are int96; each term is below 2^224, and nobody adds up 2^30 positions.
        unchecked {
            int256 accrued = market.fundingIndex - perp.funding;
            sums.unrealised += gain;
            sums.losses += gain.min(0);
            sums.funding += PerpMath.fundingPayment(perp.size, accrued);
            if (market.status == MarketStatus.Closed) return;
            sums.notional += perp.size.abs() * market.mark;
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
            // Each is below 2^78.
            unchecked {
                value += SeriesArray.holdingValue(series.value, holding.size);
            }
            if (series.stale) arrays = true;
            if (series.priceStale) prices = true;
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
        uint256 next = holding.place;
        // A place on the shelf is no 2^256 - 1.
        unchecked {
            if (next != 0) return next - 1;
            uint256 place = _seriesPlace(shelf, holding.series);
            holding.place = place + 1;
            holding.underlying = shelf.series[place].underlying;
            return place;
        }
    }

    /// Portfolio margin in place of cross margin.
    function _weighRisks(Shelf memory shelf, Trader memory trader, PerpMath.Sums memory sums)
        private
        pure
    {
        (PortfolioMath.Risk[] memory risks, uint256 count) = (trader.risks, trader.riskCount);
        (uint256 initial, uint256 maintenance) = (0, 0);
        for (uint256 i = 0; i < count; i++) {
            PortfolioMath.Risk memory risk = risks[i];
            // Open interest, and with it the fraction, moves from fill to fill.
            risk.imf = _initialFraction(shelf.markets[risk.market]);
            (uint256 first, uint256 least) = PortfolioMath.requirement(risk);
            // As sums of 64 numbers, each of a few products of packed members.
            unchecked {
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
        trader.underlyings = held;
        count = FixedMath.popCount(held);
        _reserveRisks(trader, count);
        risks = trader.risks;
        uint256 place = 0;
        for (uint32 id = 0; held != 0; (id, held) = (id + 1, held >> 1)) {
            if (held & 1 == 0) continue;
            _openRisk(risks[place++], shelf.markets[id], id);
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
        risk.mmf = market.mmf;
        (risk.perp, risk.naked) = (0, 0);
        PortfolioMath.clear(risk.pnl);
    }

    function _addPerps(
        Shelf memory shelf,
        Trader memory trader,
        PortfolioMath.Risk[] memory risks
    ) private pure {
        (Perp[] memory perps, uint256 count) = (trader.perps, trader.count);
        for (uint256 i = 0; i < count; i++) {
            Perp memory perp = perps[i];
            MarketView memory market = shelf.markets[perp.market];
            if (perp.size == 0 || market.status == MarketStatus.Closed) continue;
            PortfolioMath.Risk memory risk = risks[_riskPlace(trader, perp.market)];
            risk.perp += perp.size.abs();
            Scenarios.addPerp(risk.pnl, market.mark, perp.size);
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
            PortfolioMath.Risk memory risk = risks[_riskPlace(trader, holding.underlying)];
            SeriesArray.addTo(risk.pnl, series.words, holding.size);
            uint256 naked = _naked(options, count, i, holding);
            // At most 32 sizes.
            unchecked {
                risk.naked += naked;
            }
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
            _holdingSeries(shelf, holding);
            bits |= 1 << holding.underlying;
        }
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

    /// Naked shorts (s8) of the strike of holding number `which`, counted once a strike: at the first
    /// of its call and put.
    function _naked(
        Holding[] memory options,
        uint256 count,
        uint256 which,
        Holding memory own
    ) private pure returns (uint256) {
        uint32 partner = own.series ^ 1;
        int256 size = own.size;
        // Most often they are neighbours: look from the one before on. Nothing wraps, since sizes lie
        // within int64.
        unchecked {
            (uint256 place, int256 other) =
                _find(options, which == 0 ? 0 : which - 1, count, partner);
            if (place == count) (place, other) = _find(options, 0, which, partner);
            if (place < which && other != 0) return 0;
            return uint256((-size - other).max(0));
        }
    }

    /// The place of a series from `start` on and its size, or `end` and zero.
    function _find(Holding[] memory options, uint256 start, uint256 end, uint32 series)
        private
        pure
        returns (uint256 place, int256 size)
    {
        // Callers keep `end` within the list.
        assembly ("memory-safe") {
            let list := add(options, 32)
            for { place := start } lt(place, end) { place := add(place, 1) } {
                let holding := mload(add(list, shl(5, place)))
                if eq(mload(holding), series) {
                    size := mload(add(holding, 64))
                    break
                }
            }
        }
    }
}
