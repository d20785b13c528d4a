// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Admission} from "../Admission.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {Orders} from "../libraries/Orders.sol";
import {Reason} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Settlement                                                                    │
│                                                                               │
│ The settlement path, whole. A batch works in memory: each account, position,  │
│ market and series is read once, fills change the copies, and what changed is  │
│ written once at the end. Only order fills go to storage at once, because      │
│ lanes of one slot belong to different orders. A fill is tried on the copies   │
│ and undone when a side's margin refuses it.                                   │
──────────────────────────────────────────────────────────────────────────────*/
contract Settlement is ISettlement, Admission {
    using FixedMath for int256;

    /// Slots that a changed market has: its flow, its funding, and one for the event.
    uint256 private constant WRITES_MARKET = 3;
    uint256 private constant WRITES_SERIES = 1;
    /// Slots of a list of held series.
    uint256 private constant WRITES_LIST = 4;

    /// @inheritdoc ISettlement
    function settleBatch(bytes calldata orders, bytes calldata fills, bytes calldata clearing)
        external
        onlyRole(matcher)
    {
        Batch memory batch = _open(orders.length / Orders.LENGTH);
        uint256 count = fills.length / Orders.FILL_LENGTH;
        for (uint256 i = 0; i < count; i++) {
            Reason reason = _settle(batch, orders, fills, clearing, i);
            if (batch.stopped) {
                emit BatchStopped(i);
                _close(batch);
                return;
            }
            if (reason != Reason.None) emit FillRejected(i, reason);
        }
        if (fills.length % Orders.FILL_LENGTH != 0) emit FillRejected(count, Reason.MalformedFill);
        _close(batch);
    }

    function _settle(
        Batch memory batch,
        bytes calldata orders,
        bytes calldata fills,
        bytes calldata clearing,
        uint256 index
    ) private returns (Reason reason) {
        if (!_sufficesToLook(batch)) return _stop(batch);
        Deal memory deal = batch.deal;
        (Side memory taker, Side memory maker) = (batch.taker, batch.maker);
        uint256 first;
        uint256 second;
        (first, second, deal.size) = Orders.fill(fills, index);
        reason = _admit(batch, orders, first, taker);
        if (reason != Reason.None) return reason;
        reason = _admit(batch, orders, second, maker);
        if (reason != Reason.None) return reason;
        reason = _match(taker, maker, deal.size);
        if (reason != Reason.None) return reason;
        if (!_sufficesToTrade(batch, taker.trader, maker.trader)) return _stop(batch);
        _readHeld(taker.trader);
        _readHeld(maker.trader);
        reason = _instrument(batch);
        if (reason != Reason.None) return reason;
        reason = _price(batch, clearing);
        if (reason != Reason.None) return reason;
        reason = _admitTrade(batch);
        if (reason != Reason.None) return reason;
        reason = _trade(batch);
        if (reason != Reason.None) return reason;
        _fillLane(taker.order, taker.laneSlot, taker.lanes, deal.size);
        _fillLane(maker.order, maker.laneSlot, maker.lanes, deal.size);
        _emit(deal, taker, maker);
    }

    function _stop(Batch memory batch) private pure returns (Reason) {
        batch.stopped = true;
        return Reason.None;
    }

    function _emit(Deal memory deal, Side memory taker, Side memory maker) private {
        emit FillSettled(
            deal.market,
            taker.trader.id,
            maker.trader.id,
            taker.order.isBuy,
            deal.size,
            deal.price,
            taker.fee,
            maker.fee
        );
    }

    /// Tries the trade on the copies; keeps it when bounds, cap and both margins hold.
    function _trade(Batch memory batch) private view returns (Reason reason) {
        (Shelf memory shelf, Deal memory deal) = (batch.shelf, batch.deal);
        (Side memory taker, Side memory maker) = (batch.taker, batch.maker);
        if (deal.isOption) _openSeries(deal.series);
        if (!_plan(taker, deal)) return Reason.FieldOverflow;
        if (!_plan(maker, deal)) return Reason.FieldOverflow;

        int256 grown;
        uint256 interest = deal.isOption ? deal.series.openInterest : deal.base.openInterest;
        // Sizes are int64, and open interest is the sum of some of them.
        unchecked {
            grown = _longChange(taker) + _longChange(maker);
            interest = uint256(int256(interest) + grown);
        }
        if (grown > 0 && interest > deal.interestCap) return Reason.OpenInterestCap;
        if (interest >= 1 << 63) return Reason.FieldOverflow;

        _addInterest(deal, grown);
        _exchange(taker, deal);
        _exchange(maker, deal);
        reason = _verdict(shelf, taker, deal, Reason.TakerMargin);
        if (reason == Reason.None) reason = _verdict(shelf, maker, deal, Reason.MakerMargin);
        if (reason != Reason.None) {
            _addInterest(deal, -grown);
            _exchange(taker, deal);
            _exchange(maker, deal);
            return reason;
        }
        // Each is below 2^160, and fills are fewer than 2^32.
        unchecked {
            batch.fees += taker.fee + maker.fee;
            _keep(batch, taker.payment + maker.payment);
        }
        _mark(batch, taker);
        _mark(batch, maker);
    }

    function _longChange(Side memory side) private pure returns (int256) {
        // Both fit int64.
        unchecked {
            return side.size.max(0) - side.held.max(0);
        }
    }

    /// Long and short sizes of a series grow alike, for all sizes add up to zero.
    function _addInterest(Deal memory deal, int256 grown) private pure {
        // The new open interest was checked, and taking `grown` back leads to the old one.
        unchecked {
            if (deal.isOption) {
                SeriesView memory series = deal.series;
                series.openInterest = uint256(int256(series.openInterest) + grown);
                series.shortsLeft = uint256(int256(series.shortsLeft) + grown);
            } else {
                MarketView memory market = deal.base;
                market.openInterest = uint256(int256(market.openInterest) + grown);
            }
        }
    }

    /// Marks what was traded as changed, and counts the slots to write at the end.
    /// @param payment q6 of funding, from the market's pool to the two sides.
    function _keep(Batch memory batch, int256 payment) private pure {
        if (batch.deal.isOption) {
            SeriesView memory series = batch.deal.series;
            if (!series.dirty) (series.dirty, batch.writes) = (true, batch.writes + WRITES_SERIES);
        } else {
            MarketView memory market = batch.deal.base;
            // As fees.
            unchecked {
                market.poolChange -= payment;
            }
            if (!market.dirty) (market.dirty, batch.writes) = (true, batch.writes + WRITES_MARKET);
        }
    }

    /// As `_keep`, of a side's account and position.
    function _mark(Batch memory batch, Side memory side) private pure {
        Trader memory trader = side.trader;
        uint256 writes = batch.writes;
        // A fill adds a few.
        unchecked {
            if (!trader.dirty) (trader.dirty, writes) = (true, writes + 1);
            if (batch.deal.isOption) {
                Holding memory holding = side.holding;
                if (!holding.dirty) (holding.dirty, writes) = (true, writes + 1);
                bool relisted = (side.held == 0) != (holding.size == 0);
                if (relisted && !trader.relisted) {
                    (trader.relisted, writes) = (true, writes + WRITES_LIST);
                }
            } else {
                Perp memory perp = side.position;
                if (!perp.dirty) (perp.dirty, writes) = (true, writes + 1);
            }
        }
        batch.writes = writes;
    }
}
