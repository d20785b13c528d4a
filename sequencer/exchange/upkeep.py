"""What a block changes for orders that are in the book already.

Whoever has moved an order epoch, revoked a key, cancelled a nonce or lost a position has orders
that can't settle any more. Only accounts that the block touched are looked at, and session keys,
which end without a block.
"""

from execution.margin import FILLED_CANCELLED
from sequencer.exchange.admission import is_bounded, may_sign
from sequencer.exchange.crossing import clear_way
from sequencer.exchange.errors import ExchangeUnavailable, OrderRejected
from sequencer.exchange.floor import Floor, reducible
from sequencer.exchange.limits import FIRED_ORDERS_MAX, ORDER_FILLS_MAX
from sequencer.exchange.ports import Instrument
from sequencer.matching.events import Event, Matched
from sequencer.matching.inputs import CancelAll, CancelReason, Fire, Input, ListMarket, Marks
from sequencer.matching.views import OrderStatus, OrderView
from state.types import Address

_EPOCH_SHIFT = 32


class Upkeep:
    """Brings the book in line with the chain, block by block."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._epochs: dict[int, int] = {}
        """Of accounts with open orders, none of which is of an older epoch."""

    def follow(self) -> None:
        """Look at what the floor's new view has changed."""
        floor = self._floor
        self._list_markets()
        touched = floor.view.touched
        unwound, floor.unwound = floor.unwound, set()
        for account in floor.orders.accounts():
            self._check_signers(account)
            if touched is None or account in unwound:
                self._check_account(account)
            elif account in touched:
                self._check_touched(account)
        self._epochs = {a: e for a, e in self._epochs.items() if floor.orders.count(a)}
        self._move_marks()

    def apply(self, given: Input, signer: Address | None = None) -> list[Event]:
        """Apply an input that may trade, and hold to their positions those who have traded."""
        events = self._floor.apply(given, signer)
        fills = [event.fill for event in events if isinstance(event, Matched)]
        for market in sorted({fill.market for fill in fills}):
            here = [fill for fill in fills if fill.market == market]
            for account in sorted({a for f in here for a in (f.taker_account, f.maker_account)}):
                self.bound_reducing(account, market)
        return events

    def bound_reducing(self, account: int, market: int | None = None) -> None:
        """Hold an account's live orders that only reduce to what there is to reduce."""
        floor = self._floor
        for order_hash in floor.orders.reducing(account, market):
            view = floor.engine.order(order_hash)
            if view is not None and view.status is OrderStatus.LIVE:
                order = view.order
                room = reducible(floor.position(account, order.market), is_buy=order.is_buy)
                floor.bound(view, min(room, view.left), CancelReason.NOT_REDUCING)

    # Markets

    def _list_markets(self) -> None:
        floor = self._floor
        instruments = floor.view.instruments()
        listed = floor.engine.markets()
        for market, instrument in instruments.items():
            rules = _rules(market, instrument)
            if (known := listed.get(market)) is None or not _same_rules(rules, known):
                floor.apply(rules)
        for market, known in list(listed.items()):
            if known.is_open and market not in instruments:
                floor.apply(ListMarket(time=0, market=market, tick=known.tick, lot=known.lot,
                                       is_auction=known.is_auction, is_open=False))  # fmt: skip

    # Marks

    def _move_marks(self) -> None:
        """Tell the engine of marks that moved; those that they meet live one after the other.

        Each is looked at after those before it have traded: of many that one account could pay for,
        or that would take from one maker, it may be that not all can settle.
        """
        floor = self._floor
        listed = floor.engine.markets()
        marks = {m: p for m, p in floor.view.marks().items() if m in listed}
        moved = {m: p for m, p in marks.items() if floor.marks.get(m) != p}
        if moved:
            floor.apply(Marks(time=0, marks=moved, fires=False))
            floor.marks.update(moved)
        for order in floor.engine.met_triggers()[:FIRED_ORDERS_MAX]:
            view = floor.engine.order(order.hash)
            if view is not None and view.status is OrderStatus.WAITING and self._is_ready(view):
                self.apply(Fire(time=0, order=order.hash))

    def _is_ready(self, view: OrderView) -> bool:
        """Hold what is about to live to what a new order has to fulfil, or let it go."""
        floor, order = self._floor, view.order
        if is_bounded(floor, order):
            room = reducible(floor.position(order.account, order.market), is_buy=order.is_buy)
            floor.bound(view, min(room, view.left), CancelReason.NOT_REDUCING)
        self._bound_meetings(order.hash)
        now = floor.engine.order(order.hash)
        if now is None or now.status is not OrderStatus.WAITING:
            return False
        try:
            clear_way(floor, now.order, now.left)
        except OrderRejected:
            floor.cancel(order.hash, CancelReason.MARGIN)
            return False
        except ExchangeUnavailable:
            return False  # Its turn comes after another block.
        return True

    def _bound_meetings(self, order_hash: bytes) -> None:
        """Nobody can send a stop again in smaller pieces when it fires: it trades with as many as
        one order may meet, for it mustn't help to put many small orders in its way."""
        floor, view = self._floor, self._floor.engine.order(order_hash)
        if view is None or view.status is not OrderStatus.WAITING or view.order.is_all_or_nothing:
            return
        order, now = view.order, floor.now()
        if floor.engine.meets_more_than(ORDER_FILLS_MAX, order, view.left, now):
            hits = floor.engine.preview(order, view.left, now)[:ORDER_FILLS_MAX]
            floor.bound(view, sum(hit.size for hit in hits), CancelReason.MARGIN)

    # Accounts

    def _check_signers(self, account: int) -> None:
        floor = self._floor
        state = floor.view.account(account)
        if state is None:
            # A reorg took it back.
            floor.apply(CancelAll(time=0, account=account, reason=CancelReason.SIGNER_REVOKED))
            return
        for order_hash, signer in floor.orders.signers(account).items():
            if signer == state.owner:
                continue
            view = floor.engine.order(order_hash)
            if view and not may_sign(floor, account, state.owner, signer, view.order.market):
                floor.cancel(order_hash, CancelReason.SIGNER_REVOKED)

    def _check_touched(self, account: int) -> None:
        """Look at those orders alone of which the block changed what counts for them."""
        floor = self._floor
        state = floor.view.account(account)
        if state is None or self._epochs.get(account) != state.order_epoch:
            self._check_account(account)
            return
        for nonce in sorted(floor.view.touched_nonces.get(account, ())):
            view = floor.engine.order_with_nonce(account, nonce)
            if view is not None and view.is_open:
                self._check_lane(view)
        self.bound_reducing(account)

    def _check_account(self, account: int) -> None:
        floor = self._floor
        state = floor.view.account(account)
        views = floor.orders.views(account)
        if state is None or not views:
            return
        old = [view for view in views if view.order.nonce >> _EPOCH_SHIFT != state.order_epoch]
        if len(old) == len(views):
            floor.apply(CancelAll(time=0, account=account, reason=CancelReason.EPOCH_RAISED))
            return
        for view in old:
            floor.cancel(view.order.hash, CancelReason.EPOCH_RAISED)
        self._epochs[account] = state.order_epoch
        for view in floor.orders.views(account):
            self._check_lane(view)
        self.bound_reducing(account)

    def _check_lane(self, view: OrderView) -> None:
        """What is filled under the nonce on chain, with what waits, is the signed size at most.

        Others than the matcher fill orders too: a liquidation takes signed ones.
        """
        floor, order = self._floor, view.order
        filled = floor.view.filled(order.account, order.nonce)
        if filled == FILLED_CANCELLED:
            floor.cancel(order.hash, CancelReason.CANCELLED_ON_CHAIN)
        elif filled:
            unseen = floor.unseen.of(order.account)
            waiting = sum(f.size for f in unseen if order.hash in (f.taker, f.maker))
            room = order.size - filled - waiting
            if room < view.left:
                floor.bound(view, room, CancelReason.CANCELLED_ON_CHAIN)


def _rules(market: int, instrument: Instrument) -> ListMarket:
    return ListMarket(
        time=0,
        market=market,
        tick=instrument.tick,
        lot=instrument.lot,
        is_auction=instrument.is_auction,
        is_open=instrument.is_open,
    )


def _same_rules(a: ListMarket, b: ListMarket) -> bool:
    return (a.tick, a.lot, a.is_auction, a.is_open) == (b.tick, b.lot, b.is_auction, b.is_open)
