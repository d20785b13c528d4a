"""The tip to offer, learned from recent blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from genesis.config import Layer
from node import limits
from node.rpc.backend import Backend
from node.rpc.format import gas_used, mined_transactions
from sequencer.l1_pricing import l1_base_fee, suggested_tip
from state.blocks import BlockId
from state.stored import StoredBlock
from state.types import BlockNumber, Gas, Wei

TIP_MIN: Final = Wei(10**6)
"""The tip suggested while nobody offers more, in wei a gas; op-geth's on an idle L2."""

TIP_PERCENTILE: Final = 60
"""Of recent tips, the one suggested; go-ethereum's default."""


@dataclass(frozen=True, slots=True)
class TipSample:
    """The tip a transaction paid for each gas, and how much gas."""

    tip: Wei
    gas: Gas


def tips_of(block: StoredBlock, chain_id: int) -> list[TipSample]:
    """What a block's transactions tipped, lowest first; deposits pay nothing and don't count."""
    base_fee = block.header.base_fee_per_gas
    samples = [
        TipSample(
            Wei(mined.tx.effective_gas_price(base_fee) - base_fee), gas_used(block, mined.index)
        )
        for mined in mined_transactions(block, chain_id)
        if not mined.tx.is_deposit
    ]
    return sorted(samples, key=lambda sample: sample.tip)


class TipOracle:
    """Suggests a tip, in wei a gas."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._suggested: tuple[BlockId, Wei] | None = None

    def suggested(self) -> Wei:
        """The suggested tip, computed once a block."""
        head = self._backend.store.heads.unsafe
        if self._suggested is None or self._suggested[0] != head:
            tips = sorted(self._recent_tips(head.number))
            learned = tips[(len(tips) - 1) * TIP_PERCENTILE // 100] if tips else Wei(0)
            self._suggested = (head, max(learned, TIP_MIN, self._l1_tip()))
        return self._suggested[1]

    def _l1_tip(self) -> Wei:
        """What pays for a transaction's bytes on L1, where there is one."""
        if self._backend.config.layer is not Layer.L2:
            return Wei(0)
        return suggested_tip(l1_base_fee(self._backend.store.state()))

    def _recent_tips(self, head: BlockNumber) -> Iterator[Wei]:
        """A few of the lowest tips of each recent block: what was enough to get in."""
        first = max(0, head - limits.RPC_FEE_SAMPLE_BLOCKS + 1)
        for number in range(first, head + 1):
            block = self._backend.block(BlockNumber(number))
            if block is not None:
                samples = tips_of(block, self._backend.config.chain_id)
                yield from (sample.tip for sample in samples[: limits.RPC_FEE_SAMPLES_A_BLOCK])
