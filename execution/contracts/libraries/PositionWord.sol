// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Position} from "../Types.sol";

/*──────────────────────────────────────────────────────────────────────────────
│ PositionWord                                                                  │
│                                                                               │
│ A perpetual position as it lies in its slot, read and written at once.        │
──────────────────────────────────────────────────────────────────────────────*/

/// The members of `Position`, in their order, from the low end.
type PositionWord is uint256;

using PositionWords for PositionWord global;

library PositionWords {
    uint256 private constant COST = 64;
    uint256 private constant FUNDING = 160;

    /// @notice Packs what fits: size (s8) int64, cost (q6) and funding index (f12) int96. A flat
    /// position leaves a zero slot.
    function pack(int256 size_, int256 cost_, int256 funding_)
        internal
        pure
        returns (PositionWord)
    {
        if (size_ == 0) return PositionWord.wrap(0);
        uint256 low = uint64(uint256(size_)) | (uint256(uint96(uint256(cost_))) << COST);
        return PositionWord.wrap(low | (uint256(funding_) << FUNDING));
    }

    function read(Position storage position) internal view returns (PositionWord word) {
        assembly ("memory-safe") {
            word := sload(position.slot)
        }
    }

    function write(Position storage position, PositionWord word) internal {
        assembly ("memory-safe") {
            sstore(position.slot, word)
        }
    }

    /// @return s8.
    function size(PositionWord word) internal pure returns (int256) {
        return int64(uint64(PositionWord.unwrap(word)));
    }

    /// @return q6.
    function cost(PositionWord word) internal pure returns (int256) {
        return int96(uint96(PositionWord.unwrap(word) >> COST));
    }

    /// @return f12.
    function funding(PositionWord word) internal pure returns (int256) {
        return int256(PositionWord.unwrap(word)) >> FUNDING;
    }
}
