// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Boundary} from "../libraries/Boundary.sol";
import {BatchCodec} from "./libraries/BatchCodec.sol";
import {Boundaries} from "./libraries/Boundaries.sol";
import {ChainConfig, ChainConfigs} from "./libraries/ChainConfigs.sol";
import {Headers, ParentHeader} from "./libraries/Headers.sol";
import {Inputs, InputWords} from "./libraries/Inputs.sol";
import {Item, Items} from "./libraries/Items.sol";
import {Machine, Machines, Status} from "./libraries/Machines.sol";
import {Payloads} from "./libraries/Payloads.sol";
import {Reader, Witness} from "./libraries/Witness.sol";
import {WordTree} from "./libraries/WordTree.sol";

/// @title  From a boundary to what the next block is made from
/// @notice Statuses BOUNDARY, EXHAUSTED, DECODE and SCAN: which block the next batch or tick orders
///         (docs/derivation.md, section 4).
contract BatchProver is IOneStepProver {
    /// @dev Steps that a block has in the trace: docs/machine.md, "The trace".
    uint256 private constant BLOCK_STEPS = 1 << 26;

    /// @dev Timestamp (8), origin (8), number of transactions (4).
    uint256 private constant HEAD_BYTES = 20;

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata context, bytes calldata witness)
        external
        view
        returns (bytes32)
    {
        Reader memory r = Witness.reader(witness);
        Machine memory m = Machines.open(preState, r);
        if (m.status == Status.BOUNDARY) _leave(m, context, r);
        else if (m.status == Status.DECODE) _decode(m, context, r);
        else if (m.status == Status.SCAN) _scan(m, r);
        else if (m.status != Status.EXHAUSTED) revert Machines.NotMyStatus(m.status);
        return Machines.close(m, r);
    }

    /// @dev BOUNDARY: idles but for where a block begins that the game is about. What doesn't exist in the
    ///      game's part of the inbox makes no block, and no boundary either.
    function _leave(Machine memory m, StepContext calldata context, Reader memory r) private view {
        if (context.traceIndex % BLOCK_STEPS != 0) return;
        Boundary memory parent = Boundaries.open(m.boundary, r);
        if (parent.number >= context.l2Block) return;
        (bool exists, Item memory item) = Items.openBatch(context, parent.nextBatch, r);
        if (!exists) {
            m.status = Status.EXHAUSTED;
            return;
        }
        Inputs memory inputs;
        (inputs.item, inputs.time) = (item.index, item.time);
        (inputs.nextBatch, inputs.nextOffset) = (parent.nextBatch, parent.offset);
        inputs.nextDeposit = parent.nextDeposit;
        m.status = Status.DECODE;
        if (item.kind == Items.TICK) {
            inputs.origin = item.index;
            (inputs.nextBatch, inputs.nextOffset) = (parent.nextBatch + 1, 0);
            m.status = Status.ORIGIN;
        }
        m.blockHash = InputWords.hash(inputs);
    }

    /// @dev DECODE: the batch whole, and the head of the block at the offset.
    function _decode(Machine memory m, StepContext calldata context, Reader memory r) private view {
        Inputs memory inputs = InputWords.open(m.blockHash, r);
        Boundary memory parent = Boundaries.open(m.boundary, r);
        ChainConfig memory config = ChainConfigs.open(parent.configHash, r);
        ParentHeader memory header = Headers.open(parent.headerHash, r);
        Item memory item = Items.open(context, inputs.item, r);
        bytes memory payload = BatchCodec.decode(Items.openData(item, r), item.dataSize);
        bool isGood = _readHead(payload, inputs);
        isGood = isGood && header.timestamp < inputs.timestamp
            && _isWithin(inputs.timestamp, inputs.time, config.drift)
            && parent.originItem <= inputs.origin && inputs.origin <= inputs.item;
        if (isGood) {
            inputs.payloadRoot = WordTree.build(payload);
            inputs.payloadSize = payload.length;
        } else {
            inputs = InputWords.emptied(inputs, parent);
        }
        m.status = isGood ? Status.SCAN : Status.ORIGIN;
        m.blockHash = InputWords.hash(inputs);
    }

    /// @dev Takes timestamp, origin and count from the head at the offset; false if the payload, which may be
    ///      void, doesn't hold it.
    function _readHead(bytes memory payload, Inputs memory inputs) private pure returns (bool) {
        uint256 start = inputs.nextOffset + HEAD_BYTES;
        if (payload.length < start) return false;
        uint256 head;
        assembly ("memory-safe") {
            // The 32 bytes that end with the head; those before it, of which some may be the array's length,
            // fall out below.
            head := mload(add(payload, start))
        }
        inputs.timestamp = uint64(head >> 96);
        inputs.origin = uint64(head >> 32);
        (inputs.count, inputs.left) = (uint32(head), uint32(head));
        (inputs.start, inputs.position) = (start, start);
        return true;
    }

    /// @dev Whether a timestamp is at most `drift` ahead of a time.
    function _isWithin(uint256 timestamp, uint256 time, uint256 drift) private pure returns (bool) {
        return timestamp <= time || timestamp - time <= drift;
    }

    /// @dev SCAN: one length, or the end of them.
    function _scan(Machine memory m, Reader memory r) private pure {
        Inputs memory inputs = InputWords.open(m.blockHash, r);
        if (inputs.left == 0) {
            _endScan(inputs);
            m.status = Status.ORIGIN;
        } else {
            (bool isSound, uint256 length) = Payloads.readLength(inputs, r);
            if (isSound) {
                inputs.position += Payloads.LENGTH_BYTES + length;
                inputs.left -= 1;
            } else {
                inputs = InputWords.emptied(inputs, Boundaries.open(m.boundary, r));
                m.status = Status.ORIGIN;
            }
        }
        m.blockHash = InputWords.hash(inputs);
    }

    /// @dev The block is whole: the cursor moves past it, and `position` goes back to its first transaction.
    function _endScan(Inputs memory inputs) private pure {
        bool isLast = inputs.position == inputs.payloadSize;
        if (isLast) inputs.nextBatch += 1;
        inputs.nextOffset = isLast ? 0 : inputs.position;
        (inputs.position, inputs.left) = (inputs.start, inputs.count);
    }
}
