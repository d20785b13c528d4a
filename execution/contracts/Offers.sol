// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Workout} from "./Workout.sol";
import {FixedMath} from "./libraries/FixedMath.sol";
import {LiquidationMath} from "./libraries/LiquidationMath.sol";
import {PerpMath} from "./libraries/PerpMath.sol";
import {Standing} from "./Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ Offers                                                                        │
│                                                                               │
│ What a failing account gives up, and how much of it: the fewest lots of one   │
│ position, or the smallest fraction of everything, after which it is safe.     │
──────────────────────────────────────────────────────────────────────────────*/
abstract contract Offers is Workout {
    using FixedMath for int256;

    /// Holdings that a search judges at most, one by one and again with each fraction that it tries:
    /// the largest account tries five. It then gives the smallest fraction that is known to suffice.
    uint256 private constant SEARCH_MAX = 480;
    uint256 private constant STRIDE_GROWTH = 8;

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

    /// Sets every offer to the smallest fraction (of `whole`) after which the account is safe, the
    /// whole when none is. What is given and what it makes free grow in a line but for the rounding to
    /// steps, so that a line's answer is near: from there in growing strides, and then by halving, as
    /// often as SEARCH_MAX allows.
    function _search(Case memory c, Offer[] memory offers, uint256 whole) internal view {
        (uint256 first, uint256 last) = (1, whole);
        (int256 rest,,) = _give(c, offers, whole, whole);
        uint256 needed = _assess(c.shelf, c.trader).maintenance;
        if (!LiquidationMath.isSafe(rest, needed)) return;
        uint256 middle = _guess(c.standing, rest, needed, whole);
        uint256 tries = SEARCH_MAX / (c.trader.count + c.trader.optionCount);
        for (uint256 stride = 1; first < last && tries != 0; stride *= STRIDE_GROWTH) {
            tries -= 1;
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
    /// giving everything leaves. @param needed q6: the maintenance margin then.
    function _guess(Standing memory standing, int256 rest, uint256 needed, uint256 whole)
        private
        pure
        returns (uint256)
    {
        // Amounts are below 2^97, and the whole is below 2^64. The whole is safe and now isn't, so
        // that what is missing is above zero, and no more than what is freed.
        unchecked {
            int256 missing = int256(standing.maintenance) * 5 - standing.equity * 4;
            int256 freed = missing + rest * 4 - int256(needed) * 5;
            uint256 fraction = uint256(missing) * whole / uint256(freed) + 1;
            return fraction < whole ? fraction : whole;
        }
    }

    /// Works out what a fraction (of `whole`) takes of each, rounded up to steps. Leaves the account
    /// with the sizes, and returns the equity (q6), that it would have, and from the lowest to the
    /// highest the fractions that take as much.
    function _give(Case memory c, Offer[] memory offers, uint256 fraction, uint256 whole)
        internal
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

    function _put(Trader memory trader, Offer memory offer, int256 size) internal pure {
        if (offer.isOption) trader.options[offer.place].size = size;
        else trader.perps[offer.place].size = size;
    }
}
