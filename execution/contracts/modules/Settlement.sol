// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Module} from "../Module.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {Orders} from "../libraries/Orders.sol";
import {PerpMath} from "../libraries/PerpMath.sol";
import {Signatures} from "../libraries/Signatures.sol";
import {Account, MarketStatus, Position, Reason, SessionKey} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Settlement                                                                    │
│                                                                               │
│ The settlement path, whole. A batch works in memory: each account, position   │
│ and market is read once, fills change the copies, and what changed is written │
│ once at the end. Only order fills go to storage at once, because lanes of one │
│ slot belong to different orders. A fill is tried on the copies and undone     │
│ when a side's margin refuses it.                                              │
──────────────────────────────────────────────────────────────────────────────*/
contract Settlement is ISettlement, Module {
    using FixedMath for int256;

    /// Gas of the worst single fill before what depends on the number of markets: two signatures,
    /// two cold accounts, two fill lanes, the event, and the loop itself.
    uint256 private constant GAS_FILL = 180_000;
    /// Gas that one more market can add to a fill: two cold positions, the market's own slots, and
    /// its share of at most four sums over the positions.
    uint256 private constant GAS_MARKET = 30_000;
    /// Gas of writing one slot at the end of the batch.
    uint256 private constant GAS_WRITE = 26_000;

    uint256 private constant FEE_TIERS = 4;
    uint256 private constant CANCELLED = type(uint64).max;

    /// A position in memory.
    struct Perp {
        uint32 market;
        bool dirty;
        int256 size;
        int256 cost;
        int256 funding;
    }

    /// An account in memory. `perps` holds `count` positions; one may have become flat.
    struct Trader {
        uint64 id;
        bool dirty;
        address owner;
        int256 cash;
        Account state;
        Perp[] perps;
        uint256 count;
    }

    /// One side of the fill at hand: what it had, what it would have.
    struct Side {
        Orders.Order order;
        Trader trader;
        Perp perp;
        /// s8, signed.
        int256 delta;
        /// q6.
        int256 fee;
        bool reduces;
        int256 oldSize;
        int256 oldCost;
        int256 oldFunding;
        int256 oldCash;
        int256 newSize;
        int256 newCost;
        int256 newFunding;
        int256 newCash;
        /// q6, to cash.
        int256 payment;
    }

    struct Batch {
        bytes32 domain;
        bool paused;
        /// By order number: 0 not looked at, a trader's number + 1, or REFUSED + a reason.
        uint256[] admitted;
        /// Open addressing from account id to a trader's number + 1.
        uint256[] table;
        Trader[] traders;
        uint256 traderCount;
        MarketView[] markets;
        /// q6.
        int256 fees;
        /// Slots to write at the end.
        uint256 writes;
        uint256 gasFill;
        Side taker;
        Side maker;
    }

    uint256 private constant REFUSED = 1 << 128;

    /// @inheritdoc ISettlement
    function settleBatch(bytes calldata orders, bytes calldata fills, bytes calldata clearing)
        external
        onlyRole(matcher)
    {
        Batch memory batch = _open(orders.length / Orders.LENGTH);
        uint256 count = fills.length / Orders.FILL_LENGTH;
        for (uint256 i = 0; i < count; i++) {
            if (gasleft() < batch.gasFill + batch.writes * GAS_WRITE) {
                emit BatchStopped(i);
                _close(batch);
                return;
            }
            Reason reason = _settle(batch, orders, fills, clearing, i);
            if (reason != Reason.None) emit FillRejected(i, reason);
        }
        if (fills.length % Orders.FILL_LENGTH != 0) emit FillRejected(count, Reason.MalformedFill);
        _close(batch);
    }

    /*────────────────────────────── a batch ──────────────────────────────*/

    function _open(uint256 orderCount) private view returns (Batch memory batch) {
        batch.domain = _domainSeparator();
        batch.paused = paused;
        batch.admitted = new uint256[](orderCount);
        uint256 size = 2;
        while (size < 2 * orderCount) size *= 2;
        batch.table = new uint256[](size);
        batch.traders = new Trader[](orderCount);
        batch.markets = new MarketView[](marketCount);
        batch.gasFill = GAS_FILL + batch.markets.length * GAS_MARKET;
    }

    function _close(Batch memory batch) private {
        for (uint256 i = 0; i < batch.traderCount; i++) {
            if (batch.traders[i].dirty) _write(batch.traders[i]);
        }
        for (uint32 id = 0; id < batch.markets.length; id++) {
            if (batch.markets[id].dirty) _store(batch.markets[id], id);
        }
        // Every fill's two fees add up to zero or more, because a market's lanes do.
        if (batch.fees != 0) feeFund += uint128(uint256(batch.fees));
    }

    function _write(Trader memory trader) private {
        Account memory state = trader.state;
        uint64 perps = state.perps;
        for (uint256 i = 0; i < trader.count; i++) {
            Perp memory perp = trader.perps[i];
            if (!perp.dirty) continue;
            uint64 bit = uint64(1) << perp.market;
            perps = perp.size == 0 ? perps & ~bit : perps | bit;
            // Every fill checked that the members fit; a flat position leaves a zero slot.
            positions[_positionKey(trader.id, perp.market)] = Position({
                size: int64(perp.size),
                cost: int96(perp.cost),
                funding: perp.size == 0 ? int96(0) : int96(perp.funding)
            });
        }
        state.perps = perps;
        state.cash = int96(trader.cash);
        accounts[trader.id] = state;
    }

    /*─────────────────────────────── a fill ──────────────────────────────*/

    function _settle(
        Batch memory batch,
        bytes calldata orders,
        bytes calldata fills,
        bytes calldata clearing,
        uint256 index
    ) private returns (Reason reason) {
        (uint256 taker, uint256 maker, uint64 size) = Orders.fill(fills, index);
        reason = _admit(batch, orders, taker, batch.taker);
        if (reason != Reason.None) return reason;
        reason = _admit(batch, orders, maker, batch.maker);
        if (reason != Reason.None) return reason;
        reason = _match(batch, batch.taker, batch.maker, size);
        if (reason != Reason.None) return reason;

        uint32 id = batch.taker.order.market;
        uint64 price;
        (reason, price) = _price(id, batch.taker.order, batch.maker.order, clearing);
        if (reason != Reason.None) return reason;
        reason = _terms(batch, id, size, price);
        if (reason != Reason.None) return reason;
        reason = _trade(batch, id, price);
        if (reason != Reason.None) return reason;

        _fillLane(batch.taker.order, size);
        _fillLane(batch.maker.order, size);
        _emit(batch, id, size, price);
    }

    function _emit(Batch memory batch, uint32 id, uint64 size, uint64 price) private {
        emit FillSettled(
            id,
            batch.taker.order.account,
            batch.maker.order.account,
            batch.taker.order.isBuy,
            size,
            price,
            batch.taker.fee,
            batch.maker.fee
        );
    }

    /// What the two orders say of each other, and what is left of them.
    function _match(Batch memory batch, Side memory taker, Side memory maker, uint64 size)
        private
        view
        returns (Reason)
    {
        Orders.Order memory a = taker.order;
        Orders.Order memory b = maker.order;
        if (a.market != b.market) return Reason.MarketMismatch;
        if (a.market >= batch.markets.length) return Reason.UnknownMarket;
        if (a.isBuy == b.isBuy) return Reason.SameSide;
        if (taker.trader.owner == maker.trader.owner) return Reason.SelfTrade;
        if (a.flags & Orders.POST_ONLY != 0) return Reason.PostOnlyWouldTake;
        if (b.flags & Orders.IMMEDIATE != 0) return Reason.ImmediateWouldRest;
        if (size == 0) return Reason.ZeroSize;
        Reason reason = _remaining(a, size);
        return reason == Reason.None ? _remaining(b, size) : reason;
    }

    function _remaining(Orders.Order memory order, uint64 size) private view returns (Reason) {
        uint256 filled = (orderFills[_laneKey(order)] >> _laneShift(order)) & CANCELLED;
        if (filled == CANCELLED) return Reason.OrderCancelled;
        return filled + size > order.size ? Reason.OrderOverfilled : Reason.None;
    }

    /// The maker's price, or an auction market's clearing price; within both limits.
    function _price(
        uint32 id,
        Orders.Order memory taker,
        Orders.Order memory maker,
        bytes calldata clearing
    ) private view returns (Reason, uint64 price) {
        price = maker.price;
        if (markets[id].caps.auction) {
            price = Orders.clearingPrice(clearing, id);
            if (price == 0) return (Reason.NoClearingPrice, 0);
        }
        bool within = _accepts(taker, price) && _accepts(maker, price);
        return (within ? Reason.None : Reason.LimitExceeded, price);
    }

    function _accepts(Orders.Order memory order, uint64 price) private pure returns (bool) {
        return order.isBuy ? price <= order.price : price >= order.price;
    }

    /// What the market asks of the fill: grid, fees, status, band. Sets both sides' delta and fee.
    function _terms(Batch memory batch, uint32 id, uint64 size, uint64 price)
        private
        view
        returns (Reason)
    {
        MarketView memory market = batch.markets[id];
        if (!market.loaded) _load(market, id);
        if (size % markets[id].rules.lot != 0) return Reason.OffLot;
        if (price == 0 || price % markets[id].rules.tick != 0) return Reason.OffTick;
        uint256 notional = uint256(PerpMath.value(int256(uint256(size)), price));
        if (!_charge(batch.taker, id, notional, 0)) return Reason.FeeAboveMaximum;
        if (!_charge(batch.maker, id, notional, 1)) return Reason.FeeAboveMaximum;

        _face(batch.taker, id, size);
        _face(batch.maker, id, size);
        if (!_respectsReduceOnly(batch.taker)) return Reason.NotReducing;
        if (!_respectsReduceOnly(batch.maker)) return Reason.NotReducing;
        if (!batch.taker.reduces || !batch.maker.reduces) {
            if (batch.paused || market.status != MarketStatus.Active) {
                return Reason.MarketReduceOnly;
            }
            if (market.stale) return Reason.OracleStale;
        }
        uint256 distance = price > market.mark ? price - market.mark : market.mark - price;
        bool far = distance * PerpMath.PPM > market.mark * markets[id].caps.priceBand;
        return far ? Reason.OutsidePriceBand : Reason.None;
    }

    /// Sets a side's fee. @param lane 0 taker, 1 maker.
    function _charge(Side memory side, uint32 id, uint256 notional, uint256 lane)
        private
        view
        returns (bool accepted)
    {
        uint256 tier = side.trader.state.feeTier % FEE_TIERS;
        int32 rate = markets[id].fees[2 * tier + lane];
        side.fee = PerpMath.fee(notional, rate);
        return rate <= side.order.maxFeePpm;
    }

    /// Points a side at its position in the market.
    function _face(Side memory side, uint32 id, uint64 size) private pure {
        side.delta = side.order.isBuy ? int256(uint256(size)) : -int256(uint256(size));
        side.perp = _perp(side.trader, id);
        int256 held = side.perp.size;
        side.reduces = held != 0 && (held < 0) != (side.delta < 0) && size <= held.abs();
    }

    function _respectsReduceOnly(Side memory side) private pure returns (bool) {
        return side.reduces || side.order.flags & Orders.REDUCE_ONLY == 0;
    }

    /// The position of a trader in a market; a flat one is appended when there is none.
    function _perp(Trader memory trader, uint32 id) private pure returns (Perp memory perp) {
        for (uint256 i = 0; i < trader.count; i++) {
            if (trader.perps[i].market == id) return trader.perps[i];
        }
        if (trader.count == trader.perps.length) {
            Perp[] memory longer = new Perp[](trader.count + 2);
            for (uint256 i = 0; i < trader.count; i++) longer[i] = trader.perps[i];
            trader.perps = longer;
        }
        perp = trader.perps[trader.count];
        perp.market = id;
        trader.count += 1;
    }

    /*────────────────────────────── the trade ────────────────────────────*/

    /// Tries the trade on the copies; keeps it when bounds, cap and both margins hold.
    function _trade(Batch memory batch, uint32 id, uint64 price) private view returns (Reason) {
        MarketView memory market = batch.markets[id];
        (Side memory taker, Side memory maker) = (batch.taker, batch.maker);
        if (!_compute(taker, market, price)) return Reason.FieldOverflow;
        if (!_compute(maker, market, price)) return Reason.FieldOverflow;

        uint256 oldInterest = market.openInterest;
        uint256 newInterest = uint256(
            int256(oldInterest) + _longChange(taker) + _longChange(maker)
        );
        if (newInterest > oldInterest && newInterest > markets[id].caps.oiCap) {
            return Reason.OpenInterestCap;
        }
        if (newInterest >= 1 << 63) return Reason.FieldOverflow;

        market.openInterest = newInterest;
        _put(taker);
        _put(maker);
        Reason reason = _margin(batch, taker, Reason.TakerMargin);
        if (reason == Reason.None) reason = _margin(batch, maker, Reason.MakerMargin);
        if (reason != Reason.None) {
            market.openInterest = oldInterest;
            _undo(taker);
            _undo(maker);
            return reason;
        }
        market.poolChange -= taker.payment + maker.payment;
        batch.fees += taker.fee + maker.fee;
        _mark(batch, market, taker);
        _mark(batch, market, maker);
        return Reason.None;
    }

    /// A side's position and cash after funding, trade and fee. False when a field would overflow.
    function _compute(Side memory side, MarketView memory market, uint64 price)
        private
        pure
        returns (bool)
    {
        Perp memory perp = side.perp;
        (side.oldSize, side.oldCost, side.oldFunding) = (perp.size, perp.cost, perp.funding);
        side.oldCash = side.trader.cash;
        side.payment = PerpMath.fundingPayment(perp.size, market.fundingIndex - perp.funding);
        int256 realised;
        (side.newSize, side.newCost, realised) =
            PerpMath.trade(perp.size, perp.cost, side.delta, price);
        side.newCash = side.oldCash + side.payment + realised - side.fee;
        side.newFunding = market.fundingIndex;
        return side.newSize.fitsInt64() && side.newCost.fitsInt96() && side.newCash.fitsInt96();
    }

    function _longChange(Side memory side) private pure returns (int256) {
        return side.newSize.max(0) - side.oldSize.max(0);
    }

    function _put(Side memory side) private pure {
        side.perp.size = side.newSize;
        side.perp.cost = side.newCost;
        side.perp.funding = side.newFunding;
        side.trader.cash = side.newCash;
    }

    function _undo(Side memory side) private pure {
        side.perp.size = side.oldSize;
        side.perp.cost = side.oldCost;
        side.perp.funding = side.oldFunding;
        side.trader.cash = side.oldCash;
    }

    /// E' >= IM', or MM' <= MM and E' * MM >= E * MM'. A fill that doesn't reduce also needs fresh
    /// prices in every market the account is in.
    function _margin(Batch memory batch, Side memory side, Reason failure)
        private
        view
        returns (Reason)
    {
        (int256 equity, uint256 initial, uint256 maintenance, bool stale) =
            _assess(batch, side.trader);
        if (stale && !side.reduces) return Reason.OracleStale;
        if (equity >= int256(initial)) return Reason.None;

        _undo(side);
        (int256 oldEquity,, uint256 oldMaintenance,) = _assess(batch, side.trader);
        _put(side);
        bool holds = maintenance <= oldMaintenance
            && equity * int256(oldMaintenance) >= oldEquity * int256(maintenance);
        return holds ? Reason.None : failure;
    }

    function _assess(Batch memory batch, Trader memory trader)
        private
        view
        returns (int256 equity, uint256 initial, uint256 maintenance, bool stale)
    {
        PerpMath.Sums memory sums;
        for (uint256 i = 0; i < trader.count; i++) {
            Perp memory perp = trader.perps[i];
            if (perp.size == 0) continue;
            MarketView memory market = batch.markets[perp.market];
            if (!market.loaded) _load(market, perp.market);
            _addPosition(sums, market, perp.size, perp.cost, perp.funding);
            stale = stale || market.stale;
        }
        return (PerpMath.equity(sums, trader.cash), sums.initial, sums.maintenance, stale);
    }

    /// Counts the slots that a settled fill will have written at the end.
    function _mark(Batch memory batch, MarketView memory market, Side memory side) private pure {
        if (!market.dirty) (market.dirty, batch.writes) = (true, batch.writes + 3);
        if (!side.trader.dirty) (side.trader.dirty, batch.writes) = (true, batch.writes + 1);
        if (!side.perp.dirty) (side.perp.dirty, batch.writes) = (true, batch.writes + 1);
    }

    /*───────────────────────────── the orders ────────────────────────────*/

    /// Reads an order into `side` and checks, once a batch, what doesn't depend on the fill.
    function _admit(Batch memory batch, bytes calldata orders, uint256 index, Side memory side)
        private
        view
        returns (Reason)
    {
        if (index >= batch.admitted.length) return Reason.MalformedFill;
        bool wellFormed = Orders.read(orders, index, side.order);
        uint256 known = batch.admitted[index];
        if (known == 0) {
            known = wellFormed
                ? _verify(batch, orders, index, side.order)
                : REFUSED + uint256(Reason.MalformedOrder);
            batch.admitted[index] = known;
        }
        if (known >= REFUSED) return Reason(known - REFUSED);
        side.trader = batch.traders[known - 1];
        return Reason.None;
    }

    /// @return A trader's number + 1, or REFUSED + a reason.
    function _verify(
        Batch memory batch,
        bytes calldata orders,
        uint256 index,
        Orders.Order memory order
    ) private view returns (uint256) {
        if (block.timestamp > order.expiry) return REFUSED + uint256(Reason.OrderExpired);
        uint256 number = _trader(batch, order.account);
        if (number == 0) return REFUSED + uint256(Reason.UnknownAccount);
        Trader memory trader = batch.traders[number - 1];
        if (order.nonce >> 32 != trader.state.orderEpoch) {
            return REFUSED + uint256(Reason.WrongEpoch);
        }
        (bytes32 r, bytes32 vs) = Orders.signature(orders, index);
        address signer = Signatures.recover(Orders.digest(order, batch.domain), r, vs);
        if (signer == address(0)) return REFUSED + uint256(Reason.BadSignature);
        if (signer != trader.owner && !_isLive(trader, order.market, signer)) {
            return REFUSED + uint256(Reason.SignerNotAllowed);
        }
        return number;
    }

    function _isLive(Trader memory trader, uint32 market, address signer)
        private
        view
        returns (bool)
    {
        SessionKey memory key = sessionKeys[trader.id][signer];
        return key.expiry >= block.timestamp && key.epoch == trader.state.sessionEpoch
            && market < 64 && (key.perps >> market) & 1 != 0;
    }

    /// @return The number + 1 of the account's copy, reading it if need be; 0 without an owner.
    function _trader(Batch memory batch, uint64 id) private view returns (uint256) {
        uint256 mask = batch.table.length - 1;
        uint256 place = id & mask;
        for (; batch.table[place] != 0; place = (place + 1) & mask) {
            if (batch.traders[batch.table[place] - 1].id == id) return batch.table[place];
        }
        address owner = owners[id];
        if (owner == address(0)) return 0;
        Trader memory trader = batch.traders[batch.traderCount];
        (trader.id, trader.owner, trader.state) = (id, owner, accounts[id]);
        trader.cash = trader.state.cash;
        _readPerps(trader);
        batch.traderCount += 1;
        batch.table[place] = batch.traderCount;
        return batch.traderCount;
    }

    function _readPerps(Trader memory trader) private view {
        uint256 bits = trader.state.perps;
        trader.perps = new Perp[](FixedMath.popCount(bits) + 1);
        for (uint32 id = 0; bits != 0; (id, bits) = (id + 1, bits >> 1)) {
            if (bits & 1 == 0) continue;
            Position memory position = positions[_positionKey(trader.id, id)];
            Perp memory perp = trader.perps[trader.count];
            (perp.market, perp.size) = (id, position.size);
            (perp.cost, perp.funding) = (position.cost, position.funding);
            trader.count += 1;
        }
    }

    /*──────────────────────────── the fill lanes ─────────────────────────*/

    function _laneKey(Orders.Order memory order) private pure returns (uint256) {
        return (uint256(order.account) << 64) | (order.nonce >> 2);
    }

    function _laneShift(Orders.Order memory order) private pure returns (uint256) {
        return (order.nonce & 3) * 64;
    }

    /// Adds to an order's lane; `_remaining` made sure that it stays below 2^63.
    function _fillLane(Orders.Order memory order, uint64 size) private {
        orderFills[_laneKey(order)] += uint256(size) << _laneShift(order);
    }
}
