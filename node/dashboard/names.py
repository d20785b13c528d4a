"""The names that the page decodes transactions with: contracts, functions, events and errors.

A page can't hash (SubtleCrypto has no Keccak), so selectors and topics are computed here.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from execution.contracts.abi import CLEARING_HOUSE_MODULES as MODULE_NAMES
from execution.contracts.abi import Item, clearing_house, interface, signature, topic_of
from genesis.predeploys import CLEARING_HOUSE_MODULES, DEPOSITOR
from node.decoding.book import PRECOMPILES
from node.demo.names import MARKET_NAMES
from node.known_contracts import L2_PREDEPLOYS
from state.keccak import keccak


@cache
def names_json() -> bytes:
    """`{"contracts", "functions", "events", "errors", "markets"}`, each by its key on chain."""
    items = list(_items())
    known = {
        "contracts": {
            **{_hex(address): name for name, address in L2_PREDEPLOYS.items()},
            **{_hex(place): name for place, name in zip(CLEARING_HOUSE_MODULES, MODULE_NAMES)},
            _hex(DEPOSITOR): "L1 attributes depositor",
            **{_hex(address): name for address, name in PRECOMPILES.items()},
        },
        "functions": _by_selector(items, "function"),
        "events": {_hex(topic_of(one)): _described(one) for one in items if _is(one, "event")},
        "errors": _by_selector(items, "error"),
        "markets": {str(market): name for market, name in MARKET_NAMES.items()},
    }
    return msgspec.json.encode(known)


def _items() -> Iterable[Item]:
    yield from clearing_house().items
    for name in L2_PREDEPLOYS:
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
