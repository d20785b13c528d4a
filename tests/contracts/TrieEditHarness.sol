// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccountLeaf, Accounts} from "../../bridge/contracts/prover/libraries/Accounts.sol";
import {Journal} from "../../bridge/contracts/prover/libraries/Journal.sol";
import {Rlp} from "../../bridge/contracts/prover/libraries/Rlp.sol";
import {Path, TrieEdit} from "../../bridge/contracts/prover/libraries/TrieEdit.sol";
import {TrieNumbers} from "../../bridge/contracts/prover/libraries/TrieNumbers.sol";
import {Reader, Witness} from "../../bridge/contracts/prover/libraries/Witness.sol";

/// @title  The one verifier of tries, callable
/// @notice Each function reads a witness of one path, and no byte may be left of it.
contract TrieEditHarness {
    using Witness for Reader;

    function get(bytes32 root, bytes32 key, bytes calldata witness)
        external
        pure
        returns (bytes memory value)
    {
        Reader memory r = Witness.reader(witness);
        value = TrieEdit.get(root, key, r);
        r.finish();
    }

    function set(bytes32 root, bytes32 key, bytes calldata newValue, bytes calldata witness)
        external
        pure
        returns (bytes memory value, bytes32 newRoot)
    {
        Reader memory r = Witness.reader(witness);
        Path memory path = TrieEdit.open(root, key, r);
        value = TrieEdit.value(path);
        newRoot = TrieEdit.close(path, r, newValue);
        r.finish();
    }

    /// @notice The gas of the two halves of `set`.
    function measure(bytes32 root, bytes32 key, bytes calldata newValue, bytes calldata witness)
        external
        view
        returns (uint256 openGas, uint256 closeGas)
    {
        Reader memory r = Witness.reader(witness);
        uint256 left = gasleft();
        Path memory path = TrieEdit.open(root, key, r);
        openGas = left - gasleft();
        left = gasleft();
        TrieEdit.close(path, r, newValue);
        closeGas = left - gasleft();
        r.finish();
    }

    function setAccount(
        bytes32 root,
        address account,
        AccountLeaf calldata newLeaf,
        bytes calldata witness
    ) external pure returns (AccountLeaf memory leaf, bool exists, bytes32 newRoot) {
        Reader memory r = Witness.reader(witness);
        Path memory path;
        (path, leaf, exists) = Accounts.open(root, account, r);
        newRoot = Accounts.close(path, r, newLeaf);
        r.finish();
    }

    /// @notice The order of SSTORE: account, slot, and the account again around the new storage root.
    function setSlot(
        bytes32 root,
        address account,
        uint256 slot,
        uint256 newNumber,
        bytes calldata witness
    ) external pure returns (uint256 number, bytes32 newRoot) {
        Reader memory r = Witness.reader(witness);
        (Path memory path, AccountLeaf memory leaf,) = Accounts.open(root, account, r);
        Path memory slotPath;
        (slotPath, number) = TrieNumbers.openSlot(leaf.storageRoot, slot, r);
        leaf.storageRoot = TrieNumbers.close(slotPath, r, newNumber);
        newRoot = Accounts.close(path, r, leaf);
        r.finish();
    }

    function setFlags(bytes32 root, address account, uint256 newFlags, bytes calldata witness)
        external
        pure
        returns (uint256 flags, bytes32 newRoot)
    {
        Reader memory r = Witness.reader(witness);
        Path memory path;
        (path, flags) = Journal.openFlags(root, account, r);
        newRoot = Journal.close(path, r, newFlags);
        r.finish();
    }

    function setWarmSlot(
        bytes32 root,
        address account,
        uint256 slot,
        uint256 newNumber,
        bytes calldata witness
    ) external pure returns (uint256 number, bytes32 newRoot) {
        Reader memory r = Witness.reader(witness);
        Path memory path;
        (path, number) = Journal.openSlot(root, account, slot, r);
        newRoot = Journal.close(path, r, newNumber);
        r.finish();
    }

    function setTransient(
        bytes32 root,
        address account,
        uint256 slot,
        uint256 newNumber,
        bytes calldata witness
    ) external pure returns (uint256 number, bytes32 newRoot) {
        Reader memory r = Witness.reader(witness);
        Path memory path;
        (path, number) = Journal.openTransient(root, account, slot, r);
        newRoot = Journal.close(path, r, newNumber);
        r.finish();
    }

    /// @notice The first item of `data`, its offsets counted from there.
    function readItem(bytes calldata data)
        external
        pure
        returns (bool ok, bool isList, uint256 start, uint256 stop)
    {
        uint256 offset;
        assembly ("memory-safe") {
            offset := data.offset
        }
        (ok, isList, start, stop) = Rlp.tryItem(offset, offset + data.length);
        (start, stop) = (start - offset, stop - offset);
    }

    /// @notice A number of at most `size` bytes that fills `data`.
    function readNumber(bytes calldata data, uint256 size) external pure returns (uint256 value) {
        uint256 offset;
        assembly ("memory-safe") {
            offset := data.offset
        }
        uint256 stop;
        (value, stop) = Rlp.number(offset, offset + data.length, size);
        if (stop != offset + data.length) revert Rlp.InvalidRlp(stop);
    }

    /// @notice A number, a string and a list of encoded items.
    function write(uint256 number, bytes calldata data)
        external
        pure
        returns (bytes memory, bytes memory, bytes memory)
    {
        return (Rlp.encodeNumber(number), Rlp.encodeText(data), Rlp.encodeList(data));
    }
}
