"""One layer as a user of it sees it: an endpoint, reads, and signed transactions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.l1 import wire
from bridge.l1.accounts import Operator
from bridge.l1.client import L1Client, L1Receipt
from bridge.l1.transactor import L1Transaction, Transactor
from execution.contracts.abi import Interface, clearing_house
from genesis.accounts import DevAccount
from genesis.predeploys import CLEARING_HOUSE
from state.types import Address, BlockNumber, Gas

_POLL_SECONDS = 0.2

Account = Operator | DevAccount
"""Whoever has an address and signs."""


@dataclass(frozen=True, slots=True)
class Layer:
    """L1 or L2, by its JSON-RPC."""

    client: L1Client

    async def view(
        self,
        to: Address,
        interface: Interface,
        name: str,
        *arguments: Any,
        at: BlockNumber | None = None,
    ) -> tuple[Any, ...]:
        """The results of a view function after a block, the latest by default."""
        block = "latest" if at is None else wire.to_quantity(at)
        request = {"to": wire.to_data(to), "data": wire.to_data(interface.call(name, *arguments))}
        answer = await self.client.rpc.request("eth_call", request, block)
        return interface.result(name, wire.data(answer, name))

    async def send(
        self, account: Account, what: str, to: Address, data: bytes, gas: Gas | None = None
    ) -> L1Receipt:
        """A transaction of `account`, waited for. Raises what `Transactor.send` does."""
        return await self.transactor(account).send(L1Transaction(what, to, data, gas=gas))

    def transactor(self, account: Account) -> Transactor:
        """Gets transactions of `account` into blocks."""
        if isinstance(account, DevAccount):
            account = Operator.of_dev_account(account)
        return Transactor(self.client, account, poll_seconds=_POLL_SECONDS)

    async def block_time(self) -> int:
        """Timestamp of the newest block."""
        return (await self.client.header()).timestamp


@dataclass(frozen=True, slots=True)
class House:
    """The ClearingHouse on L2."""

    layer: Layer

    async def view(
        self, name: str, *arguments: Any, at: BlockNumber | None = None
    ) -> tuple[Any, ...]:
        return await self.layer.view(CLEARING_HOUSE, clearing_house(), name, *arguments, at=at)

    async def send(self, account: Account, name: str, *arguments: Any) -> L1Receipt:
        data = clearing_house().call(name, *arguments)
        return await self.layer.send(account, name, CLEARING_HOUSE, data)


def events(receipt: L1Receipt, name: str) -> list[Mapping[str, Any]]:
    """The arguments of the ClearingHouse's events of that name in a receipt."""
    found = []
    for log in receipt.logs:
        if log.address == CLEARING_HOUSE:
            event = clearing_house().event(log.topics, log.data)
            if event.name == name:
                found.append(event.arguments)
    return found
