"""What an account has on both layers, and its margin accounts."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.deployment import Deployment
from bridge.l1 import contracts, wire
from execution.contracts.abi import interface
from genesis.predeploys import COLLATERAL_TOKEN
from node.layer import House, Layer
from state.types import Address, Wei


@dataclass(frozen=True, slots=True)
class LayerHoldings:
    """Ether in wei, collateral in q6."""

    ether: Wei
    collateral: int


@dataclass(frozen=True, slots=True)
class MarginHoldings:
    """One margin account; q6."""

    id: int
    cash: int
    equity: int
    maintenance: int


@dataclass(frozen=True, slots=True)
class Holdings:
    """Everything of one address; `l1` is None where L1 isn't known."""

    address: Address
    l1: LayerHoldings | None
    l2: LayerHoldings
    margin: tuple[MarginHoldings, ...]


async def read_holdings(
    addresses: Sequence[Address], l1: Layer | None, l2: Layer, deployment: Deployment | None
) -> list[Holdings]:
    """What some addresses have now. Raises what the endpoints do."""
    return list(await asyncio.gather(*(_of(address, l1, l2, deployment) for address in addresses)))


async def _of(
    address: Address, l1: Layer | None, l2: Layer, deployment: Deployment | None
) -> Holdings:
    on_l1 = None
    if l1 is not None and deployment is not None:
        (token,) = await l1.client.call(deployment.token, contracts.BALANCE_OF, address)
        on_l1 = LayerHoldings(await l1.client.balance(address), int(token))
    (token,) = await l2.view(COLLATERAL_TOKEN, interface("CollateralToken"), "balanceOf", address)
    on_l2 = LayerHoldings(await l2.client.balance(address), int(token))
    (ids,) = await House(l2).view("getAccountsOf", address)
    margin = await asyncio.gather(*(_margin_account(l2, id_) for id_ in ids))
    return Holdings(address, on_l1, on_l2, tuple(margin))


async def _margin_account(l2: Layer, id_: int) -> MarginHoldings:
    answer = await l2.client.rpc.request("margin_getAccount", id_, "latest")
    facts = wire.object_(answer, "margin_getAccount")
    standing: Any = wire.object_(facts.get("standing"), "a standing")
    return MarginHoldings(
        id=id_,
        cash=int(str(facts["cashQ6"])),
        equity=int(standing["equityQ6"]),
        maintenance=int(standing["maintenanceQ6"]),
    )
