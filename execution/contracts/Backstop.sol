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

    uint256 private constant PPM = 1e6;

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
        for (; c.touched >> market != 0; market++) {
            if ((c.touched >> market) & 1 == 0) continue;
            uint256 missing = uint256((-c.standing.equity).max(0));
            int256 drawn = int256(_drawInsurance(market, missing));
            c.trader.cash += drawn;
            c.standing.equity += drawn;
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
        _announce(c, perp.market, delta, price, fee);
        return true;
    }

    /// How much of a position (s8, unsigned) is to be closed at `price` (p8), for a fee (ppm), until
    /// the account is safe. @param own Maintenance of the position, q6.
    function _needed(Case memory c, Perp memory perp, uint256 own, uint256 price, uint256 fee)
        internal
        view
        returns (uint256)
    {
        (int256 size, uint32 market) = (perp.size, perp.market);
        uint256 lot = markets[market].rules.lot;
        MarketView memory view_ = c.shelf.markets[market];
        if (!_isPortfolio(c.trader)) {
            uint256 others = c.standing.maintenance - own;
            return LiquidationMath.size(
                size, c.standing.equity, others, view_.mark, price, view_.mmf, fee, lot
            );
        }
        // Scenarios say what the rest of the position needs.
        Offer[] memory offers = new Offer[](1);
        Offer memory offer = offers[0];
        (offer.place, offer.size, offer.step) = (_perpPlace(c.trader, market), size, lot);
        (offer.value, offer.price, offer.fee) = (view_.mark, price, fee);
        _search(c, offers, size.abs() / lot);
        perp.size = size;
        return offer.delta.abs();
    }

    /*────────────────────────── all at the same time ─────────────────────*/

    /// Takes the smallest fraction of everything that makes the account safe: positions that carry
    /// each other are never taken apart.
    function _takeFraction(Case memory c) internal {
        Offer[] memory offers = _offers(c);
        _search(c, offers, PPM);
        for (uint32 market = 0; market < c.shelf.markets.length; market++) {
            _takeMarket(c, offers, market);
        }
        c.standing = _assess(c.shelf, c.trader);
        for (uint256 i = 0; i < offers.length; i++) {
            Offer memory offer = offers[i];
            if (offer.delta == 0) continue;
            uint256 fee = _charge(c, offer.underlying, offer.payment.abs(), offer.fee);
            c.taker.id = vaults[offer.underlying].account;
            _announce(c, offer.id, offer.delta, offer.price, fee);
        }
    }

    /// Sets every offer to the smallest fraction (of `whole`) after which the account is safe, the
    /// whole when none is. What is given and what it makes free grow in a line but for the rounding to
    /// steps, so that a line's answer is near: from there in growing strides, and then by halving.
    function _search(Case memory c, Offer[] memory offers, uint256 whole) private view {
        (uint256 first, uint256 last) = (1, whole);
        (int256 rest,,) = _give(c, offers, whole, whole);
        uint256 middle = _guess(c.standing, rest, whole);
        for (uint256 stride = 1; first < last; stride *= 4) {
            (int256 equity, uint256 lowest, uint256 highest) = _give(c, offers, middle, whole);
            bool safe =
                LiquidationMath.isSafe(equity, _assess(c.shelf, c.trader).maintenance);
            // 1 <= first <= last <= whole.
            unchecked {
                if (safe) last = FixedMath.max(first, lowest);
                else first = highest < last ? highest + 1 : last;
                uint256 half = (last - first) / 2;
                if (stride < half) half = stride;
                middle = safe ? last - FixedMath.max(half, 1) : first + half;
            }
        }
        _give(c, offers, last, whole);
    }

    /// The fraction (of `whole`) that a line through now and the whole asks for. @param rest q6: what
    /// giving everything leaves.
    function _guess(Standing memory standing, int256 rest, uint256 whole)
        private
        pure
        returns (uint256)
    {
        // Amounts are below 2^97, and the whole is below 2^64.
        unchecked {
            int256 wanted = int256(standing.maintenance) * 5;
            int256 missing = wanted - standing.equity * 4;
            int256 freed = missing + rest * 4;
            return freed <= missing ? whole : uint256(missing) * whole / uint256(freed) + 1;
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
        bool closed = c.shelf.markets[market].status == MarketStatus.Closed;
        if (!closed) offer.step = markets[market].rules.lot;
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

    /// Works out what a fraction (of `whole`) takes of each, rounded up to steps. Leaves the account
    /// with the sizes, and returns the equity (q6), that it would have, and from the lowest to the
    /// highest the fractions that take as much.
    function _give(Case memory c, Offer[] memory offers, uint256 fraction, uint256 whole)
        private
        pure
        returns (int256 equity, uint256 lowest, uint256 highest)
    {
        equity = c.standing.equity;
        highest = whole;
        int256 due = 0;
        for (uint256 i = 0; i < offers.length; i++) {
            Offer memory offer = offers[i];
            if (offer.step == 0) continue;
            (uint256 low, uint256 high) = _cut(offer, fraction, whole);
            lowest = FixedMath.max(lowest, low);
            if (high < highest) highest = high;
            int256 left = offer.size + offer.delta;
            _put(c.trader, offer, left);
            // Cash less cost falls by the payment, and what is left keeps its value. Amounts are below
            // 2^97, so that no sum wraps.
            unchecked {
                equity += PerpMath.unrealised(left, offer.payment, offer.value)
                    - PerpMath.unrealised(offer.size, 0, offer.value);
                due += PerpMath.fee(offer.payment.abs(), int256(offer.fee));
            }
        }
        equity -= due.min(equity).max(0);
    }

    /// Cuts a fraction off what is offered; returns the lowest and the highest that take as much.
    function _cut(Offer memory offer, uint256 fraction, uint256 whole)
        private
        pure
        returns (uint256 lowest, uint256 highest)
    {
        // Sizes, steps, prices and fractions are below 2^64, and a fraction is at least 1.
        unchecked {
            uint256 held = offer.size.abs();
            uint256 taken =
                FixedMath.ceilDiv(held * fraction, whole * offer.step) * offer.step;
            lowest = (taken - offer.step) * whole / held + 1;
            highest = taken * whole / held;
            offer.delta = -LiquidationMath.withSign(taken < held ? taken : held, offer.size);
            // Rounded against who fails; exact of a perpetual.
            offer.payment = (offer.delta * int256(offer.price)).ceilDiv(PerpMath.PRICE_SIZE);
        }
    }

    function _put(Trader memory trader, Offer memory offer, int256 size) private pure {
        if (offer.isOption) trader.options[offer.place].size = size;
        else trader.perps[offer.place].size = size;
    }

    /// Moves what is offered on one underlying to its vault, which keeps its initial margin, on fresh
    /// prices.
    function _takeMarket(Case memory c, Offer[] memory offers, uint32 market) private {
        bool able = true;
        for (uint256 i = 0; i < offers.length && able; i++) {
            if (offers[i].delta == 0 || offers[i].underlying != market) continue;
            if ((c.touched >> market) & 1 == 0) able = _seatVault(c, market);
            c.touched |= 1 << market;
            able = able && _take(c, offers[i]);
        }
        if ((c.touched >> market) & 1 == 0) return;
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
        _put(trader, offer, offer.size);
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
