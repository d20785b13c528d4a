"""The margin of both sides before they trade.

A fill that the clearing house would reject is worse than none, so every trade is looked at before
the engine makes it: the taker may be refused, and resting orders that can't pay any more leave
first. What leaves is an input of the log like any other, so that the log alone gives the fills.

Of several fills of an account the last one is checked, with those before it as done. A taker's
prices only get worse, and a maker's fills are at prices it set itself: equity less requirement is
concave in what is traded, so that it is lowest at either end. Where that isn't exact, as with
portfolio margin, the clearing house's own check remains.
"""

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from execution.margin import Reason
from sequencer.exchange.admission import is_bounded
from sequencer.exchange.errors import (
    ExchangeUnavailable,
    MarginTooLow,
    TooManyFills,
    WouldNotSettle,
)
from sequencer.exchange.floor import Floor, reducible
from sequencer.exchange.limits import CROSSING_ROUNDS_MAX, ORDER_FILLS_MAX, PENDING_FILLS_MAX
from sequencer.exchange.unseen import delta_of
from sequencer.matching.events import Fill
from sequencer.matching.inputs import CancelReason
from sequencer.matching.orders import BookOrder
from sequencer.matching.views import Hit, OrderStatus

_MARGIN: Final = frozenset({Reason.TAKER_MARGIN, Reason.MAKER_MARGIN})

_OF_THE_MARKET: Final = frozenset(
    {
        Reason.UNKNOWN_MARKET,
        Reason.MARKET_CLOSED,
        Reason.MARKET_REDUCE_ONLY,
        Reason.SERIES_EXPIRED,
        Reason.OPEN_INTEREST_CAP,
    }
)
"""No fault of a resting order: with these the taker goes. All other reasons are of the account,
even a stale price, which may be that of something else it holds: who can't trade may not stand in
front of those who can."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A trade of one account that may come; of what would rest, the account is on both sides."""

    order: BookOrder
    fill: Fill
    account: int

    @property
    def delta(self) -> int:
        return delta_of(self.fill, self.account)

    @property
    def is_taker(self) -> bool:
        return self.fill.taker == self.order.hash and self.fill.maker != self.order.hash

    @property
    def against(self) -> int | None:
        """The account of the other side; None where nobody has come yet."""
        other = self.fill.maker_account if self.is_taker else self.fill.taker_account
        return None if other == self.account else other


def clear_way(floor: Floor, order: BookOrder, most: int) -> None:
    """Make sure that all an order would trade now can settle, and what would rest of it too.

    Resting orders that can't leave the book. Raises `MarginTooLow`, `WouldNotSettle`,
    `TooManyFills` for the order, and `ExchangeUnavailable` while too many fills wait, or too many
    resting orders have to leave first.
    """
    for _ in range(CROSSING_ROUNDS_MAX):
        if floor.engine.meets_more_than(ORDER_FILLS_MAX, order, most, floor.now()):
            raise TooManyFills(ORDER_FILLS_MAX)
        hits = floor.engine.preview(order, most, floor.now())
        if hits and floor.engine.pending_count >= PENDING_FILLS_MAX:
            raise ExchangeUnavailable(
                f"{PENDING_FILLS_MAX} fills wait for a block; try again after the next"
            )
        _check_taker(floor, order, most, hits)
        if hits and order.account in floor.view.moved:
            raise ExchangeUnavailable(
                f"a transaction of the block under way changes account {order.account};"
                " try again after it"
            )
        if not _expel(floor, order, hits):
            return
    raise ExchangeUnavailable("orders without margin are leaving its way; try again")


def clear_auction(floor: Floor, market: int) -> None:
    """Make sure that all that an auction would trade now can settle; what can't leaves first.

    Where the market itself stands against it, the clearing house has to say so, and of what is
    still left after some rounds: an auction has to come to an end.
    """
    with contextlib.suppress(WouldNotSettle):
        for _ in range(CROSSING_ROUNDS_MAX):
            if not _expel_from_auction(floor, market):
                return


def _expel_from_auction(floor: Floor, market: int) -> bool:
    fills = floor.engine.preview_auction(market)
    if _expel_astray(floor, market, fills):
        return True
    steps: dict[int, list[_Step]] = defaultdict(list)
    for fill in fills:
        for order_hash, account in (
            (fill.taker, fill.taker_account),
            (fill.maker, fill.maker_account),
        ):
            view = floor.engine.order(order_hash)
            if view is not None:
                steps[account].append(_Step(view.order, fill, account))
    return sum(_expel_from(floor, of_account) for of_account in steps.values()) > 0


def _expel_astray(floor: Floor, market: int, fills: Sequence[Fill]) -> bool:
    """A price beyond the band settles nothing: whose limit allows no other leaves.

    The mark moved away from it since it came. Two such orders could else set the price for all.
    """
    instrument = floor.view.instrument(market)
    if instrument is None:
        return False
    low, high = instrument.price_low, instrument.price_high
    astray = False
    for fill in fills:
        if low <= fill.price <= high:
            continue
        for order_hash in (fill.taker, fill.maker):
            view = floor.engine.order(order_hash)
            if view is None or view.status is not OrderStatus.LIVE:
                continue
            order = view.order
            if order.price < low if order.is_buy else order.price > high:
                floor.cancel(order.hash, CancelReason.REFUSED_ON_CHAIN)
                astray = True
    return astray


