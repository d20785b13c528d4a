"""Follows L1 and keeps the inbox log equal to the Inbox contract's.

The contract itself is the judge. Items are rebuilt from logs and headers, their accumulators are
computed by us, and nothing is written unless the newest one equals `acc` in the contract's storage
at one named L1 block, and the number of items equals its `count`. So an endpoint that lags, leaves
logs out or makes them up gets us to wait (`L1Unavailable`), never to change anything.

A reorg is found the same way, whatever its depth and whether or not we were running: the log stands
up to the newest item whose accumulator the contract still has. Recent headers, walked by parent
hash, tell a reorg from an endpoint that is merely behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from bridge.derive.accumulator import next_item
from bridge.items import InboxItem
from bridge.l1 import contracts, limits
from bridge.l1.client import L1Client, L1Log
from bridge.l1.errors import (
    L1AnswerTooLarge,
    L1EndpointBehind,
    L1EndpointInconsistent,
    L1FinalityBroken,
    L1RequestRefused,
)
from bridge.l1.events import ItemAppended, item_appended
from bridge.l1.headers import L1Header
from bridge.l1.recent import RecentBlocks
from bridge.l1.transactor import Sleep
from state.blocks import BlockId
from state.errors import Unavailable
from state.types import Address, BlockNumber, Hash32

T = TypeVar("T")

OnWritingThread = Callable[[Callable[[], T]], Awaitable[T]]
"""Runs a function where the chain store may be written."""


class Log(Protocol):
    """The part of `bridge.derive.inbox_log.InboxLog` that the watcher uses."""

    @property
    def count(self) -> int: ...
    @property
    def final_count(self) -> int: ...
    def item(self, index: int) -> InboxItem | None: ...
    def newest_at(self, l1_number: int) -> InboxItem | None: ...
    def append(self, items: list[InboxItem]) -> int: ...
    def truncate(self, index: int) -> int: ...
    def set_final(self, count: int) -> None: ...


@dataclass(frozen=True, slots=True)
class L1Progress:
    """What one look at L1 brought."""

    head: L1Header
    count: int
    """Items in our log now."""
    final_count: int
    """Items in blocks that L1 has finalized."""
    appended: int = 0
    truncated_to: int | None = None
    """On a reorg: the first index that no longer stood."""
    is_complete: bool = True
    """Whether the log holds all items up to `head`; a long log is read in several looks."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to be written, fetched and verified whole before anything is."""

    keep: int
    """Items of our log that stand."""
    items: tuple[InboxItem, ...]
    is_complete: bool


async def write_here(function: Callable[[], T]) -> T:
    """Run on the event loop's own thread: for programs that have no other."""
    return function()


