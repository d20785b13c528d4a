// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Path} from "./TrieEdit.sol";
import {TrieNumbers} from "./TrieNumbers.sol";
import {Reader} from "./Witness.sol";
import {Words} from "./Words.sol";

/// @title  A transaction's journal: accesses, creations, transient storage
/// @notice One trie of numbers, and zero is no entry (docs/machine.md, "Journal"). Each `open...` reverts unless
///         the witness goes on with exactly the path.
library Journal {
    /// @notice Flag of an address: accessed (EIP-2929).
    uint256 internal constant WARM = 1;

    /// @notice Flag of an address: a contract made by this transaction (EIP-6780).
    uint256 internal constant CREATED = 2;

    bytes32 private constant ADDRESS_TAG = keccak256("tallystick.machine.journal.address.v1");
    bytes32 private constant SLOT_TAG = keccak256("tallystick.machine.journal.slot.v1");
    bytes32 private constant TRANSIENT_TAG = keccak256("tallystick.machine.journal.transient.v1");

    /// @notice Opens the flags of an address.
    function openFlags(bytes32 root, address account, Reader memory r)
        internal
        pure
        returns (Path memory, uint256)
    {
        return TrieNumbers.open(root, Words.commit(ADDRESS_TAG, _word(account)), r);
    }

    /// @notice Opens whether a slot is warm (EIP-2929): 1 if it is.
    function openSlot(bytes32 root, address account, uint256 slot, Reader memory r)
        internal
        pure
        returns (Path memory, uint256)
    {
        return TrieNumbers.open(root, Words.commit(SLOT_TAG, _word(account), bytes32(slot)), r);
    }

    /// @notice Opens the value of a transient slot (EIP-1153).
    function openTransient(bytes32 root, address account, uint256 slot, Reader memory r)
        internal
        pure
        returns (Path memory, uint256)
    {
        return TrieNumbers.open(root, Words.commit(TRANSIENT_TAG, _word(account), bytes32(slot)), r);
    }

    /// @notice The root with another number in the opened entry; zero removes it.
    function close(Path memory path, Reader memory r, uint256 number)
        internal
        pure
        returns (bytes32)
    {
        return TrieNumbers.close(path, r, number);
    }

    function _word(address account) private pure returns (bytes32) {
        return bytes32(uint256(uint160(account)));
    }
}
