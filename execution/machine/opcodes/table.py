"""The instruction table: every opcode of Cancun; all others fail."""

from typing import Final

from execution.machine.failure import UndefinedOpcode
from execution.machine.frame import Frame
from execution.machine.opcodes.arithmetic import ARITHMETIC
from execution.machine.opcodes.calls import CALLS
from execution.machine.opcodes.control import CONTROL
from execution.machine.opcodes.creates import CREATES
from execution.machine.opcodes.environment import ENVIRONMENT
from execution.machine.opcodes.instruction import Family, Instruction
from execution.machine.opcodes.logs import LOGS
from execution.machine.opcodes.memory import MEMORY
from execution.machine.opcodes.storage import STORAGE
from execution.machine.state import MachineState


def _undefined(_machine: MachineState, _frame: Frame) -> None:
    raise UndefinedOpcode("undefined opcode")


UNDEFINED: Final = Instruction(0, 0, 0, _undefined)
"""What all other opcodes are, INVALID (fe) among them."""

_FAMILIES: Final[tuple[Family, ...]] = (
    ARITHMETIC,
    CONTROL,
    ENVIRONMENT,
    MEMORY,
    STORAGE,
    LOGS,
    CALLS,
    CREATES,
)

INSTRUCTIONS: Final[Family] = {
    opcode: instruction for family in _FAMILIES for opcode, instruction in family.items()
}

TABLE: Final[tuple[Instruction, ...]] = tuple(
    INSTRUCTIONS.get(opcode, UNDEFINED) for opcode in range(256)
)
"""By opcode."""
