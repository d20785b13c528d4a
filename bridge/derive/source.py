"""What the rules of derivation need from the inbox log: three ways to look an item up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.items import InboxItem


class ItemSource(Protocol):
    """Random access to the verified items of the inbox; None where the log ends before."""

    def item(self, index: int) -> InboxItem | None:
        """The item at that place of the log."""

    def batch(self, ordinal: int) -> InboxItem | None:
        """The item at that place among batches and ticks."""

    def deposit(self, ordinal: int) -> InboxItem | None:
        """The item at that place among deposits and forced transactions."""


@dataclass(frozen=True, slots=True)
class ItemList:
    """An item source over items in memory, from item 0 on: what a prover or auditor holds."""

    items: Sequence[InboxItem]

    def item(self, index: int) -> InboxItem | None:
        return self.items[index] if 0 <= index < len(self.items) else None

    def batch(self, ordinal: int) -> InboxItem | None:
        return self._nth(ordinal, is_deposit=False)

    def deposit(self, ordinal: int) -> InboxItem | None:
        return self._nth(ordinal, is_deposit=True)

    def _nth(self, ordinal: int, *, is_deposit: bool) -> InboxItem | None:
        walk = (item for item in self.items if item.is_deposit == is_deposit)
        return next((item for item in walk if item.ordinal == ordinal), None)
