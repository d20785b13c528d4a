"""What an instruction asks about its frame, transaction and block: what the verifiers read."""

from typing import Final

from execution.machine.witness.functions import InstructionWitnesses

INSTRUCTIONS: Final[InstructionWitnesses] = {}
