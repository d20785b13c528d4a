// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Strike} from "../OptionTypes.sol";
import {Sides} from "../Sides.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {PerpMath} from "../libraries/PerpMath.sol";
import {MarketStatus, Reason} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ MarginLens                                                                    │
│                                                                               │
│ What settlement would say of one side of a fill, before there is one. It is   │
│ no part of the chain: a matcher runs it in the router's place over a copy of  │
│ the router's storage. It has the settlement's own trade and verdict, by       │
│ inheritance, so that neither can say otherwise than the other.                │
──────────────────────────────────────────────────────────────────────────────*/
contract MarginLens is Sides {
    using FixedMath for int256;

    /// One side of a fill.
    struct Part {
        uint32 market;
        /// s8, negative for a sale.
        int64 delta;
        /// p8.
        uint64 price;
        /// Fee rate, ppm of the notional.
        int32 fee;
        /// s8: by how much the other side's long size grows at most; open interest moves by both.
        int64 grown;
    }

    /// @notice Whether an account may trade the last part, once it has traded those before it.
    /// @dev Parts before the last one are matched already and not judged; one whose market is gone
    /// is left out, as settlement will.
    /// @return Why not: TakerMargin, TooManySeries, RingFenced or FieldOverflow of the account;
    /// UnknownAccount, UnknownMarket, SeriesExpired, MarketClosed, MarketReduceOnly, OracleStale or
    /// SeriesStale. None when settlement would take it.
    function check(uint64 account, Part[] calldata parts) external view returns (Reason) {
        Shelf memory shelf = _openShelf();
        Side memory side;
        _readTrader(side.trader, account);
        if (side.trader.owner == address(0)) return Reason.UnknownAccount;
        for (uint256 i = 0; i + 1 < parts.length; i++) {
            Deal memory past;
            if (_prepare(shelf, side, past, parts[i]) == Reason.None) _exchange(side, past);
        }
        Deal memory deal;
        Reason reason = _prepare(shelf, side, deal, parts[parts.length - 1]);
        if (reason != Reason.None) return reason;
        reason = _admit(side, deal);
        if (reason != Reason.None) return reason;
        _exchange(side, deal);
        return _verdict(shelf, side, deal, Reason.TakerMargin);
    }

    /// Works out what the account would have after a part, with the open interest that it leads to.
    function _prepare(Shelf memory shelf, Side memory side, Deal memory deal, Part calldata part)
        private
        view
        returns (Reason reason)
    {
        reason = _find(shelf, deal, part.market);
        if (reason != Reason.None) return reason;
        deal.size = uint64(uint256(int256(part.delta).abs()));
        deal.price = part.price;
        deal.notional = uint256(PerpMath.value(int256(uint256(deal.size)), part.price));
        side.order.isBuy = part.delta > 0;
        side.fee = PerpMath.fee(deal.notional, part.fee);
        _face(side, deal);
        if (!_plan(side, deal)) return Reason.FieldOverflow;
        int256 grown = side.size.max(0) - side.held.max(0) + part.grown;
        if (!deal.isOption) {
            int256 interest = int256(deal.base.openInterest) + grown;
            deal.base.openInterest = uint256(interest.max(0));
        }
    }

    /// What is traded, as settlement finds it.
    function _find(Shelf memory shelf, Deal memory deal, uint32 id)
        private
        view
        returns (Reason)
    {
        (uint32 underlying, bool isOption) = (id, id >= SERIES_START);
        if (isOption) {
            Strike memory strike = strikes[id & ~uint32(1)];
            if (strike.price == 0) return Reason.UnknownMarket;
            if (block.timestamp >= strike.expiry) return Reason.SeriesExpired;
            underlying = strike.underlying;
        }
        if (underlying >= shelf.markets.length) return Reason.UnknownMarket;
        (deal.market, deal.underlying, deal.isOption) = (id, underlying, isOption);
        deal.base = _marketOf(shelf, underlying);
        if (isOption) deal.series = _seriesOf(shelf, id);
        return deal.base.status == MarketStatus.Closed ? Reason.MarketClosed : Reason.None;
    }

    /// What settlement asks of a side before its margin.
    function _admit(Side memory side, Deal memory deal) private view returns (Reason) {
        Trader memory trader = side.trader;
        if (deal.isOption && side.held == 0 && _heldCount(trader) >= SERIES_MAX) {
            return Reason.TooManySeries;
        }
        bool isVault = trader.state.flags() & FLAG_VAULT != 0;
        if (isVault && vaultMarket[trader.id] != deal.underlying) return Reason.RingFenced;
        if (side.reduces) return Reason.None;
        bool opens = !paused && deal.base.status == MarketStatus.Active
            && block.timestamp >= health[deal.underlying].pausedUntil;
        if (!opens) return Reason.MarketReduceOnly;
        if (deal.base.stale) return Reason.OracleStale;
        return deal.isOption && deal.series.stale ? Reason.SeriesStale : Reason.None;
    }
}
