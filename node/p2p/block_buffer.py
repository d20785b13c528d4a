"""Signed blocks that wait for the one before them."""

from node.p2p.blocks import SignedBlock
from node.p2p.limits import BUFFER_AHEAD_MAX, BUFFER_BLOCKS_MAX, RANGE_BLOCKS_MAX
from state.types import BlockNumber


class BlockBuffer:
    """At most one block a number, those nearest to the head; the newest of a number stays."""

    def __init__(self) -> None:
        self._blocks: dict[BlockNumber, SignedBlock] = {}

    def __len__(self) -> int:
        return len(self._blocks)

    def put(self, block: SignedBlock, head: BlockNumber) -> None:
        """Keep a block that is ahead of the head, unless others are nearer and there is no room."""
        number = block.number
        if not head < number <= head + BUFFER_AHEAD_MAX:
            return
        self._blocks[number] = block
        if len(self._blocks) > BUFFER_BLOCKS_MAX:
            del self._blocks[max(self._blocks)]

    def get(self, number: BlockNumber) -> SignedBlock | None:
        """The block of that number."""
        return self._blocks.get(number)

    def drop(self, number: BlockNumber) -> None:
        """Forget the block of that number."""
        self._blocks.pop(number, None)

    def forget_until(self, head: BlockNumber) -> None:
        """Forget what the chain has."""
        for number in [number for number in self._blocks if number <= head]:
            del self._blocks[number]

    def gap(self, head: BlockNumber, known: BlockNumber) -> range:
        """The next numbers missing after the head: up to the first one that is here, or up to the
        last one that somebody has; no more than one request may ask for."""
        end = min(self._blocks, default=known + 1)
        return range(head + 1, max(head + 1, min(end, head + 1 + RANGE_BLOCKS_MAX)))

    def clear(self) -> None:
        """Forget all blocks."""
        self._blocks.clear()
