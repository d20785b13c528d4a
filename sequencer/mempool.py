"""The pool of transactions that wait for a block.

Open to anyone, so that everything in it is bounded: count, bytes, one sender's share, what waits
behind a missing nonce, and how long. Every transaction is backed by its sender's balance, all of
that sender's together, so that filling the pool costs what it reserves. The rules and messages
follow go-ethereum's transaction pool, because wallets rely on them.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from execution import admission
from execution.errors import InsufficientFunds, NonceTooHigh, NonceTooLow
from execution.transaction import Transaction
from execution.transactions import decode
from genesis.config import ChainConfig, Layer
from sequencer.account_queue import AccountQueue, PooledTransaction
from sequencer.errors import (
    AccountLimitExceeded,
    AlreadyKnown,
    PoolFull,
    ReplacementUnderpriced,
    TipTooLow,
    TransactionUnderpriced,
)
from sequencer.eviction import CheapestFirst, price
from sequencer.l1_pricing import l1_base_fee, least_tip
from sequencer.limits import (
    ACCOUNT_QUEUED_MAX,
    ACCOUNT_TRANSACTIONS_MAX,
    EVICTIONS_MAX,
    EXPIRY_INTERVAL_SECONDS,
    POOL_BYTES_MAX,
    POOL_QUEUED_MAX,
    POOL_TRANSACTIONS_MAX,
    QUEUED_SECONDS_MAX,
    REPLACEMENT_BUMP_PERCENT,
)
from sequencer.ordering import POLICIES, Ordering, in_order
from sequencer.pool_content import PoolContent, PoolStatistics, content_of
from state.accounts import Account, StateReader
from state.blocks import SealedBlock
from state.clock import Clock
from state.errors import Invalid
from state.keccak import keccak
from state.types import Address, Hash32, Timestamp, Wei


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How much may wait; the defaults are in `sequencer.limits`."""

    transactions: int = POOL_TRANSACTIONS_MAX
    bytes: int = POOL_BYTES_MAX
    queued: int = POOL_QUEUED_MAX
    account_transactions: int = ACCOUNT_TRANSACTIONS_MAX
    account_queued: int = ACCOUNT_QUEUED_MAX
    evictions: int = EVICTIONS_MAX


_DEFAULTS = PoolLimits()


Listener = Callable[[Transaction], None]
"""Told of each transaction that becomes executable, in the adding thread; must not raise."""


