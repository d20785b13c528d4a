"""What a block is made from, and how far that is: the state of the phases around transactions."""

from dataclasses import dataclass, replace
from typing import Final

from bridge.boundary import Boundary
from execution.machine.chain import Link, list_hash
from execution.machine.memory import FrozenMemory
from execution.machine.words import Word, commit, tag
from state.types import ZERO_HASH, Hash32

INPUTS_TAG: Final = tag("inputs")
LEAF_TAG: Final = tag("leaf")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf node of the trie being built, by its hash."""

    node_hash: Hash32

    def link(self) -> tuple[Hash32, tuple[Word, ...]]:
        return LEAF_TAG, (self.node_hash,)


@dataclass(frozen=True, slots=True)
class Inputs:
    """The fields in the order of docs/machine.md; what isn't known yet is zero."""

    item: int
    """Index of the batch or tick that orders the block."""
    time: int
    """Its L1 time."""
    payload: FrozenMemory | None = None
    """The decoded batch, a tree and a size in the commitment."""
    at: int = 0
    """Where the next length field is in the payload."""
    left: int = 0
    """Transactions still to scan, to take or to hash, whichever the status is about."""
    start: int = 0
    """Where the block's first length field is."""
    count: int = 0
    """Transactions that the block has in the payload."""
    timestamp: int = 0
    """Of the block; 0 stands for the earliest that it may have."""
    origin: int = 0
    sequence_number: int = 0
    next_batch: int = 0
    next_offset: int = 0
    next_deposit: int = 0
    taken: int = 0
    """Deposits and forced transactions that this block is done with."""
    taking: bool = False
    leaves: Link[Leaf] | None = None
    transactions_root: Hash32 = ZERO_HASH
    receipts_root: Hash32 = ZERO_HASH

    def without_transactions(self, parent: Boundary) -> "Inputs":
        """The empty form: the rest of the batch is dropped, and the block has nothing of it."""
        return Inputs(
            item=self.item,
            time=self.time,
            origin=parent.origin.item,
            next_batch=parent.cursor.next_batch + 1,
            next_deposit=self.next_deposit,
        )

    def pushed(self, leaf: Hash32) -> "Inputs":
        """One more leaf node is hashed."""
        return replace(self, leaves=Link(Leaf(leaf), self.leaves), left=self.left - 1)

    def words(self) -> tuple[Word, ...]:
        payload = self.payload
        return (
            self.item,
            self.time,
            ZERO_HASH if payload is None else payload.root,
            0 if payload is None else len(payload.data),
            self.at,
            self.left,
            self.start,
            self.count,
            self.timestamp,
            self.origin,
            self.sequence_number,
            self.next_batch,
            self.next_offset,
            self.next_deposit,
            self.taken,
            self.taking,
            list_hash(self.leaves),
            self.transactions_root,
            self.receipts_root,
        )

    def hash(self) -> Hash32:
        """What the block's last word commits to, and before ORIGIN the machine's block word."""
        return commit(INPUTS_TAG, self.words())
