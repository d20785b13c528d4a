// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Block, Blocks} from "./libraries/Blocks.sol";
import {Machine, Machines, Outcome, Status} from "./libraries/Machines.sol";
import {Phases} from "./libraries/Phases.sol";
import {Receipt, Receipts} from "./libraries/Receipts.sol";
import {Transactions, Tx} from "./libraries/Transactions.sol";
import {Reader} from "./libraries/Witness.sol";
import {Words} from "./libraries/Words.sol";

/// @title  The end of a transaction
/// @notice Status RECEIPT: adds transaction and receipt to the block, and forgets the transaction.
contract ReceiptProver is IOneStepProver {
    bytes32 private constant TRANSACTION_TAG = keccak256("tallystick.machine.transaction.v1");
    bytes32 private constant RECEIPT_TAG = keccak256("tallystick.machine.receipt.v1");

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        pure
        returns (bytes32)
    {
        (Machine memory m, Reader memory r) = Phases.open(preState, witness);
        if (m.status != Status.RECEIPT) revert Machines.NotMyStatus(m.status);
        Tx memory t = Transactions.open(m.transaction, r);
        Block memory b = Blocks.open(m.blockHash, r);
        b.gasUsed += t.gasLimit - t.gas;
        Receipt memory receipt;
        receipt.txType = t.txType;
        receipt.succeeded = t.outcome == Outcome.SUCCESS;
        receipt.cumulativeGas = b.gasUsed;
        Receipts.openLogs(receipt, m.logs, r);
        _include(b, t, receipt);
        m.blockHash = Blocks.hash(b);
        Phases.forget(m);
        return Machines.close(m, r);
    }

    function _include(Block memory b, Tx memory t, Receipt memory receipt) private pure {
        bytes memory encoded = Receipts.encode(receipt);
        b.transactions =
            _append(TRANSACTION_TAG, b.transactions, t.envelopeHash, t.envelopeLength);
        b.receipts = _append(RECEIPT_TAG, b.receipts, keccak256(encoded), encoded.length);
        Blocks.addBloom(b, receipt.bloom);
        b.count += 1;
    }

    /// @dev A list of the block with one more item, committed to by hash and length.
    function _append(bytes32 tag, bytes32 list, bytes32 hash, uint256 length)
        private
        pure
        returns (bytes32)
    {
        bytes32[3] memory link = [list, hash, bytes32(length)];
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := link
        }
        return Words.commit(tag, pointer, 3);
    }
}
