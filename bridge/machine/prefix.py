"""The part of the inbox that a game is about: it was fixed when the game was created."""

from dataclasses import dataclass

from bridge.derive.source import ItemSource
from bridge.items import InboxItem
from bridge.machine.errors import PrefixIncomplete


@dataclass(frozen=True, slots=True)
class Prefix:
    """An item source that ends after `count` items, whatever the log has beyond.

    Raises `PrefixIncomplete` for a log that has fewer: an item that the node hasn't seen yet must
    not pass for one that isn't there.
    """

    log: ItemSource
    count: int

    def __post_init__(self) -> None:
        if self.count < 1 or self.log.item(self.count - 1) is None:
            raise PrefixIncomplete(self.count)

    def item(self, index: int) -> InboxItem | None:
        return self.log.item(index) if index < self.count else None

    def batch(self, ordinal: int) -> InboxItem | None:
        return self._counted(self.log.batch(ordinal))

    def deposit(self, ordinal: int) -> InboxItem | None:
        return self._counted(self.log.deposit(ordinal))

    @property
    def last(self) -> InboxItem:
        """The last item that counts: it says how many of each walk there are."""
        last = self.log.item(self.count - 1)
        if last is None:
            raise PrefixIncomplete(self.count)
        return last

    def _counted(self, item: InboxItem | None) -> InboxItem | None:
        return item if item is not None and item.index < self.count else None
