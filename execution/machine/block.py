"""The block around the transactions, as far as they read and extend it."""

from dataclasses import dataclass
from typing import Final

from execution.evm.context import BlockContext
from execution.machine.chain import Link, list_hash
from execution.machine.limits import ANCESTOR_TREE_DEPTH, ANCESTORS_MAX
from execution.machine.records import Included
from execution.machine.tree import tree_root
from execution.machine.words import Word, commit, tag
from state.blocks import EMPTY_BLOOM
from state.types import ZERO_HASH, BlockNumber, Hash32

BLOCK_TAG: Final = tag("block")


@dataclass(slots=True)
class Block:
    """Environment (fixed) and what the transactions so far add up to."""

    context: BlockContext
    gas_used: int = 0
    bloom: bytes = EMPTY_BLOOM
    transactions: Link[Included] | None = None
    receipts: Link[Included] | None = None

    def ancestor(self, number: int) -> Hash32:
        """The hash of one of the last 256 blocks, else zero (BLOCKHASH)."""
        if not 0 < self.context.number - number <= ANCESTORS_MAX:
            return ZERO_HASH
        return self.context.ancestor_hash(BlockNumber(number)) or ZERO_HASH

    def ancestors_root(self) -> Hash32:
        """The ring of the last 256 block hashes: that of block n is leaf n % 256."""
        ring = [ZERO_HASH] * ANCESTORS_MAX
        current = self.context.number
        for number in range(max(current - ANCESTORS_MAX, 0), current):
            ring[number % ANCESTORS_MAX] = self.ancestor(number)
        return tree_root(b"".join(ring), ANCESTOR_TREE_DEPTH)

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
        )

    def hash(self) -> Hash32:
        return commit(BLOCK_TAG, self.words())
