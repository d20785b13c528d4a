// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NibblePaths, Nibbles} from "./NibblePaths.sol";
import {Rlp} from "./Rlp.sol";
import {NodeKind, TrieNode, TrieNodes} from "./TrieNodes.sol";
import {Reader} from "./Witness.sol";

/// @notice The way of a key through a trie, opened: enough to read its value and to write another.
/// @param  steps Branches and extensions from the root down, packed (see `TrieEdit`).
/// @param  count How many.
/// @param  depth Digits of the key above where the way ends.
/// @param  last  What is there: nothing, the key's leaf, or what shows that the key has none.
/// @param  found Whether that is the key's leaf.
struct Path {
    bytes32 root;
    bytes32 key;
    uint256[] steps;
    uint256 count;
    uint256 depth;
    TrieNode last;
    bool found;
}

/// @notice A node under construction, apart from what its parent will make of it.
/// @param  isLeaf Whether the path ends in a value; else it leads to a branch, and is empty for the branch.
/// @param  path   What is to stand before it: a parent's digits are put before these.
/// @param  item   The encoded value, or the reference to the branch. No bytes: no node.
struct Draft {
    bool isLeaf;
    Nibbles path;
    bytes item;
}

/// @title  Reading and writing one key of a hexary trie by the nodes of its path
/// @notice The one verifier of the state trie, of storage tries and of a transaction's journal
///         (docs/machine.md). Keys have 32 bytes. `open` reads the nodes from the root down as far as the key
///         leads, so that it proves a value as well as the absence of one; `close` makes the root with
///         another value. Deleting may leave a branch with one child: if that child is referred to by hash, its
///         node comes next in the witness, because whether it merges with what is above depends on its kind.
library TrieEdit {
    using NibblePaths for Nibbles;

    /// @notice keccak256(rlp("")): the root of a trie without keys.
    bytes32 internal constant EMPTY_ROOT =
        0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421;

    /// @dev Every step takes at least one of a key's 64 digits.
    uint256 private constant STEPS_MAX = 64;

    /// @dev A step is one word: for a branch five fields of 40 bits (where its items begin and end, where the
    ///      child taken begins and ends, a bit for each child that is there), for either kind the depth in the
    ///      lowest eight. An extension has nothing but its depth: its digits are those of the key. No offset of
    ///      calldata needs 40 bits, as a terabyte of it would cost 2^42 gas.
    uint256 private constant FIELD_BITS = 40;
    uint256 private constant FIELD_MASK = (1 << FIELD_BITS) - 1;
    uint256 private constant DEPTH_BITS = 8;
    uint256 private constant DEPTH_MASK = (1 << DEPTH_BITS) - 1;

    /// @dev In the place of a child: the RLP of no bytes, and what precedes a hash.
    bytes1 private constant EMPTY_ITEM = 0x80;
    bytes1 private constant HASH_PREFIX = 0xa0;

    /*//////////////////////////////////////////////////////////////////////////
                                        READING
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice Opens the path of `key`. Reverts unless the witness goes on with exactly its nodes.
    function open(bytes32 root, bytes32 key, Reader memory r)
        internal
        pure
        returns (Path memory path)
    {
        (path.root, path.key) = (root, key);
        if (root == EMPTY_ROOT) return path;
        path.steps = new uint256[](STEPS_MAX);
        (uint256 start, uint256 end) = TrieNodes.take(root, r);
        bool mustBranch;
        while (start != end) {
            TrieNode memory node = TrieNodes.parse(start, end, path.depth);
            if (mustBranch && node.kind != NodeKind.BRANCH) {
                revert TrieNodes.MalformedNode(start);
            }
            mustBranch = node.kind == NodeKind.EXTENSION;
            (start, end) = node.kind == NodeKind.BRANCH
                ? _intoBranch(path, node, r)
                : _intoPath(path, node, r);
        }
    }

    /// @notice The value under `key`: the content of its leaf, no bytes where there is none. Reverts unless the
    ///         witness goes on with exactly the nodes of its path.
    function get(bytes32 root, bytes32 key, Reader memory r)
        internal
        pure
        returns (bytes calldata)
    {
        return value(open(root, key, r));
    }

    /// @notice The value under an opened key, in the witness; no bytes where there is none.
    function value(Path memory path) internal pure returns (bytes calldata content) {
        content = msg.data[:0];
        if (path.found) {
            (uint256 start, uint256 end) = Rlp.text(path.last.start, path.last.end);
            assembly ("memory-safe") {
                content.offset := start
                content.length := sub(end, start)
            }
        }
    }

    /// @dev Goes on to the child that the key's next digit selects; nowhere if there is none.
    function _intoBranch(Path memory path, TrieNode memory node, Reader memory r)
        private
        pure
        returns (uint256, uint256)
    {
        uint256 depth = path.depth;
        uint256 digit = NibblePaths.digitAt(uint256(path.key), depth);
        (uint256 start, uint256 end, uint256 occupied) =
            TrieNodes.scan(node.start, node.end, digit);
        uint256 step = node.start;
        step = (step << FIELD_BITS) | node.end;
        step = (step << FIELD_BITS) | start;
        step = (step << FIELD_BITS) | end;
        step = (step << FIELD_BITS) | occupied;
        path.steps[path.count++] = (step << DEPTH_BITS) | depth;
        path.depth = depth + 1;
        return TrieNodes.isEmpty(start) ? (end, end) : TrieNodes.resolve(start, end, r);
    }

    /// @dev Goes on along an extension that the key agrees with. A leaf ends the way, whether it is the key's
    ///      or another's, and so does an extension that parts from the key.
    function _intoPath(Path memory path, TrieNode memory node, Reader memory r)
        private
        pure
        returns (uint256, uint256)
    {
        uint256 depth = path.depth;
        uint256 count = node.path.count;
        bool agrees = NibblePaths.slice(path.key, depth, depth + count).digits == node.path.digits;
        if (agrees && node.kind == NodeKind.EXTENSION) {
            path.steps[path.count++] = depth;
            path.depth = depth + count;
            return TrieNodes.resolve(node.start, node.end, r);
        }
        path.last = node;
        path.found = agrees;
        return (node.end, node.end);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                        WRITING
    //////////////////////////////////////////////////////////////////////////*/

    /// @notice The root with `newValue` under the opened key; no bytes delete it. Reads the node that a deletion
    ///         may need, and nothing for a value that is there already.
    function close(Path memory path, Reader memory r, bytes memory newValue)
        internal
        pure
        returns (bytes32)
    {
        if (_isUnchanged(path, newValue)) return path.root;
        Draft memory draft;
        if (newValue.length != 0) draft = _plant(path, Rlp.encodeText(newValue));
        uint256 below = path.depth;
        for (uint256 i = path.count; i != 0;) {
            uint256 step = path.steps[--i];
            uint256 depth = step & DEPTH_MASK;
            if (step == depth) {
                draft.path = NibblePaths.slice(path.key, depth, below).join(draft.path);
            } else if (draft.item.length != 0) {
                draft = _branchWith(step, _refer(draft));
            } else {
                draft = _branchWithout(step, NibblePaths.digitAt(uint256(path.key), depth), r);
            }
            below = depth;
        }
        return _root(draft);
    }

    function _isUnchanged(Path memory path, bytes memory newValue) private pure returns (bool) {
        bytes calldata old = value(path);
        return old.length == newValue.length && keccak256(old) == keccak256(newValue);
    }

    /// @dev What takes the place of where the way ended, to hold the value as well.
    function _plant(Path memory path, bytes memory item) private pure returns (Draft memory draft) {
        TrieNode memory last = path.last;
        Nibbles memory rest = NibblePaths.slice(path.key, path.depth, NibblePaths.KEY_DIGITS);
        draft = Draft(true, rest, item);
        if (last.kind == NodeKind.NONE || path.found) return draft;
        // The key parts from a leaf or an extension before its end: there comes a branch of the two.
        uint256 common = NibblePaths.shared(rest.digits, last.path.digits, last.path.count);
        uint256 digit = NibblePaths.digitAt(rest.digits, common);
        uint256 otherDigit = NibblePaths.digitAt(last.path.digits, common);
        draft.path = rest.drop(common + 1);
        Draft memory other = Draft(
            last.kind == NodeKind.LEAF, last.path.drop(common + 1), _copy(last.start, last.end)
        );
        draft = _fork(digit, _refer(draft), otherDigit, _refer(other));
        draft.path = NibblePaths.slice(bytes32(rest.digits), 0, common);
    }

    /// @dev A branch of two children.
    function _fork(uint256 digit, bytes memory item, uint256 otherDigit, bytes memory otherItem)
        private
        pure
        returns (Draft memory draft)
    {
        uint256 start = _scratch();
        uint256 length = 15 + item.length + otherItem.length;
        uint256 pointer = Rlp.writeHeader(start, Rlp.LIST, length);
        for (uint256 i; i < 17; ++i) {
            if (i == digit) pointer = Rlp.writeRaw(pointer, item);
            else if (i == otherDigit) pointer = Rlp.writeRaw(pointer, otherItem);
            else pointer = _writeEmpty(pointer);
        }
        draft.item = _reference(start, pointer - start);
    }

    /// @dev A branch of the path with another child in the place of the one taken.
    function _branchWith(uint256 step, bytes memory item) private pure returns (Draft memory draft) {
        (uint256 from, uint256 to, uint256 childStart, uint256 childEnd,) = _unpack(step);
        uint256 start = _scratch();
        uint256 length = (to - from) - (childEnd - childStart) + item.length;
        uint256 pointer = Rlp.writeHeader(start, Rlp.LIST, length);
        pointer = _writeCalldata(pointer, from, childStart);
        pointer = Rlp.writeRaw(pointer, item);
        pointer = _writeCalldata(pointer, childEnd, to);
        draft.item = _reference(start, pointer - start);
    }

    /// @dev A branch of the path without the child taken. If that leaves one child, there is no branch any more:
    ///      the child's digit goes before the child, if it has a path, and is an extension if it has none.
    function _branchWithout(uint256 step, uint256 digit, Reader memory r)
        private
        pure
        returns (Draft memory draft)
    {
        (uint256 from, uint256 to,,, uint256 occupied) = _unpack(step);
        uint256 others = occupied & ~(1 << digit);
        if (others & (others - 1) != 0) return _branchWith(step, abi.encodePacked(EMPTY_ITEM));
        uint256 lone;
        while (others >> (lone + 1) != 0) {
            ++lone;
        }
        (uint256 start, uint256 end,) = TrieNodes.scan(from, to, lone);
        TrieNode memory node = _child(start, end, (step & DEPTH_MASK) + 1, r);
        draft.path = NibblePaths.single(lone);
        if (node.kind == NodeKind.BRANCH) {
            draft.item = _copy(start, end);
        } else {
            draft.isLeaf = node.kind == NodeKind.LEAF;
            draft.path = draft.path.join(node.path);
            draft.item = _copy(node.start, node.end);
        }
    }

    /// @dev The node that a child's item stands for, checked whole.
    function _child(uint256 start, uint256 end, uint256 depth, Reader memory r)
        private
        pure
        returns (TrieNode memory node)
    {
        (start, end) = TrieNodes.resolve(start, end, r);
        node = TrieNodes.parse(start, end, depth);
        if (node.kind == NodeKind.BRANCH) TrieNodes.scan(node.start, node.end, 0);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                       ENCODING
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev What a branch has in the place of a child.
    function _refer(Draft memory draft) private pure returns (bytes memory) {
        if (_isBranch(draft)) return draft.item;
        (uint256 start, uint256 length) = _writeShort(draft);
        return _reference(start, length);
    }

    /// @dev A root is hashed whatever its size.
    function _root(Draft memory draft) private pure returns (bytes32 hash) {
        if (draft.item.length == 0) return EMPTY_ROOT;
        bytes memory ref = _refer(draft);
        if (ref.length < TrieNodes.EMBEDDED_END) return keccak256(ref);
        assembly ("memory-safe") {
            hash := mload(add(ref, 33))
        }
    }

    function _isBranch(Draft memory draft) private pure returns (bool) {
        return !draft.isLeaf && draft.path.count == 0;
    }

    /// @dev Encodes a leaf or an extension in free memory, where it stays until memory is allocated.
    function _writeShort(Draft memory draft) private pure returns (uint256 start, uint256 length) {
        start = _scratch();
        // Its header depends on the path's size: the path is written first, behind the longest header.
        uint256 content = start + 32;
        uint256 pointer = NibblePaths.write(content, draft.path, draft.isLeaf);
        pointer = Rlp.writeRaw(pointer, draft.item);
        length = pointer - content;
        uint256 size = Rlp.headerSize(length);
        start = content - size;
        Rlp.writeHeader(start, Rlp.LIST, length);
        length += size;
    }

    /// @dev How a parent refers to the node in memory at `pointer`, which may be free memory.
    function _reference(uint256 pointer, uint256 length)
        private
        pure
        returns (bytes memory ref)
    {
        bytes32 node;
        bytes32 hash;
        assembly ("memory-safe") {
            node := mload(pointer)
            hash := keccak256(pointer, length)
        }
        if (length >= TrieNodes.EMBEDDED_END) return abi.encodePacked(HASH_PREFIX, hash);
        // Its one word was read above, as this allocation may be where it was.
        ref = new bytes(length);
        assembly ("memory-safe") {
            mstore(add(ref, 32), node)
        }
    }

    function _unpack(uint256 step)
        private
        pure
        returns (uint256 from, uint256 to, uint256 childStart, uint256 childEnd, uint256 occupied)
    {
        step >>= DEPTH_BITS;
        occupied = step & FIELD_MASK;
        childEnd = (step >> FIELD_BITS) & FIELD_MASK;
        childStart = (step >> (2 * FIELD_BITS)) & FIELD_MASK;
        to = (step >> (3 * FIELD_BITS)) & FIELD_MASK;
        from = step >> (4 * FIELD_BITS);
    }

    /// @dev Free memory. Nodes are written there to be hashed at once, and none outlives the next allocation.
    function _scratch() private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := mload(0x40)
        }
    }

    function _copy(uint256 start, uint256 end) private pure returns (bytes memory data) {
        data = new bytes(end - start);
        assembly ("memory-safe") {
            calldatacopy(add(data, 32), start, sub(end, start))
        }
    }

    function _writeCalldata(uint256 pointer, uint256 start, uint256 end)
        private
        pure
        returns (uint256)
    {
        assembly ("memory-safe") {
            calldatacopy(pointer, start, sub(end, start))
        }
        return pointer + end - start;
    }

    function _writeEmpty(uint256 pointer) private pure returns (uint256) {
        assembly ("memory-safe") {
            mstore8(pointer, 0x80)
        }
        return pointer + 1;
    }
}
