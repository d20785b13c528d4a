// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Backstop} from "../Backstop.sol";
import {Matching} from "../Matching.sol";
import {IAccounts} from "../interfaces/IAccounts.sol";
import {ILiquidation} from "../interfaces/ILiquidation.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {IndexTwap} from "../libraries/IndexTwap.sol";
import {LiquidationMath} from "../libraries/LiquidationMath.sol";
import {Orders} from "../libraries/Orders.sol";
import {PerpMath} from "../libraries/PerpMath.sol";
import {IndexSample} from "../SafetyTypes.sol";
import {Reason, Standing} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Liquidation                                                                   │
│                                                                               │
│ Closing an account below its maintenance margin, first against signed orders, │
│ then against the backstop; and leaving by the backstop of one's own will.     │
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
contract Liquidation is ILiquidation, Backstop, Matching {
    using FixedMath for int256;

    /*───────────────────────────── liquidation ───────────────────────────*/

    /// @inheritdoc ILiquidation
    function liquidate(uint64 account, bytes calldata orders) external routed {
        Case memory c = _openFailing(account);
        if (c.trader.state.options != 0) revert HoldsOptions(account);
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

    /// @inheritdoc ILiquidation
    function takeOver(uint64 account) external routed {
        Case memory c = _openFailing(account);
        if (c.trader.state.options == 0) _takePositions(c);
        else _takeFraction(c);
        if (c.touched == 0) revert NothingLiquidated(account);
        _cover(c);
        _closeCase(c);
    }

    /// An account below maintenance margin, its orders cancelled.
    function _openFailing(uint64 account) private returns (Case memory c) {
        c = _openCase(account);
        Standing memory standing = c.standing;
        if (standing.stale || !_isCalm(c)) revert NoLiquidationNow(account);
        if (standing.equity >= int256(standing.maintenance)) {
            revert NotLiquidatable(account, standing.equity, standing.maintenance);
        }
        uint32 epoch = c.trader.state.orderEpoch + 1;
        c.trader.state.orderEpoch = epoch;
        emit LiquidationStarted(account, epoch, standing.equity, standing.maintenance);
    }

    /// Whether no market that the account depends on, all of which have been read to judge it, has
    /// come back from an outage just now.
    function _isCalm(Case memory c) private view returns (bool) {
        for (uint32 id = 0; id < c.shelf.markets.length; id++) {
            uint256 passed = block.timestamp - health[id].resumedTime;
            bool calm = passed >= safetyRules[id].graceSeconds;
            if (c.shelf.markets[id].loaded && !calm) return false;
        }
        return true;
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
        reason = _authorise(orders, index, order, taker);
        if (reason != Reason.None) return reason;
        if (order.isBuy != (perp.size > 0)) return Reason.SameSide;
        if (taker.owner == c.trader.owner) return Reason.SelfTrade;
        if (order.flags & Orders.IMMEDIATE != 0) return Reason.ImmediateWouldRest;
        bool fenced = taker.state.flags & FLAG_VAULT != 0 && vaultMarket[taker.id] != perp.market;
        if (fenced) return Reason.RingFenced;
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
            uint256 lane = 2 * uint256(c.taker.state.feeTier) + 1;
            return int256(markets[market].fees[lane]).max(0);
        }
    }

    /*─────────────────────────────── leaving ─────────────────────────────*/

    /// @inheritdoc ILiquidation
    function requestExit(uint64 account, uint32 market) external routed {
        _requireOwner(account);
        uint256 key = _positionKey(account, market);
        if (positions[key].size == 0) revert NoPosition(account, market);
        (, uint256 until) = _exitTimes(key, market);
        if (block.timestamp <= until) revert ExitPending(account, market);
        exits[key].time = uint40(block.timestamp);
        emit ExitRequested(account, market, uint40(block.timestamp));
    }

    /// @inheritdoc ILiquidation
    function cancelExit(uint64 account, uint32 market) external routed {
        _requireOwner(account);
        uint256 key = _positionKey(account, market);
        (, uint256 until) = _exitTimes(key, market);
        if (block.timestamp > until) revert NoExit(account, market);
        delete exits[key];
        Case memory c = _openCase(account);
        // What initial margin needs stays.
        c.standing.equity -= int256(c.standing.initial);
        int256 size = _perp(c.trader, market).size;
        uint256 penalty = _penalise(c, market, size, c.shelf.markets[market].mark);
        _writeTrader(c.trader);
        emit ExitCancelled(account, market, penalty);
    }

    /// @inheritdoc ILiquidation
    function executeExit(uint64 account, uint32 market, uint40 bucket) external routed {
        uint256 key = _positionKey(account, market);
        (uint256 from, uint256 until) = _exitTimes(key, market);
        if (until == 0) revert NoExit(account, market);
        if (block.timestamp < from) revert ExitTooEarly(uint40(from));
        if (block.timestamp > until) revert ExitExpired(uint40(until));
        delete exits[key];
        Case memory c = _openCase(account);
        Standing memory before = c.standing;
        Perp memory perp = _perp(c.trader, market);
        int256 size = perp.size;
        if (size == 0) revert NoPosition(account, market);
        uint256 price = _exitPrice(c, perp, _firstMark(market, bucket, from));
        bool able = _seatVault(c, market)
            && _trade(c, perp, size.abs(), price) == Reason.None;
        if (!able) revert BackstopUnable(market);
        uint256 penalty = _penalise(c, market, size, price);
        if (!_isAllowed(before, c.standing)) revert ExitRaisesRisk(account);
        _closeCase(c);
        emit ExitExecuted(account, market, -size, uint64(price), penalty);
    }

    /// Takes what an exit costs, on what `size` (s8) counts for at `price` (p8).
    function _penalise(Case memory c, uint32 market, int256 size, uint256 price)
        private
        returns (uint256)
    {
        uint256 notional = PerpMath.unrealised(size, 0, price).abs();
        return _charge(c, market, notional, safetyRules[market].exitPenalty);
    }

    /// The first mark, or the present one where that is worse for who leaves: a request must not be a
    /// free choice between two prices. On the tick.
    function _exitPrice(Case memory c, Perp memory perp, uint256 first)
        private
        view
        returns (uint256)
    {
        uint256 mark = c.shelf.markets[perp.market].mark;
        return _vaultPrice(perp, (perp.size > 0) == (mark < first) ? mark : first, 0);
    }

    /// The mark of a bucket, which is the first that begins at `from` (s) or later.
    function _firstMark(uint32 market, uint40 bucket, uint256 from)
        private
        view
        returns (uint256)
    {
        IndexSample storage sample = indexSamples[_sampleKey(market, bucket)];
        bool isFirst = sample.firstMark != 0 && bucket * IndexTwap.STEP >= from
            && sample.previous * IndexTwap.STEP < from;
        if (!isFirst) revert WrongBucket(bucket);
        return sample.firstMark;
    }

    /// From when to when a request can be executed, seconds; both 0 when there is none.
    function _exitTimes(uint256 key, uint32 market)
        private
        view
        returns (uint256 from, uint256 until)
    {
        uint256 time = exits[key].time;
        if (time == 0) return (0, 0);
        from = time + safetyRules[market].exitDelay;
        until = from + safetyRules[market].exitWindow;
    }

    function _requireOwner(uint64 account) private view {
        if (owners[account] != msg.sender) revert IAccounts.NotOwner(account, msg.sender);
    }
}
