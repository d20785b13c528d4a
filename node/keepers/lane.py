"""Transactions of one account, several under way at a time.

What is tried first and would revert isn't sent, nor what was to go right before it. A nonce is
given out only when the transaction goes to the pool at once, so that a refusal leaves no gap; one
that leaves a gap all the same is given to the next.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bridge.l1.abi import describe_revert
from bridge.l1.accounts import Operator
from bridge.l1.client import L1Receipt
from bridge.l1.errors import (
    L1CallReverted,
    L1RequestRefused,
    L1TransactionReverted,
    TransactionSuperseded,
)
from bridge.l1.transactor import L1Transaction, Transactor
from genesis.predeploys import CLEARING_HOUSE
from node.keepers.books import Books, house_errors
from node.keepers.keeper import Done, Refused, Sent
from node.keepers.limits import LANE_IN_FLIGHT_MAX, LANE_POLL_SECONDS
from state.types import Gas


@dataclass(frozen=True, slots=True)
class Deed:
    """A call of the ClearingHouse that a keeper wants done, and the gas that it may take."""

    what: str
    data: bytes
    gas: Gas
    first: tuple["Deed", ...] = ()
    """Goes right before it, with the nonces before its own and hence in the same block where that
    has room: what may not grow old until this is executed. Sent only if this is."""

    @property
    def row(self) -> tuple["Deed", ...]:
        """All of it, in the order of the nonces."""
        return (*(one for deed in self.first for one in deed.row), self)


class Lane:
    """One account's way to the ClearingHouse, shared by the keepers of a process."""

    def __init__(self, books: Books, operator: Operator) -> None:
        self._books = books
        self._transactor = Transactor(books.client, operator, poll_seconds=LANE_POLL_SECONDS)
        self._nonces = Nonces(self._transactor)
        self._room = asyncio.Semaphore(LANE_IN_FLIGHT_MAX)
        self._errors = house_errors()

    async def do(self, deeds: Sequence[Deed]) -> Done:
        """Try all; send those that would succeed, together, and wait for them.

        Raises `L1Unavailable` where the node falls silent; what was sent may be included then.
        """
        tried = [await self._try(deed) for deed in deeds]
        refused = tuple(one for one in tried if one is not None)
        wanted = [one for deed, no in zip(deeds, tried) if no is None for one in deed.row]
        ends = await asyncio.gather(*map(self._send, wanted), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        sent = tuple(end for end in ends if isinstance(end, Sent))
        late = tuple(end for end in ends if isinstance(end, Refused))
        return Done(sent, refused + late)

    async def _try(self, deed: Deed) -> Refused | None:
        """Why the contract would refuse in the newest block; None where it would not."""
        answer = await self._books.rehearse(
            [one.data for one in deed.row],
            sender=self._transactor.address,
            gas=Gas(sum(one.gas for one in deed.row)),
        )
        if not isinstance(answer, L1RequestRefused):
            return None
        if isinstance(answer, L1CallReverted):
            reason = describe_revert(answer.revert_data, self._errors) or answer.reason
            return Refused(deed.what, reason)
        return Refused(deed.what, answer.message)

    async def _send(self, deed: Deed) -> Sent | Refused:
        transaction = L1Transaction(deed.what, CLEARING_HOUSE, deed.data, gas=deed.gas)
        try:
            async with self._room, self._nonces.next() as nonce:
                receipt: L1Receipt = await self._transactor.send(transaction, nonce=nonce)
        except L1TransactionReverted:
            return Refused(deed.what, "it no longer applied when its block was made")
        except TransactionSuperseded as error:
            return Refused(deed.what, str(error))
        return Sent(deed.what, receipt.hash, receipt.block_number, receipt.gas_used)


class Nonces:
    """Gives out nonces ahead of the chain.

    The chain's nonce is the truth: nothing below it is given out, and whenever nothing is under way
    the count begins there anew.
    """

    def __init__(self, transactor: Transactor) -> None:
        self._transactor = transactor
        self._turn = asyncio.Lock()
        self._next = 0
        self._under_way = 0
        self._given_back: list[int] = []

    @asynccontextmanager
    async def next(self) -> AsyncIterator[int]:
        """A nonce for one transaction; given back when the pool would not take that."""
        nonce = await self._take()
        try:
            yield nonce
        except L1RequestRefused:
            heapq.heappush(self._given_back, nonce)
            raise
        finally:
            self._under_way -= 1

    async def _take(self) -> int:
        async with self._turn:
            used = await self._transactor.client.nonce(self._transactor.address)
            if self._under_way == 0:
                self._next, self._given_back = used, []
            self._under_way += 1
            while self._given_back:
                nonce = heapq.heappop(self._given_back)
                if nonce >= used:
                    return nonce
            nonce = max(self._next, used)
            self._next = nonce + 1
            return nonce
