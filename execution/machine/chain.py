"""Lists that only grow and shrink at one end: logs, destructed contracts, transactions, receipts.

A list is committed by one word: the hash of its last link, which holds the hash of the link before;
no link is the word zero. Appending or opening the last link takes no proof, and the list of
a moment ago is still there to go back to.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from execution.machine.words import Word, commit
from state.types import ZERO_HASH, Hash32


class Linkable(Protocol):
    """What can be in a list."""

    def link(self) -> tuple[Hash32, tuple[Word, ...]]:
        """The tag of its lists, and its words."""


T = TypeVar("T", bound=Linkable)


@dataclass(slots=True)
class Link(Generic[T]):
    """The end of a list, and the list before it."""

    item: T
    previous: "Link[T] | None"
    _hash: Hash32 | None = field(default=None, repr=False)

    def hash(self) -> Hash32:
        """keccak(tag, hash of the list before, words of the item); hashed once, when asked."""
        waiting: list[Link[T]] = []
        link: Link[T] | None = self
        while link is not None and link._hash is None:
            waiting.append(link)
            link = link.previous
        head = ZERO_HASH if link is None or link._hash is None else link._hash
        for pending in reversed(waiting):
            structure, words = pending.item.link()
            head = pending._hash = commit(structure, (head, *words))
        return head


def list_hash(last: Link[T] | None) -> Hash32:
    """The word that commits to a list."""
    return ZERO_HASH if last is None else last.hash()


def items(last: Link[T] | None) -> Iterator[T]:
    """The items, the last one first."""
    while last is not None:
        yield last.item
        last = last.previous
