// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NibblePaths, Nibbles} from "./NibblePaths.sol";
import {Rlp} from "./Rlp.sol";
import {TrieEdit} from "./TrieEdit.sol";

/// @title  The tries of a block's transactions and receipts
/// @notice The key of item i is `rlp(i)`, and items are values of leaves (Yellow Paper, section 4.3.2). As
///         the number of items is known, so is the place of each leaf: leaves are hashed one a step, and what
///         is above them in one. The twin of bridge/machine/leaves.py.
library ListTrie {
    /// @notice No item of that index is in a trie of so many.
    error NoSuchLeaf(uint256 index, uint256 count);

    /// @dev Indexes below it are one byte of RLP. That of 0 is 0x80, and comes after 0x7f.
    uint256 private constant ONE_BYTE_KEYS = 128;

    /// @dev Digits of a key at the most: 0x82 and two bytes.
    uint256 private constant KEY_DIGITS_MAX = 6;

    uint256 private constant CHILDREN = 16;

    /// @dev Room before a node's content for what precedes a list.
    uint256 private constant PREFIX_BYTES_MAX = 32;

    /// @dev A path and what precedes a string take at most 5 and 9 bytes.
    uint256 private constant LEAF_OVERHEAD = PREFIX_BYTES_MAX + 32;

    /// @notice The hash of the leaf node with item `index` of `count`; the item lies in calldata.
    function leafHash(uint256 index, uint256 count, uint256 offset, uint256 size)
        internal
        pure
        returns (bytes32)
    {
        if (index >= count) revert NoSuchLeaf(index, count);
        uint256 start = _pointer(new bytes(LEAF_OVERHEAD + size)) + PREFIX_BYTES_MAX;
        uint256 end = NibblePaths.write(start, _leafPath(index, count), true);
        // An item is an envelope or a list, so never the one byte that would be its own encoding.
        end = Rlp.writeHeader(end, Rlp.STRING, size);
        assembly ("memory-safe") {
            calldatacopy(end, offset, size)
        }
        return _listHash(start, end + size);
    }

    /// @notice The root of the trie with these leaf nodes, by index.
    function rootAbove(bytes32[] memory leaves) internal pure returns (bytes32) {
        if (leaves.length == 0) return TrieEdit.EMPTY_ROOT;
        return _node(leaves, 0, leaves.length, 0);
    }

    /// @dev The hash of the node over the leaves at places `first` to `end - 1`, whose keys share `depth`
    ///      digits. No node is below 32 bytes, as each holds a hash.
    function _node(bytes32[] memory leaves, uint256 first, uint256 end, uint256 depth)
        private
        pure
        returns (bytes32 hash)
    {
        if (end - first == 1) return leaves[_indexAt(first, leaves.length)];
        uint256 low = _key(_indexAt(first, leaves.length));
        uint256 high = _key(_indexAt(end - 1, leaves.length));
        uint256 fork = NibblePaths.shared(low, high, KEY_DIGITS_MAX);
        hash = _branch(leaves, first, end, fork);
        if (fork != depth) hash = _extension(NibblePaths.slice(bytes32(low), depth, fork), hash);
    }

    /// @dev A branch of the leaves at places `first` to `end - 1`, whose keys part at digit `fork`.
    function _branch(bytes32[] memory leaves, uint256 first, uint256 end, uint256 fork)
        private
        pure
        returns (bytes32)
    {
        uint256 start = _pointer(new bytes(PREFIX_BYTES_MAX + 33 * CHILDREN + 1)) + PREFIX_BYTES_MAX;
        uint256 cursor = start;
        for (uint256 digit = 0; digit < CHILDREN; ++digit) {
            uint256 next = first;
            while (next < end && _digit(next, leaves.length, fork) == digit) {
                ++next;
            }
            cursor = next == first
                ? Rlp.writeNumber(cursor, 0)
                : Rlp.writeWord(cursor, _node(leaves, first, next, fork + 1));
            first = next;
        }
        return _listHash(start, Rlp.writeNumber(cursor, 0));
    }

    function _extension(Nibbles memory path, bytes32 child) private pure returns (bytes32) {
        uint256 start = _pointer(new bytes(PREFIX_BYTES_MAX + 64)) + PREFIX_BYTES_MAX;
        return _listHash(start, Rlp.writeWord(NibblePaths.write(start, path, false), child));
    }

    /// @dev The digits of a leaf's key below the branch that it hangs from.
    function _leafPath(uint256 index, uint256 count) private pure returns (Nibbles memory) {
        uint256 key = _key(index);
        uint256 place = _placeOf(index, count);
        uint256 start = 0;
        if (place != 0) start = _below(key, _indexAt(place - 1, count));
        if (place + 1 != count) {
            uint256 other = _below(key, _indexAt(place + 1, count));
            if (other > start) start = other;
        }
        return NibblePaths.slice(bytes32(key), start, _digits(index));
    }

    /// @dev How many digits a key has down to where it parts from another, that digit included.
    function _below(uint256 key, uint256 otherIndex) private pure returns (uint256) {
        return NibblePaths.shared(key, _key(otherIndex), KEY_DIGITS_MAX) + 1;
    }

    /// @dev The index of the key at a place in the order of keys: 1 to 127, 0, 128 and on.
    function _indexAt(uint256 place, uint256 count) private pure returns (uint256) {
        uint256 low = count < ONE_BYTE_KEYS ? count : ONE_BYTE_KEYS;
        if (place >= low) return place;
        return place + 1 == low ? 0 : place + 1;
    }

    function _placeOf(uint256 index, uint256 count) private pure returns (uint256) {
        uint256 low = count < ONE_BYTE_KEYS ? count : ONE_BYTE_KEYS;
        if (index >= low) return index;
        return index == 0 ? low - 1 : index - 1;
    }

    function _digit(uint256 place, uint256 count, uint256 cursor) private pure returns (uint256) {
        return NibblePaths.digitAt(_key(_indexAt(place, count)), cursor);
    }

    /// @dev RLP of an index below 2^16, from the highest digit of the word on.
    function _key(uint256 index) private pure returns (uint256) {
        if (index == 0) return 0x80 << 248;
        if (index < ONE_BYTE_KEYS) return index << 248;
        if (index < 256) return (0x8100 | index) << 240;
        return (0x820000 | index) << 232;
    }

    function _digits(uint256 index) private pure returns (uint256) {
        if (index < ONE_BYTE_KEYS) return 2;
        return index < 256 ? 4 : KEY_DIGITS_MAX;
    }

    /// @dev Puts before the content, which has room there, what makes a list of it; its hash.
    function _listHash(uint256 start, uint256 end) private pure returns (bytes32 hash) {
        uint256 from = start - Rlp.headerSize(end - start);
        Rlp.writeHeader(from, Rlp.LIST, end - start);
        assembly ("memory-safe") {
            hash := keccak256(from, sub(end, from))
        }
    }

    function _pointer(bytes memory data) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := add(data, 32)
        }
    }
}
