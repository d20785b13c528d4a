"""Types of options and arguments: what people write, checked, as the values that are meant."""

from typing import Final

import click
from eth_utils.address import is_address, to_canonical_address

from execution.contracts.parameters import QUOTE_ONE
from genesis.networks import ETHER
from node.client.amounts import exact_units
from node.client.errors import InexactAmount
from state.types import Address, Hash32, Wei

_GWEI: Final = 10**9
_UNITS: Final = {"wei": 1, "gwei": _GWEI, "ether": ETHER, "eth": ETHER}
_UNIT_NAMES: Final = sorted(_UNITS, key=len, reverse=True)


class AddressType(click.ParamType[Address]):
    """A 20-byte address in hexadecimal."""

    name = "ADDRESS"

    def convert(
        self, value: str | Address, param: click.Parameter | None, ctx: click.Context | None
    ) -> Address:
        """The parsed address; a usage error for what is none, or has a wrong checksum."""
        if isinstance(value, bytes):
            return value
        if not is_address(value):
            self.fail(f"{value!r:.80} is no address", param, ctx)
        return Address(to_canonical_address(value))


class HashType(click.ParamType[Hash32]):
    """A 32-byte hash in hexadecimal."""

    name = "HASH"

    def convert(
        self, value: str | Hash32, param: click.Parameter | None, ctx: click.Context | None
    ) -> Hash32:
        """The parsed hash; a usage error for what is none."""
        if isinstance(value, bytes):
            return value
        try:
            raw = bytes.fromhex(value.removeprefix("0x"))
        except ValueError:
            raw = b""
        if not value.startswith("0x") or len(raw) != 32:
            self.fail(f"{value!r:.80} is no hash: 0x and 64 hex digits", param, ctx)
        return Hash32(raw)


class EtherType(click.ParamType[Wei]):
    """An amount of ether, in ETH unless it names its unit: 1.5, 20gwei, 1wei."""

    name = "ETH"

    def convert(
        self, value: str | Wei, param: click.Parameter | None, ctx: click.Context | None
    ) -> Wei:
        """The amount in wei; a usage error for what is none or has too many decimals."""
        if isinstance(value, int):
            return value
        unit = next((name for name in _UNIT_NAMES if value.endswith(name)), "ether")
        try:
            return Wei(_units(value.removesuffix(unit).strip(), _UNITS[unit]))
        except InexactAmount as error:
            self.fail(f"{error}: write 1.5, 20gwei or 1wei", param, ctx)


class DollarType(click.ParamType[int]):
    """An amount of collateral in USD, at most 6 decimals."""

    name = "USD"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """The amount in q6; a usage error for what is none or has too many decimals."""
        if isinstance(value, int):
            return value
        try:
            return _units(value, QUOTE_ONE)
        except InexactAmount as error:
            self.fail(f"{error}: an amount in USD has at most 6 decimals", param, ctx)


def _units(text: str, one: int) -> int:
    """A written number in units, from 0 on. Raises `InexactAmount`."""
    units = exact_units(text.replace(",", ""), one)
    if units < 0:
        raise InexactAmount(f"{text} is below zero")
    return units
