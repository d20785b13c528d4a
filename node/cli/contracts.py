"""Contracts on the command line: by address, or by the name that they have in every rollup."""

from collections.abc import Mapping
from dataclasses import dataclass

import click
from eth_utils.address import is_address, to_canonical_address

from execution.contracts.abi import Interface
from node.cli.network import Network
from node.decoding.book import AddressBook, l1_book, l2_book
from node.known_contracts import KnownContract, LayerName, l1_contracts, l2_contracts
from state.types import Address

layer_option = click.option(
    "--layer", type=click.Choice([one.value for one in LayerName]),
    show_default="l2, or where the named contract is", help="Which of the two chains.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Callee:
    """A contract or account that a command is about."""

    address: Address
    layer: LayerName
    abi: Interface | None
    """None for a contract that isn't one of the rollup's."""


@dataclass(frozen=True, slots=True)
class ContractNames:
    """The rollup's contracts by name."""

    contracts: Mapping[str, KnownContract]

    @classmethod
    def of(cls, network: Network) -> "ContractNames":
        """L2's, and L1's where the deployment is known. L2's name goes first."""
        l1 = {} if network.deployment_file is None else l1_contracts(network.deployment())
        return cls({**l1, **l2_contracts()})

    @property
    def addresses(self) -> dict[str, str]:
        """Addresses by name, for arguments."""
        return {name: f"0x{one.address.hex()}" for name, one in self.contracts.items()}

    def find(self, text: str, layer: str | None) -> Callee:
        """By name or address. Raises a usage error."""
        known = self.contracts.get(text)
        if known is not None:
            if layer is not None and layer != known.layer:
                raise click.UsageError(f"{text} is on {known.layer}, not on {layer}")
            return Callee(known.address, known.layer, known.abi)
        if not is_address(text):
            raise click.UsageError(
                f"{text!r:.80} is no address, and none of {', '.join(sorted(self.contracts))}"
            )
        address = Address(to_canonical_address(text))
        chosen = LayerName(layer or LayerName.L2)
        return Callee(address, chosen, self.abi_at(address, chosen))

    def abi_at(self, address: Address, layer: LayerName) -> Interface | None:
        """The ABI of what is there, if it is known."""
        for one in self.contracts.values():
            if one.address == address and one.layer is layer:
                return one.abi
        return None


def log_book(network: Network, layer: LayerName) -> AddressBook:
    """What is known of a layer's addresses, to decode its logs by."""
    return l2_book() if layer is LayerName.L2 else l1_book(network.deployment())
