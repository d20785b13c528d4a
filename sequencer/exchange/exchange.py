"""The exchange: one request after the other, each on disk before anybody hears of it.

An actor on the event loop. Requests queue up; those that came while one write to the disk was under
way are checked and matched together and go into the next write. Only when it is done their senders
are answered and the listeners told, in the order of the log. When the disk fails, nothing more is
answered but `ExchangeUnavailable`: the engine in memory is then ahead of what a restart would find.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from execution.margin import SignedCancel, SignedOrder
from sequencer.exchange import cancelling
from sequencer.exchange.admission import admit, most_of
from sequencer.exchange.crossing import clear_auction, clear_way
from sequencer.exchange.errors import ExchangeUnavailable, OrderRejected
from sequencer.exchange.floor import Floor, Work
from sequencer.exchange.limits import (
    CANCELS_WAITING_MAX,
    GROUP_REQUESTS_MAX,
    GROUP_SECONDS_MAX,
    HEARTBEAT_MS,
    PENDING_FILLS_MAX,
    READS_WAITING_MAX,
    REQUESTS_WAITING_MAX,
)
from sequencer.exchange.placement import (
    PLAIN,
    Announcement,
    Candidate,
    OrderOptions,
    Placement,
    fills_of,
)
from sequencer.exchange.ports import HouseView, MarginCheck
from sequencer.exchange.upkeep import Upkeep
from sequencer.history import TradeHistory
from sequencer.journal import OrderJournal
from sequencer.limits import SNAPSHOT_INPUTS
from sequencer.matching.engine import MatchingEngine
from sequencer.matching.events import Event, Fill
from sequencer.matching.inputs import Clear, Heartbeat, Input, Place, Replace
from state.clock import Clock
from state.errors import InternalError, Invalid, Unavailable
from state.types import Hash32

T = TypeVar("T")

Listener = Callable[[Announcement], None]
"""Told of each input that did something, in order, on the event loop; must not raise."""

log = logging.getLogger("tallystick.exchange")


@dataclass(frozen=True, slots=True)
class ExchangeStatistics:
    """How busy the exchange is, at one moment."""

    waiting: int
    """Requests that nobody has looked at yet."""
    open_orders: int
    pending_fills: int
    inputs: int
    writes: int
    write_seconds: float
    """How long the last write took."""


_Answer = Any
"""What a request gives, or the error that says why it gives nothing."""


@dataclass(frozen=True, slots=True)
class _Request:
    work: Callable[[], Any]
    answer: "asyncio.Future[Any]"


class Exchange:
    """Takes orders, matches them, and tells of it. Every method is for the event loop."""

    def __init__(
        self, journal: OrderJournal, clock: Clock, domain: Hash32, margin: MarginCheck
    ) -> None:
        """Make the book again from its log. It opens with the first block it is told of.

        `domain` is the clearing house's EIP-712 domain. Raises what `OrderJournal.load` does.
        """
        self._journal = journal
        self._clock = clock
        self._domain = domain
        self._floor = Floor(journal.load(), margin, clock, journal.cancel_times())
        self._upkeep = Upkeep(self._floor)
        self._requests: asyncio.Queue[_Request] = asyncio.Queue()
        self._writer = ThreadPoolExecutor(1, "order-log")
        self._listeners: tuple[Listener, ...] = ()
        self._closed_for: str | None = None
        self._in_hand: list[_Request] = []
        self.turn = threading.Lock()
        """Held while a request is done, from its first check to the match: whoever holds it may
        read the engine and the view on any thread, and no match comes in between."""
        self._beating: asyncio.TimerHandle | None = None
        self._snapshot_at = self.engine.sequence
        self._writes = 0
        self._write_seconds = 0.0

    # Reading

    @property
    def engine(self) -> MatchingEngine:
        """The book, for reads. It may be one write ahead of what was announced."""
        return self._floor.engine

    @property
    def history(self) -> TradeHistory:
        """What was traded, for reads from any thread until the log is closed."""
        return self._journal.history

    @property
    def statistics(self) -> ExchangeStatistics:
        return ExchangeStatistics(
            waiting=self._requests.qsize(),
            open_orders=len(self._floor.orders),
            pending_fills=self.engine.pending_count,
            inputs=self.engine.sequence,
            writes=self._writes,
            write_seconds=self._write_seconds,
        )

    def pending(self) -> list[Fill]:
        """Fills that are matched and not settled, in order of id."""
        return self.engine.pending()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` for what is announced from now on; returns how to stop it."""
        self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            self._listeners = tuple(one for one in self._listeners if one is not listener)

        return unsubscribe

    # Traders

    async def place(self, signed: SignedOrder, options: OrderOptions = PLAIN) -> Placement:
        """Take an order; returns when it is on disk. Raises `OrderRejected`, `ExchangeUnavailable`.

        One that can't rest or trade as it asked (IOC, FOK) is taken, and then cancelled.
        """
        candidate = Candidate.of(signed, options, self._domain)
        return await self._ask(lambda: self._place(candidate), REQUESTS_WAITING_MAX)

    async def replace(
        self, old: bytes, signed: SignedOrder, options: OrderOptions = PLAIN
    ) -> Placement:
        """Take an order in an open one's stead, of the same account, market and side.

        The old one stays if the new one is rejected. Raises as `place` does.
        """
        candidate = Candidate.of(signed, options, self._domain)
        return await self._ask(lambda: self._place(candidate, old), REQUESTS_WAITING_MAX)

    async def cancel(self, signed: SignedCancel) -> tuple[bytes, ...]:
        """Let go of orders; returns the hashes of those that left. Raises as `place` does."""
        signer = cancelling.signer_of(signed, self._domain)
        return await self._ask(
            lambda: cancelling.cancel(self._floor, signed.request, signer), CANCELS_WAITING_MAX
        )

    async def ask(self, question: Callable[[MatchingEngine], T]) -> T:
        """Put a question to the book in its turn; the answer comes when what it saw is on disk.

        Raises `ExchangeUnavailable`.
        """
        return await self._ask(lambda: question(self.engine), READS_WAITING_MAX)

    # The chain

    async def record(self, given: Input) -> list[Event]:
        """Take a fact from the node itself, timed now; before `Clear` all who would trade in the
        auctions are checked, and while too many fills wait it is put off.

        Raises `ExchangeUnavailable`.
        """
        return await self._ask(lambda: self._record(given))

    async def on_block(self, move: Callable[[], HouseView], given: Sequence[Input] = ()) -> None:
        """Go on from the books after a block, and from `given`, what it made of fills.

        `move` is called in the exchange's own turn: it makes the view, and the margin check of it,
        so that nobody sees books and fills that don't belong together. A block's `Outcome` comes
        with it or before, a `Reverted` with the view of what is left. The exchange opens with the
        first call. Raises `ExchangeUnavailable`.
        """
        await self._ask(lambda: self._follow(move, given))

    async def beat(self) -> None:
        """Look at the clock, as `run` does by itself. Raises `ExchangeUnavailable`."""
        await self._ask(self._pass_time)

    async def run(self) -> None:
        """Do what is asked until cancelled. The log may be closed when this has ended.

        Raises `DatabaseUnwritable` when the disk fails, and `InternalError`; both close the
        exchange.
        """
        self._beat()
        why = "it is stopping"
        try:
            while True:
                await self._do_some()
        except (Invalid, InternalError) as error:
            why = str(error)
            log.error("the exchange stops: %s", error)
            raise
        finally:
            self._close(why)

    # The actor

    async def _ask(self, work: Callable[[], T], waiting_max: int | None = None) -> T:
        if self._closed_for is not None:
            raise ExchangeUnavailable(self._closed_for)
        if waiting_max is not None and self._requests.qsize() >= waiting_max:
            raise ExchangeUnavailable(f"{waiting_max} wait already; try again in a moment")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._requests.put_nowait(_Request(work, answer))
        return await answer

    async def _do_some(self) -> None:
        """Wait for a request, do it and some that came with it, and make it last."""
        self._in_hand = [await self._requests.get()]
        answers = [self._perform(self._in_hand[0])]
        began = self._clock.monotonic()
        while (
            len(self._in_hand) < GROUP_REQUESTS_MAX
            and not self._requests.empty()
            and self._clock.monotonic() - began < GROUP_SECONDS_MAX
        ):
            self._in_hand.append(self._requests.get_nowait())
            answers.append(self._perform(self._in_hand[-1]))
        await self._commit(self._floor.take_work(), answers)
        if self.engine.sequence - self._snapshot_at >= SNAPSHOT_INPUTS:
            await self._finish(lambda: self._journal.save_snapshot(self.engine))
            self._snapshot_at = self.engine.sequence

    def _perform(self, request: _Request) -> _Answer:
        """Do what is asked, unless nobody waits for it any more."""
        if request.answer.done():
            return None
        with self.turn:
            self._floor.begin()
            try:
                return request.work()
            except (OrderRejected, Unavailable) as refusal:
                return refusal

    async def _commit(self, work: Work, answers: Sequence[_Answer]) -> None:
        """Write what was done, then tell it: to those who asked, then to those who listen."""
        began = self._clock.monotonic()
        stopped = None
        if work.inputs or work.cancelled:
            stopped = await self._finish(lambda: self._write(work))
            self._writes += 1
            self._write_seconds = self._clock.monotonic() - began
        for request, answer in zip(self._in_hand, answers, strict=True):
            _answer(request, answer)
        self._in_hand = []
        for announcement in work.announcements:
            for listener in self._listeners:
                listener(announcement)
        if stopped is not None:
            raise stopped
        # Those who were answered go on before the next, and others too, however many wait here.
        await asyncio.sleep(0)

    def _write(self, work: Work) -> None:
        events = [event for told in work.announcements for event in told.events]
        self._journal.append(work.inputs, work.cancelled, events)

    async def _finish(self, write: Callable[[], None]) -> asyncio.CancelledError | None:
        """Do a write to its end on the log's thread, cancelled or not; returns the cancellation.

        What is written is true, and those who wait for it hear of it even when the node stops.
        """
        writing = asyncio.get_running_loop().run_in_executor(self._writer, write)
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError as cancelled:
            await writing
            return cancelled
        return None

    def _close(self, why: str) -> None:
        """Refuse what waits and what comes, and let the log's thread end."""
        self._closed_for = why
        if self._beating is not None:
            self._beating.cancel()
        waiting = self._in_hand
        while not self._requests.empty():
            waiting.append(self._requests.get_nowait())
        for request in waiting:
            _answer(request, ExchangeUnavailable(why))
        self._writer.shutdown(wait=True)

    def _beat(self) -> None:
        """Let the engine hear of the time when nothing else tells it."""
        loop = asyncio.get_running_loop()
        self._beating = loop.call_later(HEARTBEAT_MS / 1_000, self._beat)
        self._requests.put_nowait(_Request(self._pass_time, loop.create_future()))

    # What is done, one after the other

    def _place(self, candidate: Candidate, replaces: bytes | None = None) -> Placement:
        floor = self._floor
        order = admit(floor, candidate, replaces)
        most = most_of(floor, order)
        if not floor.engine.must_wait(order):
            clear_way(floor, order, most)
        given: Input = Place(time=0, order=order, most=most)
        if replaces is not None:
            given = Replace(time=0, old=replaces, order=order, most=most)
        events = self._upkeep.apply(given, candidate.signer)
        view = floor.engine.order(order.hash)
        if view is None:
            raise InternalError(f"order 0x{order.hash.hex()} was taken, and is not there")
        return Placement(view, fills_of(order.hash, events))

    def _record(self, given: Input) -> list[Event]:
        if isinstance(given, Clear):
            if self.engine.pending_count >= PENDING_FILLS_MAX:
                return []
            for market in given.markets:
                clear_auction(self._floor, market)
        return self._upkeep.apply(given)

    def _follow(self, move: Callable[[], HouseView], given: Sequence[Input]) -> None:
        for one in given:
            self._floor.apply(one)
        self._floor.view = move()
        self._upkeep.follow()

    def _pass_time(self) -> None:
        cancelling.forget_old(self._floor)
        if self._floor.now() - self.engine.time >= HEARTBEAT_MS:
            self._floor.apply(Heartbeat(time=0))


def _answer(request: _Request, answer: _Answer) -> None:
    if request.answer.done():
        return
    if isinstance(answer, Exception):
        request.answer.set_exception(answer)
    else:
        request.answer.set_result(answer)
