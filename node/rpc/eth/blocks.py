"""`eth_`: blocks and what is in them."""

from node.rpc.backend import Backend
from node.rpc.codec import (
    BlockRef,
    Tag,
    data,
    parse_block,
    parse_bool,
    parse_hash,
    parse_uint64,
    quantity,
)
from node.rpc.dispatch import Param, method
from node.rpc.format import (
    Json,
    block_json,
    mined_transaction,
    pending_block_json,
    receipts_json,
    transaction_json,
)
from state.types import Hash32

_BLOCK = Param(parse_block)
_HASH = Param(parse_hash)
_FULL = Param(parse_bool, False)
_INDEX = Param(parse_uint64)
_BODY = frozenset({"transactions", "uncles", "withdrawals", "size"})
"""What a block has beside its header."""


class BlockMethods:
    """Blocks by number, tag or hash; null where the chain has none such."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @method("eth_getBlockByNumber", _BLOCK, _FULL)
    async def block_by_number(self, ref: BlockRef, full: bool) -> Json | None:
        """A block, its transactions whole or as hashes."""
        pending = await self._backend.pending_block(ref)
        if pending is not None:
            return pending_block_json(pending.block, self._backend.config.chain_id, full=full)
        block = self._backend.block(ref)
        return (
            None if block is None else block_json(block, self._backend.config.chain_id, full=full)
        )

    @method("eth_getBlockByHash", _HASH, _FULL)
    async def block_by_hash(self, block_hash: Hash32, full: bool) -> Json | None:
        """A block, its transactions whole or as hashes."""
        return await self.block_by_number(block_hash, full)

    @method("eth_getBlockTransactionCountByNumber", _BLOCK)
    async def count_by_number(self, ref: BlockRef) -> str | None:
        """How many transactions a block has."""
        block = await self._backend.block_at(ref)
        return None if block is None else quantity(len(block.transactions))

    @method("eth_getBlockTransactionCountByHash", _HASH)
    async def count_by_hash(self, block_hash: Hash32) -> str | None:
        """How many transactions a block has."""
        return await self.count_by_number(block_hash)

    @method("eth_getHeaderByNumber", _BLOCK)
    async def header_by_number(self, ref: BlockRef) -> Json | None:
        """A block without its transactions."""
        found = await self.block_by_number(ref, full=False)
        return found and {name: found[name] for name in found if name not in _BODY}

    @method("eth_getHeaderByHash", _HASH)
    async def header_by_hash(self, block_hash: Hash32) -> Json | None:
        """A block without its transactions."""
        return await self.header_by_number(block_hash)

    @method("eth_getUncleByBlockNumberAndIndex", _BLOCK, _INDEX)
    async def uncle_by_number(self, ref: BlockRef, index: int) -> None:
        """No block has ommers."""

    @method("eth_getUncleByBlockHashAndIndex", _HASH, _INDEX)
    async def uncle_by_hash(self, block_hash: Hash32, index: int) -> None:
        """No block has ommers."""

    @method("eth_getUncleCountByBlockNumber", _BLOCK)
    async def uncles_by_number(self, ref: BlockRef) -> str | None:
        """No block has ommers."""
        return None if self._backend.number_of(ref) is None else quantity(0)

    @method("eth_getUncleCountByBlockHash", _HASH)
    async def uncles_by_hash(self, block_hash: Hash32) -> str | None:
        """No block has ommers."""
        return await self.uncles_by_number(block_hash)

    @method("eth_getBlockReceipts", _BLOCK)
    async def receipts(self, ref: BlockRef) -> list[Json] | None:
        """All receipts of a block."""
        block = await self._backend.block_at(ref)
        return None if block is None else receipts_json(block, self._backend.config.chain_id)

    @method("eth_getTransactionByBlockNumberAndIndex", _BLOCK, _INDEX)
    async def transaction_by_number(self, ref: BlockRef, index: int) -> Json | None:
        """A transaction by its place."""
        block = await self._backend.block_at(ref)
        if block is None or index >= len(block.transactions):
            return None
        return transaction_json(mined_transaction(block, index, self._backend.config.chain_id))

    @method("eth_getTransactionByBlockHashAndIndex", _HASH, _INDEX)
    async def transaction_by_hash(self, block_hash: Hash32, index: int) -> Json | None:
        """A transaction by its place."""
        return await self.transaction_by_number(block_hash, index)

    @method("eth_getRawTransactionByBlockNumberAndIndex", _BLOCK, _INDEX)
    async def raw_by_number(self, ref: BlockRef, index: int) -> str:
        """A transaction's envelope by its place; no bytes where there is none."""
        block = await self._backend.block_at(ref)
        if block is None or index >= len(block.transactions):
            return "0x"
        return data(block.transactions[index])

    @method("eth_getRawTransactionByBlockHashAndIndex", _HASH, _INDEX)
    async def raw_by_hash(self, block_hash: Hash32, index: int) -> str:
        """A transaction's envelope by its place; no bytes where there is none."""
        return await self.raw_by_number(block_hash, index)

    @method("eth_baseFee")
    async def base_fee(self) -> str:
        """The base fee of the latest block, in wei a gas."""
        return quantity(self._backend.header(Tag.LATEST).base_fee_per_gas)
