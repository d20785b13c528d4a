// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Frame, Frames} from "./Frames.sol";
import {Machine, Status} from "./Machines.sol";
import {Stacks} from "./Stacks.sol";
import {Reader} from "./Witness.sol";
import {WordTree} from "./WordTree.sol";

/// @title  Frames that calls and creations make
/// @notice And what both have in common where they don't come to be.
library Callees {
    using Frames for Frame;
    using Stacks for Frame;

    /// @notice Deepest nesting of calls and creations (Yellow Paper, section 8).
    uint256 internal constant CALL_DEPTH_MAX = 1024;

    /// @dev EIP-150.
    uint256 private constant GAS_QUOTIENT = 64;

    /// @notice The frame that makes the call or creation, if one runs: none makes the outermost.
    function openCaller(Machine memory m, Reader memory r) internal pure returns (Frame memory f) {
        if (m.frame != 0) f = Frames.open(m.frame, r);
    }

    /// @notice Whether a frame is at the depth below which nothing nests.
    function isDeepest(Frame memory f) internal pure returns (bool) {
        return f.depth >= CALL_DEPTH_MAX;
    }

    /// @notice What a frame may pass on of its gas: all but a 64th.
    function gasFor(Frame memory f) internal pure returns (uint256) {
        return f.gas - f.gas / GAS_QUOTIENT;
    }

    /// @notice A new frame above the running one, with nothing in it yet, and the machine's words as they are
    ///         now to go back to.
    function make(Machine memory m, Frame memory caller) internal pure returns (Frame memory f) {
        f.depth = m.frame == 0 ? 0 : caller.depth + 1;
        f.parent = m.frame;
        f.memoryRoot = f.inputRoot = f.returnRoot = WordTree.EMPTY_ROOT;
        f.snapshotState = m.stateRoot;
        f.snapshotJournal = m.journalRoot;
        f.snapshotRefund = m.refund;
        f.snapshotLogs = m.logs;
        f.snapshotDestructs = m.destructs;
    }

    /// @notice A call or creation that doesn't start: zero, and no return data. Ends the step.
    function refuse(Machine memory m, Frame memory caller, Reader memory r)
        internal
        pure
        returns (bytes32)
    {
        Frames.setReturn(caller, WordTree.EMPTY_ROOT, 0, 0);
        caller.push(0);
        m.status = Status.RUN;
        return Frames.close(m, caller, r);
    }
}
