// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedMath} from "./FixedMath.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ SeriesArray                                                                   │
│                                                                               │
│ What pricing an option series leaves behind, in five storage words read as    │
│ 160 bytes in a row:                                                           │
│                                                                               │
│   4  time priced, s    6  spot, p8         6  value, p8    24 x 6  a_i, p8    │
│                                                                               │
│ One read of the first word tells age, spot and value. A lane that lies   │
│ across two words costs nothing: memory is read from any byte.                 │
──────────────────────────────────────────────────────────────────────────────*/
library SeriesArray {
    using FixedMath for int256;

    uint256 private constant COUNT = 24;
    uint256 private constant LANE_MAX = type(uint48).max;
    /// int48 lies from its negative to below it.
    int256 private constant LANE_HALF = 1 << 47;
    /// The highest lane of a word is this many bits up.
    uint256 private constant TOP = 208;
    /// p8 * s8 over q6.
    int256 private constant PRICE_SIZE = 1e10;
    /// See `addTo`: 2^SHIFT / PRICE_SIZE, rounded up.
    uint256 private constant SHIFT = 146;
    uint256 private constant RECIPROCAL = 8920298079412249256614287309059345;

    /// @notice Whether every number has a place.
    function fits(int256[24] memory a, uint256 value, uint256 spot) internal pure returns (bool) {
        uint256 beyond;
        // Wrapping takes what is out of range, from either side, to 2^48 or more.
        unchecked {
            for (uint256 i = 0; i < COUNT; i++) {
                beyond |= uint256(a[i] + LANE_HALF);
            }
        }
        return (beyond | spot) <= LANE_MAX && value < uint256(LANE_HALF);
    }

    /// @notice The five words. The caller has asked `fits`.
    /// @dev Each lane is written with zeros behind it, over which the next one is written; the last
    /// one's fall into a sixth word.
    /// @param a p8. @param value p8. @param time Seconds, below 2^32. @param spot p8.
    function pack(int256[24] memory a, uint256 value, uint256 time, uint256 spot)
        internal
        pure
        returns (uint256[5] memory words)
    {
        uint256[6] memory room;
        room[0] = time << 224 | spot << 176 | value << 128;
        assembly ("memory-safe") {
            words := room
            let lane := add(room, 16)
            let end := add(a, 768)
            for {} lt(a, end) { a := add(a, 32) } {
                mstore(lane, shl(TOP, mload(a)))
                lane := add(lane, 6)
            }
        }
    }

    /// @notice What the first word says.
    /// @return time Seconds. @return spot p8. @return value p8.
    function head(uint256 firstWord)
        internal
        pure
        returns (uint256 time, uint256 spot, uint256 value)
    {
        time = firstWord >> 224;
        spot = (firstWord >> 176) & LANE_MAX;
        value = (firstWord >> 128) & LANE_MAX;
    }

    /// @notice The per-unit gains, p8.
    function lanes(uint256[5] memory words) internal pure returns (int256[24] memory a) {
        for (uint256 i = 0; i < COUNT; i++) {
            assembly ("memory-safe") {
                let lane := sar(TOP, mload(add(add(words, 16), mul(i, 6))))
                mstore(add(a, shl(5, i)), lane)
            }
        }
    }

    /// @notice Adds to each sum (q6) what `size` (s8, int64) gains: floor(size * (a + [size < 0]) /
    /// 1e10), for a short option's value is rounded against its holder.
    /// @dev The path that every fill of an account with options takes, so by hand, and without a
    /// division. For |x| <= B <= 2^110 and M = ceil(2^SHIFT / 1e10), x * M + B is
    /// 2^SHIFT * x / 1e10 plus 0 to 2B. That is less than the 2^SHIFT / 1e10 which part x / 1e10 at
    /// least from the next whole number, so that the shift leaves its floor. Here
    /// x = size * (a + [size < 0]) and B = |size| * 2^47.
    /// The last lane is read with 26 bytes from behind the words, which the shift drops.
    function addTo(int256[24] memory sums, uint256[5] memory words, int256 size) internal pure {
        // |size| <= 2^63 and M < 2^113, so that no product reaches 2^224.
        assembly ("memory-safe") {
            let factor := 0
            // Under a condition, or the compiler multiplies again for every lane.
            if size { factor := mul(size, RECIPROCAL) }
            let lift := shl(47, size)
            if slt(size, 0) { lift := sub(factor, lift) }
            let lane := add(words, 16)
            let end := add(sums, 768)
            for { let sum := sums } lt(sum, end) { sum := add(sum, 256) } {
                mstore(sum, add(mload(sum),
                    sar(SHIFT, add(mul(factor, sar(TOP, mload(lane))), lift))))
                mstore(add(sum, 32), add(mload(add(sum, 32)),
                    sar(SHIFT, add(mul(factor, sar(TOP, mload(add(lane, 6)))), lift))))
                mstore(add(sum, 64), add(mload(add(sum, 64)),
                    sar(SHIFT, add(mul(factor, sar(TOP, mload(add(lane, 12)))), lift))))
                mstore(add(sum, 96), add(mload(add(sum, 96)),
                    sar(SHIFT, add(mul(factor, sar(TOP, mload(add(lane, 18)))), lift))))
                mstore(add(sum, 128), add(mload(add(sum, 128)),
                    sar(SHIFT, add(mul(factor, sar(TOP, mload(add(lane, 24)))), lift))))
                mstore(add(sum, 160), add(mload(add(sum, 160)),
                    sar(SHIFT, add(mul(factor, sar(TOP, mload(add(lane, 30)))), lift))))
                mstore(add(sum, 192), add(mload(add(sum, 192)),
                    sar(SHIFT, add(mul(factor, sar(TOP, mload(add(lane, 36)))), lift))))
                mstore(add(sum, 224), add(mload(add(sum, 224)),
                    sar(SHIFT, add(mul(factor, sar(TOP, mload(add(lane, 42)))), lift))))
                lane := add(lane, 48)
            }
        }
    }

    /// @notice Worth of `size` (s8) at `value` (p8) a unit, q6: floor(size * (V + [size < 0]) /
    /// 1e10).
    function holdingValue(uint256 value, int256 size) internal pure returns (int256 q6) {
        // A value is below 2^48 and a size within int64.
        unchecked {
            int256 unit = int256(value) + (size < 0 ? int256(1) : int256(0));
            return (size * unit).floorDiv(PRICE_SIZE);
        }
    }
}
