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
    uint256 private constant LANE_BITS = 48;
    /// Bits before the first lane.
    uint256 private constant HEAD_BITS = 128;
    /// What a lane is shifted by to be the highest of a word, and of a word after the next.
    uint256 private constant TOP = 208;
    uint256 private constant NEXT_TOP = 464;
    uint256 private constant LANE_MAX = type(uint48).max;
    /// p8 * s8 over q6.
    int256 private constant PRICE_SIZE = 1e10;
    /// Times PRICE_SIZE, makes every |size * a| < 2^112 positive, so that division floors.
    uint256 private constant LIFT = 1 << 80;

    /// @notice Whether every number has a place.
    function fits(int256[24] memory a, uint256 value, uint256 spot)
        internal
        pure
        returns (bool)
    {
        if (value > uint256(uint48(type(int48).max)) || spot > LANE_MAX) return false;
        for (uint256 i = 0; i < COUNT; i++) {
            if (a[i] < type(int48).min || a[i] > type(int48).max) return false;
        }
        return true;
    }

    /// @notice The five words. The caller has asked `fits`.
    /// @param a p8. @param value p8. @param time Seconds, below 2^32. @param spot p8.
    function pack(int256[24] memory a, uint256 value, uint256 time, uint256 spot)
        internal
        pure
        returns (uint256[5] memory words)
    {
        words[0] = time << 224 | spot << 176 | value << 128;
        uint256 bit = HEAD_BITS;
        for (uint256 i = 0; i < COUNT; i++) {
            uint256 lane = uint256(a[i]) & LANE_MAX;
            (uint256 word, uint256 offset) = (bit >> 8, bit & 255);
            if (offset <= TOP) {
                words[word] |= lane << (TOP - offset);
            } else {
                words[word] |= lane >> (offset - TOP);
                words[word + 1] |= lane << (NEXT_TOP - offset);
            }
            bit += LANE_BITS;
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
    /// @dev The path that every fill of an account with options takes, so by hand. The last lane is
    /// read with 26 bytes from behind the words, which the shift drops.
    function addTo(int256[24] memory sums, uint256[5] memory words, int256 size) internal pure {
        // |size * a| <= 2^63 * 2^47, so that with the lift no sum wraps and none is negative.
        assembly ("memory-safe") {
            function add_(sum, lane, size_, lift) {
                let gain := add(mul(size_, sar(TOP, mload(lane))), lift)
                mstore(sum, add(mload(sum), sub(div(gain, PRICE_SIZE), LIFT)))
            }
            let lift := add(mul(LIFT, PRICE_SIZE), mul(size, slt(size, 0)))
            let lane := add(words, 16)
            let end := add(sums, 768)
            for { let sum := sums } lt(sum, end) { sum := add(sum, 128) } {
                add_(sum, lane, size, lift)
                add_(add(sum, 32), add(lane, 6), size, lift)
                add_(add(sum, 64), add(lane, 12), size, lift)
                add_(add(sum, 96), add(lane, 18), size, lift)
                lane := add(lane, 24)
            }
        }
    }

    /// @notice Worth of `size` (s8) at `value` (p8) a unit, q6: floor(size * (V + [size < 0]) / 1e10).
    function holdingValue(uint256 value, int256 size) internal pure returns (int256 q6) {
        int256 unit = int256(value) + (size < 0 ? int256(1) : int256(0));
        return (size * unit).floorDiv(PRICE_SIZE);
    }
}
