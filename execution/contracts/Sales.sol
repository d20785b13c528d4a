// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Offers} from "./Offers.sol";
import {IBackstop} from "./interfaces/IBackstop.sol";
import {ILiquidation} from "./interfaces/ILiquidation.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {LiquidationMath} from "./libraries/LiquidationMath.sol";
import {PerpMath} from "./libraries/PerpMath.sol";
import {PortfolioMath} from "./libraries/PortfolioMath.sol";
import {Vault} from "./SafetyTypes.sol";
import {MarketStatus, Standing} from "./Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Sales                                                                         │
│                                                                               │
│ What a backstop vault pays, and the sale of a fraction of everything that an  │
│ account holds to the vaults of its markets at the same time.                  │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Sales is Offers {
    using FixedMath for int256;

    uint256 private constant PPM = 1e6;
    /// What one call may take, in some 10,000 gas: the largest accounts and the fullest vaults have to
    /// fit into a transaction, and deleveraging tries a takeover first.
    uint256 internal constant WORK_MAX = 250;
    /// A position, or everything of one underlying.
    uint256 internal constant MARKET_WORK = 12;
    /// A series that a vault holds already, read and judged with it.
    uint256 internal constant SERIES_WORK = 4;

    /// What is offered to the vaults at the same time.
    struct Sale {
        Offer[] offers;
        /// By market: its first offer's place + 1, and at each offer the next one's.
        uint256[] first;
        uint256[] next;
        /// By market.
        Trader[] vaults;
        /// Bit i: market i's vault is asked.
        uint256 asked;
        /// A market whose vault can't take something, + 1; 0 when there is none.
        uint32 refused;
    }

    /*───────────────────────────── the vaults ────────────────────────────*/

    /// Makes the vault of a market the taker at hand.
    /// @return able Whether there is one that may still take something.
    function _seatVault(Case memory c, uint32 market) internal view returns (bool able) {
        Vault storage vault = vaults[market];
        if (vault.account == 0 || vault.account == c.trader.id) return false;
        if (c.shelf.markets[market].status == MarketStatus.Closed) return false;
        _seat(c, vault.account);
        int256 equity = _assess(c.shelf, c.taker).equity;
        return int256(vault.contributed) - equity <= int256(uint256(vault.lossCap));
    }

    /// What a vault pays (p8) for a position at `mark` less the slippage (ppm), on the tick; never
    /// nothing, for a size has a cost.
    function _vaultPrice(Perp memory perp, uint256 mark, uint256 slippage)
        internal
        view
        returns (uint256)
    {
        uint256 tick = markets[perp.market].rules.tick;
        return FixedMath.max(
            LiquidationMath.backstopPrice(perp.size, mark, slippage, tick), tick
        );
    }

    /*────────────────────────── all at the same time ─────────────────────*/

    /// Takes the smallest fraction of everything that makes the account safe: positions that carry
    /// each other are never taken apart. @return refused Whether a vault couldn't take something.
    function _takeFraction(Case memory c) internal returns (bool refused) {
        uint256 maintenance = c.standing.maintenance;
        Sale memory sale = _openSale(c);
        if (c.standing.equity < 0) _give(c, sale.offers, PPM, PPM);
        else if (sale.asked != 0) _search(c, sale.offers, PPM);
        for (uint32 market = 0; sale.asked >> market != 0; market++) {
            if ((sale.asked >> market) & 1 != 0) _takeMarket(c, sale, market);
        }
        c.standing = _assess(c.shelf, c.trader);
        _chargeAll(c, sale.offers);
        // A hedge that a full vault left no place for may be worth more than what it took.
        bool worse = c.touched == 0 || c.standing.maintenance > maintenance;
        refused = sale.refused != 0;
        if (worse && refused) revert IBackstop.BackstopUnable(sale.refused - 1);
    }

    function _chargeAll(Case memory c, Offer[] memory offers) private {
        for (uint256 i = 0; i < offers.length; i++) {
            Offer memory offer = offers[i];
            if (offer.delta == 0) continue;
            uint256 fee = _charge(c, offer.underlying, offer.payment.abs(), offer.fee);
            c.taker.id = vaults[offer.underlying].account;
            _announce(c, offer.id, offer.delta, offer.price, fee);
        }
    }

    /// What the vaults are offered: of the underlyings in descending maintenance margin everything
    /// that they have a place for, as far as WORK_MAX goes.
    function _openSale(Case memory c) private view returns (Sale memory sale) {
        uint256 count = c.shelf.markets.length;
        sale.offers = _offers(c);
        (sale.first, sale.next) = (new uint256[](count), new uint256[](sale.offers.length));
        sale.vaults = new Trader[](count);
        for (uint256 i = sale.offers.length; i != 0; i--) {
            uint32 market = sale.offers[i - 1].underlying;
            (sale.next[i - 1], sale.first[market]) = (sale.first[market], i);
        }
        uint256[] memory needs = _needs(c.trader);
        for (uint256 work = 0; work < WORK_MAX; work += MARKET_WORK) {
            uint256 place = _greatest(needs);
            if (needs[place] == 0) return sale;
            needs[place] = 0;
            work += SERIES_WORK * _ask(c, sale, c.trader.risks[place].market);
        }
    }

    /// Maintenance margin of each of the account's underlyings, q6, + 1: none is passed over. One more
    /// is zero.
    function _needs(Trader memory trader) private pure returns (uint256[] memory needs) {
        needs = new uint256[](trader.riskCount + 1);
        for (uint256 i = 0; i < trader.riskCount; i++) {
            (, uint256 maintenance) = PortfolioMath.requirement(trader.risks[i]);
            needs[i] = maintenance + 1;
        }
    }

    function _greatest(uint256[] memory amounts) private pure returns (uint256 place) {
        for (uint256 i = 1; i < amounts.length; i++) {
            if (amounts[i] > amounts[place]) place = i;
        }
    }

    /// Offers a market's vault what it has a place for; returns how many series it holds.
    function _ask(Case memory c, Sale memory sale, uint32 market)
        private
        view
        returns (uint256 held)
    {
        if (!_seatVault(c, market)) {
            sale.refused = market + 1;
            return 0;
        }
        held = _heldCount(c.taker);
        uint256 room = SERIES_MAX - held;
        for (uint256 i = sale.first[market]; i != 0; i = sale.next[i - 1]) {
            Offer memory offer = sale.offers[i - 1];
            uint256 lot = offer.isOption ? optionRules[market].lot : markets[market].rules.lot;
            bool isNew = offer.isOption && _holding(c.taker, offer.id).size == 0;
            if (lot == 0 || (isNew && room == 0)) {
                sale.refused = market + 1;
                continue;
            }
            if (isNew) room -= 1;
            offer.step = lot;
            sale.asked |= 1 << market;
        }
        sale.vaults[market] = c.taker;
    }

    /// Everything that the account holds, priced; nothing of it is offered yet.
    function _offers(Case memory c) private view returns (Offer[] memory offers) {
        Trader memory trader = c.trader;
        uint256 perps = trader.count;
        offers = new Offer[](perps + trader.optionCount);
        for (uint256 i = 0; i < offers.length; i++) {
            Offer memory offer = offers[i];
            if (i < perps) {
                offer.place = i;
                _offerPerp(c, trader.perps[i], offer);
            } else {
                (offer.place, offer.isOption) = (i - perps, true);
                _offerOption(c, trader.options[i - perps], offer);
            }
        }
    }

    function _offerPerp(Case memory c, Perp memory perp, Offer memory offer) private view {
        uint32 market = perp.market;
        (offer.id, offer.underlying, offer.size) = (market, market, perp.size);
        offer.value = c.shelf.markets[market].mark;
        offer.fee = safetyRules[market].liquidationFee;
        offer.price = _vaultPrice(perp, offer.value, safetyRules[market].slippage);
    }

    /// At its value less the slippage, to the p8: a premium needs no grid.
    function _offerOption(Case memory c, Holding memory holding, Offer memory offer) private view {
        SeriesView memory series = _seriesOf(c.shelf, holding.series);
        uint32 market = series.underlying;
        (offer.id, offer.underlying, offer.size) = (holding.series, market, holding.size);
        // The value was floored, and a short one owes all of it.
        offer.value = holding.size < 0 ? series.value + 1 : series.value;
        offer.fee = safetyRules[market].liquidationFee;
        offer.price = LiquidationMath.backstopPrice(
            holding.size, offer.value, safetyRules[market].slippage, 1
        );
    }

    /// Moves what is offered on one underlying to its vault, which keeps its initial margin, on fresh
    /// prices. The vault trades first: if it may not, nothing has happened but to the copy of it.
    function _takeMarket(Case memory c, Sale memory sale, uint32 market) private {
        c.taker = sale.vaults[market];
        MarketView memory view_ = c.shelf.markets[market];
        (uint256 interest, int256 poolChange) = (view_.openInterest, view_.poolChange);
        _tradeAll(c, c.taker, sale, market, true);
        // Open interest is what it will be after both sides when the vault is judged.
        uint256 closed = _bought(sale, market);
        view_.openInterest -= closed;
        Standing memory standing = _assess(c.shelf, c.taker);
        if (standing.stale) revert ILiquidation.NoLiquidationNow(c.trader.id);
        if (standing.equity < int256(standing.initial)) {
            _withdraw(c, sale, market);
            (view_.openInterest, view_.poolChange) = (interest, poolChange);
            return;
        }
        view_.openInterest += closed;
        _writeTrader(c.taker);
        _tradeAll(c, c.trader, sale, market, false);
        c.touched |= 1 << market;
    }

    /// s8: what the vault buys of the perpetual.
    function _bought(Sale memory sale, uint32 market) private pure returns (uint256) {
        uint256 first = sale.first[market];
        if (first == 0 || sale.offers[first - 1].isOption) return 0;
        return uint256((-sale.offers[first - 1].delta).max(0));
    }

    /// Books one side of what is offered on an underlying.
    function _tradeAll(
        Case memory c,
        Trader memory trader,
        Sale memory sale,
        uint32 market,
        bool isVault
    ) private view {
        for (uint256 i = sale.first[market]; i != 0; i = sale.next[i - 1]) {
            Offer memory offer = sale.offers[i - 1];
            if (offer.delta == 0) continue;
            (int256 delta, int256 payment) = (offer.delta, offer.payment);
            if (isVault) (delta, payment) = (-delta, -payment);
            else _put(trader, offer, offer.size);
            if (offer.isOption) _tradeOption(c.shelf, trader, offer.id, delta, payment, 0);
            else _tradePerp(c.shelf, trader, offer.id, delta, offer.price, 0);
        }
    }

    /// Takes back what was offered to a vault. What it did to its series is undone by the reverse.
    function _withdraw(Case memory c, Sale memory sale, uint32 market) private view {
        sale.refused = market + 1;
        for (uint256 i = sale.first[market]; i != 0; i = sale.next[i - 1]) {
            Offer memory offer = sale.offers[i - 1];
            if (offer.delta == 0) continue;
            if (offer.isOption) {
                _tradeOption(c.shelf, c.taker, offer.id, offer.delta, offer.payment, 0);
            }
            _put(c.trader, offer, offer.size);
            offer.delta = 0;
        }
    }
}
