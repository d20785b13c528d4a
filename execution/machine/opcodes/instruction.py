"""What an instruction is."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from execution.machine.frame import Frame
from execution.machine.state import MachineState

Logic: TypeAlias = Callable[[MachineState, Frame], None]
"""What it does once its fixed price is paid and its operands are known to be there."""


class Instruction(NamedTuple):
    """An opcode's fixed price, operands, results and logic.

    The step checks first that the stack holds `takes` items, and not more than 1,024 after it.
    """

    gas: int
    takes: int
    gives: int
    logic: Logic


Family: TypeAlias = dict[int, Instruction]
"""Instructions by opcode."""
