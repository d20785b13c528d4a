"""The names that the page decodes transactions with: contracts, functions, events and errors.

A page can't hash (SubtleCrypto has no Keccak), so selectors and topics are computed here.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import msgspec

from execution.contracts.abi import CLEARING_HOUSE_MODULES as MODULE_NAMES
from execution.contracts.abi import Item, clearing_house, interface, signature, topic_of
from genesis.predeploys import (
    CLEARING_HOUSE,
    CLEARING_HOUSE_MODULES,
    COLLATERAL_TOKEN,
    DEPOSITOR,
    GOVERNANCE,
    L1_BLOCK,
    L2_CROSS_DOMAIN_MESSENGER,
    L2_TO_L1_MESSAGE_PASSER,
)
from node.demo.names import MARKET_NAMES
from state.keccak import keccak

CONTRACTS: Final = {
    CLEARING_HOUSE: "ClearingHouse",
    COLLATERAL_TOKEN: "CollateralToken",
    GOVERNANCE: "Governance",
    L1_BLOCK: "L1Block",
    L2_CROSS_DOMAIN_MESSENGER: "L2CrossDomainMessenger",
    L2_TO_L1_MESSAGE_PASSER: "L2ToL1MessagePasser",
}
"""The predeploys, by the names of their artifacts."""

_PRECOMPILES: Final = (
    "ECREC",
    "SHA256",
    "RIPEMD160",
    "ID",
    "MODEXP",
    "BN254_ADD",
    "BN254_MUL",
    "BN254_PAIRING",
    "BLAKE2F",
    "KZG_POINT_EVALUATION",
)
"""By their addresses, from 1 on, as EIP-7910 calls them."""


@cache
def names_json() -> bytes:
    """`{"contracts", "functions", "events", "errors", "markets"}`, each by its key on chain."""
    items = list(_items())
    known = {
        "contracts": {
            **{_hex(address): name for address, name in CONTRACTS.items()},
            **{_hex(place): name for place, name in zip(CLEARING_HOUSE_MODULES, MODULE_NAMES)},
            _hex(DEPOSITOR): "L1 attributes depositor",
            **{f"0x{number:040x}": name for number, name in enumerate(_PRECOMPILES, 1)},
        },
        "functions": _by_selector(items, "function"),
        "events": {_hex(topic_of(one)): _described(one) for one in items if _is(one, "event")},
        "errors": _by_selector(items, "error"),
        "markets": {str(market): name for market, name in MARKET_NAMES.items()},
    }
    return msgspec.json.encode(known)


def _items() -> Iterable[Item]:
    yield from clearing_house().items
    for name in CONTRACTS.values():
        if name != "ClearingHouse":
            yield from interface(name).items


def _by_selector(items: list[Item], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in items:
        if _is(one, kind):
            found.setdefault(_hex(keccak(signature(one).encode())[:4]), _described(one))
    return found


def _is(item: Item, kind: str) -> bool:
    return bool(item["type"] == kind)


def _described(item: Item) -> dict[str, Any]:
    return {"name": item["name"], "inputs": [_parameter(one) for one in item["inputs"]]}


def _parameter(parameter: Item) -> dict[str, Any]:
    """Name and type, the members of a struct, and whether an event indexes it."""
    kept: dict[str, Any] = {"name": parameter["name"], "type": parameter["type"]}
    if parameter.get("indexed"):
        kept["indexed"] = True
    if "components" in parameter:
        kept["components"] = [_parameter(one) for one in parameter["components"]]
    return kept


def _hex(value: bytes) -> str:
    return f"0x{value.hex()}"
