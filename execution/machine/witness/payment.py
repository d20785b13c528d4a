"""BUY and SETTLE: what the verifiers read."""

from typing import Final

from execution.machine.witness.functions import StepWitnesses

STATUSES: Final[StepWitnesses] = {}
