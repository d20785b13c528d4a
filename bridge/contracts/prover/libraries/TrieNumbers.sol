// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";
import {Path, TrieEdit} from "./TrieEdit.sol";
import {Reader} from "./Witness.sol";

/// @title  Tries of numbers: a contract's storage, and a transaction's journal
/// @notice A leaf holds a number's RLP, and zero is no leaf (Yellow Paper, section 4.1).
library TrieNumbers {
    using TrieEdit for Path;

    /// @notice Opens a number by its hashed key. Reverts unless the witness goes on with exactly its path.
    function open(bytes32 root, bytes32 key, Reader memory r)
        internal
        pure
        returns (Path memory path, uint256 number)
    {
        path = TrieEdit.open(root, key, r);
        if (path.found) number = _decode(path.value());
    }

    /// @notice A number by its hashed key.
    function get(bytes32 root, bytes32 key, Reader memory r) internal pure returns (uint256 number) {
        (, number) = open(root, key, r);
    }

    /// @notice The root with another number.
    function close(Path memory path, Reader memory r, uint256 number)
        internal
        pure
        returns (bytes32)
    {
        return path.close(r, number == 0 ? bytes("") : Rlp.encodeNumber(number));
    }

    /// @notice Opens a slot of a contract's storage (Yellow Paper, equation 10).
    function openSlot(bytes32 storageRoot, uint256 slot, Reader memory r)
        internal
        pure
        returns (Path memory, uint256)
    {
        return open(storageRoot, slotKey(slot), r);
    }

    /// @notice Where a slot is in its storage trie.
    function slotKey(uint256 slot) internal pure returns (bytes32 key) {
        assembly ("memory-safe") {
            mstore(0, slot)
            key := keccak256(0, 32)
        }
    }

    function _decode(bytes calldata leaf) private pure returns (uint256 number) {
        uint256 start;
        assembly ("memory-safe") {
            start := leaf.offset
        }
        uint256 end = start + leaf.length;
        uint256 stop;
        (number, stop) = Rlp.number(start, end, 32);
        if (number == 0 || stop != end) revert Rlp.InvalidRlp(start);
    }
}
