"""What the devnet needs of a node that makes blocks, whichever layer's."""

from collections.abc import Callable
from typing import Protocol

from node.chain import Chain
from node.roles.pace import Pace
from state.types import BlockNumber


class BlockMaker(Protocol):
    """The part of a role that makes its layer's blocks."""

    @property
    def chain(self) -> Chain:
        """The chain they go to."""

    @property
    def pace(self) -> Pace:
        """When they come."""

    async def make_block(self, in_turn: Callable[[], None] = lambda: None) -> BlockNumber | None:
        """Make the next block and tell of it; None where the time for it has not come.

        Calls wait for each other; `in_turn` is called when no other one can come before this one.
        """

    async def rewind(self, depth: int, *, keeps_transactions: bool) -> None:
        """Take the newest `depth` blocks back. Raises `PowerRefused` where that can't be.

        What they held waits for another block if `keeps_transactions`, or is forgotten.
        """
