"""A block as passages of its steps, so that a place in it has a name."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from bridge.machine.block_machine import BlockMachine
from execution.machine.status import Status

_BEGINNING: Final = frozenset({Status.BOUNDARY, Status.DECODE, Status.SCAN, Status.ORIGIN})
_END: Final = frozenset(
    {
        Status.HASH_TRANSACTION,
        Status.TRANSACTIONS_ROOT,
        Status.HASH_RECEIPT,
        Status.RECEIPTS_ROOT,
        Status.SEAL,
    }
)


@dataclass(frozen=True, slots=True)
class Passage:
    """Steps that belong together, from `first` to where the next passage begins."""

    first: int
    name: str


@dataclass(frozen=True, slots=True)
class BlockMap:
    """All passages of one block in order; the last one is what comes after the block is sealed."""

    passages: tuple[Passage, ...]

    @classmethod
    def of(cls, machine: BlockMachine) -> BlockMap:
        """The map of the block that a machine is about to make."""
        passages: list[Passage] = []
        while not machine.is_done:
            name = _name(machine)
            if not passages or passages[-1].name != name:
                passages.append(Passage(machine.steps, name))
            machine.step()
        passages.append(Passage(machine.steps, "its end"))
        return cls(tuple(passages))

    @property
    def steps(self) -> int:
        """How many steps the block takes; it idles in all others."""
        return self.passages[-1].first

    def names(self, first: int, last: int) -> tuple[str, ...]:
        """The passages that steps `first` to `last` of the block lie in."""
        starts = [passage.first for passage in self.passages]
        begin, end = bisect_right(starts, first) - 1, bisect_right(starts, last)
        return tuple(passage.name for passage in self.passages[begin:end])


def _name(machine: BlockMachine) -> str:
    if machine.status in _BEGINNING or machine.machine is None:
        return "reading its batch"
    if machine.status in _END:
        return "its roots and header"
    count = machine.machine.state.block.count
    if machine.status is Status.NEXT:
        return f"what follows transaction {count}" if count else "what comes first"
    return f"transaction {count + 1}"
