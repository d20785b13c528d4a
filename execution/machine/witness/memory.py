"""Memory, copies and KECCAK256: what the verifiers read."""

from typing import Final

from execution.machine.witness.functions import InstructionWitnesses, StepWitnesses

INSTRUCTIONS: Final[InstructionWitnesses] = {}
STATUSES: Final[StepWitnesses] = {}
