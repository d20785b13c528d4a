"""BUY and SETTLE: what the verifiers read."""

from typing import Final

from execution.machine.phases import gas_used
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.witness.functions import StepWitnesses
from execution.machine.witness.touches import values_of
from execution.machine.witness.tries import StateTries
from execution.machine.witness.writer import WitnessWriter
from execution.machine.world import Values
from state.types import Address


def write_buy(state: MachineState, writer: WitnessWriter) -> None:
    """BUY: transaction, block, and the sender, unless the gas limit doesn't fit the block.

    A nonce that goes up deletes nothing, so that closing the account reads no more.
    """
    tx, block = state.running_tx, state.block
    _write_surroundings(state, writer)
    if tx.source.gas <= block.context.gas_limit - block.gas_used:
        StateTries(state.world).open_account(tx.source.sender, writer)


def write_settle(state: MachineState, writer: WitnessWriter) -> None:
    """SETTLE: transaction, block, and unless it is a deposit sender and coinbase."""
    tx, coinbase = state.running_tx, state.block.context.coinbase
    _write_surroundings(state, writer)
    if tx.source.is_deposit:
        return
    tries, used = StateTries(state.world), gas_used(state)
    _write_credit(tries, tx.source.sender, (tx.source.gas - used) * tx.price, writer)
    _write_credit(tries, coinbase, used * tx.tip, writer)


def _write_surroundings(state: MachineState, writer: WitnessWriter) -> None:
    writer.words(state.running_tx.words())
    writer.words(state.block.words())


def _write_credit(tries: StateTries, address: Address, amount: int, writer: WitnessWriter) -> None:
    old = values_of(tries.account(address))
    values = Values(old.nonce, old.balance + amount, old.code_hash)
    tries.edit_account(address, values, writer)


STATUSES: Final[StepWitnesses] = {Status.BUY: write_buy, Status.SETTLE: write_settle}
