// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Boundary} from "../libraries/Boundary.sol";
import {Block, Blocks} from "./libraries/Blocks.sol";
import {Boundaries} from "./libraries/Boundaries.sol";
import {ChainConfig, ChainConfigs} from "./libraries/ChainConfigs.sol";
import {DepositTransactions} from "./libraries/DepositTransactions.sol";
import {Headers, ParentHeader} from "./libraries/Headers.sol";
import {Inputs, InputWords} from "./libraries/Inputs.sol";
import {Item, Items} from "./libraries/Items.sol";
import {Machine, Machines, Status} from "./libraries/Machines.sol";
import {Payloads} from "./libraries/Payloads.sol";
import {PendingTx, Transactions} from "./libraries/Transactions.sol";
import {TrieEdit} from "./libraries/TrieEdit.sol";
import {Reader, Witness} from "./libraries/Witness.sol";

/// @title  A block's environment, and what it offers to execution
/// @notice Statuses ORIGIN, NEXT and UNFIT: the L1 attributes deposit, the deposits and forced transactions
///         that are due, then the sequencer's transactions (docs/derivation.md, sections 5 to 7).
contract BlockProver is IOneStepProver {
    /// @dev Deposits and forced transactions of a block, at the most.
    uint256 private constant TAKEN_MAX = 64;

    /// @dev Bytes of a forced transaction, at the most; a longer one is void.
    uint256 private constant FORCED_BYTES_MAX = 65_536;

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata context, bytes calldata witness)
        external
        view
        returns (bytes32)
    {
        Reader memory r = Witness.reader(witness);
        Machine memory m = Machines.open(preState, r);
        if (m.status == Status.ORIGIN) {
            _begin(m, context, r);
            return Machines.close(m, r);
        }
        if (m.status != Status.NEXT && m.status != Status.UNFIT) {
            revert Machines.NotMyStatus(m.status);
        }
        Block memory b = Blocks.open(m.blockHash, r);
        Inputs memory inputs = InputWords.open(b.inputs, r);
        if (m.status == Status.UNFIT) _leaveOut(m, inputs);
        else if (inputs.taking == 1) _offerItem(m, inputs, context, r);
        else if (inputs.left != 0) _offer(m, Payloads.take(inputs, r));
        else {
            // Nothing is left to offer: the tries of what is in the block come next.
            inputs.left = b.count;
            m.status = Status.HASH_TRANSACTION;
        }
        b.inputs = InputWords.hash(inputs);
        m.blockHash = Blocks.hash(b);
        return Machines.close(m, r);
    }

    /// @dev ORIGIN: everything that the block's header has from the beginning.
    function _begin(Machine memory m, StepContext calldata context, Reader memory r) private view {
        Inputs memory inputs = InputWords.open(m.blockHash, r);
        Boundary memory parent = Boundaries.open(m.boundary, r);
        ChainConfig memory config = ChainConfigs.open(parent.configHash, r);
        ParentHeader memory header = Headers.open(parent.headerHash, r);
        Item memory origin = Items.open(context, inputs.origin, r);
        if (inputs.timestamp == 0) {
            uint256 earliest = header.timestamp + 1;
            inputs.timestamp = inputs.time > earliest ? inputs.time : earliest;
        }
        bool isSame = inputs.origin == parent.originItem;
        inputs.sequenceNumber = isSame ? parent.sequenceNumber + 1 : 0;
        inputs.taking = 1;
        uint256 number = parent.number + 1;
        _offer(m, DepositTransactions.attributes(origin, number, inputs.sequenceNumber));
        Block memory b;
        (b.chainId, b.coinbase, b.gasLimit) =
            (config.chainId, config.coinbase, config.blockGasLimit);
        (b.number, b.timestamp) = (number, inputs.timestamp);
        b.baseFee = Headers.nextBaseFee(header);
        (b.prevRandao, b.ringRoot) = (origin.prevRandao, parent.blockHashRingRoot);
        b.inputs = InputWords.hash(inputs);
        m.blockHash = Blocks.hash(b);
        (m.stateRoot, m.journalRoot) = (parent.stateRoot, TrieEdit.EMPTY_ROOT);
    }

    /// @dev NEXT while deposits and forced transactions are being taken: one more, or the end of the taking.
    function _offerItem(
        Machine memory m,
        Inputs memory inputs,
        StepContext calldata context,
        Reader memory r
    ) private view {
        (bool isTaken, Item memory item) = _dueItem(m, inputs, context, r);
        if (!isTaken) {
            inputs.taking = 0;
            return;
        }
        inputs.nextDeposit += 1;
        inputs.taken += 1;
        (bool isSound, PendingTx memory pending) = _transactionOf(item, r);
        if (isSound) _offer(m, pending);
    }

    /// @dev The next deposit or forced transaction, unless the block has taken its fill, or none is there, or
    ///      it is neither behind the origin nor has waited out the window.
    function _dueItem(
        Machine memory m,
        Inputs memory inputs,
        StepContext calldata context,
        Reader memory r
    ) private view returns (bool isDue, Item memory item) {
        if (inputs.taken == TAKEN_MAX) return (false, item);
        (isDue, item) = Items.openDeposit(context, inputs.nextDeposit, r);
        if (isDue && item.index > inputs.origin) {
            Boundary memory parent = Boundaries.open(m.boundary, r);
            uint256 window = ChainConfigs.open(parent.configHash, r).window;
            isDue = item.time <= inputs.time && window <= inputs.time - item.time;
        }
    }

    /// @dev What an item stands for; false for a void one, of which no bytes are read if they are too many.
    function _transactionOf(Item memory item, Reader memory r)
        private
        pure
        returns (bool isSound, PendingTx memory pending)
    {
        if (item.kind == Items.FORCED) {
            isSound = item.dataSize != 0 && item.dataSize <= FORCED_BYTES_MAX;
            pending = PendingTx(item.dataHash, item.dataSize, 0);
        } else if (item.dataSize <= DepositTransactions.ITEM_BYTES_MAX) {
            return DepositTransactions.ofItem(item, Items.openData(item, r));
        }
    }

    /// @dev UNFIT: the transaction's gas limit is more than is left of the block's. A deposit or forced
    ///      transaction waits for the next block, and so do all after it.
    function _leaveOut(Machine memory m, Inputs memory inputs) private pure {
        m.transaction = 0;
        m.status = Status.NEXT;
        if (inputs.taking == 0) return;
        inputs.taking = 0;
        inputs.nextDeposit -= 1;
        inputs.taken -= 1;
    }

    function _offer(Machine memory m, PendingTx memory pending) private pure {
        m.transaction = Transactions.hash(pending);
        m.status = Status.VALIDATE;
    }
}
