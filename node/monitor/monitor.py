"""The monitor on line: every block of the chain is checked, in order, before it goes to L1.

It works on a thread of its own, on snapshots of the store, and keeps the books in memory as of the
block it checked last. Where a reorg took that block back, it reads the books anew at the fork.
Between blocks it reads all accounts again, some at a time, to find what no known slot tells of.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from execution.evm.threads import DeepExecutor
from execution.margin.calls import HouseCalls
from execution.transition import context_of
from genesis.config import ChainConfig
from genesis.predeploys import CLEARING_HOUSE
from node.monitor.books import Books, Globals, read_account_book, word_of
from node.monitor.changes import BlockChange, change_findings, house_events, named_accounts
from node.monitor.evidence import write_violation
from node.monitor.findings import Accepted, Finding, unaccepted
from node.monitor.invariants import account_findings, books_findings, scan_findings, slack
from node.monitor.limits import (
    EVIDENCE_ACCOUNTS_MAX,
    FINDINGS_MAX,
    LOAD_SLICE_ACCOUNTS,
    RECENT_BLOCKS,
    SCAN_BLOCKS,
    SCAN_SLICE_ACCOUNTS,
)
from node.monitor.standings import Judges, standing_findings
from node.rpc.feed import ChainFeed
from state.accounts import State
from state.blocks import BlockId
from state.errors import InternalError
from state.reader import ChainReader
from state.store import ChainStore
from state.stored import StoredBlock
from state.stored_state import ArchiveState, HeadState, address_hash
from state.tables import storage_key
from state.types import BlockNumber, Hash32

log = logging.getLogger("tallystick.monitor")


@dataclass(frozen=True, slots=True)
class MonitorStatistics:
    """What has been checked since the start; `books` are the newest that were found right."""

    checked: int = 0
    last: BlockNumber | None = None
    scans: int = 0
    violations: int = 0
    accepted: int = 0
    accounts: int = 0
    cash: int = 0
    books: Globals | None = None


class Monitor:
    """Holds each block to the invariants; `run` raises once one is broken and written down."""

    def __init__(
        self,
        store: ChainStore,
        folder: Path,
        config: ChainConfig,
        accepted: Iterable[Accepted] = (),
    ) -> None:
        """`folder` is where evidence goes; `accepted` is what the operator goes on with."""
        self._store = store
        self._folder = folder
        self._config = config
        self._accepted = tuple(accepted)
        self._recent: deque[BlockId] = deque(maxlen=RECENT_BLOCKS)
        """Checked blocks, the newest last."""
        self._verdict: BlockId | None = None
        """The newest block that was found right; None while the books are being read."""
        self._loading: _Loading | None = None
        self._books: Books | None = None
        """As of the verdict."""
        self._scanning: Iterator[None] = iter(())
        self._until_scan = 0
        self._statistics = MonitorStatistics(accepted=len(self._accepted))
        self._progress = asyncio.Condition()

    def statistics(self) -> MonitorStatistics:
        """What has been checked since the start."""
        return self._statistics

    def checked(self) -> BlockNumber:
        """The last block that may go to L1; 0 while there is none, after a start or a reorg."""
        verdict = self._verdict
        if verdict is None or self._store.block_id(verdict.number) != verdict:
            return BlockNumber(0)
        return verdict.number

    async def wait_checked_head(self) -> None:
        """Wait until the unsafe head is checked; after a violation that is never."""
        async with self._progress:
            await self._progress.wait_for(lambda: self._verdict == self._store.heads.unsafe)

    async def run(self, feed: ChainFeed) -> None:
        """Check until cancelled. Raises `InvariantBroken` once the evidence is written."""
        wake = asyncio.Event()
        stop = feed.on_block(lambda _: wake.set())
        try:
            with DeepExecutor(1) as thread:
                while True:
                    wake.clear()
                    while await self._step_in(thread):
                        pass
                    await wake.wait()
        finally:
            stop()

    async def _step_in(self, thread: Executor) -> bool:
        is_more = await asyncio.get_running_loop().run_in_executor(thread, self.step)
        async with self._progress:
            self._progress.notify_all()
        return is_more

    def step(self) -> bool:
        """Check one block, or read some accounts; False when there is nothing to do now.

        Raises `InvariantBroken`.
        """
        reader = self._store.reader
        if self._loading is not None and self._loading.stands_in(reader):
            self._load_some(reader, self._loading)
            return True
        verdict = self._verdict
        if self._books is None or verdict is None or not _stands(reader, verdict):
            self._start_loading(reader)
            return True
        if verdict.number < reader.heads.unsafe.number:
            self._check_next(reader, BlockNumber(verdict.number + 1), self._books)
            return True
        return _advance(self._scanning)

    # Reading all accounts

    def _start_loading(self, reader: ChainReader) -> None:
        """Begin at the newest checked block that still stands, or at what L1 has made safe."""
        while self._recent and not _stands(reader, self._recent[-1]):
            self._recent.pop()
        start = self._recent[-1] if self._recent else reader.heads.safe
        log.info("reading the clearing house's books as of block %d", start.number)
        books = Books(_state_after(reader, start.number))
        self._verdict, self._books, self._scanning = None, None, iter(())
        self._loading = _Loading(start, books, iter(range(1, books.globals.house.accounts + 1)))

    def _load_some(self, reader: ChainReader, loading: _Loading) -> None:
        """Read some accounts; once all are, check the block that they are of."""
        books, number = loading.books, loading.block.number
        some = list(islice(loading.left, LOAD_SLICE_ACCOUNTS))
        if some:
            books.load(_state_after(reader, number), some)
            return
        findings = [*account_findings(books, books.accounts.values), *books_findings(books)]
        self._halt_on(reader, number, findings, ())
        self._books, self._loading = books, None
        self._pass(loading.block)

    # Checking a block

    def _check_next(self, reader: ChainReader, number: BlockNumber, books: Books) -> None:
        block = _block(reader, number)
        change = _move(reader, block, books)
        findings = [
            *account_findings(books, change.accounts),
            *books_findings(books),
            *change_findings(change),
            *standing_findings(change, lambda: _judges(reader, block, self._config)),
        ]
        self._halt_on(reader, number, findings, change.accounts)
        self._pass(BlockId(number, block.hash))
        self._until_scan -= 1
        if self._until_scan <= 0:
            self._until_scan = SCAN_BLOCKS
            self._scanning = self._scan(books)

    def _pass(self, block: BlockId) -> None:
        """A block was found right."""
        self._recent.append(block)
        self._verdict = block
        if self._books is not None:
            self._statistics = replace(
                self._statistics,
                checked=self._statistics.checked + 1,
                last=block.number,
                accounts=len(self._books.accounts.values),
                cash=self._books.sums.cash,
                books=self._books.globals,
            )

    def _scan(self, books: Books) -> Iterator[None]:
        """Compare all accounts with what is kept of them, as of whichever block is the newest."""
        numbers = iter(sorted(books.accounts.values))
        while some := list(islice(numbers, SCAN_SLICE_ACCOUNTS)):
            reader, verdict = self._store.reader, self._verdict
            if verdict is None or not _stands(reader, verdict):
                return  # a reorg: the next step reads everything anew
            state = _state_after(reader, verdict.number)
            found = [each for number in some for each in scan_findings(books, state, number)]
            self._halt_on(reader, verdict.number, found, some)
            yield
        self._statistics = replace(self._statistics, scans=self._statistics.scans + 1)

    def _halt_on(
        self,
        reader: ChainReader,
        number: BlockNumber,
        findings: Iterable[Finding],
        touched: Iterable[int],
    ) -> None:
        """Write down what nobody has accepted, and raise `InvariantBroken`."""
        broken = unaccepted(findings, number, self._accepted)
        if not broken:
            return
        count = self._statistics.violations + len(broken)
        self._statistics = replace(self._statistics, violations=count)
        self._verdict, self._books = None, None
        involved = dict.fromkeys([each for one in broken for each in one.accounts] + [*touched])
        state = _state_after(reader, number)
        raise write_violation(
            self._folder,
            _block(reader, number),
            broken[:FINDINGS_MAX],
            {each: _slots(state, each) for each in islice(involved, EVIDENCE_ACCOUNTS_MAX)},
            chain_id=self._config.chain_id,
        )


@dataclass(frozen=True, slots=True)
class _Loading:
    """Books that aren't whole yet, and the accounts that are to be read."""

    block: BlockId
    books: Books
    left: Iterator[int]

    def stands_in(self, reader: ChainReader) -> bool:
        return _stands(reader, self.block)


