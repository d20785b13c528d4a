"""The ClearingHouse's own functions, run on a state: whoever wants a margin number asks them.

The state may be a node's, one that was proven slot by slot, or either of them with something
pretended. What a call wrote can be kept for the calls after it, so that prices, funding and
scenario arrays of a what-if come from the contract as well.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from execution.contracts.abi import (
    DecodedEvent,
    UndecodableAnswer,
    UnknownAbiItem,
    clearing_house,
)
from execution.evm.context import BlockContext
from execution.evm.engine import Evm, Outcome
from execution.limits import SIMULATION_GAS_MAX
from execution.transaction import Transaction
from execution.transactions import make_deposit
from genesis.config import ExecutionRules
from genesis.predeploys import CLEARING_HOUSE
from state.accounts import StateReader
from state.blocks import Log
from state.errors import Invalid
from state.types import ZERO_ADDRESS, ZERO_HASH, Gas, Wei

ASKING: Final = ZERO_ADDRESS
"""Who calls: nobody has its key, and views don't look."""


class HouseRefused(Invalid):
    """The ClearingHouse reverted; the message has the custom error with its arguments."""

    def __init__(self, function: str, outcome: Outcome) -> None:
        super().__init__(f"{function}: {_reason(outcome)}")
        self.function = function
        self.output = outcome.output


class HouseCalls:
    """The ClearingHouse in one block. Not thread-safe.

    Nothing reaches the state below: what `keep` and `pretend` write stays with this object.
    """

    def __init__(
        self,
        state: StateReader,
        context: BlockContext,
        rules: ExecutionRules,
        gas: Gas = SIMULATION_GAS_MAX,
    ) -> None:
        self.context = context
        self._gas = gas
        # Calls are free, so BASEFEE is zero for them as in eth_call.
        self._evm = Evm(state, replace(context, base_fee=Wei(0)), rules)

    def word(self, slot: int) -> int:
        """A slot of the ClearingHouse, for the readers of `execution.margin`."""
        return self._evm.storage(CLEARING_HOUSE, slot)

    def pretend(self, words: Mapping[int, int]) -> None:
        """Let slots of the ClearingHouse hold other words."""
        self._evm.set_override(CLEARING_HOUSE, storage_diff=words)

    def ask(self, name: str, *arguments: Any) -> tuple[Any, ...]:
        """What a function returns, structs as dicts. Raises `HouseRefused`."""
        outcome = self._succeed(name, self._evm.call(_transaction(name, arguments, self._gas)))
        return clearing_house().result(name, outcome.output)

    def events(self, name: str, *arguments: Any) -> tuple[DecodedEvent, ...]:
        """What a function would tell, leaving no trace. Raises `HouseRefused`."""
        outcome = self._succeed(name, self._evm.call(_transaction(name, arguments, self._gas)))
        return _told(outcome.logs)

    def keep(self, name: str, *arguments: Any) -> tuple[DecodedEvent, ...]:
        """Run a function and keep what it writes. Raises `HouseRefused`."""
        transaction = _transaction(name, arguments, self._gas)
        return _told(self._succeed(name, self._evm.apply(transaction, transaction.gas)).logs)

    def _succeed(self, name: str, outcome: Outcome) -> Outcome:
        if not outcome.succeeded:
            raise HouseRefused(name, outcome)
        return outcome


def _transaction(name: str, arguments: tuple[Any, ...], gas: Gas) -> Transaction:
    """A deposit: the one kind of transaction that needs neither a signature nor a balance."""
    return make_deposit(
        source_hash=ZERO_HASH,
        sender=ASKING,
        to=CLEARING_HOUSE,
        mint=Wei(0),
        value=Wei(0),
        gas=gas,
        data=clearing_house().call(name, *arguments),
    )


def _told(logs: tuple[Log, ...]) -> tuple[DecodedEvent, ...]:
    return tuple(
        clearing_house().event(log.topics, log.data)
        for log in logs
        if log.address == CLEARING_HOUSE
    )


def _reason(outcome: Outcome) -> str:
    if not outcome.reverted:
        return outcome.error or "halted"
    try:
        return str(clearing_house().error(outcome.output))
    except (UnknownAbiItem, UndecodableAnswer):
        return f"reverted with 0x{outcome.output[:64].hex()}"
