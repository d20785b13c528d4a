"""The block around the transactions, as far as they read and extend it."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from execution.evm.context import BlockContext
from execution.machine.chain import Link, list_hash
from execution.machine.limits import ANCESTOR_TREE_DEPTH, ANCESTORS_MAX
from execution.machine.records import Included
from execution.machine.tree import tree_root
from execution.machine.words import Word, commit, tag
from state.blocks import EMPTY_BLOOM
from state.types import ZERO_HASH, BlockNumber, Hash32

BLOCK_TAG: Final = tag("block")


class Committed(Protocol):
    """A structure that a word commits to."""

    def hash(self) -> Hash32: ...


@dataclass(slots=True)
class Block:
    """Environment (fixed) and what the transactions so far add up to."""

    context: BlockContext
    gas_used: int = 0
    bloom: bytes = EMPTY_BLOOM
    transactions: Link[Included] | None = None
    receipts: Link[Included] | None = None
    count: int = 0
    """Transactions included so far."""
    inputs: Committed | None = None
    """What the block is made from (bridge/machine); None where transactions come from nowhere."""
    _ring: tuple[BlockContext, Hash32] | None = field(default=None, repr=False)

    def ancestor(self, number: int) -> Hash32:
        """The hash of one of the last 256 blocks, else zero (BLOCKHASH)."""
        if not 0 < self.context.number - number <= ANCESTORS_MAX:
            return ZERO_HASH
        return self.context.ancestor_hash(BlockNumber(number)) or ZERO_HASH

    def ring(self) -> bytes:
        """The last 256 block hashes: that of block n is word n % 256."""
        ring = [ZERO_HASH] * ANCESTORS_MAX
        current = self.context.number
        for number in range(max(current - ANCESTORS_MAX, 0), current):
            ring[number % ANCESTORS_MAX] = self.ancestor(number)
        return b"".join(ring)

    def ancestors_root(self) -> Hash32:
        """The root of the ring."""
        if self._ring is None or self._ring[0] is not self.context:
            self._ring = self.context, tree_root(self.ring(), ANCESTOR_TREE_DEPTH)
        return self._ring[1]

    def words(self) -> tuple[Word, ...]:
        """In the order of docs/machine.md."""
        context = self.context
        return (
            context.chain_id,
            context.number,
            context.timestamp,
            context.coinbase,
            context.gas_limit,
            context.base_fee,
            context.prev_randao,
            self.ancestors_root(),
            self.gas_used,
            *(self.bloom[at : at + 32] for at in range(0, len(self.bloom), 32)),
            list_hash(self.transactions),
            list_hash(self.receipts),
            self.count,
            ZERO_HASH if self.inputs is None else self.inputs.hash(),
        )

    def hash(self) -> Hash32:
        return commit(BLOCK_TAG, self.words())
