"""`eth_`: transactions and receipts by hash, and sending."""

from execution.limits import L1_TRANSACTION_BYTES_MAX
from node.rpc.backend import Backend
from node.rpc.codec import data, parse_data, parse_hash
from node.rpc.dispatch import Param, method
from node.rpc.errors import InvalidParams
from node.rpc.format import (
    Json,
    mined_transaction,
    pending_transaction_json,
    placed_logs_of,
    receipt_json,
    transaction_json,
)
from state.stored import StoredBlock
from state.types import Hash32

_HASH = Param(parse_hash)


def parse_raw_transaction(value: object) -> bytes:
    """Parse a signed transaction's bytes; what can't be one is refused before it is hashed."""
    raw = parse_data(value)
    if len(raw) > L1_TRANSACTION_BYTES_MAX:
        raise InvalidParams(
            f"oversized data: transaction size {len(raw)}, limit {L1_TRANSACTION_BYTES_MAX}"
        )
    return raw


class TransactionMethods:
    """Transactions wherever they are: in a block, or in the pool."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @method("eth_sendRawTransaction", Param(parse_raw_transaction))
    async def send_raw(self, raw: bytes) -> str:
        """Take a signed transaction in; errors have go-ethereum's words."""
        return data(await self._backend.submit(raw))

    @method("eth_getTransactionByHash", _HASH)
    async def transaction(self, transaction_hash: Hash32) -> Json | None:
        """A transaction; its place is null while it waits."""
        found = self._find(transaction_hash)
        if found is not None:
            return transaction_json(mined_transaction(*found, self._backend.config.chain_id))
        mempool = self._backend.mempool
        waiting = None if mempool is None else mempool.get(transaction_hash)
        return None if waiting is None else pending_transaction_json(waiting)

    @method("eth_getRawTransactionByHash", _HASH)
    async def raw_transaction(self, transaction_hash: Hash32) -> str:
        """A transaction's envelope, mined or waiting; no bytes where there is none."""
        found = self._find(transaction_hash)
        if found is not None:
            block, index = found
            return data(block.transactions[index])
        mempool = self._backend.mempool
        waiting = None if mempool is None else mempool.get(transaction_hash)
        return "0x" if waiting is None else data(waiting.raw)

    @method("eth_getTransactionReceipt", _HASH)
    async def receipt(self, transaction_hash: Hash32) -> Json | None:
        """A receipt, or null while there is none."""
        found = self._find(transaction_hash)
        if found is None:
            return None
        block, index = found
        logs = placed_logs_of(block, index)
        return receipt_json(block, index, logs, self._backend.config.chain_id)

    def _find(self, transaction_hash: Hash32) -> tuple[StoredBlock, int] | None:
        """Its block and place, both of one moment of the chain."""
        reader = self._backend.store.reader
        place = reader.find_transaction(transaction_hash)
        block = None if place is None else reader.block(place[0])
        return None if place is None or block is None else (block, place[1])
