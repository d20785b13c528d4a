"""Stack, jumps and the ends of a frame (Yellow Paper, appendix H.2, 50s to 90s and f0s)."""

from typing import Final

from execution.machine.failure import InvalidJump
from execution.machine.frame import Frame
from execution.machine.memory import EMPTY_VIEW
from execution.machine.opcodes.instruction import Family, Instruction, Logic
from execution.machine.state import MachineState


def _push(size: int) -> Logic:
    """PUSH0 to PUSH32: bytes beyond the end of the code are zero."""

    def logic(_machine: MachineState, frame: Frame) -> None:
        start = frame.pc
        frame.pc = end = start + size
        frame.stack.append(int.from_bytes(frame.program.padded[start:end], "big"))

    return logic


def _dup(depth: int) -> Logic:
    def logic(_machine: MachineState, frame: Frame) -> None:
        frame.stack.append(frame.stack[-depth])

    return logic


def _swap(depth: int) -> Logic:
    def logic(_machine: MachineState, frame: Frame) -> None:
        stack = frame.stack
        stack[-1], stack[-1 - depth] = stack[-1 - depth], stack[-1]

    return logic


def _pop(_machine: MachineState, frame: Frame) -> None:
    frame.stack.pop()


def _jump(_machine: MachineState, frame: Frame) -> None:
    _jump_to(frame, frame.stack.pop())


def _jumpi(_machine: MachineState, frame: Frame) -> None:
    target, condition = frame.stack.pop(), frame.stack.pop()
    if condition:
        _jump_to(frame, target)


def _jump_to(frame: Frame, target: int) -> None:
    if target not in frame.program.targets:
        raise InvalidJump(target)
    frame.pc = target


def _pc(_machine: MachineState, frame: Frame) -> None:
    frame.stack.append(frame.pc - 1)


def _gas(_machine: MachineState, frame: Frame) -> None:
    frame.stack.append(frame.gas)


def _jumpdest(_machine: MachineState, _frame: Frame) -> None:
    """Marks a target."""


def _stop(machine: MachineState, _frame: Frame) -> None:
    machine.halt(EMPTY_VIEW)


def _return(machine: MachineState, frame: Frame) -> None:
    start, size = frame.stack.pop(), frame.stack.pop()
    machine.reach(frame, start, size)
    machine.halt(frame.memory.view(start, size))


def _revert(machine: MachineState, frame: Frame) -> None:
    start, size = frame.stack.pop(), frame.stack.pop()
    machine.reach(frame, start, size)
    machine.revert(frame.memory.view(start, size))


CONTROL: Final[Family] = {
    0x00: Instruction(0, 0, 0, _stop),
    0x50: Instruction(2, 1, 0, _pop),
    0x56: Instruction(8, 1, 0, _jump),
    0x57: Instruction(10, 2, 0, _jumpi),
    0x58: Instruction(2, 0, 1, _pc),
    0x5A: Instruction(2, 0, 1, _gas),
    0x5B: Instruction(1, 0, 0, _jumpdest),
    0x5F: Instruction(2, 0, 1, _push(0)),
    **{0x5F + size: Instruction(3, 0, 1, _push(size)) for size in range(1, 33)},
    **{0x7F + depth: Instruction(3, depth, depth + 1, _dup(depth)) for depth in range(1, 17)},
    **{0x8F + depth: Instruction(3, depth + 1, depth + 1, _swap(depth)) for depth in range(1, 17)},
    0xF3: Instruction(0, 2, 0, _return),
    0xFD: Instruction(0, 2, 0, _revert),
}
