"""Settled fills on their way to finality: who waits to hear that they are safe, then finalized."""

from collections.abc import Iterable, Iterator

import msgspec

from node.rpc.trade.states import state_of_block
from sequencer.matching.events import FillState
from sequencer.matching.views import FillRecord
from state.blocks import Heads


class SettledFills:
    """Fills in blocks that aren't final, and what was last told of each block.

    It holds what the matching engine holds as well, until the same block is final.
    """

    def __init__(self, records: Iterable[FillRecord], heads: Heads) -> None:
        self._blocks: dict[int, dict[int, FillRecord]] = {}
        self._block_of: dict[int, int] = {}
        self._told: dict[int, FillState] = {}
        for record in records:
            if record.state is FillState.UNSAFE:
                self.add(record, heads)

    def add(self, record: FillRecord, heads: Heads) -> FillRecord:
        """A fill that was just settled; returns it as far as it has come by now."""
        block = record.block or 0
        state = self._told.setdefault(block, state_of_block(block, heads))
        self._blocks.setdefault(block, {})[record.fill.id] = record
        self._block_of[record.fill.id] = block
        return msgspec.structs.replace(record, state=state)

    def drop(self, fill: int) -> None:
        """A reorg took back the block of a fill."""
        block = self._block_of.pop(fill, None)
        if block is not None:
            del self._blocks[block][fill]
            if not self._blocks[block]:
                self._forget(block)

    def advance(self, heads: Heads) -> Iterator[FillRecord]:
        """The fills that have come further with these heads, as they stand now."""
        for block in sorted(self._blocks):
            state = state_of_block(block, heads)
            if state is not self._told[block]:
                self._told[block] = state
                for record in self._blocks[block].values():
                    yield msgspec.structs.replace(record, state=state)
            if state is FillState.FINALIZED:
                self._forget(block)

    def _forget(self, block: int) -> None:
        del self._told[block]
        for fill in self._blocks.pop(block):
            self._block_of.pop(fill, None)
