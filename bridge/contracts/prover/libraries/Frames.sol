// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Machine, Machines, Outcome, Status} from "./Machines.sol";
import {Reader, Witness} from "./Witness.sol";
import {Words} from "./Words.sol";
import {WordTree} from "./WordTree.sol";

/// @notice A frame's words, docs/machine.md, "Frame".
struct Frame {
    uint256 depth;
    uint256 isStatic;
    uint256 isCreate;
    uint256 self;
    uint256 caller;
    uint256 value;
    bytes32 codeHash;
    uint256 codeSize;
    bytes32 codeRoot;
    bytes32 jumpRoot;
    uint256 pc;
    uint256 gas;
    uint256 stackLength;
    bytes32 stack;
    uint256 memoryWords;
    bytes32 memoryRoot;
    bytes32 inputRoot;
    uint256 inputOffset;
    uint256 inputLength;
    bytes32 returnRoot;
    uint256 returnOffset;
    uint256 returnLength;
    uint256 outputStart;
    uint256 outputSize;
    uint256 outcome;
    bytes32 snapshotState;
    bytes32 snapshotJournal;
    uint256 snapshotRefund;
    bytes32 snapshotLogs;
    bytes32 snapshotDestructs;
    bytes32 parent;
}

/// @title  Opening, ending and closing a frame
library Frames {
    using Witness for Reader;

    /// @notice The witness doesn't open the frame.
    error WrongFrame(bytes32 expected, bytes32 actual);

    bytes32 private constant TAG = keccak256("tallystick.machine.frame.v1");
    uint256 private constant WORDS = 31;

    /// @notice The frame whose commitment is `expected`: the running one, or one that waits below it.
    function open(bytes32 expected, Reader memory r) internal pure returns (Frame memory f) {
        r.copy(_pointer(f), WORDS * 32);
        bytes32 actual = hash(f);
        if (actual != expected) revert WrongFrame(expected, actual);
    }

    /// @notice The commitment.
    function hash(Frame memory f) internal pure returns (bytes32) {
        return Words.commit(TAG, _pointer(f), WORDS);
    }

    /// @notice Ends a step that had a frame: the witness has to be used up.
    function close(Machine memory m, Frame memory f, Reader memory r)
        internal
        pure
        returns (bytes32)
    {
        m.frame = hash(f);
        return Machines.close(m, r);
    }

    /// @notice Takes gas, if there is enough.
    function charge(Frame memory f, uint256 amount) internal pure returns (bool) {
        if (f.gas < amount) return false;
        unchecked {
            f.gas -= amount; // Just compared.
        }
        return true;
    }

    /// @notice Ends the frame with its changes undone and its gas gone: the one form of a failed frame.
    function fail(Machine memory m, Frame memory f) internal pure {
        f.pc = 0;
        f.gas = 0;
        f.stackLength = 0;
        f.stack = 0;
        f.memoryWords = 0;
        f.memoryRoot = WordTree.EMPTY_ROOT;
        setReturn(f, WordTree.EMPTY_ROOT, 0, 0);
        f.outcome = Outcome.FAILURE;
        m.bulk = 0;
        restore(m, f);
        m.status = Status.LEAVE;
    }

    /// @notice Goes back to the frame's snapshot.
    function restore(Machine memory m, Frame memory f) internal pure {
        m.stateRoot = f.snapshotState;
        m.journalRoot = f.snapshotJournal;
        m.refund = f.snapshotRefund;
        m.logs = f.snapshotLogs;
        m.destructs = f.snapshotDestructs;
    }

    /// @notice Ends the frame well, with an output; that of a creation is deployed next.
    function halt(Machine memory m, Frame memory f, bytes32 root, uint256 offset, uint256 length)
        internal
        pure
    {
        f.outcome = Outcome.SUCCESS;
        setReturn(f, root, offset, length);
        m.status = f.isCreate == 1 ? Status.DEPLOY : Status.LEAVE;
    }

    /// @notice Sets the frame's return data; that of no bytes has one form.
    function setReturn(Frame memory f, bytes32 root, uint256 offset, uint256 length) internal pure {
        f.returnRoot = length == 0 ? WordTree.EMPTY_ROOT : root;
        f.returnOffset = length == 0 ? 0 : offset;
        f.returnLength = length;
    }

    function _pointer(Frame memory f) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := f
        }
    }
}
