// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Frame, Frames} from "./libraries/Frames.sol";
import {Instructions} from "./libraries/Instructions.sol";
import {Logs} from "./libraries/Logs.sol";
import {Machine} from "./libraries/Machines.sol";
import {Stacks} from "./libraries/Stacks.sol";
import {Views} from "./libraries/Views.sol";
import {Reader} from "./libraries/Witness.sol";

/// @title  LOG0 to LOG4
/// @notice Opcodes 0xa0 to 0xa4 (Yellow Paper, appendix H.2). A log is appended to the transaction's list by its
///         hash, with the bytes that it and those before it take in the receipt, which a chain rule bounds.
contract LogProver is IOneStepProver {
    using Frames for Frame;
    using Instructions for Frame;
    using Stacks for Frame;

    uint256 private constant LOG0 = 0xa0;
    uint256 private constant TOPICS_MAX = 4;

    uint256 private constant LOG_GAS = 375;
    uint256 private constant LOG_TOPIC_GAS = 375;
    uint256 private constant LOG_BYTE_GAS = 8;

    /// @dev Chain rule, docs/chain-rules.md: a transaction's receipt is hashed in one step.
    uint256 private constant LOGS_BYTES_MAX = 65_536;

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        pure
        returns (bytes32)
    {
        (Machine memory m, Frame memory f, Reader memory r, uint256 opcode) =
            Instructions.open(preState, witness);
        if (opcode < LOG0 || opcode > LOG0 + TOPICS_MAX) revert Instructions.NotMyOpcode(opcode);
        return Instructions.close(_run(m, f, r, opcode - LOG0), m, f, r);
    }

    function _run(Machine memory m, Frame memory f, Reader memory r, uint256 topicCount)
        private
        pure
        returns (bool)
    {
        if (!f.begin(2 + topicCount, 0, LOG_GAS)) return false;
        if (f.isStatic != 0) return false;
        uint256[] memory items = f.pop(2 + topicCount, r);
        (uint256 start, uint256 size) = (items[0], items[1]);
        // Encoded, it would be longer still.
        if (size > LOGS_BYTES_MAX) return false;
        if (!f.charge(LOG_TOPIC_GAS * topicCount + LOG_BYTE_GAS * size)) return false;
        if (!f.reach(start, size)) return false;
        uint256 bytesBefore = Logs.bytesSoFar(m.logs, r);
        bytes memory encoded = _encode(f, r, items);
        uint256 total = bytesBefore + encoded.length;
        if (total > LOGS_BYTES_MAX) return false;
        m.logs = Logs.append(m.logs, keccak256(encoded), total);
        return true;
    }

    /// @dev The log as it is in the receipt, from (start, size, topics).
    function _encode(Frame memory f, Reader memory r, uint256[] memory items)
        private
        pure
        returns (bytes memory)
    {
        bytes memory data = Views.bytesAt(f.memoryRoot, items[0], items[1], r);
        bytes32[] memory topics = new bytes32[](items.length - 2);
        for (uint256 i = 0; i < topics.length; ++i) {
            topics[i] = bytes32(items[i + 2]);
        }
        return Logs.encode(address(uint160(f.self)), topics, data);
    }
}
