// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../../bridge/contracts/interfaces/IOneStepProver.sol";
import {MachineHash} from "../../bridge/contracts/libraries/MachineHash.sol";

/// @title  CountingProver
/// @notice A machine that counts, so small that the tests of the game know each state of a trace of any
///         length: its state is one word, committed to as the output root of a boundary, and a step adds
///         the trace index and what the game fixed of L1. The witness is the word.
contract CountingProver is IOneStepProver {
    error WrongWitness();

    function step(bytes32 preState, StepContext calldata context, bytes calldata witness)
        external
        view
        returns (bytes32)
    {
        if (witness.length != 32) revert WrongWitness();
        bytes32 count = bytes32(witness);
        if (MachineHash.ofBoundary(count) != preState) revert WrongWitness();
        bytes32 acc = context.inbox.acc(context.inboxCount - 1);
        bytes32 fixed_ = keccak256(abi.encode(context.l2Block, context.inboxCount, acc));
        // Wraps: a count is a word.
        unchecked {
            uint256 sum = uint256(count) + uint256(fixed_) + context.traceIndex;
            return MachineHash.ofBoundary(bytes32(sum));
        }
    }
}
