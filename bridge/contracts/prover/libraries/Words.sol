// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title  Commitments to rows of words
/// @notice docs/machine.md, "Commitments": keccak(tag, words).
library Words {
    /// @notice keccak(tag, the `count` words in memory at `pointer`).
    function commit(bytes32 tag, uint256 pointer, uint256 count)
        internal
        pure
        returns (bytes32 result)
    {
        assembly ("memory-safe") {
            // Free memory serves as scratch space: nothing is kept there.
            let scratch := mload(0x40)
            mstore(scratch, tag)
            mcopy(add(scratch, 32), pointer, shl(5, count))
            result := keccak256(scratch, shl(5, add(count, 1)))
        }
    }

    /// @notice keccak(tag, a, b): the link of a list whose items have one word.
    function commit(bytes32 tag, bytes32 a, bytes32 b) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let scratch := mload(0x40)
            mstore(scratch, tag)
            mstore(add(scratch, 32), a)
            mstore(add(scratch, 64), b)
            result := keccak256(scratch, 96)
        }
    }

    /// @notice keccak(tag, a).
    function commit(bytes32 tag, bytes32 a) internal pure returns (bytes32) {
        return pair(tag, a);
    }

    /// @notice keccak(a, b): an inner node of a tree of words.
    function pair(bytes32 a, bytes32 b) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            mstore(0, a)
            mstore(32, b)
            result := keccak256(0, 64)
        }
    }

    /// @notice How many words hold `size` bytes; `size` below 2^256 - 31.
    function wordsOf(uint256 size) internal pure returns (uint256) {
        return (size + 31) >> 5;
    }
}