class Watcher:
    """One inbox contract on one L1, and our log of it."""

    def __init__(
        self,
        client: L1Client,
        inbox: Address,
        log: Log,
        *,
        start_block: int,
        write: Callable[[Callable[[], object]], Awaitable[object]] = write_here,
    ) -> None:
        self._client = client
        self._inbox = inbox
        self._log = log
        self._start_block = start_block
        self._write = write
        self._recent = RecentBlocks()
        self._last: L1Progress | None = None

    async def poll(self) -> L1Progress:
        """Look at L1 once and bring the log up to date. Raises `L1Unavailable`; then no change."""
        await self._client.check_chain()
        head = await self._client.header()
        if self._is_known(head):
            return await self._with_finality(L1Progress(head, self._log.count, 0))
        branch = await self._branch_to(head)
        change = await self._compare(head)
        before = self._log.count
        await self._write(lambda: self._apply(change))
        self._recent.extend(branch)
        progress = L1Progress(
            head=head,
            count=self._log.count,
            final_count=0,
            appended=len(change.items),
            truncated_to=change.keep if change.keep < before else None,
            is_complete=change.is_complete,
        )
        self._last = await self._with_finality(progress)
        return self._last

    async def follow(
        self,
        on_progress: Callable[[L1Progress], Awaitable[None]],
        on_trouble: Callable[[Unavailable | L1RequestRefused], None],
        *,
        poll_seconds: float,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Poll until cancelled; trouble is reported and tried again at the next poll.

        A refusal counts as trouble: endpoints differ in how they say that a block left their chain.
        """
        while True:
            is_complete = True
            try:
                progress = await self.poll()
                is_complete = progress.is_complete
                await on_progress(progress)
            except (Unavailable, L1RequestRefused) as error:
                on_trouble(error)
            if is_complete:
                await sleep(poll_seconds)

    def _is_known(self, head: L1Header) -> bool:
        """Whether the log was complete at this very head, and is as we left it."""
        last = self._last
        return (
            last is not None
            and last.is_complete
            and last.head.hash == head.hash
            and last.count == self._log.count
        )

    # Headers

    async def _branch_to(self, head: L1Header) -> list[L1Header]:
        """The headers from a remembered block (exclusive) to `head`, oldest first.

        Raises `L1EndpointBehind` for a lower head than we have seen, unless it is on another branch
        for sure: its height is remembered with another hash.
        """
        tip = self._recent.tip
        if tip is None or head.id == tip:
            return [head]
        if head.number < tip.number and self._recent.hash_at(head.number) in (None, head.hash):
            raise L1EndpointBehind(
                f"the L1 endpoint is at block {head.number}, but showed block {tip.number} before"
            )
        branch = [head]
        while len(branch) <= limits.HEADER_WALK_MAX and branch[-1].number > self._recent.lowest:
            oldest = branch[-1]
            if BlockId(BlockNumber(oldest.number - 1), oldest.parent_hash) in self._recent:
                break
            branch.append(await self._client.header_by_hash(oldest.parent_hash))
        branch.reverse()
        return branch

    # Items

    async def _compare(self, head: L1Header) -> _Change:
        """What our log lacks or has too much at `head`, verified against the contract."""
        (count,) = await self._client.call(self._inbox, contracts.COUNT, at=head.hash)
        keep = await self._standing(head, count)
        self._check_truncation(head, keep, count)
        if keep == count:
            return _Change(keep, (), True)
        items = await self._missing_items(head, keep, count)
        newest = items[-1]
        if await self._acc(newest.index, head) != newest.acc:
            raise L1EndpointInconsistent(
                f"inbox item {newest.index} as the L1 endpoint's logs tell it isn't what the"
                " contract holds"
            )
        return _Change(keep, tuple(items), newest.index + 1 == count)

    async def _acc(self, index: int, head: L1Header) -> Hash32:
        (acc,) = await self._client.call(self._inbox, contracts.ACC, index, at=head.hash)
        return Hash32(acc)

    async def _standing(self, head: L1Header, count: int) -> int:
        """How many items of our log the contract has too: a search by halves over `acc`."""
        low, high = 0, min(self._log.count, count)
        probe = high
        while low < high:
            item = self._log.item(probe - 1)
            if item is not None and await self._acc(probe - 1, head) == item.acc:
                low = probe
            else:
                high = probe - 1
            probe = (low + high + 1) // 2
        return low

    def _check_truncation(self, head: L1Header, keep: int, count: int) -> None:
        """Refuse to take items back on the word of a lagging endpoint, or below finality."""
        dropped = self._log.item(keep)
        if dropped is None:
            return
        is_prefix = keep == count
        if is_prefix and self._recent.tip is None and head.number < dropped.l1_number:
            raise L1EndpointBehind(
                f"the L1 endpoint is at block {head.number}, but inbox item {keep} was in block"
                f" {dropped.l1_number}"
            )
        if keep < self._log.final_count:
            raise L1FinalityBroken(
                f"the L1 endpoint takes back inbox item {keep}, but {self._log.final_count} items"
                " were final: check the endpoint; if L1 truly broke finality, derive anew from an"
                " empty database"
            )

    async def _missing_items(self, head: L1Header, keep: int, count: int) -> list[InboxItem]:
        """The items from `keep` on, rebuilt from logs and headers; at least one."""
        previous = self._log.item(keep - 1) if keep else None
        first = max(self._start_block, previous.l1_number if previous else 0)
        items: list[InboxItem] = []
        headers: dict[Hash32, L1Header] = {}
        while first <= head.number and keep + len(items) < count:
            logs, last = await self._logs_from(first, head.number)
            for entry in logs:
                event = _event(entry)
                if event.index < keep + len(items):
                    continue
                header = await self._header_of(entry, headers)
                previous = _item(event, header, previous)
                items.append(previous)
                if len(items) == limits.LOG_RANGE_ITEMS_MAX:
                    return items
            first = last + 1
        if keep + len(items) != count:
            raise L1EndpointInconsistent(
                f"the L1 endpoint's logs hold {keep + len(items)} inbox items, the contract {count}"
            )
        return items

    async def _logs_from(self, first: int, head: int) -> tuple[tuple[L1Log, ...], int]:
        """Logs from a block on, in as wide a range as the endpoint serves; and its last block."""
        last = min(first + limits.LOG_RANGE_BLOCKS_MAX - 1, head)
        while True:
            try:
                topic = contracts.ITEM_APPENDED
                return await self._client.logs(self._inbox, topic, first, last), last
            except (L1AnswerTooLarge, L1RequestRefused):
                if first == last:
                    raise
                last = first + (last - first) // 2

    async def _header_of(self, entry: L1Log, headers: dict[Hash32, L1Header]) -> L1Header:
        header = headers.get(entry.block_hash)
        if header is None:
            header = await self._client.header_by_hash(entry.block_hash)
            headers[entry.block_hash] = header
        if header.number != entry.block_number:
            raise L1EndpointInconsistent("a log names another block number than its block has")
        return header

    def _apply(self, change: _Change) -> None:
        self._log.truncate(change.keep)
        if change.items:
            self._log.append(list(change.items))

    # Finality

    async def _with_finality(self, progress: L1Progress) -> L1Progress:
        """Note which items L1 has finalized."""
        finalized = await self._client.finalized()
        if finalized is not None and finalized.number <= progress.head.number:
            seen = self._recent.hash_at(finalized.number)
            if seen is not None and seen != finalized.hash:
                raise L1EndpointInconsistent(
                    f"the L1 endpoint's finalized block {finalized.number} isn't on its own chain"
                )
            newest = self._log.newest_at(finalized.number)
            if newest is not None:
                count = newest.index + 1
                await self._write(lambda: self._log.set_final(count))
        return replace(progress, final_count=self._log.final_count)


def _event(entry: L1Log) -> ItemAppended:
    event = item_appended(entry.log)
    if event is None:
        raise L1EndpointInconsistent("the L1 endpoint sent a log of another event")
    return event


def _item(event: ItemAppended, header: L1Header, previous: InboxItem | None) -> InboxItem:
    """The item that an event and the header of its block tell of.

    Raises `L1EndpointInconsistent` when its accumulator isn't the one computed from all of it.
    """
    expected = 0 if previous is None else previous.index + 1
    if event.index != expected:
        raise L1EndpointInconsistent(f"inbox item {event.index} where item {expected} should be")
    item = next_item(
        previous,
        kind=event.kind,
        sender=event.sender,
        data=event.data,
        l1_number=header.number,
        l1_time=header.timestamp,
        l1_base_fee=header.base_fee,
        prev_randao=header.prev_randao,
        l1_hash=header.parent_hash,
    )
    if item.acc != event.acc:
        raise L1EndpointInconsistent(
            f"inbox item {event.index} and its block 0x{header.hash.hex()} give another accumulator"
        )
    return item
