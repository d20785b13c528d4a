"""Ordering policies as plug-ins: what happens to orders that meet, one policy a market.

The engine knows a policy by what it does, and a market's rules name it. Another one is a class with
these six methods, an entry in `POLICIES`, and a rule in `policy_of` that chooses it.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from sequencer.matching.auction import BatchAuction
from sequencer.matching.book import MarketBook
from sequencer.matching.continuous import FirstCome
from sequencer.matching.desk import Desk
from sequencer.matching.entry import Entry
from sequencer.matching.inputs import CancelReason, ListMarket
from sequencer.matching.orders import BookOrder
from sequencer.matching.views import Hit


class OrderingPolicy(Protocol):
    """How orders of a market find each other. Deterministic, and without a state of its own."""

    @property
    def name(self) -> str:
        """What the policy is called in settings and answers."""

    def arrive(self, desk: Desk, book: MarketBook, entry: Entry) -> None:
        """Handle a new live order: trade it, let it rest, or cancel it."""

    def preview(self, book: MarketBook, order: BookOrder, left: int, now: int) -> list[Hit]:
        """Whom `arrive` would trade `left` (s8) of an order with at `now` (ms)."""

    def meets_more_than(
        self, count: int, book: MarketBook, order: BookOrder, left: int, now: int
    ) -> bool:
        """Whether `arrive` would have `left` (s8) of an order meet more than `count` orders."""

    def refusal(
        self, book: MarketBook, order: BookOrder, left: int, now: int
    ) -> CancelReason | None:
        """Why `arrive` would cancel the order before it trades anything; None if it wouldn't."""

    def clear(self, desk: Desk, book: MarketBook) -> None:
        """Handle the end of a block."""

    def may_rest_again(self, book: MarketBook, order: BookOrder) -> bool:
        """Whether an order whose fill was undone may go back to its place."""


POLICIES: Final[Mapping[str, OrderingPolicy]] = {
    policy.name: policy for policy in (FirstCome(), BatchAuction())
}


def policy_of(rules: ListMarket) -> OrderingPolicy:
    """The policy that a market's rules ask for."""
    return POLICIES[BatchAuction.name if rules.is_auction else FirstCome.name]
