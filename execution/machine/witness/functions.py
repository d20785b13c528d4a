"""What writes a witness: a function for each instruction or status, twin of a contract's."""

from collections.abc import Callable
from typing import TypeAlias

from execution.machine.frame import Frame
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.witness.writer import WitnessWriter

InstructionWitness: TypeAlias = Callable[[MachineState, Frame, WitnessWriter], None]
"""Writes what follows the code word, once stack, room and fixed gas are known to be there."""

StepWitness: TypeAlias = Callable[[MachineState, WitnessWriter], None]
"""Writes what follows machine and frame."""

InstructionWitnesses: TypeAlias = dict[int, InstructionWitness]
StepWitnesses: TypeAlias = dict[Status, StepWitness]
