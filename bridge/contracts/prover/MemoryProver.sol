// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOneStepProver, StepContext} from "../interfaces/IOneStepProver.sol";
import {Bulk, CopyOperation} from "./libraries/Bulk.sol";
import {Frame, Frames} from "./libraries/Frames.sol";
import {Instructions} from "./libraries/Instructions.sol";
import {Machine, Machines, Status} from "./libraries/Machines.sol";
import {Stacks} from "./libraries/Stacks.sol";
import {Views} from "./libraries/Views.sol";
import {Reader, Witness} from "./libraries/Witness.sol";
import {Words} from "./libraries/Words.sol";

/// @title  Memory
/// @notice MLOAD, MSTORE, MSTORE8, MSIZE, KECCAK256; CALLDATACOPY, CODECOPY, RETURNDATACOPY and MCOPY, which only
///         pay, and leave the bytes to status COPY (Yellow Paper, appendix H.2; EIP-211, EIP-5656).
///         Words of memory are opened at the root as it was: growing adds zeros, which changes none.
contract MemoryProver is IOneStepProver {
    using Bulk for CopyOperation;
    using Frames for Frame;
    using Instructions for Frame;
    using Stacks for Frame;

    uint256 private constant KECCAK256 = 0x20;
    uint256 private constant CALLDATACOPY = 0x37;
    uint256 private constant CODECOPY = 0x39;
    uint256 private constant RETURNDATACOPY = 0x3e;
    uint256 private constant MLOAD = 0x51;
    uint256 private constant MSTORE = 0x52;
    uint256 private constant MSTORE8 = 0x53;
    uint256 private constant MSIZE = 0x59;
    uint256 private constant MCOPY = 0x5e;

    uint256 private constant KECCAK_WORD_GAS = 6;
    uint256 private constant COPY_WORD_GAS = 3;

    /// @dev Chain rule, docs/chain-rules.md: a witness carries the whole input.
    uint256 private constant HASH_INPUT_BYTES_MAX = 65_536;

    /// @dev What one step copies at most. execution/machine/limits.py.
    uint256 private constant COPY_BYTES_MAX = 32_768;

    /// @inheritdoc IOneStepProver
    function step(bytes32 preState, StepContext calldata, bytes calldata witness)
        external
        pure
        returns (bytes32)
    {
        Reader memory r = Witness.reader(witness);
        Machine memory m = Machines.open(preState, r);
        if (m.status == Status.COPY) return _copy(m, r);
        return _instruction(preState, witness);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                    STATUS COPY
    //////////////////////////////////////////////////////////////////////////*/

    /// @dev Up to 32 KB of the source to where the cursor stands; then the frame runs on, or this comes again.
    function _copy(Machine memory m, Reader memory r) private pure returns (bytes32) {
        Frame memory f = Frames.open(m.frame, r);
        CopyOperation memory o = Bulk.openCopy(m.bulk, r);
        uint256 size = o.size - o.done;
        if (size > COPY_BYTES_MAX) size = COPY_BYTES_MAX;
        bytes memory data = _source(o, size, r);
        f.memoryRoot = Views.write(f.memoryRoot, o.destination + o.done, data, r);
        o.done += size;
        if (o.done < o.size) {
            m.bulk = o.hash();
        } else {
            m.bulk = 0;
            m.status = Status.RUN;
        }
        return Frames.close(m, f, r);
    }

    /// @dev The sum of cursor and start is only made where it can't overflow.
    function _source(CopyOperation memory o, uint256 size, Reader memory r)
        private
        pure
        returns (bytes memory)
    {
        if (o.start >= o.sourceLength) return new bytes(size);
        return Views.read(o.sourceRoot, o.sourceOffset, o.sourceLength, o.start + o.done, size, r);
    }

    /*//////////////////////////////////////////////////////////////////////////
                                    INSTRUCTIONS
    //////////////////////////////////////////////////////////////////////////*/

    function _instruction(bytes32 preState, bytes calldata witness) private pure returns (bytes32) {
        (Machine memory m, Frame memory f, Reader memory r, uint256 opcode) =
            Instructions.open(preState, witness);
        return Instructions.close(_run(m, f, r, opcode), m, f, r);
    }

    function _run(Machine memory m, Frame memory f, Reader memory r, uint256 opcode)
        private
        pure
        returns (bool)
    {
        (uint256 takes, uint256 gives, uint256 gas) = _shape(opcode);
        if (!f.begin(takes, gives, gas)) return false;
        uint256[] memory items = f.pop(takes, r);
        if (opcode == MLOAD) return _mload(f, r, items[0]);
        if (opcode == MSTORE) return _store(f, r, items[0], abi.encode(items[1]));
        if (opcode == MSTORE8) return _store(f, r, items[0], abi.encodePacked(uint8(items[1])));
        if (opcode == KECCAK256) return _keccak256(f, r, items[0], items[1]);
        if (opcode == MSIZE) {
            f.push(f.memoryWords * 32);
            return true;
        }
        return _beginCopy(m, f, opcode, items);
    }

    /// @dev How many items an opcode takes and gives, and its fixed price.
    function _shape(uint256 opcode)
        private
        pure
        returns (uint256 takes, uint256 gives, uint256 gas)
    {
        if (opcode == MLOAD) return (1, 1, 3);
        if (opcode == MSTORE || opcode == MSTORE8) return (2, 0, 3);
        if (opcode == KECCAK256) return (2, 1, 30);
        if (opcode == MSIZE) return (0, 1, 2);
        if (opcode == CALLDATACOPY || opcode == CODECOPY) return (3, 0, 3);
        if (opcode == RETURNDATACOPY || opcode == MCOPY) return (3, 0, 3);
        revert Instructions.NotMyOpcode(opcode);
    }

    function _mload(Frame memory f, Reader memory r, uint256 start) private pure returns (bool) {
        if (!f.reach(start, 32)) return false;
        f.push(uint256(bytes32(Views.bytesAt(f.memoryRoot, start, 32, r))));
        return true;
    }

    function _store(Frame memory f, Reader memory r, uint256 start, bytes memory data)
        private
        pure
        returns (bool)
    {
        if (!f.reach(start, data.length)) return false;
        f.memoryRoot = Views.write(f.memoryRoot, start, data, r);
        return true;
    }

    function _keccak256(Frame memory f, Reader memory r, uint256 start, uint256 size)
        private
        pure
        returns (bool)
    {
        if (size > HASH_INPUT_BYTES_MAX) return false;
        if (!f.charge(KECCAK_WORD_GAS * Words.wordsOf(size))) return false;
        if (!f.reach(start, size)) return false;
        f.push(uint256(keccak256(Views.bytesAt(f.memoryRoot, start, size, r))));
        return true;
    }

    /// @dev Pays for a copy of items (destination, start, size), and leaves it to COPY unless it is of nothing.
    function _beginCopy(Machine memory m, Frame memory f, uint256 opcode, uint256[] memory items)
        private
        pure
        returns (bool)
    {
        (uint256 destination, uint256 start, uint256 size) = (items[0], items[1], items[2]);
        if (opcode == RETURNDATACOPY) {
            // Reading past the end of the return data fails the frame (EIP-211).
            if (start > f.returnLength || size > f.returnLength - start) return false;
        }
        uint256 highest = opcode == MCOPY && start > destination ? start : destination;
        if (!f.reach(highest, size)) return false;
        if (size == 0) return true;
        if (!f.charge(COPY_WORD_GAS * Words.wordsOf(size))) return false;
        m.status = Status.COPY;
        m.bulk = _operation(f, opcode, destination, start, size).hash();
        return true;
    }

    /// @dev MCOPY's source is a view of the memory as it is before a byte is moved, so that ranges may overlap.
    function _operation(
        Frame memory f,
        uint256 opcode,
        uint256 destination,
        uint256 start,
        uint256 size
    ) private pure returns (CopyOperation memory o) {
        (o.start, o.destination, o.size) = (start, destination, size);
        if (opcode == CALLDATACOPY) {
            (o.sourceRoot, o.sourceOffset, o.sourceLength) =
            (f.inputRoot, f.inputOffset, f.inputLength);
        } else if (opcode == CODECOPY) {
            (o.sourceRoot, o.sourceLength) = (f.codeRoot, f.codeSize);
        } else if (opcode == RETURNDATACOPY) {
            (o.sourceRoot, o.sourceOffset, o.sourceLength) =
            (f.returnRoot, f.returnOffset, f.returnLength);
        } else {
            (o.sourceRoot, o.sourceOffset, o.sourceLength) = (f.memoryRoot, start, size);
            o.start = 0;
        }
    }
}
