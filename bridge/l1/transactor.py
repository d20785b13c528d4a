"""Gets transactions of one account into L1 blocks.

What is known lives on L1: the next nonce is the account's nonce in a block, never a counter of
ours. A transaction left in the pool by a process that was killed has that same nonce, so the next
one sent replaces it or is replaced by it; both can't be included. Whoever needs to be sure that
nothing happened since it looked at L1 passes the nonce of the block it looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from bridge.l1 import limits
from bridge.l1.accounts import Operator
from bridge.l1.client import L1Client, L1Receipt
from bridge.l1.errors import (
    L1RequestRefused,
    L1TransactionReverted,
    L1Unavailable,
    TransactionPending,
    TransactionSuperseded,
)
from execution.signing import UnsignedTransaction
from state.keccak import keccak
from state.types import Address, Gas, Hash32, Wei

Sleep = Callable[[float], Awaitable[None]]
"""Waits that many seconds; tests and shutdown bring their own."""

_UNDERPRICED = ("underpriced", "fee too low", "max fee per gas less than")
"""What pools say when a bid must be raised (geth, reth, anvil)."""
_KNOWN = ("already known", "already imported", "known transaction")
_NONCE_USED = ("nonce too low",)


@dataclass(frozen=True, slots=True)
class L1Transaction:
    """What a transaction shall do; fees, nonce and signature are the transactor's matter."""

    what: str
    """For messages: 'batch of 12 blocks'."""
    to: Address | None
    data: bytes
    value: Wei = Wei(0)
    gas: Gas | None = None
    """None: estimated, which also tells a revert before anything is sent."""


@dataclass(frozen=True, slots=True)
class Bid:
    """Fees offered for one gas, in wei (EIP-1559)."""

    fee_cap: Wei
    tip: Wei

    def raised(self) -> Bid:
        """The least bid that every pool takes for a replacement."""
        return Bid(_raise(self.fee_cap), _raise(self.tip))

    def at_least(self, other: Bid) -> Bid:
        """The higher of both in each part, within what we ever pay."""
        cap = min(max(self.fee_cap, other.fee_cap), limits.FEE_CAP_WEI_MAX)
        return Bid(Wei(cap), Wei(min(max(self.tip, other.tip), cap)))


class Transactor:
    """Signs, sends, re-sends with higher fees and waits for the receipt."""

    def __init__(
        self,
        client: L1Client,
        operator: Operator,
        *,
        sleep: Sleep = asyncio.sleep,
        poll_seconds: float = limits.RECEIPT_POLL_SECONDS,
    ) -> None:
        self.client = client
        self.operator = operator
        self._sleep = sleep
        self._poll_seconds = poll_seconds
        self._turn = asyncio.Lock()

    @property
    def address(self) -> Address:
        return self.operator.address

    async def send(self, transaction: L1Transaction, *, nonce: int | None = None) -> L1Receipt:
        """Get a transaction included; returns the receipt of a success.

        Raises `L1CallReverted` (nothing was sent), `L1TransactionReverted`, `TransactionSuperseded`
        where `nonce` is used by another, `TransactionPending` when patience ends, `L1Unavailable`.
        """
        await self.client.check_chain()
        if nonce is not None:
            return await self._send(transaction, nonce)
        async with self._turn:
            return await self._send(transaction, await self.client.nonce(self.address))

    async def send_row(
        self, transactions: Sequence[L1Transaction], *, first_nonce: int
    ) -> list[L1Receipt]:
        """Send several with consecutive nonces without waiting in between: one L1 block may hold
        them all. None may need another's effects for its gas estimate.

        The first error ends the waiting for the rest; they may be included all the same.
        """
        tasks = [
            asyncio.create_task(self.send(transaction, nonce=first_nonce + position))
            for position, transaction in enumerate(transactions)
        ]
        if not tasks:
            return []
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            failed = [task for task in tasks if task.done() and task.exception() is not None]
            return [task.result() for task in failed or tasks]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, transaction: L1Transaction, nonce: int) -> L1Receipt:
        fields = UnsignedTransaction(
            nonce=nonce,
            gas=transaction.gas or await self._gas(transaction),
            to=transaction.to,
            value=transaction.value,
            data=transaction.data,
        )
        receipt = await self._include(fields)
        if not receipt.succeeded:
            raise L1TransactionReverted(receipt.hash, transaction.what)
        return receipt

    async def _gas(self, transaction: L1Transaction) -> Gas:
        estimate = await self.client.estimate(
            self.address, transaction.to, transaction.data, transaction.value
        )
        with_margin = estimate * (100 + limits.GAS_MARGIN_PERCENT) // 100
        return Gas(min(with_margin, max(estimate, limits.TRANSACTION_GAS_MAX)))

    async def _include(self, fields: UnsignedTransaction) -> L1Receipt:
        """Bid, wait, raise the bid, and so on until one of the bids is in a block."""
        hashes: list[Hash32] = []
        bid = await self._quote()
        for _ in range(limits.FEE_BUMPS_MAX + 1):
            raw = self._sign(fields, bid)
            hashes.append(keccak(raw))
            if await self._submit(raw):
                receipt = await self._wait(hashes, fields.nonce)
                if receipt is not None:
                    return receipt
            bid = bid.raised().at_least(await self._quote())
        raise TransactionPending(hashes[-1], fields.nonce)

    async def _quote(self) -> Bid:
        fees = await self.client.fees()
        tip = max(fees.tip, limits.TIP_WEI_MIN)
        bid = Bid(Wei(fees.base_fee * limits.BASE_FEE_HEADROOM + tip), Wei(tip))
        return bid.at_least(bid)

    def _sign(self, fields: UnsignedTransaction, bid: Bid) -> bytes:
        fields = replace(fields, max_fee_per_gas=bid.fee_cap, max_priority_fee_per_gas=bid.tip)
        return self.operator.sign(fields, self.client.chain_id)

    async def _submit(self, raw: bytes) -> bool:
        """Hand in a bid; False when it must be raised at once.

        Silence doesn't mean that it wasn't taken, so it counts as taken: we look for the receipt.
        """
        try:
            await self.client.send_raw(raw)
        except L1Unavailable:
            return True
        except L1RequestRefused as error:
            message = error.message.lower()
            if any(words in message for words in _KNOWN + _NONCE_USED):
                return True
            if any(words in message for words in _UNDERPRICED):
                return False
            raise
        return True

    async def _wait(self, hashes: list[Hash32], nonce: int) -> L1Receipt | None:
        """The receipt of whichever bid was included; None when it is time to raise."""
        for _ in range(limits.RECEIPT_POLLS_PER_BID):
            if await self.client.nonce(self.address) > nonce:
                return await self._receipt_of_one(hashes, nonce)
            await self._sleep(self._poll_seconds)
        return None

    async def _receipt_of_one(self, hashes: list[Hash32], nonce: int) -> L1Receipt:
        """The receipt of the bid that used the nonce. Raises `TransactionSuperseded`."""
        for _ in range(limits.RECEIPT_LOOKS):
            for hash in reversed(hashes):
                if (receipt := await self.client.receipt(hash)) is not None:
                    return receipt
            await self._sleep(self._poll_seconds)
        raise TransactionSuperseded(nonce)


def _raise(fee: Wei) -> Wei:
    return Wei(-(-fee * (100 + limits.FEE_BUMP_PERCENT) // 100))
