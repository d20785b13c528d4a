// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Reader} from "./Witness.sol";
import {Words} from "./Words.sol";
import {WordRange, WordTree} from "./WordTree.sol";

/// @title  Bytes of a tree of words, at any place
/// @notice Reading and writing byte ranges; a view is (root, offset, length) over a tree that never changes.
library Views {
    /// @notice `size` bytes of a view from `start`; beyond the view's end they are zero, and take no witness.
    function read(
        bytes32 root,
        uint256 offset,
        uint256 length,
        uint256 start,
        uint256 size,
        Reader memory r
    ) internal pure returns (bytes memory data) {
        data = new bytes(size);
        if (start >= length || size == 0) return data;
        uint256 there = length - start;
        bytes memory found = bytesAt(root, offset + start, size < there ? size : there, r);
        assembly ("memory-safe") {
            mcopy(add(data, 32), add(found, 32), mload(found))
        }
    }

    /// @notice `size` bytes of a tree from `start`: the words that hold them, and their siblings.
    function bytesAt(bytes32 root, uint256 start, uint256 size, Reader memory r)
        internal
        pure
        returns (bytes memory data)
    {
        data = new bytes(size);
        if (size == 0) return data;
        WordRange memory range = _open(root, start, size, r);
        bytes memory words = range.data;
        assembly ("memory-safe") {
            mcopy(add(data, 32), add(add(words, 32), and(start, 31)), size)
        }
    }

    /// @notice The root of a tree once `data` is written at byte `start`; its old words are in the witness.
    function write(bytes32 root, uint256 start, bytes memory data, Reader memory r)
        internal
        pure
        returns (bytes32)
    {
        if (data.length == 0) return root;
        WordRange memory range = _open(root, start, data.length, r);
        bytes memory words = range.data;
        assembly ("memory-safe") {
            mcopy(add(add(words, 32), and(start, 31)), add(data, 32), mload(data))
        }
        return WordTree.rootOf(range);
    }

    function _open(bytes32 root, uint256 start, uint256 size, Reader memory r)
        private
        pure
        returns (WordRange memory)
    {
        return WordTree.openRange(root, start >> 5, Words.wordsOf((start & 31) + size), r);
    }
}
