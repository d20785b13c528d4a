"""Which orders are open, whose they are and who signed them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeVar

from execution.margin import recover_signer
from sequencer.matching.engine import MatchingEngine
from sequencer.matching.events import (
    Accepted,
    Cancelled,
    Event,
    Matched,
    Resized,
    Unwound,
)
from sequencer.matching.orders import BookOrder
from sequencer.matching.views import OrderView
from state.types import Address, Hash32

T = TypeVar("T")


class OpenOrders:
    """Hashes of open orders by account, with their signers, kept in step with the engine.

    An order can come back: a refused fill is given back to a filled one. So an event only says
    which orders to look at, and the engine what has become of them.
    """

    def __init__(self, engine: MatchingEngine) -> None:
        self._engine = engine
        self._by_account: dict[int, dict[bytes, Address]] = {}
        self._reducing: dict[int, dict[bytes, int]] = {}
        self._of_owner: Counter[bytes] = Counter()
        self._count = 0
        for view in engine.open_orders():
            self._add(view.order)

    def __len__(self) -> int:
        return self._count

    def count(self, account: int) -> int:
        """Open orders of an account."""
        return len(self._by_account.get(account, ()))

    def count_of(self, owner: bytes) -> int:
        """Open orders of all accounts of an owner."""
        return self._of_owner[owner]

    def accounts(self) -> Iterator[int]:
        """Accounts with open orders."""
        return iter(list(self._by_account))

    def signers(self, account: int) -> dict[bytes, Address]:
        """Who signed each open order of an account."""
        return dict(self._by_account.get(account, {}))

    def reducing(self, account: int, market: int | None = None) -> list[bytes]:
        """An account's open reduce-only orders, in a market or in all."""
        of_account = self._reducing.get(account, {})
        return [one for one, where in of_account.items() if market is None or where == market]

    def views(self, account: int) -> list[OrderView]:
        """The open orders of an account, oldest first."""
        return self._engine.orders_of(account)

    def follow(self, events: Iterable[Event], signer: Address | None = None) -> None:
        """Look at the orders that events name; `signer` is of the one that has just come."""
        for event in events:
            for order_hash in _orders_in(event):
                self._look(order_hash, signer if isinstance(event, Accepted) else None)

    def _look(self, order_hash: bytes, signer: Address | None) -> None:
        view = self._engine.order(order_hash)
        if view is None:
            return
        if view.is_open:
            self._add(view.order, signer)
        else:
            self._remove(view.order)

    def _add(self, order: BookOrder, signer: Address | None = None) -> None:
        orders = self._by_account.setdefault(order.account, {})
        if order.hash not in orders:
            orders[order.hash] = signer or _signer(order)
            self._count += 1
            self._of_owner[order.owner] += 1
            if order.is_reduce_only:
                self._reducing.setdefault(order.account, {})[order.hash] = order.market

    def _remove(self, order: BookOrder) -> None:
        if _drop(self._by_account, order):
            self._count -= 1
            self._of_owner[order.owner] -= 1
            if not self._of_owner[order.owner]:
                del self._of_owner[order.owner]
            _drop(self._reducing, order)


def _drop(by_account: dict[int, dict[bytes, T]], order: BookOrder) -> bool:
    """Take an order out of an index; whether it was there."""
    orders = by_account.get(order.account, {})
    was_there = orders.pop(order.hash, None) is not None
    if was_there and not orders:
        del by_account[order.account]
    return was_there


def _signer(order: BookOrder) -> Address:
    """Whose signature it is; the order's hash is the digest that was signed."""
    return recover_signer(Hash32(order.hash), order.r, order.vs)


def _orders_in(event: Event) -> tuple[bytes, ...]:
    if isinstance(event, Accepted | Cancelled | Resized):
        return (event.order,)
    if isinstance(event, Matched | Unwound):
        return (event.fill.taker, event.fill.maker)
    return ()
