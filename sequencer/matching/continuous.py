"""First come, first served: an order trades on arrival with whom it meets, best price first.

Among equal prices the earliest goes first, and the trade happens at the price of the one that was
there before: the continuous price-time rule of most order books.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sequencer.matching.book import MarketBook
from sequencer.matching.desk import Desk
from sequencer.matching.entry import Entry, last_match_ms
from sequencer.matching.inputs import CancelReason
from sequencer.matching.orders import BookOrder, SelfTradePrevention
from sequencer.matching.views import Hit

_STOPS_AT_OWN = (SelfTradePrevention.EXPIRE_TAKER, SelfTradePrevention.EXPIRE_BOTH)


@dataclass(frozen=True, slots=True)
class Meeting:
    """A resting order that a taker meets, and the size (s8) they have in common.

    `is_own`: both are of one owner, and self-trade prevention takes the place of a trade.
    """

    maker: Entry
    size: int
    is_own: bool


def meetings(book: MarketBook, order: BookOrder, left: int, now: int) -> Iterator[Meeting]:
    """Whom an order with `left` (s8) would meet, in order; changes nothing.

    Ends where the price does, the size does, or prevention stops the taker.
    """
    others = book.opposite(order)
    if not others.is_met_by(order.price):
        return
    for level in others.levels():
        for maker in level.orders.values():
            resting = maker.order
            if (resting.price > order.price) if order.is_buy else (resting.price < order.price):
                return
            if last_match_ms(resting) < now:
                continue  # It leaves before anything that comes now.
            size = min(left, maker.left)
            is_own = resting.owner == order.owner
            yield Meeting(maker, size, is_own)
            if is_own and order.prevention in _STOPS_AT_OWN:
                return
            if not is_own or order.prevention is SelfTradePrevention.DECREMENT:
                left -= size
            if left == 0:
                return


def objection(order: BookOrder, met: list[Meeting]) -> CancelReason | None:
    """Why an order mayn't trade with those it would meet."""
    if order.is_post_only and met:
        return CancelReason.POST_ONLY_WOULD_TAKE
    if order.is_all_or_nothing and sum(m.size for m in met if not m.is_own) < order.size:
        return CancelReason.FOK_UNFILLED
    return None


class FirstCome:
    """The continuous policy."""

    name = "first-come"

    def arrive(self, desk: Desk, book: MarketBook, entry: Entry) -> None:
        """Trade what can be traded at once; the rest rests, unless the order is immediate."""
        order = entry.order
        met = list(meetings(book, order, entry.left, desk.time))
        reason = objection(order, met)
        if reason is not None:
            desk.cancel(entry, reason)
            return
        for meeting in met:
            if meeting.is_own:
                prevent(desk, entry, meeting)
            else:
                desk.match(entry, meeting.maker, meeting.size, meeting.maker.order.price)
        if entry.is_done:
            return
        if order.is_immediate:
            desk.cancel(entry, CancelReason.IMMEDIATE_REST)
        else:
            desk.rest(entry)

    def preview(self, book: MarketBook, order: BookOrder, left: int, now: int) -> list[Hit]:
        """Whom an order would trade with at `now` (ms)."""
        met = list(meetings(book, order, left, now))
        if objection(order, met) is not None:
            return []
        return [Hit(m.maker.order, m.size, m.maker.order.price) for m in met if not m.is_own]

    def meets_more_than(
        self, count: int, book: MarketBook, order: BookOrder, left: int, now: int
    ) -> bool:
        """Whether it would meet more orders than `count`, own ones too; looks at no more."""
        met = islice(meetings(book, order, left, now), count + 1)
        return sum(1 for _ in met) > count

    def refusal(
        self, book: MarketBook, order: BookOrder, left: int, now: int
    ) -> CancelReason | None:
        """Post-only orders don't take, and fill-or-kill ones don't trade in part."""
        return objection(order, list(meetings(book, order, left, now)))

    def clear(self, desk: Desk, book: MarketBook) -> None:
        """Nothing: what could trade has traded."""

    def may_rest_again(self, book: MarketBook, order: BookOrder) -> bool:
        """Not where it would cross: nobody came who could be its taker."""
        return not book.would_take(order)


def prevent(desk: Desk, taker: Entry, meeting: Meeting) -> None:
    """Keep two orders of one owner apart, as the taker asked for."""
    maker, mode = meeting.maker, taker.order.prevention
    if mode is SelfTradePrevention.DECREMENT:
        for entry in (taker, maker):
            _decrement(desk, entry, meeting.size)
        return
    if mode is not SelfTradePrevention.EXPIRE_TAKER:
        desk.cancel(maker, CancelReason.SELF_TRADE)
    if mode is not SelfTradePrevention.EXPIRE_MAKER:
        desk.cancel(taker, CancelReason.SELF_TRADE)


def _decrement(desk: Desk, entry: Entry, size: int) -> None:
    if entry.left == size:
        desk.cancel(entry, CancelReason.DECREMENTED)
    else:
        desk.resize(entry, entry.left - size)
