// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Batches} from "./Batches.sol";
import {OptionRules, Strike} from "./OptionTypes.sol";
import {Orders} from "./libraries/Orders.sol";
import {PerpMath} from "./libraries/PerpMath.sol";
import {Market, MarketCaps, MarketStatus, Reason} from "./Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Admission                                                                     │
│                                                                               │
│ What two orders, the market and the two accounts ask of a fill before it is   │
│ tried: what is traded, at which price, on the grid, within the band, for      │
│ which fees, and whether somebody may only reduce.                             │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Admission is Batches {
    uint256 private constant FEE_TIERS = 4;

    /// What the two orders say of each other, and what is left of them.
    function _match(Side memory taker, Side memory maker, uint64 size)
        internal
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
        uint256 filled = _filledOf(order, lanes);
        if (filled == CANCELLED) return Reason.OrderCancelled;
        // Both are uint64.
        unchecked {
            return filled + size > order.size ? Reason.OrderOverfilled : Reason.None;
        }
    }

    /*─────────────────────────── what is traded ──────────────────────────*/

    /// Finds what is traded: most often what the fill before traded.
    function _instrument(Batch memory batch) internal view returns (Reason) {
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
            deal.series = _seriesOf(batch.shelf, id);
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
    function _price(Batch memory batch, bytes calldata clearing) internal pure returns (Reason) {
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

    /*────────────────────────── what is asked of it ──────────────────────*/

    /// What the market asks of the fill: grid, fees, status, band. Sets both sides' delta and fee.
    function _admitTrade(Batch memory batch) internal view returns (Reason reason) {
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
        // Size and price are uint64, and so is no operand of what follows too large.
        deal.notional = uint256(PerpMath.valueOfBooks(int256(uint256(deal.size)), deal.price));
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
        uint32 market = deal.underlying;
        bool fenced = _isFenced(taker.trader, market) || _isFenced(maker.trader, market);
        return fenced ? Reason.RingFenced : Reason.None;
    }

    /// Sets a side's fee. @param lane 0 taker, 1 maker.
    function _charge(Side memory side, uint256 fees, uint256 notional, uint256 lane)
        private
        pure
        returns (bool accepted)
    {
        uint256 tier = side.trader.state.feeTier() % FEE_TIERS;
        int32 rate;
        // A tier is below 4.
        unchecked {
            rate = int32(uint32(fees >> (32 * (2 * tier + lane))));
        }
        side.fee = PerpMath.feeOfBooks(notional, rate);
        return rate <= side.order.maxFeePpm;
    }

    function _respectsReduceOnly(Side memory side) private pure returns (bool) {
        return side.reduces || side.order.flags & Orders.REDUCE_ONLY == 0;
    }

}
