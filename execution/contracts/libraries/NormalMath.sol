// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Q96} from "./Q96.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ NormalMath                                                                    │
│                                                                               │
│ The normal distribution N in multiples of 2^-96, as e^(-z^2/2) W(z): of two   │
│ N that a price subtracts, the exponential is common and computed once.        │
──────────────────────────────────────────────────────────────────────────────*/
library NormalMath {
    /// N(-16) is 7e-58: beyond it N is 0 or 1.
    int256 internal constant FAR = 16 << 96;

    /// @notice N(d) within 1e-25.
    function cdf(int256 d) internal pure returns (int256) {
        // A product of two numbers below 2^97.
        unchecked {
            int256 tail = (density(d) * mills(d)) >> 96;
            return d > 0 ? Q96.ONE - tail : tail;
        }
    }

    /// @notice e^(-d^2/2), for a `d` beyond FAR that of FAR.
    function density(int256 d) internal pure returns (int256) {
        int256 z = _distance(d);
        // z is at most 2^100.
        unchecked {
            return Q96.exp(-((z * z) >> 97));
        }
    }

    /// @notice W(|d|) = N(-|d|) e^(d^2/2), within 6e-26; for a `d` beyond FAR that of FAR.
    /// @dev A polynomial in u = 16.5 / (z + 6) - 1.75, which is 1 at z = 0 and -1 at z = 16; it
    /// meets W at the Chebyshev points of u. scripts/fit_normal.py derives the numbers again.
    function mills(int256 d) internal pure returns (int256 y) {
        int256 z = _distance(d);
        // With |u| at most 2^96, y stays below 2^97: the sum of all coefficients is one half.
        unchecked {
            int256 u = (int256(33) << 191) / (z + (6 << 96)) - (int256(7) << 94);
            y = -9383520109444;
            y = ((y * u) >> 96) + 15588613559719;
            y = ((y * u) >> 96) + 175663257238104;
            y = ((y * u) >> 96) - 416645398101951;
            y = ((y * u) >> 96) - 2261867427413070;
            y = ((y * u) >> 96) + 7526318893215992;
            y = ((y * u) >> 96) + 28478391227978640;
            y = ((y * u) >> 96) - 119708667384715875;
            y = ((y * u) >> 96) - 408571646988005972;
            y = ((y * u) >> 96) + 1791613401870926105;
            y = ((y * u) >> 96) + 7092547154101475953;
            y = ((y * u) >> 96) - 24376933761675156583;
            y = ((y * u) >> 96) - 143450756577412185167;
            y = ((y * u) >> 96) + 225647889984886624791;
            y = ((y * u) >> 96) + 3005659056732950882763;
            y = ((y * u) >> 96) + 2731459021444978023683;
            y = ((y * u) >> 96) - 51525896165113272196976;
            y = ((y * u) >> 96) - 243373063453775160490052;
            y = ((y * u) >> 96) + 55234903384408838931415;
            y = ((y * u) >> 96) + 6063556190188882484293497;
            y = ((y * u) >> 96) + 39699209161269581210805567;
            y = ((y * u) >> 96) + 165460330183452580349224923;
            y = ((y * u) >> 96) + 526553355081630462198350188;
            y = ((y * u) >> 96) + 1363701540427104617477170289;
            y = ((y * u) >> 96) + 2961725878644244366267260714;
            y = ((y * u) >> 96) + 5477048398084635180017733984;
            y = ((y * u) >> 96) + 8683525699228568488752403283;
            y = ((y * u) >> 96) + 11811087975705682681292152621;
            y = ((y * u) >> 96) + 8579449175153960305342096879;
        }
    }

    function _distance(int256 d) private pure returns (int256 z) {
        // A magnitude that wraps would be of a `d` that nothing here computes, -2^255.
        unchecked {
            z = d < 0 ? -d : d;
        }
        if (z > FAR) z = FAR;
    }
}
