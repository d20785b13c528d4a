"""The items of the inbox log, as derivation sees them."""

from dataclasses import dataclass
from enum import IntEnum

from state.types import Address, Hash32, Timestamp, Wei


class ItemKind(IntEnum):
    """What an inbox item is; the values are the Inbox contract's."""

    BATCH = 0
    DEPOSIT = 1
    FORCED = 2
    TICK = 3


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One item with everything that its accumulator commits to.

    `l1_hash` is the hash of the parent of the L1 block that holds the item: the newest one that a
    contract can know. `deposits` counts the deposits and forced transactions up to and with it.
    """

    index: int
    kind: ItemKind
    deposits: int
    sender: Address
    data: bytes
    l1_number: int
    l1_time: Timestamp
    l1_base_fee: Wei
    prev_randao: Hash32
    l1_hash: Hash32
    acc: Hash32

    @property
    def is_deposit(self) -> bool:
        """Whether the item goes into a block as a transaction of its own."""
        return self.kind in (ItemKind.DEPOSIT, ItemKind.FORCED)

    @property
    def ordinal(self) -> int:
        """Its position among the items of its walk: deposits, or batches and ticks."""
        return self.deposits - 1 if self.is_deposit else self.index - self.deposits


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the chain has read the inbox: two walks over one log."""

    next_batch: int = 1
    """Ordinal of the next batch or tick; item 0 is a tick that genesis consumes."""
    offset: int = 0
    """Bytes already read of that batch, decoded."""
    next_deposit: int = 0
    """Ordinal of the next deposit or forced transaction."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The inbox item that a block takes its L1 attributes from."""

    item: int = 0
    sequence_number: int = 0
    """L2 blocks since the origin last changed."""
