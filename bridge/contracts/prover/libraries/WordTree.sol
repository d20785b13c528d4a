// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Reader, Witness} from "./Witness.sol";
import {Words} from "./Words.sol";

/// @notice An opened word, with what it takes to put another in its place.
/// @param  siblings Where its path lies in calldata, the lowest sibling first.
struct WordPath {
    uint256 index;
    bytes32 word;
    uint256 siblings;
}

/// @notice An opened row of words, with what it takes to put others in their place.
/// @param  data     The words, in memory.
/// @param  siblings Where the siblings of its edges lie in calldata, from the lowest level up, on each
///                  level the left one first.
struct WordRange {
    uint256 first;
    uint256 count;
    bytes data;
    uint256 siblings;
}

/// @title  The tree of words that commits to memory, code, calldata and return data
/// @notice Binary, of depth 27 always; an inner node is keccak(left, right). docs/machine.md, "Commitments".
library WordTree {
    using Witness for Reader;

    /// @notice The words read aren't those of the tree.
    error WrongTree(bytes32 expected, bytes32 actual);

    /// @notice The range ends beyond the tree.
    error BeyondTree(uint256 first, uint256 count);

    uint256 internal constant DEPTH = 27;

    /// @notice The root over zeros.
    bytes32 internal constant EMPTY_ROOT =
        0x838c5655cb21c6cb83313b5a631175dff4963772cce9108188b34ac87c81c41e;

    /*//////////////////////////////////////////////////////////////////////////
                                      ONE WORD
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice Opens word `index`: the word itself, then its 27 siblings from the leaf up.
    function openWord(bytes32 root, uint256 index, Reader memory r)
        internal
        pure
        returns (WordPath memory path)
    {
        if (index >> DEPTH != 0) revert BeyondTree(index, 1);
        path.index = index;
        path.word = r.word();
        path.siblings = r.skip(32 * DEPTH);
        bytes32 actual = rootWith(path, path.word);
        if (actual != root) revert WrongTree(root, actual);
    }

    /// @notice Word `index`.
    function readWord(bytes32 root, uint256 index, Reader memory r)
        internal
        pure
        returns (bytes32)
    {
        return openWord(root, index, r).word;
    }

    /// @notice The root with `word` in the place of the opened one.
    function rootWith(WordPath memory path, bytes32 word) internal pure returns (bytes32 root) {
        uint256 index = path.index;
        uint256 siblings = path.siblings;
        assembly ("memory-safe") {
            root := word
            for { let end := add(siblings, 864) } lt(siblings, end) { siblings := add(siblings, 32) } {
                // A node at an odd place stands right of its sibling.
                let side := shl(5, and(index, 1))
                mstore(side, root)
                mstore(xor(side, 32), calldataload(siblings))
                root := keccak256(0, 64)
                index := shr(1, index)
            }
        }
    }

    /*//////////////////////////////////////////////////////////////////////////
                                      MANY WORDS
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice Opens `count` words from `first`, at least one: the words, then the siblings of the edges.
    function openRange(bytes32 root, uint256 first, uint256 count, Reader memory r)
        internal
        pure
        returns (WordRange memory range)
    {
        if (count == 0 || first >> DEPTH != 0 || count > (1 << DEPTH) - first) {
            revert BeyondTree(first, count);
        }
        range.first = first;
        range.count = count;
        range.data = new bytes(32 * count);
        uint256 pointer;
        bytes memory data = range.data;
        assembly ("memory-safe") {
            pointer := add(data, 32)
        }
        r.copy(pointer, 32 * count);
        range.siblings = r.position;
        (bytes32 actual, uint256 end) = _root(range, r.end);
        r.position = end;
        if (actual != root) revert WrongTree(root, actual);
    }

    /// @notice The root with what `range.data` holds now.
    function rootOf(WordRange memory range) internal pure returns (bytes32 root) {
        (root,) = _root(range, type(uint256).max);
    }

    /// @notice The root over `data` and zeros behind it, without a witness; at most 2^32 bytes.
    function build(bytes memory data) internal pure returns (bytes32) {
        return buildAt(_pointer(data), data.length);
    }

    /// @notice The root over `size` bytes of memory from `pointer`, and zeros behind them.
    function buildAt(uint256 pointer, uint256 size) internal pure returns (bytes32 root) {
        uint256 count = Words.wordsOf(size);
        if (count == 0) return EMPTY_ROOT;
        bytes32 zero;
        assembly ("memory-safe") {
            let level := mload(0x40)
            // The last word may be partly behind the data.
            mstore(add(level, shl(5, sub(count, 1))), 0)
            mcopy(level, pointer, size)
            for { let height := 0 } lt(height, 27) { height := add(height, 1) } {
                if and(count, 1) {
                    mstore(add(level, shl(5, count)), zero)
                    count := add(count, 1)
                }
                let end := add(level, shl(5, count))
                let to := level
                for { let from := level } lt(from, end) { from := add(from, 64) } {
                    mstore(to, keccak256(from, 64))
                    to := add(to, 32)
                }
                count := shr(1, count)
                mstore(0, zero)
                mstore(32, zero)
                zero := keccak256(0, 64)
            }
            root := mload(level)
        }
    }

    /// @dev The root over a range and its edges' siblings, and where these end. Hashes a copy in free
    ///      memory level by level; each level may put one sibling before it, so that 27 words stay free there.
    function _root(WordRange memory range, uint256 limit)
        private
        pure
        returns (bytes32 root, uint256 siblings)
    {
        uint256 first = range.first;
        uint256 count = range.count;
        uint256 data = _pointer(range.data);
        siblings = range.siblings;
        assembly ("memory-safe") {
            let level := add(mload(0x40), 864)
            mcopy(level, data, shl(5, count))
            for { let height := 0 } lt(height, 27) { height := add(height, 1) } {
                if and(first, 1) {
                    level := sub(level, 32)
                    mstore(level, calldataload(siblings))
                    siblings := add(siblings, 32)
                    count := add(count, 1)
                }
                if and(count, 1) {
                    mstore(add(level, shl(5, count)), calldataload(siblings))
                    siblings := add(siblings, 32)
                    count := add(count, 1)
                }
                let end := add(level, shl(5, count))
                let to := level
                for { let from := level } lt(from, end) { from := add(from, 64) } {
                    mstore(to, keccak256(from, 64))
                    to := add(to, 32)
                }
                first := shr(1, first)
                count := shr(1, count)
            }
            root := mload(level)
        }
        // Beyond the witness calldata reads as zeros or as what follows: not part of it either way.
        if (siblings > limit) revert Witness.WitnessTooShort();
    }

    function _pointer(bytes memory data) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := add(data, 32)
        }
    }
}
