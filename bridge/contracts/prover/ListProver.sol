// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Block, Blocks} from "./libraries/Blocks.sol";
import {Inputs, InputWords} from "./libraries/Inputs.sol";
import {ListTrie} from "./libraries/ListTrie.sol";
import {Machine, Machines, Status} from "./libraries/Machines.sol";
import {Reader, Witness} from "./libraries/Witness.sol";
import {Words} from "./libraries/Words.sol";

/// @title  The roots of a block's transactions and receipts
/// @notice Statuses HASH_TRANSACTION, TRANSACTIONS_ROOT, HASH_RECEIPT and RECEIPTS_ROOT: a leaf node a step,
///         from the last item to the first, then all that is above them in one.
contract ListProver is IOneStepProver {
    using Witness for Reader;

    /// @notice The item read isn't the last of its list.
    error WrongList(bytes32 expected, bytes32 actual);

    /// @notice The leaves read aren't those that were hashed.
    error WrongLeaves(bytes32 expected, bytes32 actual);

    bytes32 private constant TRANSACTION_TAG = keccak256("tallystick.machine.transaction.v1");
    bytes32 private constant RECEIPT_TAG = keccak256("tallystick.machine.receipt.v1");
    bytes32 private constant LEAF_TAG = keccak256("tallystick.machine.leaf.v1");

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        pure
        returns (bytes32)
    {
        Reader memory r = Witness.reader(witness);
        Machine memory m = Machines.open(preState, r);
        if (m.status < Status.HASH_TRANSACTION || Status.RECEIPTS_ROOT < m.status) {
            revert Machines.NotMyStatus(m.status);
        }
        Block memory b = Blocks.open(m.blockHash, r);
        Inputs memory inputs = InputWords.open(b.inputs, r);
        if (m.status == Status.HASH_TRANSACTION) _hashTransaction(m, b, inputs, r);
        else if (m.status == Status.TRANSACTIONS_ROOT) _closeTransactions(m, b, inputs, r);
        else if (m.status == Status.HASH_RECEIPT) _hashReceipt(m, b, inputs, r);
        else _closeReceipts(m, b, inputs, r);
        b.inputs = InputWords.hash(inputs);
        m.blockHash = Blocks.hash(b);
        return Machines.close(m, r);
    }

    function _hashTransaction(
        Machine memory m,
        Block memory b,
        Inputs memory inputs,
        Reader memory r
    ) private pure {
        if (inputs.left == 0) m.status = Status.TRANSACTIONS_ROOT;
        else b.transactions = _hashLast(TRANSACTION_TAG, b.transactions, b.count, inputs, r);
    }

    function _closeTransactions(
        Machine memory m,
        Block memory b,
        Inputs memory inputs,
        Reader memory r
    ) private pure {
        inputs.transactionsRoot = _rootOfLeaves(b.count, inputs, r);
        inputs.left = b.count;
        m.status = Status.HASH_RECEIPT;
    }

    function _hashReceipt(Machine memory m, Block memory b, Inputs memory inputs, Reader memory r)
        private
        pure
    {
        if (inputs.left == 0) m.status = Status.RECEIPTS_ROOT;
        else b.receipts = _hashLast(RECEIPT_TAG, b.receipts, b.count, inputs, r);
    }

    function _closeReceipts(Machine memory m, Block memory b, Inputs memory inputs, Reader memory r)
        private
        pure
    {
        inputs.receiptsRoot = _rootOfLeaves(b.count, inputs, r);
        m.status = Status.SEAL;
    }

    /// @dev Takes the last item off a list, of `count` items when nothing was taken, and pushes its leaf
    ///      node; returns the list before it. The item is committed to by its hash and length.
    function _hashLast(
        bytes32 tag,
        bytes32 list,
        uint256 count,
        Inputs memory inputs,
        Reader memory r
    ) private pure returns (bytes32 before) {
        before = r.word();
        (uint256 offset, uint256 size) = r.blobAt();
        bytes32[3] memory link = [before, keccak256(msg.data[offset:offset + size]), bytes32(size)];
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := link
        }
        bytes32 actual = Words.commit(tag, pointer, 3);
        if (actual != list) revert WrongList(list, actual);
        inputs.left -= 1;
        bytes32 leaf = ListTrie.leafHash(inputs.left, count, offset, size);
        inputs.leaves = Words.commit(LEAF_TAG, inputs.leaves, leaf);
    }

    /// @dev The root above all leaves, which come by index: the first was pushed last.
    function _rootOfLeaves(uint256 count, Inputs memory inputs, Reader memory r)
        private
        pure
        returns (bytes32)
    {
        bytes32[] memory leaves = new bytes32[](count);
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := add(leaves, 32)
        }
        r.copy(pointer, 32 * count);
        bytes32 actual;
        for (uint256 i = count; i != 0; --i) {
            actual = Words.commit(LEAF_TAG, actual, leaves[i - 1]);
        }
        if (actual != inputs.leaves) revert WrongLeaves(inputs.leaves, actual);
        inputs.leaves = 0;
        return ListTrie.rootAbove(leaves);
    }
}
