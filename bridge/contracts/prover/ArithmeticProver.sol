// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Frame, Frames} from "./libraries/Frames.sol";
import {Instructions} from "./libraries/Instructions.sol";
import {Machine} from "./libraries/Machines.sol";
import {Stacks} from "./libraries/Stacks.sol";
import {Reader} from "./libraries/Witness.sol";

/// @title  Arithmetic, comparison and bits
/// @notice Opcodes 0x01 to 0x0b and 0x10 to 0x1d (Yellow Paper, appendix H.2; EIP-145). Each takes one to
///         three items and puts one in their place, so that the witness is nothing but the stack's top.
contract ArithmeticProver is IOneStepProver {
    using Frames for Frame;
    using Stacks for Frame;

    uint256 private constant EXP = 0x0a;

    /// @dev EIP-160.
    uint256 private constant EXP_BYTE_GAS = 50;

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        pure
        returns (bytes32)
    {
        (Machine memory m, Frame memory f, Reader memory r, uint256 opcode) =
            Instructions.open(preState, witness);
        return Instructions.close(_run(f, r, opcode), m, f, r);
    }

    function _run(Frame memory f, Reader memory r, uint256 opcode) private pure returns (bool) {
        (uint256 takes, uint256 gas) = _shape(opcode);
        if (!Instructions.begin(f, takes, 1, gas)) return false;
        uint256[] memory items = f.pop(takes, r);
        if (opcode == EXP && !f.charge(EXP_BYTE_GAS * _bytesOf(items[1]))) return false;
        f.push(_result(opcode, items));
        return true;
    }

    /// @dev How many items an opcode takes, and its fixed price.
    function _shape(uint256 opcode) private pure returns (uint256 takes, uint256 gas) {
        if (opcode == 0x15 || opcode == 0x19) return (1, 3);
        if (opcode == 0x08 || opcode == 0x09) return (3, 8);
        if (opcode == EXP) return (2, 10);
        if (opcode == 0x01 || opcode == 0x03) return (2, 3);
        if (opcode == 0x02 || (0x04 <= opcode && opcode <= 0x0b)) return (2, 5);
        if (0x10 <= opcode && opcode <= 0x1d) return (2, 3);
        revert Instructions.NotMyOpcode(opcode);
    }

    /// @dev The EVM below is the same as L1's, so each instruction is itself.
    function _result(uint256 opcode, uint256[] memory items) private pure returns (uint256 c) {
        assembly ("memory-safe") {
            let a := mload(add(items, 32))
            // Behind the last item lies memory that an instruction of fewer items doesn't use.
            let b := mload(add(items, 64))
            switch opcode
            case 0x01 { c := add(a, b) }
            case 0x02 { c := mul(a, b) }
            case 0x03 { c := sub(a, b) }
            case 0x04 { c := div(a, b) }
            case 0x05 { c := sdiv(a, b) }
            case 0x06 { c := mod(a, b) }
            case 0x07 { c := smod(a, b) }
            case 0x08 { c := addmod(a, b, mload(add(items, 96))) }
            case 0x09 { c := mulmod(a, b, mload(add(items, 96))) }
            case 0x0a { c := exp(a, b) }
            case 0x0b { c := signextend(a, b) }
            case 0x10 { c := lt(a, b) }
            case 0x11 { c := gt(a, b) }
            case 0x12 { c := slt(a, b) }
            case 0x13 { c := sgt(a, b) }
            case 0x14 { c := eq(a, b) }
            case 0x15 { c := iszero(a) }
            case 0x16 { c := and(a, b) }
            case 0x17 { c := or(a, b) }
            case 0x18 { c := xor(a, b) }
            case 0x19 { c := not(a) }
            case 0x1a { c := byte(a, b) }
            case 0x1b { c := shl(a, b) }
            case 0x1c { c := shr(a, b) }
            case 0x1d { c := sar(a, b) }
        }
    }

    function _bytesOf(uint256 value) private pure returns (uint256 size) {
        for (; value != 0; value >>= 8) {
            ++size;
        }
    }
}
