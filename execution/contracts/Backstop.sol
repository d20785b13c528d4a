// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Workout} from "./Workout.sol";
import {ILiquidation} from "./interfaces/ILiquidation.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {LiquidationMath} from "./libraries/LiquidationMath.sol";
import {PerpMath} from "./libraries/PerpMath.sol";
import {SafetyRules, Vault} from "./SafetyTypes.sol";
import {MarketStatus, Reason, Standing} from "./Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Backstop                                                                      │
│                                                                               │
│ One vault a market, an account of its own with its own collateral and a loss  │
│ cap: it takes what nobody else does, at the mark less the slippage. It is     │
│ judged like any other account, and it takes nothing once it has lost its cap. │
│ What a takeover leaves missing comes from the insurance of the markets in     │
│ which something was taken.                                                    │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Backstop is Workout {
    using FixedMath for int256;

    /// Fractions of an account with options are in ppm.
    uint256 private constant WHOLE = 1e6;

    /// What the vaults are offered of one position or holding.
    struct Offer {
        /// The market, or the series.
        uint32 id;
        uint32 underlying;
        bool isOption;
        /// In the account's list.
        uint256 place;
        /// s8: multiples of it are taken; 0: nothing is.
        uint256 step;
        /// p8: what it is worth.
        uint256 value;
        /// p8: what the vault pays.
        uint256 price;
        /// ppm.
        uint256 fee;
        /// s8: all of it.
        int256 size;
        /// s8, signed: the account's change.
        int256 delta;
        /// q6: what the account pays for it.
        int256 payment;
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

    /// Insurance of the markets in which something was taken makes up for equity below zero.
    function _cover(Case memory c) internal {
        uint32 market = 0;
        for (uint256 left = c.touched; left != 0 && c.standing.equity < 0; left >>= 1) {
            if (left & 1 != 0) {
                int256 drawn = int256(_drawInsurance(market, c.standing.equity.abs()));
                c.trader.cash += drawn;
                c.standing.equity += drawn;
            }
            market += 1;
        }
        if (c.standing.equity < 0) {
            revert ILiquidation.InsuranceTooSmall(market - 1, c.standing.equity.abs());
        }
    }

    /*────────────────────────── one after the other ──────────────────────*/

    /// Takes positions in descending maintenance margin until the account is safe, as far as the
    /// vaults go. Reverts when not even the first can be taken.
    function _takePositions(Case memory c) internal {
        while (!_isSafe(c)) {
            (Perp memory perp, uint256 own) = _largest(c);
            if (own == 0) return;
            if (_takePosition(c, perp, own)) continue;
            if (c.touched == 0) revert ILiquidation.BackstopUnable(perp.market);
            return;
        }
    }

    function _takePosition(Case memory c, Perp memory perp, uint256 own) private returns (bool) {
        if (!_seatVault(c, perp.market)) return false;
        SafetyRules storage rules = safetyRules[perp.market];
        uint256 price = _vaultPrice(perp, c.shelf.markets[perp.market].mark, rules.slippage);
        uint256 size = _needed(c, perp, own, price, rules.liquidationFee);
        int256 delta = -LiquidationMath.withSign(size, perp.size);
        if (_trade(c, perp, size, price) != Reason.None) return false;
        uint256 notional = PerpMath.value(delta, price).abs();
        uint256 fee = _charge(c, perp.market, notional, rules.liquidationFee);
        _announce(c, perp.market, delta, price, fee, true);
        return true;
    }

    /*────────────────────────── all at the same time ─────────────────────*/

    /// Takes the smallest fraction of everything that makes the account safe: positions that carry
    /// each other are never taken apart.
    function _takeFraction(Case memory c) internal {
        Offer[] memory offers = _offers(c);
        (uint256 first, uint256 last) = (1, WHOLE);
        while (first < last) {
            uint256 middle = (first + last) / 2;
            if (_suffices(c, offers, middle)) last = middle;
            else first = middle + 1;
        }
        _suffices(c, offers, last);
        for (uint256 i = 0; i < offers.length; i++) {
            _put(c.trader, offers[i], offers[i].size);
            if (offers[i].delta != 0) c.touched |= 1 << offers[i].underlying;
        }
        for (uint32 market = 0; c.touched >> market != 0; market++) {
            if ((c.touched >> market) & 1 != 0) _takeMarket(c, offers, market);
        }
        c.standing = _assess(c.shelf, c.trader);
        for (uint256 i = 0; i < offers.length; i++) {
            Offer memory offer = offers[i];
            if (offer.delta == 0) continue;
            uint256 fee = _charge(c, offer.underlying, offer.payment.abs(), offer.fee);
            c.taker.id = vaults[offer.underlying].account;
            _announce(c, offer.id, offer.delta, offer.price, fee, true);
        }
    }

    /// Everything that the account holds in markets that aren't closed, priced.
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
        if (c.shelf.markets[market].status != MarketStatus.Closed) {
            offer.step = markets[market].rules.lot;
        }
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
        offer.step = optionRules[market].lot;
    }

    /// Works out what a fraction (ppm) takes of each, rounded up to whole steps, and whether the
    /// account would be safe without it. Leaves the account with the sizes that it would have.
    function _suffices(Case memory c, Offer[] memory offers, uint256 fraction)
        private
        view
        returns (bool)
    {
        int256 equity = c.standing.equity;
        int256 due = 0;
        for (uint256 i = 0; i < offers.length; i++) {
            Offer memory offer = offers[i];
            if (offer.step == 0) continue;
            uint256 held = offer.size.abs();
            uint256 taken =
                FixedMath.ceilDiv(held * fraction, WHOLE * offer.step) * offer.step;
            offer.delta = -LiquidationMath.withSign(taken < held ? taken : held, offer.size);
            // Rounded against who fails; exact of a perpetual.
            offer.payment = (offer.delta * int256(offer.price)).ceilDiv(PerpMath.PRICE_SIZE);
            int256 left = offer.size + offer.delta;
            // Cash less cost falls by the payment, and what is left keeps its value.
            equity += PerpMath.unrealised(left, offer.payment, offer.value)
                - PerpMath.unrealised(offer.size, 0, offer.value);
            due += PerpMath.fee(offer.payment.abs(), int256(offer.fee));
            _put(c.trader, offer, left);
        }
        equity -= due.min(equity).max(0);
        return LiquidationMath.isSafe(equity, _assess(c.shelf, c.trader).maintenance);
    }

    function _put(Trader memory trader, Offer memory offer, int256 size) private pure {
        if (offer.isOption) trader.options[offer.place].size = size;
        else trader.perps[offer.place].size = size;
    }

    /// Moves what is offered on one underlying to its vault, which keeps its initial margin, on fresh
    /// prices.
    function _takeMarket(Case memory c, Offer[] memory offers, uint32 market) private {
        bool able = _seatVault(c, market);
        for (uint256 i = 0; i < offers.length && able; i++) {
            if (offers[i].delta == 0 || offers[i].underlying != market) continue;
            able = _take(c, offers[i]);
        }
        Standing memory standing = _assess(c.shelf, c.taker);
        if (!able || standing.stale || standing.equity < int256(standing.initial)) {
            revert ILiquidation.BackstopUnable(market);
        }
        _writeTrader(c.taker);
    }

    /// @return fits Whether the vault doesn't hold too many series for one more.
    function _take(Case memory c, Offer memory offer) private view returns (bool fits) {
        (int256 delta, int256 payment) = (offer.delta, offer.payment);
        Trader memory trader = c.trader;
        for (uint256 side = 0; side < 2; side++) {
            if (!offer.isOption) {
                _tradePerp(c.shelf, trader, offer.id, delta, offer.price, 0);
            } else if (side == 1 && _isFull(trader, offer.id)) {
                return false;
            } else {
                _tradeOption(c.shelf, trader, offer.id, delta, payment, 0);
            }
            (trader, delta, payment) = (c.taker, -delta, -payment);
        }
        return true;
    }

    function _isFull(Trader memory trader, uint32 series) private pure returns (bool) {
        return _holding(trader, series).size == 0 && _heldCount(trader) >= SERIES_MAX;
    }
}
