// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OptionRules, Strike} from "../OptionTypes.sol";
import {Sides} from "../Sides.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {FixedMath} from "../libraries/FixedMath.sol";
import {Orders} from "../libraries/Orders.sol";
import {PerpMath} from "../libraries/PerpMath.sol";
import {Signatures} from "../libraries/Signatures.sol";
import {Account, Market, MarketCaps, MarketStatus, Reason, SessionKey} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Settlement                                                                    │
│                                                                               │
│ The settlement path, whole. A batch works in memory: each account, position,  │
│ market and series is read once, fills change the copies, and what changed is  │
│ written once at the end. Only order fills go to storage at once, because      │
│ lanes of one slot belong to different orders. A fill is tried on the copies   │
│ and undone when a side's margin refuses it.                                   │
──────────────────────────────────────────────────────────────────────────────*/
contract Settlement is ISettlement, Sides {
    using FixedMath for int256;

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
    /// Slots that a changed market has: its flow, its funding, and one for the event.
    uint256 private constant WRITES_MARKET = 3;
    uint256 private constant WRITES_SERIES = 1;
    /// Slots of a list of held series.
    uint256 private constant WRITES_LIST = 4;

    uint256 private constant FEE_TIERS = 4;
    uint256 private constant CANCELLED = type(uint64).max;
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
        /// Open addressing from account id to where the trader is in memory.
        uint256[] table;
        /// Where each trader is in memory.
        uint256[] traders;
        uint256 traderCount;
        /// As Solidity makes one, to be copied.
        Trader blank;
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

    /*────────────────────────────── a batch ──────────────────────────────*/

    function _open(uint256 orderCount) private view returns (Batch memory batch) {
        batch.domain = _domainSeparator();
        batch.paused = paused;
        batch.admitted = new uint256[](orderCount);
        uint256 size = 2;
        while (size < 2 * orderCount) size *= 2;
        batch.table = new uint256[](size);
        batch.traders = new uint256[](orderCount);
        batch.shelf.markets = new MarketView[](marketCount);
        batch.terms = new Terms[](batch.shelf.markets.length);
    }

    function _close(Batch memory batch) private {
        Side memory side = batch.taker;
        uint256[] memory traders = batch.traders;
        uint256 count = batch.traderCount;
        for (uint256 i = 0; i < count; i++) {
            _seat(side, traders[i]);
            if (side.trader.dirty) _writeTrader(side.trader);
        }
        _closeShelf(batch.shelf);
        // Every fill's two fees add up to zero or more, because a market's lanes do.
        if (batch.fees != 0) feeFund += uint128(uint256(batch.fees));
    }

    /// Whether the gas left suffices for `work` and for writing what the batch has changed.
    function _suffices(Batch memory batch, uint256 work) private view returns (bool) {
        // Counts of what fits in memory, times constants.
        unchecked {
            return gasleft() >= work + batch.writes * GAS_WRITE;
        }
    }

    /*─────────────────────────────── a fill ──────────────────────────────*/

    function _settle(
        Batch memory batch,
        bytes calldata orders,
        bytes calldata fills,
        bytes calldata clearing,
        uint256 index
    ) private returns (Reason reason) {
        if (!_suffices(batch, GAS_LOOK + GAS_TRADE)) return _stop(batch);
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
        _fillLane(taker, deal.size);
        _fillLane(maker, deal.size);
        _emit(deal, taker, maker);
    }

    function _stop(Batch memory batch) private pure returns (Reason) {
        batch.stopped = true;
        return Reason.None;
    }

    /// Whether the gas left suffices for a trade; what the two accounts hold only matters when not
    /// even the largest ones would be too much.
    function _sufficesToTrade(Batch memory batch, Trader memory taker, Trader memory maker)
        private
        view
        returns (bool)
    {
        if (_suffices(batch, GAS_TRADE_MAX)) return true;
        return _suffices(batch, GAS_TRADE + _work(taker) + _work(maker));
    }

    /// Gas that what an account holds can add to a fill, one more position included.
    function _work(Trader memory trader) private pure returns (uint256) {
        (uint256 perps, uint256 options) = trader.loaded
            ? (trader.count, trader.optionCount)
            : (FixedMath.popCount(trader.state.perps), trader.state.options);
        // As in `_suffices`.
        unchecked {
            return (perps + 1) * GAS_POSITION + options * GAS_HOLDING;
        }
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

    /// What the two orders say of each other, and what is left of them.
    function _match(Side memory taker, Side memory maker, uint64 size)
        private
        view
        returns (Reason)
    {
        Orders.Order memory a = taker.order;
        Orders.Order memory b = maker.order;
        if (a.market != b.market) return Reason.MarketMismatch;
        if (a.isBuy == b.isBuy) return Reason.SameSide;
        if (taker.trader.owner == maker.trader.owner) return Reason.SelfTrade;
        if (a.flags & Orders.POST_ONLY != 0) return Reason.PostOnlyWouldTake;
        if (b.flags & Orders.IMMEDIATE != 0) return Reason.ImmediateWouldRest;
        if (size == 0) return Reason.ZeroSize;
        Reason reason = _remaining(taker, size);
        return reason == Reason.None ? _remaining(maker, size) : reason;
    }

    function _remaining(Side memory side, uint64 size) private view returns (Reason) {
        Orders.Order memory order = side.order;
        (uint256 place, uint256 lanes) = _lanes(order);
        (side.laneSlot, side.lanes) = (place, lanes);
        uint256 filled = (lanes >> _laneShift(order)) & CANCELLED;
        if (filled == CANCELLED) return Reason.OrderCancelled;
        // Both are uint64.
        unchecked {
            return filled + size > order.size ? Reason.OrderOverfilled : Reason.None;
        }
    }

    /// Finds what is traded: most often what the fill before traded.
    function _instrument(Batch memory batch) private view returns (Reason) {
        Deal memory deal = batch.deal;
        uint32 id = batch.taker.order.market;
        if (id != deal.market || !batch.ruling.loaded) {
            Reason reason = _find(batch, id);
            if (reason != Reason.None) return reason;
        }
        return deal.base.status == MarketStatus.Closed ? Reason.MarketClosed : Reason.None;
    }

    /// Points the deal at a market or series; where there is none, it keeps to what it was.
    function _find(Batch memory batch, uint32 id) private view returns (Reason) {
        Deal memory deal = batch.deal;
        (uint32 underlying, bool isOption) = (id, id >= SERIES_START);
        if (isOption) {
            Strike storage strike = strikes[id & ~uint32(1)];
            if (strike.price == 0) return Reason.UnknownMarket;
            if (block.timestamp >= strike.expiry) return Reason.SeriesExpired;
            underlying = strike.underlying;
        }
        if (underlying >= batch.terms.length) return Reason.UnknownMarket;
        (deal.market, deal.underlying, deal.isOption) = (id, underlying, isOption);
        if (isOption) {
            uint256 place = _seriesPlace(batch.shelf, id);
            deal.series = batch.shelf.series[place];
        }
        deal.base = batch.shelf.markets[underlying];
        batch.ruling = batch.terms[underlying];
        if (!batch.ruling.loaded) _loadTerms(batch, underlying);
        return Reason.None;
    }

    function _loadTerms(Batch memory batch, uint32 id) private view {
        _touch(batch.shelf, id);
        Market storage market = markets[id];
        MarketCaps memory caps = market.caps;
        Terms memory terms = batch.ruling;
        terms.loaded = true;
        terms.auction = caps.auction;
        terms.opens = !batch.paused && market.price.status == MarketStatus.Active
            && block.timestamp >= health[id].pausedUntil;
        (terms.tick, terms.lot) = (market.rules.tick, market.rules.lot);
        (terms.oiCap, terms.priceBand) = (caps.oiCap, caps.priceBand);
        int32[8] storage fees = market.fees;
        uint256 lanes;
        assembly ("memory-safe") {
            lanes := sload(fees.slot)
        }
        terms.fees = lanes;
    }

    /// The maker's price, or an auction market's clearing price; within both limits. Options trade
    /// at the maker's price in every market.
    function _price(Batch memory batch, bytes calldata clearing) private pure returns (Reason) {
        Deal memory deal = batch.deal;
        uint64 price = batch.maker.order.price;
        if (!deal.isOption && batch.ruling.auction) {
            price = Orders.clearingPrice(clearing, deal.market);
            if (price == 0) return Reason.NoClearingPrice;
        }
        deal.price = price;
        bool within = _accepts(batch.taker.order, price) && _accepts(batch.maker.order, price);
        return within ? Reason.None : Reason.LimitExceeded;
    }

    function _accepts(Orders.Order memory order, uint64 price) private pure returns (bool) {
        return order.isBuy ? price <= order.price : price >= order.price;
    }

    /// What the market asks of the fill: grid, fees, status, band. Sets both sides' delta and fee.
    function _admitTrade(Batch memory batch) private view returns (Reason reason) {
        Deal memory deal = batch.deal;
        Terms memory terms = batch.ruling;
        MarketView memory market = deal.base;
        (uint256 near, uint256 reach) = (market.mark, _reach(market.mark, terms.priceBand));
        if (deal.isOption) {
            OptionRules memory rules = optionRules[deal.underlying];
            reason = _onGrid(deal, rules.tick, rules.lot);
            deal.interestCap = rules.oiCap;
            near = deal.series.value;
            reach = _reach(market.index, rules.priceBand);
        } else {
            reason = _onGrid(deal, terms.tick, terms.lot);
            deal.interestCap = terms.oiCap;
        }
        if (reason != Reason.None) return reason;
        deal.notional = uint256(PerpMath.value(int256(uint256(deal.size)), deal.price));
        reason = _admitSides(batch, terms);
        if (reason != Reason.None) return reason;
        if (!batch.taker.reduces || !batch.maker.reduces) {
            if (!terms.opens) return Reason.MarketReduceOnly;
            if (market.stale) return Reason.OracleStale;
            if (deal.isOption && deal.series.stale) return Reason.SeriesStale;
        }
        // Prices are uint64 and the band is uint24.
        unchecked {
            uint256 distance = deal.price > near ? deal.price - near : near - deal.price;
            return distance * PerpMath.PPM > reach ? Reason.OutsidePriceBand : Reason.None;
        }
    }

    /// How far from a price (uint64) a band (uint24) goes, p8 * 1e6.
    function _reach(uint256 price, uint256 band) private pure returns (uint256) {
        unchecked {
            return price * band;
        }
    }

    function _onGrid(Deal memory deal, uint256 tick, uint256 lot) private pure returns (Reason) {
        // Options of an underlying that has none any more have no grid.
        if (lot == 0 || deal.size % lot != 0) return Reason.OffLot;
        if (deal.price == 0 || deal.price % tick != 0) return Reason.OffTick;
        return Reason.None;
    }

    function _admitSides(Batch memory batch, Terms memory terms) private view returns (Reason) {
        (Deal memory deal, Side memory taker) = (batch.deal, batch.taker);
        Side memory maker = batch.maker;
        if (!_charge(taker, terms.fees, deal.notional, 0)) return Reason.FeeAboveMaximum;
        if (!_charge(maker, terms.fees, deal.notional, 1)) return Reason.FeeAboveMaximum;
        _face(taker, deal);
        _face(maker, deal);
        if (!_respectsReduceOnly(taker)) return Reason.NotReducing;
        if (!_respectsReduceOnly(maker)) return Reason.NotReducing;
        if (deal.isOption && (_isFull(taker) || _isFull(maker))) return Reason.TooManySeries;
        bool fenced = _isFenced(taker.trader, deal) || _isFenced(maker.trader, deal);
        return fenced ? Reason.RingFenced : Reason.None;
    }

    /// Sets a side's fee. @param lane 0 taker, 1 maker.
    function _charge(Side memory side, uint256 fees, uint256 notional, uint256 lane)
        private
        pure
        returns (bool accepted)
    {
        uint256 tier = side.trader.state.feeTier % FEE_TIERS;
        int32 rate;
        // A tier is below 4.
        unchecked {
            rate = int32(uint32(fees >> (32 * (2 * tier + lane))));
        }
        side.fee = PerpMath.fee(notional, rate);
        return rate <= side.order.maxFeePpm;
    }

    function _respectsReduceOnly(Side memory side) private pure returns (bool) {
        return side.reduces || side.order.flags & Orders.REDUCE_ONLY == 0;
    }

    /// Whether the account would hold a series too many.
    function _isFull(Side memory side) private pure returns (bool) {
        return side.held == 0 && _heldCount(side.trader) >= SERIES_MAX;
    }

    /// Whether a backstop vault would leave its market.
    function _isFenced(Trader memory trader, Deal memory deal) private view returns (bool) {
        return trader.state.flags & FLAG_VAULT != 0 && vaultMarket[trader.id] != deal.underlying;
    }

    /*────────────────────────────── the trade ────────────────────────────*/

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

    /*───────────────────────────── the orders ────────────────────────────*/

    /// Reads an order into `side` and checks, once a batch, what doesn't depend on the fill.
    function _admit(Batch memory batch, bytes calldata orders, uint256 index, Side memory side)
        private
        view
        returns (Reason)
    {
        uint256[] memory admitted = batch.admitted;
        if (index >= admitted.length) return Reason.MalformedFill;
        bool wellFormed = Orders.read(orders, index, side.order);
        uint256 known = admitted[index];
        if (known == 0) {
            known = wellFormed
                ? _verify(batch, orders, index, side)
                : REFUSED + uint256(Reason.MalformedOrder);
            admitted[index] = known;
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
        Orders.Order memory order = side.order;
        if (block.timestamp > order.expiry) return REFUSED + uint256(Reason.OrderExpired);
        uint256 place = _findTrader(batch, side);
        if (place == 0) return REFUSED + uint256(Reason.UnknownAccount);
        Trader memory trader = side.trader;
        if (order.nonce >> 32 != trader.state.orderEpoch) {
            return REFUSED + uint256(Reason.WrongEpoch);
        }
        (bytes32 r, bytes32 vs) = Orders.signature(orders, index);
        address signer = Signatures.recover(Orders.digest(order, batch.domain), r, vs);
        if (signer == address(0)) return REFUSED + uint256(Reason.BadSignature);
        if (signer != trader.owner && !_isLive(trader, order.market, signer)) {
            return REFUSED + uint256(Reason.SignerNotAllowed);
        }
        return place;
    }

    /// A series is traded by the keys of its underlying.
    function _isLive(Trader memory trader, uint32 market, address signer)
        private
        view
        returns (bool)
    {
        SessionKey memory key = sessionKeys[trader.id][signer];
        if (key.expiry < block.timestamp || key.epoch != trader.state.sessionEpoch) return false;
        if (market >= SERIES_START) market = strikes[market & ~uint32(1)].underlying;
        return (key.perps >> market) & 1 != 0;
    }

    /// Seats the account of a side's order, reading it if need be.
    /// @return place Where it is in memory; 0 without an owner.
    function _findTrader(Batch memory batch, Side memory side)
        private
        view
        returns (uint256 place)
    {
        uint64 id = side.order.account;
        uint256[] memory table = batch.table;
        uint256 mask = table.length - 1;
        uint256 slot = id & mask;
        while (true) {
            place = table[slot];
            if (place == 0) break;
            _seat(side, place);
            if (side.trader.id == id) return place;
            slot = (slot + 1) & mask;
        }
        place = _readAccount(batch, side, id);
        if (place == 0) return 0;
        table[slot] = place;
        uint256 count = batch.traderCount;
        batch.traders[count] = place;
        // As many as orders at most.
        unchecked {
            batch.traderCount = count + 1;
        }
    }

    /// Reads an account but not what it holds.
    function _readAccount(Batch memory batch, Side memory side, uint64 id)
        private
        view
        returns (uint256 place)
    {
        address owner = owners[id];
        if (owner == address(0)) return 0;
        place = _copyBlank(batch);
        _seat(side, place);
        Trader memory trader = side.trader;
        Account memory state = accounts[id];
        (trader.id, trader.owner, trader.state, trader.cash) = (id, owner, state, state.cash);
    }

    /// A Trader of nothing, without an Account of its own, which Solidity would fill with zeros for
    /// each one in vain. Memory of a struct is followed by that of its first struct member, so that
    /// the one's address and the other's tell how long it is.
    function _copyBlank(Batch memory batch) private pure returns (uint256 place) {
        Trader memory blank = batch.blank;
        Account memory next = blank.state;
        assembly ("memory-safe") {
            let length := sub(next, blank)
            place := mload(0x40)
            mcopy(place, blank, length)
            mstore(0x40, add(place, length))
        }
    }

    /// Points a side at a trader, of which the batch keeps the address in memory alone: arrays of
    /// structs would be filled with empty ones first.
    function _seat(Side memory side, uint256 place) private pure {
        Trader memory trader = side.trader;
        assembly ("memory-safe") {
            trader := place
        }
        side.trader = trader;
    }

    /*──────────────────────────── the fill lanes ─────────────────────────*/

    /// The slot of `orderFills` that an order's lane is in, found once a fill, and its content.
    function _lanes(Orders.Order memory order) private view returns (uint256 place, uint256 lanes) {
        uint256 key = (uint256(order.account) << 64) | (order.nonce >> 2);
        assembly ("memory-safe") {
            mstore(0, key)
            mstore(32, orderFills.slot)
            place := keccak256(0, 64)
            lanes := sload(place)
        }
    }

    function _laneShift(Orders.Order memory order) private pure returns (uint256) {
        return (order.nonce & 3) * 64;
    }

    /// Adds to an order's lane; `_remaining` made sure that it stays below 2^63, and the two sides
    /// have slots of their own, because they have accounts of their own.
    function _fillLane(Side memory side, uint64 size) private {
        (uint256 place, uint256 lanes) = (side.laneSlot, side.lanes);
        unchecked {
            lanes += uint256(size) << _laneShift(side.order);
        }
        assembly ("memory-safe") {
            sstore(place, lanes)
        }
    }
}
