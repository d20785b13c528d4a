// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Module} from "./Module.sol";
import {Series, Strike} from "./OptionTypes.sol";
import {Lists} from "./libraries/Lists.sol";
import {PerpMath} from "./libraries/PerpMath.sol";
import {SeriesArray} from "./libraries/SeriesArray.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Shelves                                                                       │
│                                                                               │
│ What a call has read of markets and option series: each once, whoever asks,   │
│ and written once when trades have changed it.                                 │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Shelves is Module {
    /// Length of a shelf's first table of series; a power of two.
    uint256 private constant TABLE_FIRST = 32;
    /// Seconds until a scenario array must be computed again.
    uint256 internal constant ARRAY_SECONDS = 60;
    /// An array's underlying may have moved by one part in so many.
    uint256 internal constant ARRAY_MOVE_DIVISOR = 200;

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
        uint256 seriesCount;
        /// Open addressing: a series' id above where its view is in memory; half empty at least.
        uint256[] table;
        /// Of the account that is being judged.
        PerpMath.Sums sums;
    }

    function _openShelf() internal view returns (Shelf memory shelf) {
        shelf.markets = _newMarkets(marketCount);
    }

    /// A listed market; reads it the first time.
    function _marketOf(Shelf memory shelf, uint32 id)
        internal
        view
        returns (MarketView memory)
    {
        _touch(shelf, id);
        return shelf.markets[id];
    }

    /// Reads a market unless it has been read.
    function _touch(Shelf memory shelf, uint32 id) internal view {
        MarketView memory market = shelf.markets[id];
        if (!market.loaded) _load(market, id);
    }

    /// As `new MarketView[](count)`, but copied from one: zeros are dear to write one by one.
    function _newMarkets(uint256 count) private pure returns (MarketView[] memory list) {
        MarketView memory blank;
        // A view lies between its start and the end of memory, whatever its members are.
        assembly ("memory-safe") {
            list := mload(64)
            let length := sub(list, blank)
            mstore(list, count)
            let place := add(list, 32)
            let market := add(place, shl(5, count))
            for { let end := market } lt(place, end) { place := add(place, 32) } {
                mstore(place, market)
                mcopy(market, blank, length)
                market := add(market, length)
            }
            mstore(64, market)
        }
    }

    /// A registered series; reads it and its array the first time.
    function _seriesOf(Shelf memory shelf, uint32 id) internal view returns (SeriesView memory) {
        return _asSeries(Lists.self)(_seriesWhere(shelf, id));
    }

    /// Where `_seriesOf` is in memory.
    function _seriesWhere(Shelf memory shelf, uint32 id) internal view returns (uint256 where) {
        uint256[] memory table = shelf.table;
        uint256 slot;
        if (table.length != 0) {
            (slot, where) = _tableSlot(table, id);
            if (where != 0) return where;
        }
        // Nobody registers 2^255 series.
        unchecked {
            if (2 * shelf.seriesCount == table.length) {
                table = _longerTable(table);
                shelf.table = table;
                (slot,) = _tableSlot(table, id);
            }
            shelf.seriesCount += 1;
        }
        where = _readSeries(shelf, id);
        Lists.put(table, slot, (uint256(id) << 128) | where);
    }

    /// Writes the markets and series that trades changed.
    function _closeShelf(Shelf memory shelf) internal {
        for (uint32 id = 0; id < shelf.markets.length; id++) {
            if (shelf.markets[id].dirty) _store(shelf.markets[id], id);
        }
        for (uint256 i = 0; i < shelf.table.length; i++) {
            if (shelf.table[i] == 0) continue;
            SeriesView memory series = _asSeries(Lists.self)(uint128(shelf.table[i]));
            if (!series.dirty) continue;
            Series storage book = seriesBooks[series.id];
            book.openInterest = uint64(series.openInterest);
            book.shortsLeft = uint64(series.shortsLeft);
        }
    }

    /// Reads what a trade changes of a series.
    function _openSeries(SeriesView memory series) internal view {
        if (series.opened) return;
        Series memory book = seriesBooks[series.id];
        (series.openInterest, series.shortsLeft) = (book.openInterest, book.shortsLeft);
        series.opened = true;
    }

    function _readSeries(Shelf memory shelf, uint32 id)
        private
        view
        returns (uint256 where)
    {
        Strike storage strike = strikes[id & ~uint32(1)];
        (uint32 underlying, uint40 expiry) = (strike.underlying, strike.expiry);
        uint256[5] storage stored = seriesArrays[id];
        uint256 first = stored[0];
        (uint256 time, uint256 spot, uint256 value) = SeriesArray.head(first);
        MarketView memory market = _asMarket(Lists.get)(_places(shelf.markets), underlying);
        if (!market.loaded) _load(market, underlying);
        SeriesView memory series = SeriesView({
            id: id,
            underlying: underlying,
            expiry: expiry,
            strike: strike.price,
            stale: _isOver(expiry, time) || _isFar(market.index, spot),
            priceStale: market.stale,
            dirty: false,
            value: value,
            words: [first, stored[1], stored[2], stored[3], stored[4]],
            openInterest: 0,
            shortsLeft: 0,
            opened: false
        });
        assembly ("memory-safe") {
            where := series
        }
    }

    /// Whether a series has expired, or its array's `time` is too long ago.
    function _isOver(uint256 expiry, uint256 time) private view returns (bool) {
        // Times are below 2^40.
        unchecked {
            return block.timestamp >= expiry || block.timestamp > time + ARRAY_SECONDS;
        }
    }

    /// Whether an index has moved too far from an array's spot.
    function _isFar(uint256 index, uint256 spot) private pure returns (bool) {
        // Prices are below 2^64.
        unchecked {
            uint256 distance = index > spot ? index - spot : spot - index;
            return distance * ARRAY_MOVE_DIVISOR > spot;
        }
    }

    /// Where a series is in the table, or would be, and where its view is, or 0.
    function _tableSlot(uint256[] memory table, uint256 id)
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
                    found := and(entry, 0xffffffffffffffffffffffffffffffff)
                    break
                }
            }
        }
    }

    /// The entries of a table in one twice as long.
    function _longerTable(uint256[] memory table) private pure returns (uint256[] memory longer) {
        uint256 length = table.length;
        longer = new uint256[](length == 0 ? TABLE_FIRST : 2 * length);
        for (uint256 i = 0; i < length; i++) {
            if (table[i] == 0) continue;
            (uint256 slot,) = _tableSlot(longer, table[i] >> 128);
            longer[slot] = table[i];
        }
    }

    /// A list of structs as one of where they are.
    function _places(MarketView[] memory items) internal pure returns (uint256[] memory list) {
        assembly ("memory-safe") {
            list := items
        }
    }

    /// Takes what `take` returns, where an item is, as the item, a market. The compiler has what is
    /// declared to return a struct make an empty one first, which costs several times as much.
    function _asMarket(function(uint256[] memory, uint256) pure returns (uint256) take)
        internal
        pure
        returns (function(uint256[] memory, uint256) pure returns (MarketView memory) typed)
    {
        assembly ("memory-safe") {
            typed := take
        }
    }

    /// As `_asMarket`.
    function _asSeries(function(uint256) pure returns (uint256) take)
        internal
        pure
        returns (function(uint256) pure returns (SeriesView memory) typed)
    {
        assembly ("memory-safe") {
            typed := take
        }
    }
}
