"""Accounts and codes that an instruction asks about: what the verifiers read."""

from typing import Final

from execution.machine.witness.functions import InstructionWitnesses, StepWitnesses

INSTRUCTIONS: Final[InstructionWitnesses] = {}
STATUSES: Final[StepWitnesses] = {}
