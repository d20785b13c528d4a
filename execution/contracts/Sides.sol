// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Books} from "./Books.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {Orders} from "./libraries/Orders.sol";
import {PerpMath} from "./libraries/PerpMath.sol";
import {PortfolioMath} from "./libraries/PortfolioMath.sol";
import {SeriesArray} from "./libraries/SeriesArray.sol";
import {Reason} from "./Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Sides                                                                         │
│                                                                               │
│ The two sides of a fill. A side holds what its account would have after the   │
│ fill; exchanging that with what the account has makes the trade, exchanging   │
│ once more undoes it. Scenario sums go along, so that they are never added up  │
│ anew while an account keeps to its underlyings.                               │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Sides is Books {
    using FixedMath for int256;

    /// What is traded, for how much.
    struct Deal {
        uint32 market;
        /// Of an option; a perpetual is its own.
        uint32 underlying;
        bool isOption;
        uint64 size;
        uint64 price;
        /// q6.
        uint256 notional;
        /// s8: open interest may not grow above it.
        uint256 interestCap;
        /// The market of the underlying.
        MarketView base;
        /// Of an option.
        SeriesView series;
    }

    /// One side of the deal at hand, and the other state of its account.
    struct Side {
        Orders.Order order;
        Trader trader;
        /// Where in storage the order's fill lane is, and what was there before the fill.
        uint256 laneSlot;
        uint256 lanes;
        /// What of the trader's is traded: a position, or a holding.
        Perp position;
        Holding holding;
        /// s8: the position before the deal.
        int256 held;
        /// s8, signed.
        int256 delta;
        /// q6.
        int256 fee;
        /// q6, to cash.
        int256 payment;
        /// The fill closes part of the position and does nothing else.
        bool reduces;
        int256 size;
        int256 cost;
        int256 funding;
        int256 cash;
        /// The place of the risk that `pnl`, `perp` and `naked` belong to + 1; 0: none, and the
        /// account's risks are added up again when they are needed.
        uint256 risk;
        int256[24] pnl;
        uint256 perp;
        uint256 naked;
        /// q6: what the position before the deal adds to each scenario.
        int256[24] gone;
    }

    /// Points a side at its position or holding, which may be flat.
    function _face(Side memory side, Deal memory deal) internal pure {
        int256 size = int256(uint256(deal.size));
        side.delta = side.order.isBuy ? size : -size;
        int256 held;
        if (deal.isOption) {
            uint256 place = _holdingPlace(side.trader, deal.market);
            side.holding = side.trader.options[place];
            held = side.holding.size;
        } else {
            uint256 place = _perpPlace(side.trader, deal.market);
            side.position = side.trader.perps[place];
            held = side.position.size;
        }
        side.held = held;
        side.reduces = (held < 0) != (side.delta < 0) && size <= int256(held.abs());
    }

    /// Whether the account would hold a series too many.
    function _isFull(Side memory side) internal pure returns (bool) {
        return side.held == 0 && _heldCount(side.trader) >= SERIES_MAX;
    }

    /// Works out a side's other state. False when a field would overflow.
    function _plan(Side memory side, Deal memory deal) internal pure returns (bool fits) {
        if (deal.isOption) {
            _planOption(side, deal);
        } else {
            _planPerp(side, deal.base.fundingIndex, deal.price);
        }
        fits = side.size.fitsInt64() && side.cost.fitsInt96() && side.cash.fitsInt96();
        if (fits) _planRisk(side, deal);
    }

    /// Funding is settled, then the trade booked.
    function _planPerp(Side memory side, int256 funding, uint64 price) private pure {
        Perp memory perp = side.position;
        // Size and cost are what their packed fields held, a price is uint64, and two funding indexes
        // are int96; payment, gain and fee are below 2^160.
        unchecked {
            int256 payment = PerpMath.fundingPaymentOfBooks(perp.size, funding - perp.funding);
            int256 realised;
            (side.size, side.cost, realised) =
                PerpMath.tradeOfBooks(perp.size, perp.cost, side.delta, price);
            side.cash = side.trader.cash + payment + realised - side.fee;
            (side.payment, side.funding) = (payment, funding);
        }
    }

    /// The premium is paid at once; nothing is owed on an option but its payoff.
    function _planOption(Side memory side, Deal memory deal) private pure {
        // Sizes are int64, amounts below 2^160.
        unchecked {
            int256 premium = int256(deal.notional);
            side.size = side.holding.size + side.delta;
            side.cash = side.trader.cash - side.fee + (side.delta > 0 ? -premium : premium);
        }
        (side.payment, side.cost, side.funding) = (0, 0, 0);
    }

    /// Takes the old position out of the scenario sums and puts the new one in.
    function _planRisk(Side memory side, Deal memory deal) private pure {
        Trader memory trader = side.trader;
        side.risk = 0;
        if (!trader.summed || (trader.underlyings >> deal.underlying) & 1 == 0) return;
        side.risk = _riskPlace(trader, deal.underlying) + 1;
        PortfolioMath.Risk memory risk = trader.risks[side.risk - 1];
        PortfolioMath.clear(side.gone);
        if (deal.isOption) {
            _planOptionRisk(deal.series.words, side, risk);
            return;
        }
        int256[24] memory unit = _perpScenarios(deal.base);
        PortfolioMath.addTo(side.gone, unit, side.held);
        PortfolioMath.subtract(side.pnl, risk.pnl, side.gone);
        PortfolioMath.addTo(side.pnl, unit, side.size);
        (side.perp, side.naked) = (side.size.abs(), risk.naked);
    }

    function _planOptionRisk(
        uint256[5] memory words,
        Side memory side,
        PortfolioMath.Risk memory risk
    ) private pure {
        SeriesArray.addTo(side.gone, words, side.held);
        PortfolioMath.subtract(side.pnl, risk.pnl, side.gone);
        SeriesArray.addTo(side.pnl, words, side.size);
        int256 partner = _partnerSize(side.trader, side.holding.series ^ 1);
        side.perp = risk.perp;
        side.naked = risk.naked + uint256((-partner - side.size).max(0))
            - uint256((-partner - side.held).max(0));
    }

    /// Size of the put to a call, of the call to a put.
    function _partnerSize(Trader memory trader, uint32 partner) private pure returns (int256) {
        for (uint256 i = 0; i < trader.optionCount; i++) {
            if (trader.options[i].series == partner) return trader.options[i].size;
        }
        return 0;
    }

    /// Exchanges the account's state with the side's.
    function _exchange(Side memory side, Deal memory deal) internal pure {
        Trader memory trader = side.trader;
        (trader.cash, side.cash) = (side.cash, trader.cash);
        if (deal.isOption) {
            Holding memory holding = side.holding;
            (holding.size, side.size) = (side.size, holding.size);
        } else {
            Perp memory perp = side.position;
            (perp.size, side.size) = (side.size, perp.size);
            (perp.cost, side.cost) = (side.cost, perp.cost);
            (perp.funding, side.funding) = (side.funding, perp.funding);
        }
        if (side.risk == 0) {
            trader.summed = false;
            return;
        }
        PortfolioMath.Risk memory risk = trader.risks[side.risk - 1];
        (risk.pnl, side.pnl) = (side.pnl, risk.pnl);
        (risk.perp, side.perp) = (side.perp, risk.perp);
        (risk.naked, side.naked) = (side.naked, risk.naked);
    }

    /// As `PerpMath.equity`, for cash that fits its field: the sums are below 2^254 together.
    function _equity(PerpMath.Sums memory sums, int256 cash) private pure returns (int256) {
        unchecked {
            return cash + sums.unrealised + sums.funding;
        }
    }

    /// Whether the account may have what it has after the exchange: E' >= IM', or MM' <= MM and
    /// E' * MM >= E * MM'. A fill that doesn't reduce also needs fresh prices of all that it holds.
    /// One that does may still add to the risk of what it hedged: with a stale array MM' <= MM has to
    /// hold whatever the equity.
    function _verdict(Shelf memory shelf, Side memory side, Deal memory deal, Reason failure)
        internal
        view
        returns (Reason)
    {
        Trader memory trader = side.trader;
        PerpMath.Sums memory sums = shelf.sums;
        (bool prices, bool arrays) = _weigh(shelf, trader);
        if (!side.reduces && prices) return Reason.OracleStale;
        if (!side.reduces && arrays) return Reason.SeriesStale;
        int256 equity = _equity(sums, trader.cash);
        bool covered = equity >= int256(sums.initial);
        if (covered && !arrays) return Reason.None;

        uint256 maintenance = sums.maintenance;
        _exchange(side, deal);
        _weigh(shelf, trader);
        int256 oldEquity = _equity(sums, trader.cash);
        _exchange(side, deal);
        bool grows = maintenance > sums.maintenance;
        if (grows && arrays) return Reason.SeriesStale;
        if (covered) return Reason.None;
        bool holds =
            !grows && equity * int256(sums.maintenance) >= oldEquity * int256(maintenance);
        // Where neither state needs any margin the ratio says nothing, and equity may not fall.
        if (sums.maintenance == 0) holds = holds && equity >= oldEquity;
        return holds ? Reason.None : failure;
    }
}
