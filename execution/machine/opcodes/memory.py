"""Memory: words, bytes, copies and KECCAK256 (50s, 20, and the copies of the 30s)."""

from typing import Final

from execution.evm.size_rules import SizeRule
from execution.machine.failure import AboveSizeRule, ReturnDataOutOfBounds
from execution.machine.frame import Frame
from execution.machine.gas import KECCAK_WORD, copy_gas
from execution.machine.memory import View
from execution.machine.opcodes.instruction import Family, Instruction
from execution.machine.operations import CopyOperation
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.words import words_of
from state.keccak import keccak


def _mload(machine: MachineState, frame: Frame) -> None:
    stack = frame.stack
    start = stack[-1]
    machine.reach(frame, start, 32)
    stack[-1] = int.from_bytes(frame.memory.read(start, 32), "big")


def _mstore(machine: MachineState, frame: Frame) -> None:
    start, value = frame.stack.pop(), frame.stack.pop()
    machine.reach(frame, start, 32)
    frame.memory.write(start, value.to_bytes(32, "big"))


def _mstore8(machine: MachineState, frame: Frame) -> None:
    start, value = frame.stack.pop(), frame.stack.pop()
    machine.reach(frame, start, 1)
    frame.memory.write(start, bytes([value & 0xFF]))


def _msize(_machine: MachineState, frame: Frame) -> None:
    frame.stack.append(len(frame.memory))


def _keccak256(machine: MachineState, frame: Frame) -> None:
    stack = frame.stack
    start, size = stack.pop(), stack.pop()
    if machine.exceeds(SizeRule.HASH_INPUT, size):
        raise AboveSizeRule(SizeRule.HASH_INPUT, size)
    machine.charge(frame, KECCAK_WORD * words_of(size))
    machine.reach(frame, start, size)
    stack.append(int.from_bytes(keccak(frame.memory.read(start, size)), "big"))


# Copies: paid here, done in COPY steps


def _calldatacopy(machine: MachineState, frame: Frame) -> None:
    _copy_from(machine, frame, frame.input)


def _codecopy(machine: MachineState, frame: Frame) -> None:
    _copy_from(machine, frame, frame.program.view)


def _copy_from(machine: MachineState, frame: Frame, source: View) -> None:
    """Copy a view to memory; beyond its end it is zero."""
    stack = frame.stack
    destination, start, size = stack.pop(), stack.pop(), stack.pop()
    machine.reach(frame, destination, size)
    machine.charge(frame, copy_gas(size))
    if size:
        machine.pend(Status.COPY, CopyOperation(source, start, destination, size))


def _returndatacopy(machine: MachineState, frame: Frame) -> None:
    """Reading past the end of the return data fails the frame (EIP-211)."""
    stack = frame.stack
    destination, start, size = stack.pop(), stack.pop(), stack.pop()
    if start + size > frame.returndata.length:
        raise ReturnDataOutOfBounds(start + size, frame.returndata.length)
    machine.reach(frame, destination, size)
    machine.charge(frame, copy_gas(size))
    if size:
        machine.pend(Status.COPY, CopyOperation(frame.returndata, start, destination, size))


def _mcopy(machine: MachineState, frame: Frame) -> None:
    """Ranges may overlap (EIP-5656): what is read is the memory as it was before."""
    stack = frame.stack
    destination, start, size = stack.pop(), stack.pop(), stack.pop()
    machine.reach(frame, max(destination, start), size)
    machine.charge(frame, copy_gas(size))
    if size:
        source = frame.memory.view(start, size)
        machine.pend(Status.COPY, CopyOperation(source, 0, destination, size))


MEMORY: Final[Family] = {
    0x20: Instruction(30, 2, 1, _keccak256),
    0x37: Instruction(3, 3, 0, _calldatacopy),
    0x39: Instruction(3, 3, 0, _codecopy),
    0x3E: Instruction(3, 3, 0, _returndatacopy),
    0x51: Instruction(3, 1, 1, _mload),
    0x52: Instruction(3, 2, 0, _mstore),
    0x53: Instruction(3, 2, 0, _mstore8),
    0x59: Instruction(2, 0, 1, _msize),
    0x5E: Instruction(3, 3, 0, _mcopy),
}
