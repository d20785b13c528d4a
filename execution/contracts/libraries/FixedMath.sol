// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/*──────────────────────────────────────────────────────────────────────────────
│ FixedMath                                                                     │
│                                                                               │
│ Divisions that say which way they round, and the few order statistics that    │
│ prices need. Solidity's own division truncates toward zero.                   │
──────────────────────────────────────────────────────────────────────────────*/
library FixedMath {
    /// @notice a / b rounded toward minus infinity. @param b Positive.
    function floorDiv(int256 a, int256 b) internal pure returns (int256 quotient) {
        // There is a remainder only when b is 2 or more, and then |a / b| is at most 2^254.
        unchecked {
            quotient = a / b;
            assembly ("memory-safe") {
                quotient := sub(quotient, slt(smod(a, b), 0))
            }
        }
    }

    /// @notice a / b rounded toward plus infinity. @param b Positive.
    function ceilDiv(int256 a, int256 b) internal pure returns (int256 quotient) {
        // As in `floorDiv`.
        unchecked {
            quotient = a / b;
            assembly ("memory-safe") {
                quotient := add(quotient, sgt(smod(a, b), 0))
            }
        }
    }

    /// @notice a / b rounded up.
    function ceilDiv(uint256 a, uint256 b) internal pure returns (uint256 quotient) {
        // As in `floorDiv`.
        unchecked {
            quotient = a / b;
            assembly ("memory-safe") {
                quotient := add(quotient, gt(mod(a, b), 0))
            }
        }
    }

    function abs(int256 a) internal pure returns (uint256) {
        // -2^255 wraps to itself, which is 2^255 without a sign.
        unchecked {
            return uint256(a < 0 ? -a : a);
        }
    }

    function min(int256 a, int256 b) internal pure returns (int256) {
        return a < b ? a : b;
    }

    function max(int256 a, int256 b) internal pure returns (int256) {
        return a > b ? a : b;
    }

    function max(uint256 a, uint256 b) internal pure returns (uint256) {
        return a > b ? a : b;
    }

    /// @notice The nearest number to `a` in [-bound, bound].
    function clamp(int256 a, int256 bound) internal pure returns (int256) {
        return max(-bound, min(a, bound));
    }

    /// @notice The middle one of three.
    function median(uint256 a, uint256 b, uint256 c) internal pure returns (uint256) {
        if (a > b) (a, b) = (b, a);
        if (c <= a) return a;
        return c < b ? c : b;
    }

    /// @notice How many of 64 bits are set.
    function popCount(uint256 bits) internal pure returns (uint256 count) {
        // Sums of two, four and eight neighbours, then all eight bytes into the highest; no lane
        // overflows into the next.
        unchecked {
            count = bits - ((bits >> 1) & 0x5555555555555555);
            count = (count & 0x3333333333333333) + ((count >> 2) & 0x3333333333333333);
            count = (count + (count >> 4)) & 0x0f0f0f0f0f0f0f0f;
            count = ((count * 0x0101010101010101) >> 56) & 0xff;
        }
    }

    /// @notice Whether `a` fits int64 and has a magnitude below 2^63.
    function fitsInt64(int256 a) internal pure returns (bool) {
        return a == int64(a) && a != type(int64).min;
    }

    /// @notice Whether `a` fits int96.
    function fitsInt96(int256 a) internal pure returns (bool) {
        return a == int96(a);
    }
}