class Mempool:
    """Waiting transactions. Every method may be called from any thread."""

    def __init__(
        self,
        config: ChainConfig,
        clock: Clock,
        state: StateReader,
        base_fee: Wei,
        limits: PoolLimits = _DEFAULTS,
        ordering: Ordering = Ordering.PRIORITY_FEE,
    ) -> None:
        """`state` is that of the head, `base_fee` the next block's, in wei."""
        self._policy = POLICIES[ordering]
        self._config = config
        self._clock = clock
        self._state = state
        self._base_fee = base_fee
        self._l1_base_fee = self._read_l1_base_fee()
        self._limits = limits
        self._lock = threading.Lock()
        self._by_hash: dict[Hash32, PooledTransaction] = {}
        self._queues: dict[Address, AccountQueue] = {}
        self._queued = 0
        self._bytes = 0
        self._arrivals = 0
        self._revision = 0
        self._cheapest = CheapestFirst()
        self._expired_at = clock.now()
        self._listeners: tuple[Listener, ...] = ()
        self._is_kept_out: Callable[[bytes], bool] = lambda raw: False

    # Adding

    def add(self, raw: bytes) -> Transaction:
        """Take a signed transaction in. Raises `InvalidTransaction` or `TransactionRejected`."""
        if keccak(raw) in self._by_hash:
            raise AlreadyKnown
        return self.add_decoded(decode(raw, chain_id=self._config.chain_id))

    def add_decoded(self, tx: Transaction) -> Transaction:
        """Take a transaction in whose sender is beyond doubt. Raises as `add` does."""
        self._check(tx)
        offered, needed = min(tx.max_priority_fee_per_gas, tx.max_fee_per_gas), self._least_tip(tx)
        if offered < needed:
            raise TipTooLow(offered, needed)
        return self._admit(tx)

    def _check(self, tx: Transaction) -> None:
        admission.check_stateless(tx, self._config.rules, self._config.chain_id)
        admission.check_block_gas(tx, self._config.block_gas_limit)

    def _admit(self, tx: Transaction) -> Transaction:
        with self._lock:
            ready = self._insert(tx)
        for pooled in ready:
            for listener in self._listeners:
                listener(pooled.tx)
        return tx

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` for each transaction that becomes executable; returns how to stop it."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return unsubscribe

    def keep_out(self, is_kept_out: Callable[[bytes], bool]) -> None:
        """Let what dropped blocks had held not come back, where `is_kept_out` says so."""
        self._is_kept_out = is_kept_out

    # Following the chain

    def on_block(self, block: SealedBlock, state: StateReader, base_fee: Wei) -> None:
        """The head moved on by `block`: drop what it used up. `base_fee` is the next block's."""
        with self._lock:
            self._move(state, base_fee)
            for address in self._queues.keys() & block.update.diff.accounts.keys():
                self._refresh(address)
            self._expire()

    def reset(self, state: StateReader, base_fee: Wei, dropped: Iterable[bytes] = ()) -> None:
        """The head jumped: check every sender, and take back what dropped blocks had held."""
        with self._lock:
            self._move(state, base_fee)
            for address in list(self._queues):
                self._refresh(address)
            self._expire()
        self.take_back(dropped)

    def take_back(self, envelopes: Iterable[bytes]) -> None:
        """Take transactions in that were there before, as far as they are still valid."""
        for raw in envelopes:
            self._take_back(raw)

    def discard(self, hashes: Iterable[Hash32]) -> None:
        """Drop transactions that turned out invalid, and what their senders queued behind them."""
        with self._lock:
            for hash_ in hashes:
                pooled = self._by_hash.get(hash_)
                if pooled is not None:
                    self._cut(pooled.tx.sender, pooled.tx.nonce)

    # Reading

    def pending(self, base_fee: Wei) -> Iterator[Transaction]:
        """What a block with that base fee can hold, as the policy orders it, as of this moment."""
        with self._lock:
            runs = [queue.executable_run() for queue in self._queues.values()]
        return in_order(runs, base_fee, self._policy, self._least_tip)

    @property
    def revision(self) -> int:
        """Counts the changes: while it stays the same, so does what is in the pool."""
        return self._revision

    def get(self, transaction_hash: Hash32) -> Transaction | None:
        pooled = self._by_hash.get(transaction_hash)
        return pooled.tx if pooled else None

    def next_nonce(self, address: Address) -> int:
        """The nonce to use next, executable transactions counted in."""
        with self._lock:
            queue = self._queues.get(address)
            return queue.next_nonce if queue else self._account(address).nonce

    def envelopes(self) -> list[bytes]:
        """All that wait, in the order in which they came."""
        with self._lock:
            return [one.tx.raw for one in sorted(self._by_hash.values(), key=attrgetter("order"))]

    def content(self) -> PoolContent:
        with self._lock:
            return content_of(self._queues.items())

    def content_from(self, address: Address) -> PoolContent:
        with self._lock:
            queue = self._queues.get(address)
            return content_of([(address, queue)] if queue else [])

    def statistics(self) -> PoolStatistics:
        with self._lock:
            return PoolStatistics(
                pending=len(self._by_hash) - self._queued,
                queued=self._queued,
                bytes=self._bytes,
                senders=len(self._queues),
            )

    # Below here the lock is held.

    def _insert(self, tx: Transaction) -> list[PooledTransaction]:
        if tx.hash in self._by_hash:
            raise AlreadyKnown
        queue = self._queues.get(tx.sender)
        if queue is None:
            queue = self._new_queue(tx)
        self._check_account(tx, queue)
        replaced = queue.at(tx.nonce)
        if replaced is not None:
            _check_replacement(replaced.tx, tx)
        else:
            self._check_share(tx, queue)
        self._make_room(tx, replaced)
        return self._put(tx, queue, replaced)

    def _new_queue(self, tx: Transaction) -> AccountQueue:
        account = self._account(tx.sender)
        admission.check_sender(tx, account)
        return AccountQueue(account.nonce, account.balance)

    def _check_account(self, tx: Transaction, queue: AccountQueue) -> None:
        if tx.nonce < queue.nonce:
            raise NonceTooLow(tx.nonce, queue.nonce)
        if tx.nonce >= queue.nonce + self._limits.account_transactions:
            raise NonceTooHigh(tx.nonce, queue.nonce)
        cost = queue.cost_with(tx)
        if cost > queue.balance:
            raise InsufficientFunds(tx.sender, queue.balance, cost)

    def _check_share(self, tx: Transaction, queue: AccountQueue) -> None:
        if len(queue) >= self._limits.account_transactions:
            raise AccountLimitExceeded(self._limits.account_transactions, "waiting")
        if tx.nonce <= queue.next_nonce:
            return
        if queue.queued >= self._limits.account_queued:
            raise AccountLimitExceeded(self._limits.account_queued, "queued")
        if self._queued >= self._limits.queued:
            raise PoolFull(f"{self._queued} transactions wait for a missing nonce")

    def _make_room(self, tx: Transaction, replaced: PooledTransaction | None) -> None:
        """Choose the cheapest to leave; nobody leaves unless all room can be made."""
        count = len(self._by_hash) + (replaced is None) - self._limits.transactions
        size = self._bytes + len(tx.raw) - (replaced.size if replaced else 0) - self._limits.bytes
        if count <= 0 and size <= 0:
            return
        victims = self._choose_victims(tx, replaced, count, size)
        for victim in victims:
            if victim.tx.hash in self._by_hash:
                self._cut(victim.tx.sender, victim.tx.nonce)

    def _choose_victims(
        self, tx: Transaction, replaced: PooledTransaction | None, count: int, size: int
    ) -> list[PooledTransaction]:
        self._cheapest.prepare(self._by_hash.values(), self._base_fee)
        victims: list[PooledTransaction] = []
        seen: list[PooledTransaction] = []
        try:
            while count > 0 or size > 0:
                victim = self._cheapest.pop(self._by_hash)
                if victim is None or len(victims) >= self._limits.evictions:
                    raise PoolFull("this transaction would push out too many others")
                seen.append(victim)
                if victim is replaced:
                    continue
                self._check_outbids(tx, victim)
                victims.append(victim)
                count, size = count - 1, size - victim.size
            return victims
        finally:
            for victim in seen:
                self._cheapest.push(victim)

    def _check_outbids(self, tx: Transaction, victim: PooledTransaction) -> None:
        pays_more = price(tx, self._base_fee) > price(victim.tx, self._base_fee)
        depends_on_it = victim.tx.sender == tx.sender and victim.tx.nonce < tx.nonce
        if not pays_more or depends_on_it:
            raise TransactionUnderpriced

    def _put(
        self, tx: Transaction, queue: AccountQueue, replaced: PooledTransaction | None
    ) -> list[PooledTransaction]:
        if replaced is not None:
            self._forget(replaced)
        pooled = PooledTransaction(tx, self._clock.now(), self._arrivals)
        self._revision += 1
        queued = queue.queued
        ready = queue.put(pooled)
        self._queues[tx.sender] = queue
        self._queued += queue.queued - queued
        self._arrivals += 1
        self._by_hash[tx.hash] = pooled
        self._bytes += pooled.size
        self._cheapest.push(pooled)
        return ready

    def _move(self, state: StateReader, base_fee: Wei) -> None:
        self._revision += 1
        self._state = state
        self._base_fee = base_fee
        self._l1_base_fee = self._read_l1_base_fee()
        self._cheapest.forget()

    def _refresh(self, address: Address) -> None:
        account = self._account(address)
        queue = self._queues[address]
        self._leave(address, queue, partial(queue.refresh, account.nonce, account.balance))

    def _cut(self, address: Address, nonce: int) -> None:
        queue = self._queues[address]
        self._leave(address, queue, partial(queue.cut, nonce))

    def _expire(self) -> None:
        now = self._clock.now()
        if now < self._expired_at + EXPIRY_INTERVAL_SECONDS:
            return
        self._expired_at = now
        for address, queue in list(self._queues.items()):
            stale = [one.tx.nonce for one in queue.queued_rest() if _waited_out(one, now)]
            self._leave(address, queue, partial(queue.remove_all, stale))

    def _leave(
        self, address: Address, queue: AccountQueue, take: Callable[[], list[PooledTransaction]]
    ) -> None:
        """Let `take` remove from the queue, and keep the pool's own books in step."""
        self._revision += 1
        queued = queue.queued
        for pooled in take():
            del self._by_hash[pooled.tx.hash]
            self._bytes -= pooled.size
        self._queued += queue.queued - queued
        if not queue:
            del self._queues[address]

    def _forget(self, pooled: PooledTransaction) -> None:
        del self._by_hash[pooled.tx.hash]
        self._bytes -= pooled.size

    def _least_tip(self, tx: Transaction) -> int:
        """What makes up for a transaction's bytes on L1, in wei for one gas."""
        return least_tip(tx, self._l1_base_fee)

    def _read_l1_base_fee(self) -> Wei:
        return l1_base_fee(self._state) if self._config.layer is Layer.L2 else Wei(0)

    def _account(self, address: Address) -> Account:
        return self._state.account(address) or Account()

    # Without the lock again.

    def _take_back(self, raw: bytes) -> None:
        if self._is_kept_out(raw):
            return
        try:
            tx = decode(raw, chain_id=self._config.chain_id)
            self._check(tx)
            self._admit(tx)
        except Invalid:
            return  # A deposit, used up on the new chain, or outbid: it has no place here.


def _check_replacement(old: Transaction, new: Transaction) -> None:
    """Both fees must rise by a tenth, as in go-ethereum, so that replacing is never free."""
    fee_cap, tip = _bumped(old.max_fee_per_gas), _bumped(old.max_priority_fee_per_gas)
    if new.max_fee_per_gas < fee_cap or new.max_priority_fee_per_gas < tip:
        raise ReplacementUnderpriced(fee_cap, tip)


def _bumped(fee: Wei) -> int:
    return max(fee + 1, fee * (100 + REPLACEMENT_BUMP_PERCENT) // 100)


def _waited_out(pooled: PooledTransaction, now: Timestamp) -> bool:
    return now >= pooled.arrived + QUEUED_SECONDS_MAX
