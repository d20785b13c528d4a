"""The witness of one step: what its verifier on L1 reads, in the order in which it reads it.

Only the state before the step is looked at; docs/machine.md, "Witnesses".
"""

from typing import Final

from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.witness import (
    accounts,
    calls,
    creates,
    destructs,
    envelope,
    memory,
    payment,
    phases,
    precompiles,
    receipts,
    storage,
)
from execution.machine.witness.functions import StepWitnesses
from execution.machine.witness.instructions import write_instruction
from execution.machine.witness.writer import WitnessWriter
from state.errors import InternalError


def step_witness(state: MachineState) -> bytes:
    """The witness of the step that `state` takes next. Changes nothing.

    Raises `InternalError` in a status of the block's own phases, which know the inbox.
    """
    writer = WitnessWriter()
    writer.words(state.words())
    if state.frame is not None and state.status in WITH_FRAME:
        writer.words(state.frame.all_words())
    writes = STATUSES.get(state.status)
    if writes is None:
        raise InternalError(f"status {state.status.name} is no step of a transaction")
    writes(state, writer)
    return writer.getvalue()


WITH_FRAME: Final = frozenset(
    status for status in Status if Status.RUN <= status <= Status.SELFDESTRUCT_MARK
)
"""Statuses whose verifiers open the running frame (of ENTER and CREATE_*: if there is one)."""

STATUSES: Final[StepWitnesses] = {
    Status.RUN: write_instruction,
    **accounts.STATUSES,
    **memory.STATUSES,
    **storage.STATUSES,
    **calls.STATUSES,
    **creates.STATUSES,
    **destructs.STATUSES,
    **precompiles.STATUSES,
    **envelope.STATUSES,
    **payment.STATUSES,
    **phases.STATUSES,
    **receipts.STATUSES,
}
"""What each verifier reads after machine and frame."""