def _move(reader: ChainReader, block: StoredBlock, books: Books) -> BlockChange:
    """Bring the books from before a block to after it."""
    number = block.header.number
    before, slack_before = books.globals, _slack(books)
    moved = books.move(_state_after(reader, number), _changed_slots(reader, number))
    events = house_events(log for receipt in block.receipts for log in receipt.logs)
    held = books.accounts.values
    named = {each for event in events for each in named_accounts(event)}
    return BlockChange(
        before=before,
        after=books.globals,
        accounts=moved,
        events=events,
        slack_before=slack_before,
        slack_after=_slack(books),
        owners={each: held[each].owner for each in named if each in held},
    )


def _judges(reader: ChainReader, block: StoredBlock, config: ChainConfig) -> Judges:
    """The contract before and after a block, at the block's time."""

    def ancestor(number: BlockNumber) -> Hash32 | None:
        known = reader.block_id(number)
        return known.hash if known else None

    context = context_of(block.header, config, ancestor)
    number = block.header.number
    before, after = (
        HouseCalls(_state_after(reader, BlockNumber(each)), context, config.rules)
        for each in (number - 1, number)
    )
    return Judges(before, after)


def _slack(books: Books) -> dict[int, int]:
    markets = books.globals.markets.items()
    return {market: slack(book, books.sums.markets[market]) for market, book in markets}


def _state_after(reader: ChainReader, number: BlockNumber) -> State:
    """The state of one root, which no later commit moves."""
    header = reader.header(number)
    if header is None:
        raise InternalError(f"block {number} went away from a snapshot")
    kind = HeadState if number == reader.heads.unsafe.number else ArchiveState
    return kind(reader, header.state_root)


def _block(reader: ChainReader, number: BlockNumber) -> StoredBlock:
    block = reader.block(number)
    if block is None:
        raise InternalError(f"block {number} went away from a snapshot")
    return block


def _changed_slots(reader: ChainReader, number: BlockNumber) -> frozenset[bytes]:
    """Hashes of the ClearingHouse's slots that a block changed."""
    prefix = storage_key(address_hash(CLEARING_HOUSE))
    undo = reader.undo(number)
    if undo is None:
        raise InternalError(f"block {number} has no undo record")
    return frozenset(key[len(prefix) :] for key, _ in undo if key.startswith(prefix))


def _stands(reader: ChainReader, block: BlockId) -> bool:
    return reader.block_id(block.number) == block


def _advance(work: Iterator[None]) -> bool:
    """One more slice; False where none is left."""
    for _ in work:
        return True
    return False


def _slots(state: State, account: int) -> dict[int, int]:
    """The slots that an account is read from, with what they hold."""
    word, found = word_of(state), dict[int, int]()

    def recording(slot: int) -> int:
        found[slot] = word(slot)
        return found[slot]

    read_account_book(recording, account)
    return found
