"""Ether on its way: the twin of the contracts' `Touches`."""

from dataclasses import replace

from execution.machine.state import RIPEMD160, MachineState
from execution.machine.witness.tries import StateTries
from execution.machine.witness.writer import WitnessWriter
from execution.machine.world import NOTHING, Values
from state.accounts import Account
from state.types import Address


def values_of(account: Account | None) -> Values:
    """What an opened account holds, its storage aside."""
    if account is None:
        return NOTHING
    return Values(account.nonce, account.balance, account.code_hash)


def write_debit(tries: StateTries, address: Address, value: int, writer: WitnessWriter) -> None:
    """Open who pays, and close it with less."""
    values = values_of(tries.open_account(address, writer))
    tries.close_account(address, replace(values, balance=values.balance - value), writer)


def write_credit(
    state: MachineState, tries: StateTries, address: Address, value: int, writer: WitnessWriter
) -> None:
    """Open who gets ether, if only none, and close it with more."""
    values = values_of(tries.open_account(address, writer))
    close_credit(state, tries, address, replace(values, balance=values.balance + value), writer)


def close_credit(
    state: MachineState, tries: StateTries, address: Address, values: Values, writer: WitnessWriter
) -> None:
    """Close an opened account that is touched; the transaction notes that of 0x03."""
    tries.close_account(address, values, writer)
    if address == RIPEMD160:
        writer.words(state.running_tx.words())
