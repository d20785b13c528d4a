"""The newest L1 blocks that we have seen, so that a reorg or a lagging endpoint is recognised."""

from bridge.l1 import limits
from bridge.l1.headers import L1Header
from state.blocks import BlockId
from state.types import BlockNumber, Hash32


class RecentBlocks:
    """Hashes of the newest blocks of one chain, without gaps, at most 128.

    Kept in memory only: after a restart the accumulators of the inbox log tell a reorg of any
    depth, and that is what counts.
    """

    __slots__ = ("_hashes", "_tip")

    def __init__(self) -> None:
        self._hashes: dict[BlockNumber, Hash32] = {}
        self._tip: BlockNumber | None = None

    @property
    def tip(self) -> BlockId | None:
        """The newest block, or None before the first."""
        return None if self._tip is None else BlockId(self._tip, self._hashes[self._tip])

    def __contains__(self, block: BlockId) -> bool:
        return self._hashes.get(block.number) == block.hash

    def hash_at(self, number: int) -> Hash32 | None:
        """The hash at that height, where it is remembered."""
        return self._hashes.get(BlockNumber(number))

    @property
    def lowest(self) -> int:
        """The lowest height remembered; of an empty memory, none is below."""
        return min(self._hashes, default=0)

    def extend(self, branch: list[L1Header]) -> None:
        """Take in a branch, oldest first, whose first block's parent is remembered or that begins
        the memory anew."""
        first = branch[0]
        if BlockId(BlockNumber(first.number - 1), first.parent_hash) not in self:
            self._hashes.clear()
        for number in [n for n in self._hashes if n >= first.number]:
            del self._hashes[number]
        for header in branch:
            self._hashes[header.number] = header.hash
        self._tip = branch[-1].number
        for number in [n for n in self._hashes if n <= self._tip - limits.REORG_BLOCKS_MAX]:
            del self._hashes[number]
