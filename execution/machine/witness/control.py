"""Stack, jumps and the ends of a frame: what the verifiers read."""

from typing import Final

from execution.machine.witness.functions import InstructionWitnesses

INSTRUCTIONS: Final[InstructionWitnesses] = {}
