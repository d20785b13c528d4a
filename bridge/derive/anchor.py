"""What an unsafe block rests on, apart from the rest: a p2p host knows it and executes nothing."""

from dataclasses import dataclass

from state.types import Hash32


@dataclass(frozen=True, slots=True)
class Anchor:
    """The newest inbox item that a block or an ancestor depends on.

    The block stands as long as the log has that `acc` there.
    """

    index: int
    acc: Hash32