def _check_taker(floor: Floor, order: BookOrder, most: int, hits: Sequence[Hit]) -> None:
    steps = [_Step(order, _fill(order, hit), order.account) for hit in hits]
    rest = most - sum(hit.size for hit in hits)
    if rest and not (order.is_immediate and _is_continuous(floor, order)):
        resting = _fill(order, Hit(order, rest, _resting_price(floor, order)))
        steps.append(_Step(order, resting, order.account))
    why = _check(floor, steps)
    if why is None:
        return
    if why in _MARGIN:
        raise MarginTooLow(order.account)
    raise WouldNotSettle(why)


def _resting_price(floor: Floor, order: BookOrder) -> int:
    """p8 that what rests is judged at: its limit, or the mark where that is worse.

    A limit far from the mark would make a gain of its own, with which anybody could pay for orders
    of any size that nobody will ever meet.
    """
    mark = floor.marks.get(order.market, order.price)
    return max(order.price, mark) if order.is_buy else min(order.price, mark)


def _is_continuous(floor: Floor, order: BookOrder) -> bool:
    instrument = floor.view.instrument(order.market)
    return instrument is not None and not instrument.is_auction


def _expel(floor: Floor, taker: BookOrder, hits: Sequence[Hit]) -> bool:
    """Let resting orders go or shrink that can't do their part; whether there were any."""
    if _expel_far(floor, hits):
        return True
    steps: dict[int, list[_Step]] = defaultdict(list)
    for hit in hits:
        steps[hit.maker.account].append(_Step(hit.maker, _fill(taker, hit), hit.maker.account))
    if sum(_expel_from(floor, of_account) for of_account in steps.values()) > 0:
        return True
    return _expel_moved(floor, hits)


def _expel_moved(floor: Floor, hits: Sequence[Hit]) -> bool:
    """What the block under way does to an account isn't known yet, and nobody may wait for it:
    else its owner could keep others from trading by a small transaction in each block."""
    moved = [hit.maker for hit in hits if hit.maker.account in floor.view.moved]
    for maker in moved:
        floor.cancel(maker.hash, CancelReason.CHANGES_ON_CHAIN)
    return bool(moved)


def _expel_far(floor: Floor, hits: Sequence[Hit]) -> bool:
    """The mark has moved away from some, so that nobody may trade at their price."""
    far = False
    for hit in hits:
        instrument = floor.view.instrument(hit.maker.market)
        if instrument and not instrument.price_low <= hit.price <= instrument.price_high:
            floor.cancel(hit.maker.hash, CancelReason.REFUSED_ON_CHAIN)
            far = True
    return far


def _expel_from(floor: Floor, steps: Sequence[_Step]) -> bool:
    """What of one account's resting orders has to go."""
    if _bound(floor, steps):
        return True
    failing = _first_failing(floor, steps)
    if failing == 0:
        _expel_no_smaller(floor, steps[0])
    for step in steps[failing:]:
        floor.cancel(step.order.hash, CancelReason.MARGIN)
    return failing < len(steps)


def _expel_no_smaller(floor: Floor, failing: _Step) -> None:
    """Who can't do a trade can't do a larger one, or at a worse price, either.

    One look at an account is enough for all these orders: it may have a thousand of them, which
    would otherwise be looked at one after the other.
    """
    order = failing.order
    for view in floor.orders.views(failing.account):
        other = view.order
        if (other.market, other.is_buy) != (order.market, order.is_buy):
            continue
        is_worse = other.price >= order.price if order.is_buy else other.price <= order.price
        is_live = view.status is OrderStatus.LIVE
        if is_live and is_worse and view.left >= failing.fill.size and not other.is_reduce_only:
            floor.cancel(other.hash, CancelReason.MARGIN)


def _first_failing(floor: Floor, steps: Sequence[_Step]) -> int:
    """A step that the account can't do after those before it, which it can; as many as there are
    steps when it can do all. Found by halving: an account may have a thousand orders."""
    why = _check(floor, steps)
    if why is None:
        return len(steps)
    done, failing = 0, len(steps)
    while failing - done > 1:
        middle = (done + failing) // 2
        then = _check(floor, steps[:middle])
        if then is None:
            done = middle
        else:
            failing, why = middle, then
    if why in _OF_THE_MARKET:
        raise WouldNotSettle(why)
    return done


def _bound(floor: Floor, steps: Sequence[_Step]) -> bool:
    """Hold orders that may only reduce to what there is to reduce, each after those before it."""
    if not any(is_bounded(floor, step.order) for step in steps):
        return False
    position = floor.position(steps[0].account, steps[0].order.market)
    changed = False
    for step in steps:
        room = reducible(position, is_buy=step.order.is_buy)
        view = floor.engine.order(step.order.hash)
        if view is not None and is_bounded(floor, step.order) and room < step.fill.size:
            floor.bound(view, room, CancelReason.NOT_REDUCING)
            changed = True
        else:
            position += step.delta
    return changed


def _check(floor: Floor, steps: Sequence[_Step]) -> Reason | None:
    """What the clearing house would say to the last of an account's steps."""
    if not steps:
        return None
    last = steps[-1]
    fees = floor.view.fees(last.account, last.order.market)
    return floor.margin.check(
        last.account,
        last.order.market,
        last.delta,
        last.fill.price,
        fees.taker if last.is_taker else fees.maker,
        floor.unseen,
        [step.fill for step in steps[:-1]],
        against=last.against,
    )


def _fill(taker: BookOrder, hit: Hit) -> Fill:
    """A trade that hasn't happened."""
    maker = hit.maker
    return Fill(
        id=0,
        market=taker.market,
        price=hit.price,
        size=hit.size,
        taker=taker.hash,
        maker=maker.hash,
        taker_account=taker.account,
        maker_account=maker.account,
        taker_is_buy=taker.is_buy,
        time=0,
    )
