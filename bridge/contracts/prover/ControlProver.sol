// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Frame, Frames} from "./libraries/Frames.sol";
import {Instructions} from "./libraries/Instructions.sol";
import {Machine, Outcome, Status} from "./libraries/Machines.sol";
import {Stacks} from "./libraries/Stacks.sol";
import {Views} from "./libraries/Views.sol";
import {Reader} from "./libraries/Witness.sol";
import {WordTree} from "./libraries/WordTree.sol";

/// @title  Stack, jumps, and the ends of a frame
/// @notice STOP, POP, JUMP, JUMPI, PC, GAS, JUMPDEST, PUSH, DUP, SWAP, RETURN, REVERT (Yellow Paper, appendix
///         H.2; EIP-3855), and all that is no opcode of Cancun's, INVALID among it, which fails the frame.
contract ControlProver is IOneStepProver {
    using Instructions for Frame;
    using Stacks for Frame;

    uint256 private constant STOP = 0x00;
    uint256 private constant POP = 0x50;
    uint256 private constant JUMP = 0x56;
    uint256 private constant JUMPI = 0x57;
    uint256 private constant PC = 0x58;
    uint256 private constant GAS = 0x5a;
    uint256 private constant JUMPDEST = 0x5b;
    uint256 private constant PUSH0 = 0x5f;
    uint256 private constant PUSH32 = 0x7f;
    uint256 private constant DUP1 = 0x80;
    uint256 private constant SWAP1 = 0x90;
    uint256 private constant SWAP16 = 0x9f;
    uint256 private constant RETURN = 0xf3;
    uint256 private constant REVERT = 0xfd;

    /// @dev Bit i: opcode i is another contract's.
    uint256 private constant ELSEWHERE =
        0x84370000000000000000001f0000000000000000723e07ffffff00013fff0ffe;

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        pure
        returns (bytes32)
    {
        (Machine memory m, Frame memory f, Reader memory r, uint256 opcode) =
            Instructions.open(preState, witness);
        return Instructions.close(_run(m, f, r, opcode), m, f, r);
    }

    function _run(Machine memory m, Frame memory f, Reader memory r, uint256 opcode)
        private
        pure
        returns (bool)
    {
        (bool isDefined, uint256 takes, uint256 gives, uint256 gas) = _shape(opcode);
        if (!isDefined) return false;
        uint256 pc = f.pc;
        if (!f.begin(takes, gives, gas)) return false;
        uint256[] memory items = f.pop(takes, r);
        if (PUSH0 <= opcode && opcode <= PUSH32) _push(f, r, opcode - PUSH0);
        else if (DUP1 <= opcode && opcode < SWAP1) _dup(f, items);
        else if (SWAP1 <= opcode && opcode <= SWAP16) _swap(f, items);
        else if (opcode == PC) f.push(pc);
        else if (opcode == GAS) f.push(f.gas);
        else if (opcode == JUMP) return _jump(f, r, items[0]);
        else if (opcode == JUMPI) return items[1] == 0 || _jump(f, r, items[0]);
        else if (opcode == STOP) Frames.halt(m, f, WordTree.EMPTY_ROOT, 0, 0);
        else if (opcode == RETURN || opcode == REVERT) return _end(m, f, opcode, items);
        return true;
    }

    /// @dev How many items an opcode takes and gives, and its fixed price, unless it is no opcode.
    function _shape(uint256 opcode)
        private
        pure
        returns (bool isDefined, uint256 takes, uint256 gives, uint256 gas)
    {
        if (opcode == PUSH0) return (true, 0, 1, 2);
        if (PUSH0 < opcode && opcode <= PUSH32) return (true, 0, 1, 3);
        if (DUP1 <= opcode && opcode < SWAP1) {
            return (true, opcode - DUP1 + 1, opcode - DUP1 + 2, 3);
        }
        if (SWAP1 <= opcode && opcode <= SWAP16) {
            return (true, opcode - SWAP1 + 2, opcode - SWAP1 + 2, 3);
        }
        if (opcode == STOP) return (true, 0, 0, 0);
        if (opcode == RETURN || opcode == REVERT) return (true, 2, 0, 0);
        if (opcode == POP) return (true, 1, 0, 2);
        if (opcode == JUMP) return (true, 1, 0, 8);
        if (opcode == JUMPI) return (true, 2, 0, 10);
        if (opcode == PC || opcode == GAS) return (true, 0, 1, 2);
        if (opcode == JUMPDEST) return (true, 0, 0, 1);
        if ((ELSEWHERE >> opcode) & 1 == 1) revert Instructions.NotMyOpcode(opcode);
    }

    /// @dev Takes `size` bytes behind the opcode; those beyond the end of the code are zero.
    function _push(Frame memory f, Reader memory r, uint256 size) private pure {
        bytes memory data = Views.bytesAt(f.codeRoot, f.pc, size, r);
        f.pc += size;
        // A word of fewer than 32 bytes begins with them.
        f.push(uint256(bytes32(data)) >> (8 * (32 - size)));
    }

    /// @dev Puts the items back, and the lowest of them on top once more.
    function _dup(Frame memory f, uint256[] memory items) private pure {
        _pushAll(f, items);
        f.push(items[items.length - 1]);
    }

    /// @dev Puts the items back with the first and the last of them in each other's place.
    function _swap(Frame memory f, uint256[] memory items) private pure {
        uint256 last = items.length - 1;
        (items[0], items[last]) = (items[last], items[0]);
        _pushAll(f, items);
    }

    /// @dev Items as `pop` returned them: items[0] becomes the top.
    function _pushAll(Frame memory f, uint256[] memory items) private pure {
        for (uint256 i = items.length; i != 0; --i) {
            f.push(items[i - 1]);
        }
    }

    /// @dev The code's jump map has a bit for each of its bytes, the first in the highest bit.
    function _jump(Frame memory f, Reader memory r, uint256 target) private pure returns (bool) {
        if (target >= f.codeSize) return false;
        uint256 map = uint256(WordTree.readWord(f.jumpRoot, target >> 8, r));
        if ((map >> (255 - (target & 255))) & 1 == 0) return false;
        f.pc = target;
        return true;
    }

    /// @dev Ends the frame with an output that is a view of its memory: no byte of it is read.
    function _end(Machine memory m, Frame memory f, uint256 opcode, uint256[] memory items)
        private
        pure
        returns (bool)
    {
        (uint256 start, uint256 size) = (items[0], items[1]);
        if (!f.reach(start, size)) return false;
        if (opcode == RETURN) {
            Frames.halt(m, f, f.memoryRoot, start, size);
            return true;
        }
        f.outcome = Outcome.REVERT;
        Frames.setReturn(f, f.memoryRoot, start, size);
        Frames.restore(m, f);
        m.status = Status.LEAVE;
        return true;
    }
}
