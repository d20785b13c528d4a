"""The trading floor: book, chain and log at one moment, for whoever's turn it is.

Everything here is synchronous. One request after the other is checked and applied to the engine in
memory; what it gave the engine waits here to be written, and nobody hears of it before that.
"""

from dataclasses import dataclass, field

import msgspec

from sequencer.exchange.errors import ExchangeUnavailable
from sequencer.exchange.limits import CLOCK_AHEAD_MS_MAX
from sequencer.exchange.open_orders import OpenOrders
from sequencer.exchange.placement import Announcement
from sequencer.exchange.ports import HouseView, MarginCheck
from sequencer.exchange.unseen import UnseenFills
from sequencer.journal import Canceller
from sequencer.matching.engine import MatchingEngine
from sequencer.matching.events import Event, Fill, Matched, Settled, Unwound, WaitsAgain
from sequencer.matching.inputs import Cancel, CancelReason, Input, Shrink
from sequencer.matching.views import OrderView
from state.clock import Clock
from state.types import Address


@dataclass(frozen=True, slots=True)
class Work:
    """What was done since the last time somebody took it: to be written, then to be told."""

    inputs: tuple[Input, ...]
    announcements: tuple[Announcement, ...]
    cancelled: dict[Canceller, int | None]
    """Signing times (ms) of requests to cancel all; None: not needed any more."""


@dataclass(slots=True)
class Floor:
    """What requests read and change. `cancel_times` are ms."""

    engine: MatchingEngine
    margin: MarginCheck
    clock: Clock
    cancel_times: dict[Canceller, int]
    orders: OpenOrders = field(init=False)
    marks: dict[int, int] = field(default_factory=dict)
    """p8 by market: the last ones that the engine was told."""
    unwound: set[int] = field(default_factory=set)
    """Accounts of which a fill was refused since the last block."""
    _moment: int = 0
    """Milliseconds, of the request at hand."""
    _view: HouseView | None = None
    _settled: dict[int, Settled] = field(default_factory=dict)
    """By fill: what blocks settled that are newer than the view."""
    _unseen: UnseenFills | None = None
    """Of the view and all fills so far; None where it has to be made anew."""
    _inputs: list[Input] = field(default_factory=list)
    _announcements: list[Announcement] = field(default_factory=list)
    _cancelled: dict[Canceller, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.orders = OpenOrders(self.engine)

    @property
    def view(self) -> HouseView:
        """The books after the newest block. Raises `ExchangeUnavailable` before the first."""
        if self._view is None:
            raise ExchangeUnavailable("it waits for the first block")
        return self._view

    @view.setter
    def view(self, view: HouseView) -> None:
        """Go on from the books after another block, which hold what it settled."""
        self._view = view
        self._settled = {i: one for i, one in self._settled.items() if one.block > view.number}
        self._unseen = None

    def begin(self) -> None:
        """Look at the clock for another request, whose checks and inputs all have this one time.

        Otherwise a resting order might expire between the check and the match, and the next one be
        traded with unchecked.
        """
        self._moment = self.clock.milliseconds()
        if self._view is not None:
            self._moment = min(self._moment, self._view.timestamp * 1_000 + CLOCK_AHEAD_MS_MAX)

    def now(self) -> int:
        """The time of the next input, ms: that of the request, and never before the last one's."""
        return max(self._moment, self.engine.time)

    def apply(self, given: Input, signer: Address | None = None) -> list[Event]:
        """Give the engine an input, timed now; `signer` is of an order that it brings."""
        timed = msgspec.structs.replace(given, time=self.now())
        events = self.engine.apply(timed)
        self.orders.follow(events, signer)
        for event in events:
            self._follow_fill(event)
        self._inputs.append(timed)
        if events:
            told = Announcement(self.engine.sequence, timed.time, tuple(events))
            self._announcements.append(told)
        return events

    def _follow_fill(self, event: Event) -> None:
        """Keep in mind what the view doesn't show yet."""
        if isinstance(event, Matched):
            if self._unseen is not None:
                self._unseen.add(event.fill)
            return
        if not isinstance(event, Settled | Unwound | WaitsAgain):
            return
        self._unseen = None
        fill = event.fill
        if isinstance(event, Unwound):
            self.unwound.update((fill.taker_account, fill.maker_account))
        elif isinstance(event, WaitsAgain):
            self._settled.pop(fill.id, None)
        elif self._view is None or event.block > self._view.number:
            self._settled[fill.id] = event

    def note_cancel_all(self, who: Canceller, time: int) -> None:
        """Remember when somebody's newest request to cancel all was signed (ms)."""
        self.cancel_times[who] = self._cancelled[who] = time

    def forget_cancel_all(self, who: Canceller) -> None:
        """Let go of that again."""
        del self.cancel_times[who]
        self._cancelled[who] = None

    def take_work(self) -> Work:
        """What was done since the last call."""
        work = Work(tuple(self._inputs), tuple(self._announcements), self._cancelled)
        self._inputs, self._announcements, self._cancelled = [], [], {}
        return work

    def cancel(self, order: bytes, reason: CancelReason) -> None:
        """Take an order out of the book."""
        self.apply(Cancel(time=0, order=order, reason=reason))

    def bound(self, view: OrderView, most: int, reason: CancelReason) -> None:
        """Let an open order trade no more than `most` (s8); without anything left it goes."""
        instrument = self.view.instrument(view.order.market)
        lot = instrument.lot if instrument and instrument.lot else 1
        whole = max(0, most) // lot * lot
        if whole == 0:
            self.cancel(view.order.hash, reason)
        elif whole < view.left:
            self.apply(Shrink(time=0, order=view.order.hash, most=whole))

    @property
    def unseen(self) -> UnseenFills:
        """Fills that the view doesn't hold yet: they wait, or a block settled them whose books
        haven't come. Raises `ExchangeUnavailable` before the first view."""
        if self._unseen is None:
            settled = (one.fill for one in self._settled.values())
            fills = sorted([*self.engine.pending(), *settled], key=_id)
            self._unseen = UnseenFills(self.view, fills)
        return self._unseen

    def position(self, account: int, market: int) -> int:
        """s8 that an account holds, with its fills that the view doesn't hold yet."""
        return self.unseen.position(account, market)


def _id(fill: Fill) -> int:
    return fill.id


def reducible(position: int, *, is_buy: bool) -> int:
    """s8 that an order may trade and only reduce a position (s8, signed)."""
    return max(0, -position if is_buy else position)
