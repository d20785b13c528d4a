"""Steps of a trace in words: by block, by transaction, at last by number."""

from typing import Final

from bridge.dispute.trace import BLOCK_STEPS, Subject
from node.demo.block_map import BlockMap

_FEW: Final = 4_096
"""So many steps are told by their numbers."""


class Places:
    """Names the places of one game's trace."""

    def __init__(self, subject: Subject, block_map: BlockMap) -> None:
        """`block_map` is that of the claimed block."""
        self._subject = subject
        self._map = block_map

    def describe(self, first: int, last: int) -> str:
        """Steps `first` to `last` of the trace; beyond the claimed block nothing happens."""
        claimed = self._subject.l2_block
        begin, end = (
            min(claimed, self._subject.anchor_block + 1 + index // BLOCK_STEPS)
            for index in (first, last)
        )
        if begin < end:
            return f"blocks {begin:,} to {end:,}"
        if begin < claimed or last - first + 1 >= BLOCK_STEPS:
            return f"block {begin:,}"
        return f"block {claimed:,}, {self._within(first % BLOCK_STEPS, last % BLOCK_STEPS)}"

    def _within(self, first: int, last: int) -> str:
        names = self._map.names(first, last)
        if len(names) == len(self._map.passages):
            return f"all of its {self._map.steps:,} steps"
        if first == last:
            return f"{names[0]}, step {first:,}"
        steps = f"steps {first:,} to {last:,}"
        if len(names) == 1:
            return f"{names[0]}, {steps}" if last - first < _FEW else names[0]
        return steps if last - first < _FEW else f"{names[0]} to {names[-1]}"
