"""`debug_`: the consensus encodings of what the chain holds."""

from node.rpc.backend import Backend, HeaderNotFound
from node.rpc.codec import BlockRef, data, optional_data, parse_block, parse_hash
from node.rpc.dispatch import Param, method
from node.rpc.format import encode_block
from state.headers import encode_header
from state.receipts import encode_receipt
from state.stored import StoredBlock
from state.types import Hash32

_BLOCK = Param(parse_block)


class RawMethods:
    """RLP as it is hashed."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def _block(self, ref: BlockRef) -> StoredBlock:
        block = self._backend.block(ref)
        if block is None:
            raise HeaderNotFound
        return block

    @method("debug_getRawHeader", _BLOCK)
    async def raw_header(self, ref: BlockRef) -> str:
        """The RLP of a header."""
        return data(encode_header(self._backend.header(ref)))

    @method("debug_getRawBlock", _BLOCK)
    async def raw_block(self, ref: BlockRef) -> str:
        """The RLP of a block."""
        return data(encode_block(self._block(ref)))

    @method("debug_getRawReceipts", _BLOCK)
    async def raw_receipts(self, ref: BlockRef) -> list[str]:
        """The envelopes of a block's receipts (EIP-2718)."""
        return [data(encode_receipt(receipt)) for receipt in self._block(ref).receipts]

    @method("debug_getRawTransaction", Param(parse_hash))
    async def raw_transaction(self, transaction_hash: Hash32) -> str | None:
        """The envelope of a transaction, mined or waiting; null where it is neither."""
        reader = self._backend.store.reader
        place = reader.find_transaction(transaction_hash)
        block = None if place is None else reader.block(place[0])
        if place is not None and block is not None:
            return data(block.transactions[place[1]])
        mempool = self._backend.mempool
        waiting = None if mempool is None else mempool.get(transaction_hash)
        return optional_data(None if waiting is None else waiting.raw)

    @method("debug_getBadBlocks")
    async def bad_blocks(self) -> list[object]:
        """None: derivation makes of every input a valid block."""
        return []
