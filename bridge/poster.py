"""Posts the sequencer's blocks to the Inbox on L1, in batches.

Nothing is remembered: what comes next is the block after the safe head, and only once everything on
L1 is in our log and derived. What keeps a batch from being posted twice, or from meaning something
else than when it was made, is this:

* The account's nonce, read in the same L1 block as the inbox. Only this account appends batches, so
  a transaction with that nonce is included only if no other batch came in between: not one left in
  the pool by a process that was killed, nor one that a reorg brought back.
* Deposits and forced transactions may come in between. They change nothing: each has an index above
  the origins of all blocks in the batch, and is not overdue for a window yet.
* A tick would change the parent of the batch's first block. There can be none until a window after
  the last batch. So once half of the window has passed, a batch names the index it expects and
  reverts with `IndexMoved` if it gets another. Deposits could then keep it out again and again;
  after two such tries it goes without: the chain then says what the batch means, the rules being
  total, and a sequencer silenced by strangers would be worse than blocks built once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge import limits
from bridge.checked import Checked, unchecked
from bridge.derive.inbox_log import InboxLog
from bridge.derive.sequenced import batch_block_of
from bridge.derive.view import DerivationView
from bridge.l1 import contracts
from bridge.l1.client import L1Receipt
from bridge.l1.errors import L1CallReverted, L1TransactionReverted
from bridge.l1.headers import L1Header
from bridge.l1.transactor import L1Transaction, Transactor
from bridge.l1.watcher import OnWritingThread, write_here
from genesis.config import ChainConfig
from state.batch_codec import (
    BatchBlock,
    BatchTooLarge,
    encode_batch,
    encode_block,
    encode_blocks,
)
from state.errors import InternalError
from state.limits import BATCH_DECODED_BYTES_MAX
from state.store import ChainStore
from state.types import Address, BlockNumber, Hash32


@dataclass(frozen=True, slots=True)
class Batch:
    """Posted bytes that hold the first `blocks` of what was to be posted."""

    data: bytes
    blocks: int


@dataclass(frozen=True, slots=True)
class Posted:
    """A batch that is on L1."""

    first: BlockNumber
    last: BlockNumber
    data_bytes: int
    receipt: L1Receipt


@dataclass(frozen=True, slots=True)
class _Inbox:
    """The Inbox, and our account, after one L1 block."""

    head: L1Header
    count: int
    tip_acc: Hash32
    last_batch_time: int
    window: int
    nonce: int

    @property
    def may_see_tick(self) -> bool:
        """Whether a tick could come before a batch that is sent now."""
        silent = self.head.timestamp - self.last_batch_time
        return silent * limits.TICK_MARGIN_SHARE >= self.window


class Poster:
    """Turns unsafe blocks into batches on L1."""

    def __init__(
        self,
        store: ChainStore,
        config: ChainConfig,
        log: InboxLog,
        view: DerivationView,
        transactor: Transactor,
        *,
        on_chain_thread: OnWritingThread[Any] = write_here,
        checked: Checked = unchecked,
    ) -> None:
        """No block beyond `checked` is posted."""
        self._store = store
        self._config = config
        self._log = log
        self._view = view
        self._transactor = transactor
        self._on_chain_thread = on_chain_thread
        self._checked = checked
        self._moved = 0

    async def step(self) -> Posted | None:
        """Post one batch; None when there is nothing to post, or the pipeline has to catch up.

        Raises `Unavailable` (L1 is silent, or the batch is still pending), and `Invalid` where L1
        refuses us: not the sequencer's key, or no funds.
        """
        inbox = await self._look()
        first, blocks = await self._on_chain_thread(lambda: self._unposted(inbox))
        if not blocks:
            return None
        batch = await asyncio.to_thread(make_batch, blocks)
        receipt = await self._post(inbox, batch)
        if receipt is None:
            return None
        last = BlockNumber(first + batch.blocks - 1)
        return Posted(first, last, len(batch.data), receipt)

    async def _look(self) -> _Inbox:
        client, inbox = self._transactor.client, self._config.inbox
        await client.check_chain()
        head = await client.header()
        (count,) = await client.call(inbox, contracts.COUNT, at=head.hash)
        (tip_acc,) = await client.call(inbox, contracts.ACC, count - 1, at=head.hash)
        (last_batch_time,) = await client.call(inbox, contracts.LAST_BATCH_TIME, at=head.hash)
        return _Inbox(
            head=head,
            count=count,
            tip_acc=Hash32(tip_acc),
            last_batch_time=last_batch_time,
            window=self._config.derivation.window_seconds,
            nonce=await client.nonce(self._transactor.address, at=head.hash),
        )

    def _unposted(self, inbox: _Inbox) -> tuple[BlockNumber, list[BatchBlock]]:
        """The checked blocks after the safe head that fit a batch; none unless caught up."""
        heads = self._store.heads
        first = BlockNumber(heads.safe.number + 1)
        if not self._is_caught_up(inbox):
            return first, []
        blocks: list[BatchBlock] = []
        size = 0
        for number in range(first, min(heads.unsafe.number, self._checked()) + 1):
            block = batch_block_of(self._store, BlockNumber(number))
            size += len(encode_block(block))
            if size > BATCH_DECODED_BYTES_MAX or len(blocks) == limits.BATCH_BLOCKS_MAX:
                break
            if block.timestamp > inbox.head.timestamp + self._config.derivation.drift_seconds:
                break  # L1's clock is behind ours: the block would be void, later it won't be
            blocks.append(block)
        return first, blocks

    def _is_caught_up(self, inbox: _Inbox) -> bool:
        """Whether our log is the contract's, and every batch and tick in it is derived."""
        tip = self._log.tip
        if tip is None or tip.index != inbox.count - 1 or tip.acc != inbox.tip_acc:
            return False
        safe = self._view.derived(self._store.heads.safe.number)
        return safe is not None and safe.cursor.next_batch == tip.index + 1 - tip.deposits

    async def _post(self, inbox: _Inbox, batch: Batch) -> L1Receipt | None:
        """Get the batch included; None when an item came first and it has to be made anew."""
        names_index = inbox.may_see_tick and self._moved < limits.INDEXED_TRIES_MAX
        if names_index:
            data = contracts.APPEND_BATCH_AT.call(batch.data, inbox.count)
        else:
            data = contracts.APPEND_BATCH.call(batch.data)
        what = f"batch of {batch.blocks} blocks"
        transaction = L1Transaction(what, Address(self._config.inbox), data)
        try:
            receipt = await self._transactor.send(transaction, nonce=inbox.nonce)
        except (L1CallReverted, L1TransactionReverted) as error:
            if not names_index or not _is_index_moved(error):
                raise
            self._moved += 1
            return None
        self._moved = 0
        return receipt


def make_batch(blocks: Sequence[BatchBlock]) -> Batch:
    """Encode as many of the first blocks as fit a posted batch.

    Raises `InternalError` when not even one fits: the sequencer bounds what it puts in a block
    (`sequencer.batch_room`), so that one always does.
    """
    low, high = 0, len(blocks)
    best = b""
    attempt = high
    while low < high:
        try:
            best = encode_batch(encode_blocks(blocks[:attempt]))
            low = attempt
        except BatchTooLarge:
            high = attempt - 1
        attempt = (low + high + 1) // 2
    if low == 0:
        raise InternalError("a sequenced block doesn't fit a batch; the sequencer must bound it")
    return Batch(best, low)


def _is_index_moved(error: L1CallReverted | L1TransactionReverted) -> bool:
    """An included transaction that reverts doesn't say why; its estimate had passed, so this is
    the one reason left."""
    return isinstance(error, L1TransactionReverted) or error.reason.startswith("IndexMoved(")
