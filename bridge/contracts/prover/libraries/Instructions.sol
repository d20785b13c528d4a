// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Frame, Frames} from "./Frames.sol";
import {Machine, Machines, Status} from "./Machines.sol";
import {Words} from "./Words.sol";
import {WordTree} from "./WordTree.sol";
import {Reader, Witness} from "./Witness.sol";

/// @title  What all instructions have in common
/// @notice Status RUN: the opcode is the byte at `pc` of the loaded code; zeros, which are STOP, follow it.
library Instructions {
    using Witness for Reader;
    using Frames for Frame;

    /// @notice This contract doesn't verify this opcode.
    error NotMyOpcode(uint256 opcode);

    uint256 private constant STACK_ITEMS_MAX = 1024;

    /// @dev Ranges end at most here; more would cost above 2^45 gas. execution/machine/limits.py.
    uint256 private constant RANGE_END_MAX = 1 << 32;

    /// @notice Opens machine and frame, and finds the opcode.
    function open(bytes32 preState, bytes calldata witness)
        internal
        pure
        returns (Machine memory m, Frame memory f, Reader memory r, uint256 opcode)
    {
        r = Witness.reader(witness);
        m = Machines.open(preState, r);
        if (m.status != Status.RUN) revert Machines.NotMyStatus(m.status);
        f = Frames.open(m.frame, r);
        opcode = opcodeAt(f, r);
    }

    /// @notice The byte at `pc`, by its word's path.
    function opcodeAt(Frame memory f, Reader memory r) internal pure returns (uint256) {
        bytes32 word = WordTree.readWord(f.codeRoot, f.pc >> 5, r);
        return uint8(word[f.pc & 31]);
    }

    /// @notice Checks the stack, takes the fixed gas and moves on; false if the instruction fails.
    /// @param  takes How many items it pops.
    /// @param  gives How many it pushes.
    function begin(Frame memory f, uint256 takes, uint256 gives, uint256 gas)
        internal
        pure
        returns (bool)
    {
        if (f.stackLength < takes || f.stackLength - takes + gives > STACK_ITEMS_MAX) return false;
        if (!f.charge(gas)) return false;
        f.pc += 1;
        return true;
    }

    /// @notice Pays for memory that holds the range, and grows it; false if it runs out of gas.
    function reach(Frame memory f, uint256 start, uint256 size) internal pure returns (bool) {
        if (size == 0) return true;
        if (start > RANGE_END_MAX || size > RANGE_END_MAX - start) return false;
        uint256 words = Words.wordsOf(start + size);
        if (words <= f.memoryWords) return true;
        if (!f.charge(_memoryGas(words) - _memoryGas(f.memoryWords))) return false;
        f.memoryWords = words;
        return true;
    }

    /// @notice Ends the step: as far as it came, or as a failure of the frame.
    function close(bool succeeded, Machine memory m, Frame memory f, Reader memory r)
        internal
        pure
        returns (bytes32)
    {
        if (!succeeded) Frames.fail(m, f);
        return Frames.close(m, f, r);
    }

    /// @dev Yellow Paper, appendix H.1; at most 2^27 words.
    function _memoryGas(uint256 words) private pure returns (uint256) {
        return 3 * words + (words * words) / 512;
    }
}
