"""The contracts of a rollup by name, on both layers, with their ABIs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Final

from bridge.contracts import artifact as l1_artifact
from bridge.deployment import Deployment
from bridge.l1.abi import error_names
from execution.contracts.abi import Interface, clearing_house, interface
from genesis.predeploys import (
    CLEARING_HOUSE,
    COLLATERAL_TOKEN,
    GOVERNANCE,
    L1_BLOCK,
    L2_CROSS_DOMAIN_MESSENGER,
    L2_TO_L1_MESSAGE_PASSER,
)
from state.types import Address

L2_PREDEPLOYS: Final[Mapping[str, Address]] = MappingProxyType(
    {
        "ClearingHouse": CLEARING_HOUSE,
        "CollateralToken": COLLATERAL_TOKEN,
        "Governance": GOVERNANCE,
        "L1Block": L1_BLOCK,
        "L2CrossDomainMessenger": L2_CROSS_DOMAIN_MESSENGER,
        "L2ToL1MessagePasser": L2_TO_L1_MESSAGE_PASSER,
    }
)
_L1_ARTIFACTS: Final[Mapping[str, str]] = MappingProxyType({"Token": "TestUSD"})
"""Where the contract's name isn't that of its ABI. Any collateral token is an ERC-20, as this."""


class LayerName(StrEnum):
    """Which of the two chains."""

    L1 = "l1"
    L2 = "l2"


@dataclass(frozen=True, slots=True)
class KnownContract:
    """A contract of the rollup."""

    name: str
    layer: LayerName
    address: Address
    abi: Interface


@cache
def l2_contracts() -> Mapping[str, KnownContract]:
    """The predeploys, by name."""
    return MappingProxyType(
        {
            name: KnownContract(name, LayerName.L2, address, _l2_interface(name))
            for name, address in L2_PREDEPLOYS.items()
        }
    )


def l1_contracts(deployment: Deployment) -> Mapping[str, KnownContract]:
    """The rollup's contracts on L1, by name."""
    return {
        name: KnownContract(name, LayerName.L1, address, _l1_interface(name))
        for name, address in deployment.contracts.items()
    }


@cache
def l2_errors() -> Mapping[bytes, str]:
    """Custom errors of the predeploys by selector, for reverts in words."""
    found: dict[bytes, str] = {}
    for contract in l2_contracts().values():
        found |= error_names(contract.abi.items)
    return MappingProxyType(found)


def _l2_interface(name: str) -> Interface:
    return clearing_house() if name == "ClearingHouse" else interface(name)


@cache
def _l1_interface(name: str) -> Interface:
    return Interface(l1_artifact(_L1_ARTIFACTS.get(name, name)).abi)
