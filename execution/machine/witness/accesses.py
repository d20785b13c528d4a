"""Accesses of accounts (EIP-2929): the twin of the contracts' `Accesses`."""

from execution.machine.gas import COLD_ACCOUNT, WARM_ACCESS
from execution.machine.journal import WARM
from execution.machine.state import MachineState
from execution.machine.witness.purse import Purse
from execution.machine.witness.tries import JournalTrie
from execution.machine.witness.writer import WitnessWriter
from state.types import Address


def write_access(state: MachineState, writer: WitnessWriter, address: Address) -> bool:
    """Block, transaction and, unless the account is warm by rule, its flags; whether it is cold."""
    writer.words(state.block.words())
    writer.words(state.running_tx.words())
    if address in state.warm_by_rule:
        return False
    # Setting a flag deletes nothing, so that closing the path reads no more.
    return not JournalTrie(state.journal).open_flags(address, writer) & WARM


def pay_access(state: MachineState, writer: WitnessWriter, purse: Purse, address: Address) -> bool:
    """The same, paid for; false where the instruction runs out of gas."""
    cold = write_access(state, writer, address)
    return purse.charge(COLD_ACCOUNT if cold else WARM_ACCESS)
