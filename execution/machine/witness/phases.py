"""WARM, BEGIN and DESTRUCT: what the verifiers read."""

from typing import Final

from execution.machine.chain import list_hash
from execution.machine.state import RIPEMD160, MachineState
from execution.machine.status import Status
from execution.machine.witness.accesses import write_access
from execution.machine.witness.functions import StepWitnesses
from execution.machine.witness.touches import values_of
from execution.machine.witness.tries import JournalTrie, StateTries
from execution.machine.witness.writer import WitnessWriter
from execution.machine.world import NOTHING


def write_warm(state: MachineState, writer: WitnessWriter) -> None:
    """WARM: the transaction, then the first entry of its access list and what the journal says."""
    tx = state.running_tx
    writer.words(tx.words())
    if tx.accesses is None:
        return
    access = tx.accesses.item
    writer.word(list_hash(tx.accesses.previous))
    writer.words(access.link()[1])
    if access.slot is None:
        write_access(state, writer, access.address)
    else:
        JournalTrie(state.journal).open_slot(access.address, access.slot, writer)


def write_begin(state: MachineState, writer: WitnessWriter) -> None:
    """BEGIN: the transaction, and of a call who is called, for the hash of the code."""
    tx = state.running_tx
    writer.words(tx.words())
    if tx.source.to is not None:
        StateTries(state.world).open_account(tx.recipient, writer)


def write_destruct(state: MachineState, writer: WitnessWriter) -> None:
    """DESTRUCT: the last contract to delete; behind the first, the transaction for 0x03's touch."""
    last = state.destructs
    if last is not None:
        writer.word(list_hash(last.previous))
        writer.words(last.item.link()[1])
        StateTries(state.world).edit_account(last.item.address, NOTHING, writer)
        return
    tx = state.running_tx
    writer.words(tx.words())
    if tx.ripemd_touched:
        tries = StateTries(state.world)
        tries.edit_account(RIPEMD160, values_of(tries.account(RIPEMD160)), writer)


STATUSES: Final[StepWitnesses] = {
    Status.WARM: write_warm,
    Status.BEGIN: write_begin,
    Status.DESTRUCT: write_destruct,
}
