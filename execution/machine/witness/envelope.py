"""VALIDATE: what the verifiers read."""

from typing import Final

from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.transaction import PendingTx
from execution.machine.witness.functions import StepWitnesses
from execution.machine.witness.writer import WitnessWriter
from state.errors import InternalError


def write_envelope(state: MachineState, writer: WitnessWriter) -> None:
    """VALIDATE: what the machine knows of the transaction, the block, and the envelope whole."""
    pending = state.tx
    if not isinstance(pending, PendingTx):
        raise InternalError("no transaction is pending in status VALIDATE")
    writer.words(pending.words())
    writer.words(state.block.words())
    writer.blob(pending.raw)


STATUSES: Final[StepWitnesses] = {Status.VALIDATE: write_envelope}
