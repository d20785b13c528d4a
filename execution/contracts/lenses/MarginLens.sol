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
        /// s8: by how much the other side's long size grows, at most where nobody is known yet.
        int64 grown;
        /// Whether the other side is known, so that the cap of open interest has to hold.
        bool met;
    }

    /// @notice Whether an account may trade the last part, once it has traded those before it.
    /// @dev What is `past` is matched already and not judged: the copy of the account keeps it, so
    /// that each such part is given once. One whose market is gone is left out, as settlement will.
    /// Open interest in the copy already holds it.
    /// @return Why not: TakerMargin, TooManySeries, RingFenced or FieldOverflow of the account;
    /// UnknownAccount, UnknownMarket, SeriesExpired, MarketClosed, MarketReduceOnly, OracleStale,
    /// SeriesStale or OpenInterestCap. None when settlement would take it.
    function check(uint64 account, Part[] calldata past, Part[] calldata parts)
        external
        returns (Reason)
    {
        Shelf memory shelf = _openShelf();
        Side memory side;
        _readTrader(side.trader, account);
        if (side.trader.owner == address(0)) return Reason.UnknownAccount;
        for (uint256 i = 0; i < past.length; i++) {
            Deal memory done;
            if (_prepare(shelf, side, done, past[i]) == Reason.None) _keep(side, done);
        }
        if (past.length != 0) _writeTrader(side.trader);
        for (uint256 i = 0; i + 1 < parts.length; i++) {
            Deal memory before;
            if (_prepare(shelf, side, before, parts[i]) != Reason.None) continue;
            if (_open(side, before, parts[i])) return Reason.OpenInterestCap;
            _exchange(side, before);
        }
        Part calldata last = parts[parts.length - 1];
        Deal memory deal;
        Reason reason = _prepare(shelf, side, deal, last);
        if (reason != Reason.None) return reason;
        reason = _admit(side, deal);
        if (reason != Reason.None) return reason;
        if (_open(side, deal, last)) return Reason.OpenInterestCap;
        _exchange(side, deal);
        return _verdict(shelf, side, deal, Reason.TakerMargin);
    }

    /// Works out what the account would have after a part.
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
    }

    /// Moves open interest as a part does.
    /// @return exceeds Whether it grows beyond its cap.
    function _open(Side memory side, Deal memory deal, Part calldata part)
        private
        view
        returns (bool exceeds)
    {
        int256 grown = side.size.max(0) - side.held.max(0) + part.grown;
        if (deal.isOption) _openSeries(deal.series);
        uint256 held = deal.isOption ? deal.series.openInterest : deal.base.openInterest;
        uint256 interest = uint256((int256(held) + grown).max(0));
        if (deal.isOption) {
            deal.series.openInterest = interest;
            deal.interestCap = optionRules[deal.underlying].oiCap;
        } else {
            deal.base.openInterest = interest;
            deal.interestCap = markets[deal.underlying].caps.oiCap;
        }
        return part.met && grown > 0 && interest > deal.interestCap;
    }

    /// Makes a trade that is matched, and marks what has to be written for it.
    function _keep(Side memory side, Deal memory deal) private pure {
        _exchange(side, deal);
        if (deal.isOption) {
            side.holding.dirty = true;
            if ((side.held == 0) != (side.holding.size == 0)) side.trader.relisted = true;
        } else {
            side.position.dirty = true;
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
        if (deal.isOption && _isFull(side)) return Reason.TooManySeries;
        if (_isFenced(side.trader, deal.underlying)) return Reason.RingFenced;
        if (side.reduces) return Reason.None;
        bool opens = !paused && deal.base.status == MarketStatus.Active
            && block.timestamp >= health[deal.underlying].pausedUntil;
        if (!opens) return Reason.MarketReduceOnly;
        if (deal.base.stale) return Reason.OracleStale;
        return deal.isOption && deal.series.stale ? Reason.SeriesStale : Reason.None;
    }
}
