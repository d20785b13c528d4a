"""Building the next block on the unsafe head, from what must be in it and what the pool offers.

L1 mode and the L2 sequencer build alike; only the candidates that come first differ. What is built
here is an offer: the caller writes it, and tells the pool.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from execution.attributes import BlockAttributes
from execution.errors import (
    Declined,
    FeeCapBelowBaseFee,
    GasAboveBlockLimit,
    InvalidTransaction,
    NonceTooHigh,
)
from execution.evm.engine import Approve, ChangesOf, Evm, MakeEvm, Outcome
from execution.evm.threads import run_deep
from execution.intrinsic import TRANSACTION_GAS
from execution.transaction import Transaction
from execution.transition import AccountEdit, BlockResult, Candidate, OpenBlock
from genesis.config import ChainConfig, Layer
from sequencer.batch_room import BatchRoom
from sequencer.mempool import Mempool
from state.blocks import Header
from state.clock import Clock
from state.errors import InternalError
from state.headers import next_base_fee
from state.reader import ChainReader
from state.store import ChainStore
from state.stored_state import HeadState
from state.types import Address, BlockNumber, Hash32

_MAY_FIT_LATER = (GasAboveBlockLimit, NonceTooHigh, FeeCapBelowBaseFee, Declined)
"""Reasons that the next block may do away with; every other one is the transaction's own fault."""


class Guard(Protocol):
    """Who watches what transactions of a block do, on the thread that builds it."""

    def start(self) -> None:
        """The block is begun; it may be that it was begun before."""

    def note_forced(self, changes_of: ChangesOf) -> None:
        """A forced candidate is in the block."""

    def note_settlement(self, settlement: Transaction, outcome: Outcome) -> None:
        """A settlement is in the block."""

    def admits(self, changes_of: ChangesOf) -> bool:
        """Whether a transaction of the pool may stay; one that may not waits for a later block."""


class _Unguarded:
    """Nobody minds what transactions do."""

    def start(self) -> None: ...

    def note_forced(self, changes_of: ChangesOf) -> None: ...

    def note_settlement(self, settlement: Transaction, outcome: Outcome) -> None: ...

    def admits(self, changes_of: ChangesOf) -> bool:
        return True


def build(
    store: ChainStore,
    config: ChainConfig,
    mempool: Mempool,
    attributes: BlockAttributes,
    forced_candidates: Sequence[Candidate] = (),
    *,
    settlements: Sequence[Transaction] = (),
    guard: Guard | None = None,
    edits: Sequence[AccountEdit] = (),
    clock: Clock,
    deadline: float | None = None,
    engine: MakeEvm = Evm,
) -> BlockResult:
    """Execute a block on the unsafe head: the forced candidates, settlements, then the pool's.

    Settlements go before the pool; one that doesn't fit or isn't valid is left out. What a
    transaction of the pool did stays if the `guard` admits it, so that no withdrawal gets in
    between a match and its settlement. No transaction of the pool is begun
    at or after `deadline`, a time of the clock's `monotonic()`; the others don't wait for it. A
    block of L2 is kept to what a batch can hold. `edits` come last, in a devnet's sandbox.
    Transactions that turn out invalid leave the pool. Nothing is written. Raises
    `InvalidBlockAttributes`.
    """
    parent = unsafe_header(store)
    watch: Guard = guard or _Unguarded()

    def make(room: BatchRoom | None) -> BlockResult:
        block = OpenBlock(parent, store.state(), attributes, config, ancestors_in(store), engine)
        filling = _Filling(block, room, watch)
        filling.force(forced_candidates)
        filling.settle(settlements)
        pending = mempool.pending(next_base_fee(parent))
        invalid = filling.fill(
            pending, lambda: deadline is not None and clock.monotonic() >= deadline
        )
        mempool.discard(invalid)
        for edit in edits:
            block.edit(edit)
        return block.seal()

    def make_postable() -> BlockResult:
        if config.layer is not Layer.L2:
            return make(None)
        room = BatchRoom()
        result = make(room)
        return result if room.is_postable() else make(BatchRoom(is_compressing=False))

    return run_deep(make_postable)


