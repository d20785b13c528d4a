"""`eth_sendRawTransactionSync`: a transaction in, its receipt out, in one call (EIP-7966)."""

import asyncio

from node import limits
from node.rpc.backend import Backend
from node.rpc.codec import data, parse_uint64
from node.rpc.dispatch import Param, method
from node.rpc.errors import CallFailed, InvalidParams, LimitExceeded
from node.rpc.eth.transactions import TransactionMethods, parse_raw_transaction
from node.rpc.format import Json
from state.types import Hash32


class NotInABlockYet(CallFailed):
    """The transaction is in the pool, and no block has had it within the time; its hash is told."""

    code = 4

    def __init__(self, sent: Hash32, seconds: float) -> None:
        super().__init__(
            "The transaction was added to the transaction pool but wasn't processed"
            f" in {seconds:g}s",
            data(sent),
        )


def parse_timeout(value: object) -> float:
    """Parse milliseconds, as a number or a quantity; seconds, cut to what one call may wait."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    milliseconds = value if is_number else parse_uint64(value)
    if not isinstance(milliseconds, int) or milliseconds <= 0:
        raise InvalidParams(f"a timeout is at least one millisecond, not {value!r:.40}")
    return min(milliseconds, 1000 * limits.RPC_SYNC_SECONDS_MAX) / 1000


class SyncSendingMethods:
    """Sending for those who would ask for the receipt next."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._transactions = TransactionMethods(backend)
        self._waiting = 0

    @method(
        "eth_sendRawTransactionSync",
        Param(parse_raw_transaction),
        Param(parse_timeout, limits.RPC_SYNC_SECONDS),
    )
    async def send(self, raw: bytes, seconds: float) -> Json:
        """Take a signed transaction in, and answer with its receipt once a block has it."""
        if self._waiting >= limits.RPC_SYNC_WAITING_MAX:
            raise LimitExceeded("too many wait for receipts: use eth_sendRawTransaction")
        self._waiting += 1
        try:
            return await self._sent(raw, seconds)
        finally:
            self._waiting -= 1

    async def _sent(self, raw: bytes, seconds: float) -> Json:
        moved = asyncio.Event()
        stop = self._backend.feed.on_block(lambda event: moved.set())
        try:
            sent = await self._backend.submit(raw)
            return await self._receipt(sent, moved, seconds)
        finally:
            stop()

    async def _receipt(self, sent: Hash32, moved: asyncio.Event, seconds: float) -> Json:
        """The receipt as soon as the chain has `moved` that far. Raises `NotInABlockYet`."""
        try:
            async with asyncio.timeout(seconds):
                while (receipt := await self._transactions.receipt(sent)) is None:
                    await moved.wait()
                    moved.clear()
                return receipt
        except TimeoutError:
            raise NotInABlockYet(sent, seconds) from None
