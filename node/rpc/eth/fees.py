"""`eth_`: what gas costs, and what to offer."""

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from node import limits
from node.rpc.backend import Backend, HeaderNotFound
from node.rpc.codec import BlockRef, Tag, parse_block_number, parse_uint64, quantity
from node.rpc.dispatch import Param, method
from node.rpc.errors import InvalidParams
from node.rpc.eth.tips import TipOracle, TipSample, tips_of
from node.rpc.format import Json
from state.blocks import Header
from state.headers import next_base_fee
from state.types import BlockNumber, Wei

BLOB_BASE_FEE: Final = Wei(1)
"""There are no blobs; BLOBBASEFEE pushes the minimum (EIP-4844)."""


def parse_block_count(value: object) -> int:
    """Parse a count of blocks; clients send quantities, and some of them plain numbers."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return parse_uint64(value)


def parse_percentiles(value: object) -> tuple[float, ...]:
    """Parse rising percentiles between 0 and 100. Raises `InvalidParams`."""
    if not isinstance(value, list) or len(value) > limits.RPC_FEE_HISTORY_PERCENTILES_MAX:
        most = limits.RPC_FEE_HISTORY_PERCENTILES_MAX
        raise InvalidParams(f"reward percentiles are a list of at most {most} numbers")
    for position, percentile in enumerate(value):
        if isinstance(percentile, bool) or not isinstance(percentile, int | float):
            raise InvalidParams("invalid reward percentile: not a number")
        if not 0 <= percentile <= 100 or (position and percentile < value[position - 1]):
            raise InvalidParams(f"invalid reward percentile: {percentile}")
    return tuple(value)


def rewards(samples: Sequence[TipSample], percentiles: Sequence[float]) -> list[Wei]:
    """The tips at percentiles of the gas used (execution-apis, eth_feeHistory)."""
    if not samples:
        return [Wei(0)] * len(percentiles)
    totals = list(accumulate(sample.gas for sample in samples))
    last = len(samples) - 1
    return [
        samples[min(bisect_left(totals, totals[-1] * percentile / 100), last)].tip
        for percentile in percentiles
    ]


class FeeMethods:
    """Suggestions learned from recent blocks, and the history behind them."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._tips = TipOracle(backend)

    @method("eth_gasPrice")
    async def gas_price(self) -> str:
        """A price for a legacy transaction: the next block's base fee and a tip, in wei.

        Never below the latest block's base fee, so that falling fees don't strand a sender.
        """
        header = self._backend.header(Tag.LATEST)
        base_fee = max(header.base_fee_per_gas, next_base_fee(header))
        return quantity(base_fee + self._tips.suggested())

    @method("eth_maxPriorityFeePerGas")
    async def priority_fee(self) -> str:
        """A tip that recent blocks took, in wei a gas."""
        return quantity(self._tips.suggested())

    @method("eth_blobBaseFee")
    async def blob_base_fee(self) -> str:
        """The price of blob gas, of which there is none to buy."""
        return quantity(BLOB_BASE_FEE)

    @method(
        "eth_feeHistory",
        Param(parse_block_count),
        Param(parse_block_number),
        Param(parse_percentiles, ()),
    )
    async def fee_history(
        self, count: int, newest: BlockRef, percentiles: tuple[float, ...]
    ) -> Json:
        """Base fees, fullness and tips of consecutive blocks, and the base fee after them."""
        last = self._backend.number_of(newest)
        if last is None:
            raise HeaderNotFound
        count = min(count, limits.RPC_FEE_HISTORY_BLOCKS_MAX, last + 1)
        if count == 0:
            return {"oldestBlock": quantity(0), "baseFeePerGas": [], "gasUsedRatio": []}
        first = BlockNumber(last - count + 1)
        return await asyncio.to_thread(self._history, first, last, percentiles)

    def _history(self, first: BlockNumber, last: BlockNumber, percentiles: Sequence[float]) -> Json:
        headers = [self._backend.header(BlockNumber(n)) for n in range(first, last + 1)]
        after = next_base_fee(headers[-1])
        history: Json = {
            "oldestBlock": quantity(first),
            "baseFeePerGas": [*(quantity(h.base_fee_per_gas) for h in headers), quantity(after)],
            "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
            "baseFeePerBlobGas": [quantity(BLOB_BASE_FEE)] * (len(headers) + 1),
            "blobGasUsedRatio": [0.0] * len(headers),
        }
        if percentiles:
            history["reward"] = [
                [quantity(tip) for tip in self._rewards(header, percentiles)] for header in headers
            ]
        return history

    def _rewards(self, header: Header, percentiles: Sequence[float]) -> list[Wei]:
        if header.gas_used == 0:
            return rewards((), percentiles)
        block = self._backend.block(header.number)
        if block is None:
            raise HeaderNotFound
        return rewards(tips_of(block, self._backend.config.chain_id), percentiles)