def preview(
    reader: ChainReader,
    config: ChainConfig,
    mempool: Mempool | None,
    attributes: BlockAttributes,
    forced_candidates: Sequence[Candidate] = (),
    *,
    clock: Clock,
    deadline: float,
) -> BlockResult:
    """The block that `build` would make of the pool at that moment of the chain, for a look at it.

    Nobody's settlements are in it, and nothing leaves the pool. Raises `InvalidBlockAttributes`.
    """
    parent = unsafe_header(reader)
    state = HeadState(reader, parent.state_root)

    def make() -> BlockResult:
        block = OpenBlock(parent, state, attributes, config, ancestors_in(reader))
        room = BatchRoom() if config.layer is Layer.L2 else None
        filling = _Filling(block, room, _Unguarded())
        filling.force(forced_candidates)
        if mempool is not None:
            pending = mempool.pending(next_base_fee(parent))
            filling.fill(pending, lambda: clock.monotonic() >= deadline)
        return block.seal()

    return run_deep(make)


def unsafe_header(store: ChainStore | ChainReader) -> Header:
    """The header that the next block follows."""
    head = store.heads.unsafe
    header = store.header(head.number)
    if header is None:
        raise InternalError(f"the header of the unsafe head, block {head.number}, is not stored")
    return header


def ancestors_in(store: ChainStore | ChainReader) -> Callable[[BlockNumber], Hash32 | None]:
    """Hashes of stored blocks by number, for BLOCKHASH."""

    def hash_of(number: BlockNumber) -> Hash32 | None:
        block = store.block_id(number)
        return block.hash if block else None

    return hash_of


class _Filling:
    """Fills a block: with what is forced, what settles, and what the pool has."""

    def __init__(self, block: OpenBlock, room: BatchRoom | None, guard: Guard) -> None:
        self._block = block
        self._room = room
        self._guard = guard
        guard.start()
        self._passed_over: set[Address] = set()

    def force(self, candidates: Iterable[Candidate]) -> None:
        """Offer what has to be in the block, if it can be."""

        def noted(outcome: Outcome, changes_of: ChangesOf) -> bool:
            self._guard.note_forced(changes_of)
            return True

        for candidate in candidates:
            self._block.offer(candidate, noted)

    def settle(self, settlements: Iterable[Transaction]) -> None:
        """Offer settlements in order; one that has no room is left to the next block."""
        for tx in settlements:
            if tx.gas <= self._block.gas_left and self._has_room(tx):
                self._offer(tx, partial(self._note, tx))

    def fill(self, pending: Iterable[Transaction], is_late: Callable[[], bool]) -> list[Hash32]:
        """Offer transactions until the block is full; returns the hashes of invalid ones."""
        invalid = []
        for tx in pending:
            if self._block.gas_left < TRANSACTION_GAS or is_late():
                break
            if tx.sender in self._passed_over:
                continue
            if tx.gas > self._block.gas_left or not self._has_room(tx):
                self._passed_over.add(tx.sender)
                continue
            reason = self._offer(tx, self._admits)
            if reason is not None:
                self._passed_over.add(tx.sender)
                if not isinstance(reason, _MAY_FIT_LATER):
                    invalid.append(tx.hash)
        return invalid

    def _has_room(self, tx: Transaction) -> bool:
        return self._room is None or self._room.take(tx.raw)

    def _note(self, tx: Transaction, outcome: Outcome, changes_of: ChangesOf) -> bool:
        self._guard.note_settlement(tx, outcome)
        return True

    def _admits(self, outcome: Outcome, changes_of: ChangesOf) -> bool:
        return self._guard.admits(changes_of)

    def _offer(self, tx: Transaction, approve: Approve) -> InvalidTransaction | None:
        reason = self._block.offer(Candidate(tx), approve)
        if reason is not None and self._room is not None:
            self._room.give_back()
        return reason
