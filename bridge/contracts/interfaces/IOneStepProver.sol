// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInbox} from "./IInbox.sol";

/// @notice What a step depends on besides the state: where it stands in the trace, and what the game
///         fixed of L1 when it was created.
/// @param  traceIndex Steps since the anchor that come before this one.
/// @param  l2Block    The block that the game's root claim is about; no state goes beyond it.
/// @param  inboxCount How many items of the inbox count; those beyond do not exist for this game.
/// @param  inbox      The log that L2 follows from.
struct StepContext {
    uint256 traceIndex;
    uint256 l2Block;
    uint256 inboxCount;
    IInbox inbox;
}

/// @title  A verifier of single steps of the machine
/// @notice docs/machine.md
interface IOneStepProver {
    /// @notice The hash of the state that follows `preState`. Reverts when the witness isn't exactly that
    ///         of the step: something is missing, left over, or doesn't hash to what the state commits to.
    /// @param  preState Commitment to a machine state.
    /// @param  context  Where the step stands.
    /// @param  witness  What the step reads, in the order in which it reads it.
    function step(bytes32 preState, StepContext calldata context, bytes calldata witness)
        external
        view
        returns (bytes32 postState);
}
