// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Matching} from "../Matching.sol";
import {Offers} from "../Offers.sol";
import {ILiquidation} from "../interfaces/ILiquidation.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {LiquidationMath} from "../libraries/LiquidationMath.sol";
import {Orders} from "../libraries/Orders.sol";
import {PerpMath} from "../libraries/PerpMath.sol";
import {Reason} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Liquidation                                                                   │
│                                                                               │
│ Closing an account below its maintenance margin against signed orders.        │
│                                                                               │
│ The contract itself stands for the failing side. An order buys no worse than  │
│ the mark less the slippage and no worse than the bankruptcy price, so that no │
│ sale to an order ever costs insurance anything: who wants to be liquidated    │
│ into a friend's order gains nothing. A halt or a pause stops no liquidation,  │
│ for it only reduces; a stale price and the time after an outage do.           │
│                                                                               │
│ Who buys pays its ordinary maker fee, but is paid no rebate: there is no      │
│ taker here to pay for one.                                                    │
──────────────────────────────────────────────────────────────────────────────*/
contract Liquidation is ILiquidation, Offers, Matching {
    using FixedMath for int256;

    /*───────────────────────────── liquidation ───────────────────────────*/

    /// @inheritdoc ILiquidation
    function liquidate(uint64 account, bytes calldata orders) external routed {
        Case memory c = _openFailing(account);
        if (c.trader.state.options() != 0) revert HoldsOptions(account);
        bool solvent = c.standing.equity >= 0;
        Orders.Order memory order;
        uint256 count = orders.length / Orders.LENGTH;
        for (uint256 i = 0; i < count; i++) {
            Reason reason = _fill(c, order, orders, i);
            if (reason != Reason.None) emit LiquidationOrderRejected(i, reason);
        }
        if (orders.length % Orders.LENGTH != 0) {
            emit LiquidationOrderRejected(count, Reason.MalformedOrder);
        }
        if (c.touched == 0) revert NothingLiquidated(account);
        assert(!solvent || c.standing.equity >= 0);
        _closeCase(c);
    }

    /*──────────────────────────── against orders ─────────────────────────*/

    /// Sells part of the largest position to an order.
    function _fill(
        Case memory c,
        Orders.Order memory order,
        bytes calldata orders,
        uint256 index
    ) private returns (Reason reason) {
        if (_isSafe(c)) return Reason.AlreadySafe;
        if (!Orders.read(orders, index, order)) return Reason.MalformedOrder;
        (Perp memory perp, uint256 own) = _largest(c);
        if (own == 0 || order.market != perp.market) return Reason.NotLargestPosition;
        _seat(c, order.account);
        Trader memory taker = c.taker;
        reason = _authorise(orders, index, order, taker, _domainSeparator());
        if (reason != Reason.None) return reason;
        if (order.isBuy != (perp.size > 0)) return Reason.SameSide;
        if (taker.owner == c.trader.owner) return Reason.SelfTrade;
        if (order.flags & Orders.IMMEDIATE != 0) return Reason.ImmediateWouldRest;
        if (_isFenced(taker, perp.market)) return Reason.RingFenced;
        reason = _checkPrice(c, perp, own, order.price);
        return reason == Reason.None ? _sell(c, order, perp, own) : reason;
    }

    /// On the tick, within the market's band, and within what the failing account may get: no worse than
    /// the mark less the slippage, and than the bankruptcy price, mark - E * (MM_i / MM) * 1e10 / s.
    /// An order's price is on the tick, so that rounding that one to a tick would change nothing.
    function _checkPrice(Case memory c, Perp memory perp, uint256 own, uint256 price)
        private
        view
        returns (Reason)
    {
        if (price == 0 || price % markets[perp.market].rules.tick != 0) return Reason.OffTick;
        uint256 mark = c.shelf.markets[perp.market].mark;
        // Prices and sizes are below 2^64, rates below 2^24, and amounts below 2^97.
        unchecked {
            int256 worse = int256(mark) - int256(price);
            uint256 band = mark * markets[perp.market].caps.priceBand;
            if (worse.abs() * PerpMath.PPM > band) return Reason.OutsidePriceBand;
            int256 share = c.standing.equity * int256(own) * PerpMath.PRICE_SIZE;
            bool solvent = worse * perp.size * int256(c.standing.maintenance) <= share;
            if (perp.size < 0) worse = -worse;
            int256 most = int256(mark * safetyRules[perp.market].slippage);
            bool within = solvent && worse * int256(PerpMath.PPM) <= most;
            return within ? Reason.None : Reason.WorseThanBound;
        }
    }

    /// Trades what the account needs and the order has left, and takes both fees.
    function _sell(Case memory c, Orders.Order memory order, Perp memory perp, uint256 own)
        private
        returns (Reason reason)
    {
        uint256 rate = safetyRules[perp.market].liquidationFee;
        uint256 size = _needed(c, perp, own, order.price, rate);
        (reason, size) = _available(c, order, size);
        if (reason != Reason.None) return reason;
        uint256 notional = PerpMath.value(int256(size), order.price).abs();
        int256 makerRate = _makerRate(c, perp.market);
        if (makerRate > order.maxFeePpm) return Reason.FeeAboveMaximum;
        c.takerFee = uint256(PerpMath.fee(notional, makerRate));
        int256 delta = -LiquidationMath.withSign(size, perp.size);
        reason = _trade(c, perp, size, order.price);
        if (reason != Reason.None) return reason;
        _fillLane(order, size);
        feeFund += uint128(c.takerFee);
        uint256 fee = _charge(c, perp.market, notional, rate);
        _announce(c, perp.market, delta, order.price, fee);
    }

    /// How much of `size` (s8) the order can take, in whole lots.
    function _available(Case memory c, Orders.Order memory order, uint256 size)
        private
        view
        returns (Reason, uint256)
    {
        uint256 filled = _filled(order);
        if (filled == CANCELLED) return (Reason.OrderCancelled, 0);
        if (filled >= order.size) return (Reason.OrderOverfilled, 0);
        uint256 left = order.size - filled;
        if (order.flags & Orders.REDUCE_ONLY != 0) {
            int256 held = _perp(c.taker, order.market).size;
            if (held == 0 || (held < 0) != order.isBuy) return (Reason.NotReducing, 0);
            if (held.abs() < left) left = held.abs();
        }
        if (left < size) size = left - left % markets[order.market].rules.lot;
        return (size == 0 ? Reason.OffLot : Reason.None, size);
    }

    /// ppm: the buyer's ordinary maker fee, or nothing instead of a rebate.
    function _makerRate(Case memory c, uint32 market) private view returns (int256) {
        // A tier is 0, 1, 2 or 3.
        unchecked {
            uint256 lane = 2 * uint256(c.taker.state.feeTier()) + 1;
            return int256(markets[market].fees[lane]).max(0);
        }
    }
}
