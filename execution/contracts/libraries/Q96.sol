// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/*──────────────────────────────────────────────────────────────────────────────
│ Q96                                                                           │
│                                                                               │
│ Logarithm, exponential and square root of numbers in multiples of 2^-96: 28   │
│ digits after the point, ten more than a wad, so that an option's price in wad │
│ carries no error of theirs.                                                   │
──────────────────────────────────────────────────────────────────────────────*/
library Q96 {
    int256 internal constant ONE = 1 << 96;
    int256 private constant LN_2 = 54916777467707473351141471128;
    /// sqrt(2), where halving a number brings its logarithm nearer to 0.
    int256 private constant SQRT_2 = 112045541949572279837463876454;
    /// The last power of y in the series of ln; what follows is below 3e-30.
    int256 private constant LN_POWERS = 35;
    /// Steps after which Newton's iteration from within a factor of two is exact for 256 bits.
    uint256 private constant SQRT_STEPS = 7;

    /// @notice e^x within 1e-26 of itself and of 2^-96. @param x From -128 to 100.
    /// @dev e^x = 2^k e^r with |r| <= ln(2)/2, and for e^r its Padé approximant of degrees 8, 8:
    /// (E + rO) / (E - rO), whose error there is below 4e-27 (e.g. Baker, Essentials of Padé
    /// Approximants, 1975).
    function exp(int256 x) internal pure returns (int256) {
        // With x below 2^103, |r| below 2^95 and E below 2^125, no product reaches 2^224.
        unchecked {
            int256 k = (((x << 96) / LN_2) + (ONE >> 1)) >> 96;
            int256 r = x - k * LN_2;
            int256 square = (r * r) >> 96;
            int256 even = square + 2520 * ONE;
            even = ((even * square) >> 96) + 831_600 * ONE;
            even = ((even * square) >> 96) + 60_540_480 * ONE;
            even = ((even * square) >> 96) + 518_918_400 * ONE;
            int256 odd = 72 * square + 55_440 * ONE;
            odd = ((odd * square) >> 96) + 8_648_640 * ONE;
            odd = ((odd * square) >> 96) + 259_459_200 * ONE;
            odd = (odd * r) >> 96;
            int256 y = ((even + odd) << 96) / (even - odd);
            return k < 0 ? y >> uint256(-k) : y << uint256(k);
        }
    }

    /// @notice ln(x) within 1e-27, and 0 at one. @param x Above 0.
    /// @dev x = 2^k m with m from sqrt(1/2) to sqrt(2), and ln m = 2 artanh((m - 1) / (m + 1))
    /// by its series (Abramowitz and Stegun 4.1.27).
    function ln(uint256 x) internal pure returns (int256) {
        // m stays below 2^97 and |y| below 2^94, and |k| is at most 160.
        unchecked {
            int256 k = int256(log2(x)) - 96;
            int256 m = int256(k < 0 ? x << uint256(-k) : x >> uint256(k));
            if (m > SQRT_2) {
                m >>= 1;
                k += 1;
            }
            int256 y = ((m - ONE) << 96) / (m + ONE);
            int256 square = (y * y) >> 96;
            int256 sum;
            for (int256 power = LN_POWERS; power > 0; power -= 2) {
                sum = ((sum * square) >> 96) + ONE / power;
            }
            return ((sum * y) >> 95) + k * LN_2;
        }
    }

    /// @notice The largest whole number whose square is at most `x`.
    function sqrt(uint256 x) internal pure returns (uint256 root) {
        if (x == 0) return 0;
        // The first guess is at least the root and at most twice it, so below 2^129.
        unchecked {
            root = 1 << ((log2(x) >> 1) + 1);
            for (uint256 i = 0; i < SQRT_STEPS; i++) {
                root = (root + x / root) >> 1;
            }
            return root > x / root ? root - 1 : root;
        }
    }

    /// @notice The place of the highest bit of `x`, 0 for 0 and 1.
    function log2(uint256 x) internal pure returns (uint256 place) {
        // Each line halves what is left of 256 bits; the sum is at most 255.
        unchecked {
            if (x >> 128 != 0) place = 128;
            if (x >> (place + 64) != 0) place += 64;
            if (x >> (place + 32) != 0) place += 32;
            if (x >> (place + 16) != 0) place += 16;
            if (x >> (place + 8) != 0) place += 8;
            if (x >> (place + 4) != 0) place += 4;
            if (x >> (place + 2) != 0) place += 2;
            if (x >> (place + 1) != 0) place += 1;
        }
    }
}
