"""RECEIPT: what the verifiers read."""

from typing import Final

from execution.machine.chain import items
from execution.machine.records import encode_log
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.witness.functions import StepWitnesses
from execution.machine.witness.writer import WitnessWriter


def write_receipt(state: MachineState, writer: WitnessWriter) -> None:
    """RECEIPT: transaction, block, and all logs from the first on."""
    writer.words(state.running_tx.words())
    writer.words(state.block.words())
    for record in reversed(list(items(state.logs))):
        writer.blob(encode_log(record.log))


STATUSES: Final[StepWitnesses] = {Status.RECEIPT: write_receipt}
