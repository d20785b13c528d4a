"""LOG0 to LOG4: what the verifiers read."""

from typing import Final

from execution.machine.witness.functions import InstructionWitnesses

INSTRUCTIONS: Final[InstructionWitnesses] = {}
