// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Matching} from "./Matching.sol";
import {Sides} from "./Sides.sol";
import {AccountWord, AccountWords} from "./libraries/AccountWord.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {Lists} from "./libraries/Lists.sol";
import {Orders} from "./libraries/Orders.sol";
import {Reason} from "./Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Batches                                                                       │
│                                                                               │
│ A batch of fills in memory: each order is verified once, each account is read │
│ and written once, whatever the number of its fills, and always as much gas    │
│ is left as writing takes.                                                     │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Batches is Sides, Matching {
    /// Gas of looking at a fill: two signatures, two cold accounts and session keys, two fill lanes.
    uint256 private constant GAS_LOOK = 120_000;
    /// Gas of trading it, before what depends on what the two accounts hold: the market or series,
    /// the lanes, the event.
    uint256 private constant GAS_TRADE = 170_000;
    /// Gas that one more position of an account can add to a fill: its slot and its market's, and
    /// its share of at most three sums over all that the account holds.
    uint256 private constant GAS_POSITION = 30_000;
    /// As GAS_POSITION, of a held series: its slots, its underlying's and its array.
    uint256 private constant GAS_HOLDING = 50_000;
    /// Gas of trading a fill whose two accounts hold as much as there can be.
    uint256 private constant GAS_TRADE_MAX =
        GAS_TRADE + 2 * (65 * GAS_POSITION + SERIES_MAX * GAS_HOLDING);
    /// Gas of writing one slot at the end of the batch.
    uint256 private constant GAS_WRITE = 26_000;

    uint256 private constant REFUSED = 1 << 128;

    /// What a market asks of fills, beyond its MarketView.
    struct Terms {
        bool loaded;
        bool auction;
        /// Active, and neither the house nor the market is paused.
        bool opens;
        uint256 tick;
        uint256 lot;
        uint256 oiCap;
        uint256 priceBand;
        /// As they lie in storage: eight int32 lanes.
        uint256 fees;
    }

    struct Batch {
        bytes32 domain;
        bool paused;
        /// The gas left doesn't suffice for the next fill.
        bool stopped;
        /// By order number: 0 not looked at, where its trader is in memory, or REFUSED + a reason.
        uint256[] admitted;
        /// Open addressing from account id to where the trader is in memory; half of it at least is
        /// empty, and its length is a power of two.
        uint256[] table;
        /// Where each trader is in memory.
        uint256[] traders;
        uint256 traderCount;
        /// As Solidity makes one, to be copied, and how long it is.
        Trader blank;
        uint256 blankBytes;
        Shelf shelf;
        Terms[] terms;
        /// Those of the deal's underlying.
        Terms ruling;
        /// q6.
        int256 fees;
        /// Slots to write at the end.
        uint256 writes;
        Deal deal;
        Side taker;
        Side maker;
    }

    function _open(uint256 orderCount) internal view returns (Batch memory batch) {
        batch.domain = _domainSeparator();
        batch.paused = paused;
        batch.admitted = new uint256[](orderCount);
        uint256 size = 2;
        while (size < 2 * orderCount) size *= 2;
        batch.table = new uint256[](size);
        batch.traders = new uint256[](orderCount);
        batch.shelf.markets = new MarketView[](marketCount);
        batch.terms = new Terms[](batch.shelf.markets.length);
        (batch.blank, batch.blankBytes) = _makeBlank();
    }

    function _close(Batch memory batch) internal {
        Side memory side = batch.taker;
        uint256 count = batch.traderCount;
        // There are as many traders as orders at most, for whom `traders` has room.
        for (uint256 i = 0; i < count; i++) {
            _seat(side, Lists.get(batch.traders, i));
            if (side.trader.dirty) _writeTrader(side.trader);
        }
        _closeShelf(batch.shelf);
        // Every fill's two fees add up to zero or more, because a market's lanes do.
        if (batch.fees != 0) feeFund += uint128(uint256(batch.fees));
    }

    /*──────────────────────────────── the gas ────────────────────────────*/

    /// Whether the gas left suffices to look at a fill and to trade it, whatever its accounts hold.
    function _sufficesToLook(Batch memory batch) internal view returns (bool) {
        return _suffices(batch, GAS_LOOK + GAS_TRADE);
    }

    /// Whether the gas left suffices for a trade; what the two accounts hold only matters when not
    /// even the largest ones would be too much.
    function _sufficesToTrade(Batch memory batch, Trader memory taker, Trader memory maker)
        internal
        view
        returns (bool)
    {
        if (_suffices(batch, GAS_TRADE_MAX)) return true;
        return _suffices(batch, GAS_TRADE + _work(taker) + _work(maker));
    }

    /// Whether the gas left suffices for `work` and for writing what the batch has changed.
    function _suffices(Batch memory batch, uint256 work) private view returns (bool) {
        // Counts of what fits in memory, times constants.
        unchecked {
            return gasleft() >= work + batch.writes * GAS_WRITE;
        }
    }

    /// Gas that what an account holds can add to a fill, one more position included.
    function _work(Trader memory trader) private pure returns (uint256) {
        (uint256 perps, uint256 options) = trader.loaded
            ? (trader.count, trader.optionCount)
            : (FixedMath.popCount(trader.state.perps()), trader.state.options());
        // As in `_suffices`.
        unchecked {
            return (perps + 1) * GAS_POSITION + options * GAS_HOLDING;
        }
    }

    /*───────────────────────────── the orders ────────────────────────────*/

    /// Reads an order into `side` and checks, once a batch, what doesn't depend on the fill.
    function _admit(Batch memory batch, bytes calldata orders, uint256 index, Side memory side)
        internal
        view
        returns (Reason)
    {
        uint256[] memory admitted = batch.admitted;
        if (index >= admitted.length) return Reason.MalformedFill;
        bool wellFormed = Orders.read(orders, index, side.order);
        uint256 known = Lists.get(admitted, index);
        if (known == 0) {
            known = wellFormed
                ? _verify(batch, orders, index, side)
                : REFUSED + uint256(Reason.MalformedOrder);
            Lists.put(admitted, index, known);
        }
        if (known >= REFUSED) return Reason(known - REFUSED);
        _seat(side, known);
        return Reason.None;
    }

    /// @return Where the order's trader is, or REFUSED + a reason.
    function _verify(Batch memory batch, bytes calldata orders, uint256 index, Side memory side)
        private
        view
        returns (uint256)
    {
        uint256 place = _seatOwn(batch, side);
        Reason reason = _authorise(orders, index, side.order, side.trader, batch.domain);
        return reason == Reason.None ? place : REFUSED + uint256(reason);
    }

    /*──────────────────────────── the accounts ───────────────────────────*/

    /// Seats the account of a side's order, reading it if need be, or a blank one where there is
    /// none.
    /// @return place Where it is in memory.
    function _seatOwn(Batch memory batch, Side memory side) private view returns (uint256 place) {
        uint64 id = side.order.account;
        uint256 entry;
        (entry, place) = _tableEntry(batch.table, id);
        if (place != 0) {
            _seat(side, place);
            return place;
        }
        address owner = owners[id];
        if (owner == address(0)) {
            side.trader = batch.blank;
            return 0;
        }
        place = _copyBlank(batch);
        _seat(side, place);
        _fillIn(side.trader, id, owner);
        _enter(entry, place);
        uint256 count = batch.traderCount;
        Lists.put(batch.traders, count, place);
        // As many as orders at most.
        unchecked {
            batch.traderCount = count + 1;
        }
    }

    /// Reads an account but not what it holds.
    function _fillIn(Trader memory trader, uint64 id, address owner) private view {
        AccountWord state = AccountWords.read(accounts[id]);
        (trader.id, trader.owner, trader.state, trader.cash) = (id, owner, state, state.cash());
    }

    /// Where an account's entry of the table is in memory, and the account, or zero.
    function _tableEntry(uint256[] memory table, uint64 id)
        private
        pure
        returns (uint256 entry, uint256 place)
    {
        // The mask, one less than the length, keeps within the table, which has empty places. The
        // first member of a trader is its id.
        assembly ("memory-safe") {
            let mask := sub(mload(table), 1)
            let first := add(table, 32)
            for { let slot := id } 1 { slot := add(slot, 1) } {
                entry := add(first, shl(5, and(slot, mask)))
                place := mload(entry)
                if iszero(place) { break }
                if eq(mload(place), id) { break }
            }
        }
    }

    /// Writes an entry that `_tableEntry` found.
    function _enter(uint256 entry, uint256 place) private pure {
        assembly ("memory-safe") {
            mstore(entry, place)
        }
    }

    /// A Trader of nothing, and how many bytes it takes: the lists in it are empty, and take none.
    function _makeBlank() private pure returns (Trader memory blank, uint256 length) {
        uint256 start;
        assembly ("memory-safe") {
            start := mload(0x40)
        }
        Trader memory made;
        assembly ("memory-safe") {
            length := sub(mload(0x40), start)
        }
        blank = made;
    }

    /// A copy of the blank Trader: filling a new one with zeros, member by member, costs more.
    function _copyBlank(Batch memory batch) private pure returns (uint256 place) {
        (Trader memory blank, uint256 length) = (batch.blank, batch.blankBytes);
        assembly ("memory-safe") {
            place := mload(0x40)
            mcopy(place, blank, length)
            mstore(0x40, add(place, length))
        }
    }

    /// Points a side at a trader, of which the batch keeps the address in memory alone: arrays of
    /// structs would be filled with empty ones first.
    function _seat(Side memory side, uint256 place) internal pure {
        Trader memory trader = side.trader;
        assembly ("memory-safe") {
            trader := place
        }
        side.trader = trader;
    }
}
