"""The waiting transactions of one sender, by nonce."""

from collections.abc import Iterable
from typing import NamedTuple

from execution.admission import highest_cost
from execution.transaction import Transaction
from state.types import Timestamp, Wei


class PooledTransaction(NamedTuple):
    """A transaction, when it came, and its place among all that ever came."""

    tx: Transaction
    arrived: Timestamp
    order: int

    @property
    def cost(self) -> Wei:
        """The most it can cost its sender, in wei."""
        return highest_cost(self.tx)

    @property
    def size(self) -> int:
        """Bytes of the envelope."""
        return len(self.tx.raw)


class AccountQueue:
    """One sender's transactions: a run that can be executed now, and what waits behind a gap.

    The run starts at the account's own nonce. The sum of all costs never exceeds the balance when
    the pool asks `overdraft` first, so that no transaction here is free of backing.
    """

    __slots__ = ("_by_nonce", "_cost", "_executable", "balance", "nonce")

    def __init__(self, nonce: int, balance: Wei) -> None:
        self.nonce = nonce
        self.balance = balance
        self._by_nonce: dict[int, PooledTransaction] = {}
        self._executable = 0
        self._cost = 0

    def __len__(self) -> int:
        return len(self._by_nonce)

    @property
    def executable(self) -> int:
        """How many can be executed one after the other from the account's nonce."""
        return self._executable

    @property
    def queued(self) -> int:
        """How many wait behind a missing nonce."""
        return len(self._by_nonce) - self._executable

    @property
    def next_nonce(self) -> int:
        """The nonce after the executable run."""
        return self.nonce + self._executable

    def at(self, nonce: int) -> PooledTransaction | None:
        return self._by_nonce.get(nonce)

    def executable_run(self) -> list[PooledTransaction]:
        """Those that can be executed, in order of nonce."""
        return [self._by_nonce[nonce] for nonce in range(self.nonce, self.next_nonce)]

    def queued_rest(self) -> list[PooledTransaction]:
        """Those behind a missing nonce, in order of nonce."""
        nonces = sorted(nonce for nonce in self._by_nonce if nonce >= self.next_nonce)
        return [self._by_nonce[nonce] for nonce in nonces]

    def cost_with(self, tx: Transaction) -> Wei:
        """What all would cost at most if `tx` came in, a replaced one left out, in wei."""
        replaced = self._by_nonce.get(tx.nonce)
        return Wei(self._cost + highest_cost(tx) - (replaced.cost if replaced else 0))

    def put(self, pooled: PooledTransaction) -> list[PooledTransaction]:
        """Add or replace; returns those that can be executed now and could not before."""
        before = self.next_nonce
        nonce = pooled.tx.nonce
        replaced = self._by_nonce.get(nonce)
        self._cost += pooled.cost - (replaced.cost if replaced else 0)
        self._by_nonce[nonce] = pooled
        self._extend_run()
        if nonce < before:
            return [pooled]
        return [self._by_nonce[ready] for ready in range(before, self.next_nonce)]

    def remove(self, nonce: int) -> PooledTransaction:
        """Take one out; those behind it stay and wait."""
        pooled = self._by_nonce.pop(nonce)
        self._cost -= pooled.cost
        if self.nonce <= nonce < self.next_nonce:
            self._executable = nonce - self.nonce
        return pooled

    def cut(self, nonce: int) -> list[PooledTransaction]:
        """Take out `nonce` and all behind it, which can't be executed without it."""
        return self.remove_all(have for have in self._by_nonce if have >= nonce)

    def refresh(self, nonce: int, balance: Wei) -> list[PooledTransaction]:
        """Follow the account after a block; returns what is used up or no longer paid for."""
        self.nonce, self.balance, self._executable = nonce, balance, 0
        removed = self.remove_all(have for have in self._by_nonce if have < nonce)
        self._extend_run()
        unpaid = self._first_unpaid()
        return removed if unpaid is None else removed + self.cut(unpaid)

    def _first_unpaid(self) -> int | None:
        if self._cost <= self.balance:
            return None
        spent = 0
        for nonce in sorted(self._by_nonce):
            spent += self._by_nonce[nonce].cost
            if spent > self.balance:
                return nonce
        return None

    def remove_all(self, nonces: Iterable[int]) -> list[PooledTransaction]:
        """Take several out; those behind them stay and wait."""
        return [self.remove(nonce) for nonce in sorted(nonces)]

    def _extend_run(self) -> None:
        while self.next_nonce in self._by_nonce:
            self._executable += 1
