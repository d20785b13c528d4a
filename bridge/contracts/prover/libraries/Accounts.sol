// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";
import {Path, TrieEdit} from "./TrieEdit.sol";
import {Reader} from "./Witness.sol";

/// @notice An account as the state trie holds it (Yellow Paper, section 4.1).
struct AccountLeaf {
    uint256 nonce;
    uint256 balance;
    bytes32 storageRoot;
    bytes32 codeHash;
}

/// @title  Accounts of the state trie
/// @notice One without nonce, balance and code has no leaf: writing one deletes it, and its storage with it
///         (EIP-161; docs/machine.md, "State").
library Accounts {
    using TrieEdit for Path;

    /// @notice keccak256 of no bytes.
    bytes32 internal constant EMPTY_CODE_HASH =
        0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470;

    /// @dev The most that a leaf takes: a list's header, two numbers, two hashes.
    uint256 private constant LEAF_BYTES_MAX = 2 + 33 + 33 + 33 + 33;

    /// @notice Opens an account; `leaf` is that of an empty one where there is none. Reverts unless the witness
    ///         goes on with exactly its path.
    function open(bytes32 stateRoot, address account, Reader memory r)
        internal
        pure
        returns (Path memory path, AccountLeaf memory leaf, bool exists)
    {
        path = TrieEdit.open(stateRoot, key(account), r);
        exists = path.found;
        leaf = exists
            ? decode(path.value())
            : AccountLeaf(0, 0, TrieEdit.EMPTY_ROOT, EMPTY_CODE_HASH);
    }

    /// @notice The state root with the opened account as it is in `leaf`; without it, when that is empty.
    function close(Path memory path, Reader memory r, AccountLeaf memory leaf)
        internal
        pure
        returns (bytes32)
    {
        return path.close(r, isEmpty(leaf) ? bytes("") : encode(leaf));
    }

    /// @notice Whether an account is none (EIP-161). Its storage doesn't matter.
    function isEmpty(AccountLeaf memory leaf) internal pure returns (bool) {
        return leaf.nonce == 0 && leaf.balance == 0 && leaf.codeHash == EMPTY_CODE_HASH;
    }

    /// @notice Where an account is in the state trie.
    function key(address account) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            mstore(0, shl(96, account))
            result := keccak256(0, 20)
        }
    }

    /// @notice Reads an account's leaf. Reverts with InvalidRlp.
    function decode(bytes calldata data) internal pure returns (AccountLeaf memory leaf) {
        uint256 start;
        assembly ("memory-safe") {
            start := data.offset
        }
        uint256 end = start + data.length;
        (uint256 cursor, uint256 stop) = Rlp.list(start, end);
        (leaf.nonce, cursor) = Rlp.number(cursor, stop, 8);
        (leaf.balance, cursor) = Rlp.number(cursor, stop, 32);
        (leaf.storageRoot, cursor) = Rlp.word(cursor, stop);
        (leaf.codeHash, cursor) = Rlp.word(cursor, stop);
        if (cursor != stop || stop != end) revert Rlp.InvalidRlp(start);
    }

    /// @notice An account's leaf. Its nonce is below 2^64 (EIP-2681).
    function encode(AccountLeaf memory leaf) internal pure returns (bytes memory) {
        bytes memory items = new bytes(LEAF_BYTES_MAX);
        uint256 start;
        assembly ("memory-safe") {
            start := add(items, 32)
        }
        uint256 cursor = Rlp.writeNumber(start, leaf.nonce);
        cursor = Rlp.writeNumber(cursor, leaf.balance);
        cursor = Rlp.writeWord(cursor, leaf.storageRoot);
        cursor = Rlp.writeWord(cursor, leaf.codeHash);
        assembly ("memory-safe") {
            mstore(items, sub(cursor, start))
        }
        return Rlp.encodeList(items);
    }
}
