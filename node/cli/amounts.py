"""Amounts of what moves between the layers, as they are written on the command line."""

from enum import StrEnum
from typing import Final

import click

from genesis.networks import ETHER
from node.cli.parameters import DollarType, EtherType
from node.demo.amounts import exact


class Asset(StrEnum):
    """What can be deposited and withdrawn."""

    ETH = "eth"
    USD = "usd"
    """The collateral token."""


ASSETS: Final = tuple(one.value for one in Asset)


def parse_amount(text: str, asset: Asset) -> int:
    """An amount above zero, in wei or q6. Raises a usage error."""
    kind: click.ParamType[int] = EtherType() if asset is Asset.ETH else DollarType()
    units = int(kind.convert(text, None, None))
    if units <= 0:
        raise click.UsageError("the amount must be above zero")
    return units


def written(units: int, asset: Asset) -> str:
    """An amount in words, every unit of it."""
    if asset is Asset.USD:
        return f"{exact(units).rstrip('0').rstrip('.')} USD"
    digits = f"{units // ETHER:,}.{units % ETHER:018}".rstrip("0").rstrip(".")
    return f"{digits} ETH"
