"""Accounts as Otterscan shows them: their transactions, and where they come from."""

from collections.abc import Callable
from typing import Any

from execution.call_tree import CallTracer
from node import limits
from node.history.history import AddressHistory
from node.history.index import Place
from node.rpc.backend import Backend, HeaderNotFound
from node.rpc.codec import BlockRef, Tag, data, parse_address
from node.rpc.debug.traces import replay_of, trace_budget
from node.rpc.dispatch import Param, method
from node.rpc.format import (
    Json,
    mined_transaction,
    placed_logs_of,
    receipt_json,
    transaction_json,
)
from node.rpc.ots.blocks import parse_count, parse_height, parse_page_size
from state.accounts import EMPTY_CODE_HASH, Account
from state.keccak import keccak
from state.stored import StoredBlock
from state.types import Address, BlockNumber

_SEARCH = (Param(parse_address), Param(parse_count), Param(parse_page_size))


class OtterscanAccounts:
    """Questions about one address."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._history = backend.history or AddressHistory(backend.store, backend.config)

    @method("ots_hasCode", Param(parse_address), Param(parse_height, Tag.LATEST))
    async def has_code(self, address: Address, ref: BlockRef) -> bool:
        """Whether there is a contract."""
        return _has_code(self._backend.state(ref).account(address))

    @method("ots_searchTransactionsBefore", *_SEARCH)
    async def before(self, address: Address, number: int, size: int) -> Json:
        """The newest transactions below a block; 0 begins with the latest."""
        first = BlockNumber(number or self._backend.store.heads.unsafe.number + 1)
        places = await self._history.before(address, first, size)
        shown, has_more = _page(places, size)
        return self._found(shown, first=number == 0, last=not has_more)

    @method("ots_searchTransactionsAfter", *_SEARCH)
    async def after(self, address: Address, number: int, size: int) -> Json:
        """The oldest transactions above a block, newest first all the same."""
        places = await self._history.after(address, BlockNumber(number), size)
        shown, has_more = _page(places, size)
        return self._found(shown[::-1], first=not has_more, last=number == 0)

    @method("ots_getTransactionBySenderAndNonce", Param(parse_address), Param(parse_count))
    async def by_nonce(self, sender: Address, nonce: int) -> str | None:
        """The hash of the transaction that used a nonce; null where none has."""
        return await self._backend.evm.run(self._by_nonce, sender, nonce)

    @method("ots_getContractCreator", Param(parse_address))
    async def creator(self, address: Address) -> Json | None:
        """Who made a contract, and in which transaction; null for what was there from the start."""
        return await self._backend.evm.run(self._creator, address)

    # Pages

    def _found(self, places: list[Place], *, first: bool, last: bool) -> Json:
        shown = [self._transaction(place) for place in places]
        return {
            "txs": [transaction for transaction, _ in shown],
            "receipts": [receipt for _, receipt in shown],
            "firstPage": first,
            "lastPage": last,
        }

    def _transaction(self, place: Place) -> tuple[Json, Json]:
        block = self._backend.store.block(place.number)
        if block is None or place.index >= len(block.transactions):
            raise HeaderNotFound  # it left the chain since the index was asked
        chain_id = self._backend.config.chain_id
        mined = mined_transaction(block, place.index, chain_id)
        receipt = receipt_json(block, place.index, placed_logs_of(block, place.index), chain_id)
        return transaction_json(mined), {**receipt, "timestamp": block.header.timestamp}

    # Searches in old states

    def _first_block(
        self, address: Address, holds: Callable[[Account | None], bool]
    ) -> StoredBlock | None:
        """The first block after which something holds that goes on to hold; None if it doesn't.

        None too where it held from the start. Nonces only grow, and code stays (EIP-6780).
        """
        store = self._backend.store
        low, high = BlockNumber(0), store.heads.unsafe.number
        if not holds(store.state(high).account(address)) or holds(
            store.state(low).account(address)
        ):
            return None
        while low + 1 < high:
            middle = BlockNumber((low + high) // 2)
            if holds(store.state(middle).account(address)):
                high = middle
            else:
                low = middle
        return store.block(high)

    def _by_nonce(self, sender: Address, nonce: int) -> str | None:
        block = self._first_block(sender, lambda account: _nonce(account) > nonce)
        if block is None:
            return None
        parent = self._backend.store.state(BlockNumber(block.header.number - 1))
        skipped = nonce - _nonce(parent.account(sender))
        own = [raw for raw, who in zip(block.transactions, block.senders) if who == sender]
        # The nonce of a contract counts what it made, in transactions of others.
        return data(keccak(own[skipped])) if 0 <= skipped < len(own) else None

    def _creator(self, address: Address) -> dict[str, Any] | None:
        block = self._first_block(address, _has_code)
        if block is None:
            return None
        budget = trace_budget(self._backend, limits.RPC_TRACE_SECONDS_MAX)
        replay = replay_of(self._backend, block)
        for raw in block.transactions:
            tracer = CallTracer(budget)
            replay.run(tracer)
            for call in tracer.root.stood():
                if call.entry.to == address and call.entry.kind in ("CREATE", "CREATE2"):
                    return {"hash": data(keccak(raw)), "creator": data(call.entry.sender)}
        return None


def _page(places: list[Place], size: int) -> tuple[list[Place], bool]:
    """What to show of the places found: `size` and the rest of the last block; and whether more."""
    if len(places) <= size:
        return places, False
    last = places[size - 1].number
    shown = [place for at, place in enumerate(places) if at < size or place.number == last]
    return shown, len(shown) < len(places)


def _has_code(account: Account | None) -> bool:
    return account is not None and account.code_hash != EMPTY_CODE_HASH


def _nonce(account: Account | None) -> int:
    return 0 if account is None else account.nonce
