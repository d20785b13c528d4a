// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedMath} from "./FixedMath.sol";
import {NormalMath} from "./NormalMath.sol";
import {Q96} from "./Q96.sol";
import {Scenarios} from "./Scenarios.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ OptionMath                                                                    │
│                                                                               │
│ European options on a forward (Black, The Pricing of Commodity Contracts,     │
│ 1976). Only the option out of the money is computed; the other is that plus   │
│ what exercise would bring now, so that parity and the bounds of no-arbitrage  │
│ hold to the unit whatever the error of the formula.                           │
│                                                                               │
│ The error is below 2e-18 USD at prices up to 1.4e6 USD, the most that a       │
│ series holds, and below 1e-15 USD up to 6e9 USD, the highest index in its     │
│ farthest scenario. Beyond bounds that no market comes near it reverts.        │
──────────────────────────────────────────────────────────────────────────────*/
library OptionMath {
    using FixedMath for int256;

    /// A price, volatility, discount or time beyond what the arithmetic is proven for.
    error PricingOutOfBounds();

    uint256 internal constant WAD = 1e18;
    /// Wad over p8.
    uint256 internal constant WAD_PRICE = 1e10;
    /// p8 * s8 over q6.
    int256 internal constant PRICE_SIZE = 1e10;
    uint256 private constant YEAR = 365 days;
    /// Wad: 3e20 USD.
    uint256 private constant PRICE_MAX = type(uint128).max;
    /// Wad: a volatility or discount of 1.2e6.
    uint256 private constant RATIO_MAX = type(uint80).max;
    uint256 private constant TIME_MAX = type(uint40).max;
    /// Q96: the logarithm of a ratio to 0, beyond any deviation.
    int256 private constant ENDLESS = 1 << 110;

    /// What the 25 prices of one series have in common.
    struct Pricing {
        bool isPut;
        /// Wad.
        uint256 forward;
        /// Wad.
        uint256 strike;
        /// Wad.
        uint256 discount;
        /// Q96: ln(forward / strike).
        int256 moneyness;
    }

    /// @notice Value of an option on one unit, wad; with no time or volatility left, what exercise
    /// now would bring, discounted. All numbers wad but `secondsLeft`.
    function value(
        bool isPut,
        uint256 forward,
        uint256 strike,
        uint256 volatility,
        uint256 secondsLeft,
        uint256 discount
    ) internal pure returns (uint256 wad) {
        Pricing memory pricing =
            _pricing(isPut, forward, strike, volatility, secondsLeft, discount);
        return _value(pricing, deviation(volatility, root(secondsLeft)));
    }

    /// @notice Change of the value with the forward, wad; where it jumps, the middle of the jump.
    /// All numbers wad but `secondsLeft`.
    function delta(
        bool isPut,
        uint256 forward,
        uint256 strike,
        uint256 volatility,
        uint256 secondsLeft,
        uint256 discount
    ) internal pure returns (int256 wad) {
        Pricing memory pricing =
            _pricing(isPut, forward, strike, volatility, secondsLeft, discount);
        int256 s = deviation(volatility, root(secondsLeft));
        int256 probability = _exercised(pricing.moneyness, s);
        // N(d1) of a call, N(d1) - 1 of a put.
        if (isPut) probability -= Q96.ONE;
        return (probability * int256(discount) + (Q96.ONE >> 1)) >> 96;
    }

    /// @notice What one unit gains in each scenario, weighted, and its value now, both p8, floored.
    /// @dev ln(F / K) is computed once; the scenarios add their ln(1 + u). There are three
    /// deviations: of the volatility as it is, up and down. Floored wad make floored p8.
    /// @param forward p8. @param strike p8. @param volatility Wad. @param discount Wad.
    function scenarios(
        bool isPut,
        uint256 forward,
        uint256 strike,
        uint256 volatility,
        uint256 secondsLeft,
        uint256 discount
    ) internal pure returns (int256[24] memory a, uint256 price) {
        Pricing memory pricing = _pricing(
            isPut, forward * WAD_PRICE, strike * WAD_PRICE, volatility, secondsLeft, discount
        );
        uint256 time = root(secondsLeft);
        uint256 current = _value(pricing, deviation(volatility, time));
        (uint256 up, uint256 down) = Scenarios.stressed(volatility, secondsLeft);
        _reprice(a, pricing, deviation(up, time), deviation(down, time));
        _weigh(a, int256(current));
        price = current / WAD_PRICE;
    }

    /// @notice What settlement pays a holder of `size` (s8), q6, floored: less to a long, more from
    /// a short. @param strike p8. @param settlement p8.
    function payoff(bool isPut, uint256 strike, uint256 settlement, int256 size)
        internal
        pure
        returns (int256)
    {
        return (size * int256(intrinsic(isPut, settlement, strike))).floorDiv(PRICE_SIZE);
    }

    /// @notice What exercise at `forward` would bring, in the unit of the prices.
    function intrinsic(bool isPut, uint256 forward, uint256 strike)
        internal
        pure
        returns (uint256)
    {
        if (isPut) return strike > forward ? strike - forward : 0;
        return forward > strike ? forward - strike : 0;
    }

    /// @notice The root of the time left in years, Q96.
    function root(uint256 secondsLeft) internal pure returns (uint256) {
        return Q96.sqrt((secondsLeft << 192) / YEAR);
    }

    /// @notice Standard deviation of the logarithm at expiry, Q96.
    function deviation(uint256 volatility, uint256 time) internal pure returns (int256) {
        return int256(volatility * time / WAD);
    }

    /// @dev Turns values, wad, into weighted gains over `current`, p8.
    function _weigh(int256[24] memory a, int256 current) private pure {
        int256[24] memory weights = Scenarios.weights();
        // Values are below 2^152 and weights below 2^20.
        unchecked {
            for (uint256 i = 0; i < Scenarios.COUNT; i++) {
                int256 gain = (a[i] - current) * weights[i];
                a[i] = gain.floorDiv(Scenarios.PPM * int256(WAD_PRICE));
            }
        }
    }

    /// @dev Turns `a` into the values, wad, in all scenarios.
    function _reprice(int256[24] memory a, Pricing memory pricing, int256 up, int256 down)
        private
        pure
    {
        int256[24] memory moves = Scenarios.moves();
        int256[24] memory logarithms = Scenarios.logarithms();
        (uint256 forward, int256 moneyness) = (pricing.forward, pricing.moneyness);
        // A forward is below 2^128 and grows sixfold; a logarithm is at most ENDLESS. The division
        // is exact: a forward in p8 has ten zeros in wad, and a move has six digits.
        unchecked {
            for (uint256 i = 0; i < Scenarios.COUNT; i++) {
                pricing.forward =
                    forward * uint256(Scenarios.PPM + moves[i]) / uint256(Scenarios.PPM);
                pricing.moneyness = moneyness + logarithms[i];
                a[i] = int256(_value(pricing, Scenarios.volatilityUp(i) ? up : down));
            }
        }
    }

    /// @dev Checks what all bounds rest on.
    function _pricing(
        bool isPut,
        uint256 forward,
        uint256 strike,
        uint256 volatility,
        uint256 secondsLeft,
        uint256 discount
    ) private pure returns (Pricing memory) {
        if ((forward | strike) > PRICE_MAX || (volatility | discount) > RATIO_MAX) {
            revert PricingOutOfBounds();
        }
        if (secondsLeft > TIME_MAX) revert PricingOutOfBounds();
        return Pricing(isPut, forward, strike, discount, _moneyness(forward, strike));
    }

    /// @dev ln(forward / strike), Q96.
    function _moneyness(uint256 forward, uint256 strike) private pure returns (int256) {
        if (forward == strike) return 0;
        if (forward == 0) return -ENDLESS;
        if (strike == 0) return ENDLESS;
        return forward < strike
            ? -Q96.ln((strike << 96) / forward)
            : Q96.ln((forward << 96) / strike);
    }

    /// @dev The discounted sum of intrinsic and time value, floored.
    function _value(Pricing memory pricing, int256 s) private pure returns (uint256 sum) {
        (uint256 forward, uint256 strike) = (pricing.forward, pricing.strike);
        sum = intrinsic(pricing.isPut, forward, strike);
        uint256 lower = forward < strike ? forward : strike;
        // Prices are below 2^131 and a discount below 2^80.
        unchecked {
            if (s > 0) sum += _timeValue(lower, pricing.moneyness, s);
            return sum * pricing.discount / WAD;
        }
    }

    /// @dev The option out of the money, wad, to the nearest unit. Black's put with forward and
    /// strike exchanged is his call, so with lower <= higher and l = ln(higher / lower) both are
    /// lower N(d1) - higher N(d2), where d1 = s/2 - l/s and d2 = d1 - s < 0. As
    /// lower e^(-d1^2/2) = higher e^(-d2^2/2), a share of `lower` is left with one exponential.
    /// @param lower Below 2^131. @param l Of either sign. @param s Above 0, below 2^140.
    function _timeValue(uint256 lower, int256 l, int256 s) private pure returns (uint256) {
        // |l| is at most ENDLESS, so d1 below 2^207; density and mills are below 2^97.
        unchecked {
            int256 d1 = (s >> 1) - ((l < 0 ? -l : l) << 96) / s;
            if (d1 <= -NormalMath.FAR) return 0;
            int256 far = NormalMath.mills(d1 - s);
            int256 near = NormalMath.mills(d1);
            int256 density = NormalMath.density(d1);
            int256 share = d1 > 0
                ? Q96.ONE - ((density * (near + far)) >> 96)
                : (density * (near - far)) >> 96;
            // The last digits of a share near 0 or 1 may fall outside; a price must not.
            if (share < 0) return 0;
            if (share > Q96.ONE) return lower;
            return (lower * uint256(share) + uint256(Q96.ONE >> 1)) >> 96;
        }
    }

    /// @dev N(d1), Q96; without deviation a step that is one half at the money.
    function _exercised(int256 moneyness, int256 s) private pure returns (int256) {
        if (s > 0) return NormalMath.cdf((moneyness << 96) / s + (s >> 1));
        if (moneyness == 0) return Q96.ONE >> 1;
        return moneyness > 0 ? Q96.ONE : int256(0);
    }
}
