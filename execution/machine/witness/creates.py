"""CREATE, CREATE2 and the steps that follow them: what the verifiers read."""

from typing import Final

from execution.machine.witness.functions import InstructionWitnesses, StepWitnesses

INSTRUCTIONS: Final[InstructionWitnesses] = {}
STATUSES: Final[StepWitnesses] = {}
