"""Signed orders that a liquidator brings along, to sell a failing account's positions to.

A JSON file, read anew each time: {"orders": ["0x.."]}, each the 110 bytes of an order in the table
of `settleBatch` (execution/margin/orders.py packs them).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from execution.margin import ORDER_BYTES
from node.keepers.errors import FeedUnavailable, InvalidOrders
from node.keepers.files import parse_list, read_bounded
from node.keepers.limits import ORDERS_A_CALL_MAX, ORDERS_BYTES_MAX

_ORDER: Final = re.compile(rf"0x[0-9a-f]{{{2 * ORDER_BYTES}}}", re.IGNORECASE)
_BUY_BIT: Final = 0x80


@dataclass(frozen=True, slots=True)
class RestingOrder:
    """What of a packed order says whom it suits: price p8."""

    market: int
    is_buy: bool
    price: int
    packed: bytes

    @classmethod
    def unpack(cls, packed: bytes) -> "RestingOrder":
        """From its 110 bytes; the contract judges the rest of them."""
        market = int.from_bytes(packed[8:12], "big")
        price = int.from_bytes(packed[21:29], "big")
        return cls(market, bool(packed[12] & _BUY_BIT), price, packed)


def read_orders(path: Path) -> tuple[RestingOrder, ...]:
    """The orders of a file, none where there is no such file. Raises `InvalidOrders`."""
    try:
        data = read_bounded(path, ORDERS_BYTES_MAX)
    except FeedUnavailable:
        return ()
    return parse_orders(data)


def parse_orders(data: bytes) -> tuple[RestingOrder, ...]:
    """Orders from JSON. Raises `InvalidOrders`."""
    entries = parse_list(data, "orders", InvalidOrders, ORDERS_BYTES_MAX)
    return tuple(_parse(entry) for entry in entries)


def _parse(entry: object) -> RestingOrder:
    if not isinstance(entry, str) or not _ORDER.fullmatch(entry):
        raise InvalidOrders(f"not {ORDER_BYTES} bytes of an order in hex: {entry!r:.40}")
    return RestingOrder.unpack(bytes.fromhex(entry[2:]))


def best_for(orders: Iterable[RestingOrder], market: int, size: int) -> list[RestingOrder]:
    """The orders that a position of `size` (s8, signed) can be sold to, the best price first."""
    wants_buyer = size > 0
    fitting = [one for one in orders if one.market == market and one.is_buy == wants_buyer]
    fitting.sort(key=lambda one: -one.price if wants_buyer else one.price)
    return fitting[:ORDERS_A_CALL_MAX]
