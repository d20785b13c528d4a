"""Where a claim stands in the binary tree over the trace.

A position is a generalized index (Ethereum consensus specifications, ssz/merkle-proofs): the root
is 1, the children of p are 2p and 2p + 1. A claim at a position is about the state at the end of
the interval below it, so the right child ends where its parent does and says nothing new about it;
hence moves lead to left children only, and every position in a game is even, but for the
root's.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.dispute import limits


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A node of the tree. Orders siblings as the trace does: the smaller one is further left."""

    gindex: int

    def __post_init__(self) -> None:
        if not 1 <= self.gindex < 2 << limits.DEPTH_MAX:
            raise ValueError(f"no position of a game: {self.gindex}")

    def __str__(self) -> str:
        return f"{self.depth}/{self.index_at_depth}"

    @property
    def depth(self) -> int:
        """Levels below the root."""
        return self.gindex.bit_length() - 1

    @property
    def index_at_depth(self) -> int:
        """How many nodes of its level are further left."""
        return self.gindex - (1 << self.depth)

    @property
    def is_root(self) -> bool:
        return self.gindex == 1

    def trace_index(self, max_depth: int) -> int:
        """The last step of the interval below it: its claim is the state after that step."""
        return ((self.gindex + 1) << (max_depth - self.depth)) - 1 - (1 << max_depth)

    @property
    def attack(self) -> Position:
        """The middle of the interval that ends here: the answer to a claim that is wrong."""
        return Position(2 * self.gindex)

    @property
    def defend(self) -> Position:
        """The middle of the interval that begins here: the answer to a claim that is right, though
        its maker's stance is wrong. Nothing begins after the root: raises `ValueError`."""
        if self.is_root:
            raise ValueError("the root claim can't be defended")
        return Position((self.gindex | 1) << 1)

    def move(self, is_attack: bool) -> Position:
        return self.attack if is_attack else self.defend

    @property
    def before(self) -> Position | None:
        """Where the claim about the state just before a leaf's own step stands among the leaf's
        ancestors; none for the leftmost leaf, which starts from the anchor."""
        return None if self.index_at_depth == 0 else _first_to_end_at(self.gindex - 1)

    @property
    def after(self) -> Position:
        """Where the claim about the state one step after a leaf's stands among its ancestors."""
        return _first_to_end_at(self.gindex + 1)


ROOT_POSITION = Position(1)


def _first_to_end_at(gindex: int) -> Position:
    """The highest node whose interval ends where this one's does: upwards as long as it is a right
    child, which ends where its parent does."""
    while gindex > 1 and gindex & 1:
        gindex >>= 1
    return Position(gindex)
