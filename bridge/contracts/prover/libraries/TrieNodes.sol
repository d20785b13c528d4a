// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NibblePaths, Nibbles} from "./NibblePaths.sol";
import {Rlp} from "./Rlp.sol";
import {Reader, Witness} from "./Witness.sol";

/// @notice What a node is. NONE is the end of a path that has no node.
enum NodeKind {
    NONE,
    LEAF,
    EXTENSION,
    BRANCH
}

/// @notice A node as it lies in calldata, its shape checked.
/// @param  path  Of a leaf or an extension.
/// @param  start Where its encoded content begins: a leaf's value, an extension's child, a branch's items.
/// @param  end   Where that ends.
struct TrieNode {
    NodeKind kind;
    Nibbles path;
    uint256 start;
    uint256 end;
}

/// @title  Nodes of a hexary trie whose keys are hashes
/// @notice Yellow Paper, appendix D. No key is a prefix of another in such a trie, so that a branch never
///         holds a value. A node has one encoding, and whatever else hashes to the same is refused.
library TrieNodes {
    using Witness for Reader;

    /// @notice The witness's node isn't the one that its parent refers to.
    error WrongNode(bytes32 expected, bytes32 actual);

    /// @notice What is at this offset of calldata is no node that can stand there.
    error MalformedNode(uint256 offset);

    /// @dev A node below this size stands in its parent, any other is referred to by its hash.
    uint256 internal constant EMBEDDED_END = 32;

    /// @dev Encodings in the place of a child: none, and the prefix of a hash.
    uint256 private constant EMPTY = 0x80;
    uint256 private constant HASH = 0xa0;
    uint256 private constant REFERENCE_BYTES = 33;
    uint256 private constant BRANCH_CHILDREN = 16;

    /// @notice The next node of the witness, which must have this hash. A smaller node than 32 bytes would stand
    ///         in its parent, and as a root it could not lead along 64 digits.
    function take(bytes32 hash, Reader memory r)
        internal
        pure
        returns (uint256 start, uint256 end)
    {
        uint256 length;
        (start, length) = r.blobAt();
        end = start + length;
        bytes32 actual;
        assembly ("memory-safe") {
            // Hashed in free memory, where nothing is kept.
            let scratch := mload(0x40)
            calldatacopy(scratch, start, length)
            actual := keccak256(scratch, length)
        }
        if (actual != hash) revert WrongNode(hash, actual);
        if (length < EMBEDDED_END) revert MalformedNode(start);
    }

    /// @notice The node that a child's item stands for: itself, or what it has the hash of.
    function resolve(uint256 start, uint256 end, Reader memory r)
        internal
        pure
        returns (uint256, uint256)
    {
        if (!_isHash(start, end)) return (start, end);
        bytes32 hash;
        assembly ("memory-safe") {
            hash := calldataload(add(start, 1))
        }
        return take(hash, r);
    }

    /// @notice Parses the node that fills `start` to `end`, `depth` digits below the root. A branch's items are
    ///         for `scan` to check. Reverts with MalformedNode, InvalidRlp or InvalidPath.
    function parse(uint256 start, uint256 end, uint256 depth)
        internal
        pure
        returns (TrieNode memory node)
    {
        (uint256 first, uint256 listEnd) = Rlp.list(start, end);
        (,, uint256 second) = Rlp.item(first, end);
        (,, uint256 secondEnd) = Rlp.item(second, end);
        bool isSound = listEnd == end;
        if (secondEnd == end) {
            isSound = isSound && _parseShort(node, first, second, end, depth);
        } else {
            isSound = isSound && depth < NibblePaths.KEY_DIGITS;
            (node.kind, node.start, node.end) = (NodeKind.BRANCH, first, end);
        }
        if (!isSound) revert MalformedNode(start);
    }

    /// @dev Parses a path and what is below it. A leaf has a value and ends its key; an extension has digits and
    ///      a child, and leaves at least one digit for the branch that this is.
    function _parseShort(
        TrieNode memory node,
        uint256 first,
        uint256 second,
        uint256 end,
        uint256 depth
    ) private pure returns (bool isSound) {
        (uint256 pathStart, uint256 pathEnd) = Rlp.text(first, second);
        bool isLeaf;
        (node.path, isLeaf) = NibblePaths.decode(pathStart, pathEnd);
        (node.start, node.end) = (second, end);
        (bool isList, uint256 content,) = Rlp.item(second, end);
        uint256 below = depth + node.path.count;
        if (isLeaf) {
            node.kind = NodeKind.LEAF;
            return !isList && content != end && below == NibblePaths.KEY_DIGITS;
        }
        node.kind = NodeKind.EXTENSION;
        bool isChild = isList ? end - second < EMBEDDED_END : _isHash(second, end);
        return isChild && node.path.count != 0 && below < NibblePaths.KEY_DIGITS;
    }

    /// @notice Goes over the items of a branch, which fill `start` to `end`: where child `index` is, and a bit
    ///         for each child that is there. Reverts with MalformedNode unless there are sixteen, each nothing,
    ///         a hash or a node below 32 bytes, at least two of them something, and no value.
    function scan(uint256 start, uint256 end, uint256 index)
        internal
        pure
        returns (uint256 childStart, uint256 childEnd, uint256 occupied)
    {
        bool isSound = true;
        uint256 cursor = start;
        assembly ("memory-safe") {
            // No item moves by more than 33 bytes: nothing overflows, and one that passes `end` is noticed
            // after the loop, because `cursor` never goes back.
            for { let i := 0 } lt(i, BRANCH_CHILDREN) { i := add(i, 1) } {
                let prefix := byte(0, calldataload(cursor))
                let next := add(cursor, 1)
                if iszero(eq(prefix, EMPTY)) {
                    occupied := or(occupied, shl(i, 1))
                    switch prefix
                    case 0xa0 { next := add(cursor, REFERENCE_BYTES) }
                    default {
                        // A list of 2 to 30 bytes: the smallest leaf has 3 bytes, the largest node here 31.
                        if gt(sub(prefix, 0xc2), 28) { isSound := 0 }
                        next := add(next, and(sub(prefix, 0xc0), 31))
                    }
                }
                if eq(i, index) {
                    childStart := cursor
                    childEnd := next
                }
                cursor := next
            }
            let hasNoValue := eq(byte(0, calldataload(cursor)), EMPTY)
            let hasTwo := iszero(iszero(and(occupied, sub(occupied, 1))))
            isSound := and(and(isSound, eq(add(cursor, 1), end)), and(hasNoValue, hasTwo))
        }
        if (!isSound) revert MalformedNode(start);
    }

    /// @notice Whether a child's item, which is one byte at least, says that there is none.
    function isEmpty(uint256 start) internal pure returns (bool) {
        return _prefix(start) == EMPTY;
    }

    function _isHash(uint256 start, uint256 end) private pure returns (bool) {
        return end - start == REFERENCE_BYTES && _prefix(start) == HASH;
    }

    function _prefix(uint256 start) private pure returns (uint256 prefix) {
        assembly ("memory-safe") {
            prefix := byte(0, calldataload(start))
        }
    }
}
