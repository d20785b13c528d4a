"""The rules of the continuous book, written as plainly as they are told: one list of orders, looked
through and sorted each time. It shares no code with the engine but the inputs themselves."""

from dataclasses import dataclass, field

from execution.margin.reasons import Reason
from sequencer.matching import inputs
from sequencer.matching.limits import SETTLING_SECONDS
from sequencer.matching.orders import BookOrder, SelfTradePrevention, TriggerKind

Trade = tuple[bytes, bytes, int, int]
"""Taker, maker, size, price."""


@dataclass
class Slip:
    """An order and where it is: waiting, live, filled or cancelled."""

    order: BookOrder
    left: int
    place: int
    where: str = "live"
    why: str | None = None
    filled: int = 0


@dataclass
class NaiveBook:
    """One market. `trades` and each slip's `where` and `why` are what the engine must agree on."""

    tick: int
    lot: int
    now: int = 0
    mark: int | None = None
    places: int = 0
    slips: dict[bytes, Slip] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    undecided: dict[int, Trade] = field(default_factory=dict)
    settled: dict[int, tuple[int, Trade]] = field(default_factory=dict)

    def apply(self, given: inputs.Input) -> None:
        self.now = given.time
        for slip in self.slips.values():
            if slip.where in ("live", "waiting") and self.is_late(slip.order):
                self.end(slip, "expired")
        match given:
            case inputs.Place(order=order, most=most):
                self.place(order, most)
            case inputs.Replace(old=old, order=order, most=most):
                self.end(self.slips.get(old), "replaced")
                self.place(order, most)
            case inputs.Cancel(order=order_hash, reason=reason):
                self.end(self.slips.get(order_hash), reason)
            case inputs.CancelAll(account=account, reason=reason):
                for slip in self.slips.values():
                    if slip.order.account == account:
                        self.end(slip, reason)
            case inputs.Shrink(order=order_hash, most=most):
                self.shrink(self.slips.get(order_hash), most)
            case inputs.Marks(marks=marks, fires=fires):
                (self.mark,) = marks.values()
                if fires:
                    self.fire()
            case inputs.Fire(order=order_hash):
                self.fire(order_hash)
            case inputs.Outcome():
                self.decide(given)
            case inputs.Reverted(block=block):
                for fill, (number, trade) in list(self.settled.items()):
                    if number >= block:
                        self.undecided[fill] = trade
                        del self.settled[fill]
            case inputs.Finalized(block=block):
                self.settled = {f: bt for f, bt in self.settled.items() if bt[0] > block}

    def is_late(self, order: BookOrder) -> bool:
        return self.now > 1_000 * (order.expiry - SETTLING_SECONDS)

    def end(self, slip: Slip | None, why: str) -> None:
        if slip is not None and slip.where in ("live", "waiting"):
            slip.where, slip.why = "cancelled", why

    def next_place(self) -> int:
        self.places += 1
        return self.places

    def place(self, order: BookOrder, most: int) -> None:
        if order.hash in self.slips:
            return
        most = min(most, order.size) // self.lot * self.lot
        slip = self.slips[order.hash] = Slip(order, most, self.next_place())
        if self.is_late(order):
            self.end(slip, "expired")
        elif order.price % self.tick or order.size % self.lot:
            self.end(slip, "off grid")
        elif most == 0:
            self.end(slip, "not reducing")
        elif order.trigger and not self.is_fired(order):
            slip.where = "waiting"
        else:
            self.take(slip)

    def is_fired(self, order: BookOrder) -> bool:
        if order.trigger is None or self.mark is None:
            return False
        at_or_above = self.mark >= order.trigger.price
        at_or_below = self.mark <= order.trigger.price
        if order.trigger.kind is TriggerKind.STOP:
            return at_or_above if order.is_buy else at_or_below
        return at_or_below if order.is_buy else at_or_above

    def fire(self, only: bytes | None = None) -> None:
        slips = [s for name, s in self.slips.items() if only in (None, name)]
        fired = [s for s in slips if s.where == "waiting" and self.is_fired(s.order)]
        for slip in sorted(fired, key=lambda slip: slip.place):
            slip.where, slip.place = "fired", self.next_place()
            self.take(slip)

    def resting(self, *, is_buy: bool) -> list[Slip]:
        """One side, in the order in which it is served."""
        live = [s for s in self.slips.values() if s.where == "live" and s.order.is_buy == is_buy]
        sign = -1 if is_buy else 1
        return sorted(live, key=lambda slip: (sign * slip.order.price, slip.place))

    def crossed(self, order: BookOrder) -> list[Slip]:
        """Whom the order's limit reaches."""
        others = self.resting(is_buy=not order.is_buy)
        if order.is_buy:
            return [slip for slip in others if slip.order.price <= order.price]
        return [slip for slip in others if slip.order.price >= order.price]

    def take(self, slip: Slip) -> None:
        slip.where = "taking"
        order, others = slip.order, self.crossed(slip.order)
        if order.is_post_only and others:
            slip.where, slip.why = "cancelled", "post-only would take"
            return
        if order.is_all_or_nothing and not self.could_fill(slip, others):
            slip.where, slip.why = "cancelled", "fill-or-kill unfilled"
            return
        for maker in others:
            if slip.left and slip.where == "taking":
                self.meet(slip, maker)
        if slip.where != "taking":
            return
        if slip.left == 0:
            slip.where = "filled"
        elif order.is_immediate:
            slip.where, slip.why = "cancelled", "immediate rest"
        else:
            slip.where = "live"

    def could_fill(self, slip: Slip, others: list[Slip]) -> bool:
        """An own order in the way only leaves a fill-or-kill whole if it can be pushed aside."""
        found = 0
        for maker in others:
            if maker.order.owner != slip.order.owner:
                found += maker.left
            elif slip.order.prevention is not SelfTradePrevention.EXPIRE_MAKER:
                break
        return slip.left == slip.order.size and found >= slip.left

    def meet(self, taker: Slip, maker: Slip) -> None:
        size = min(taker.left, maker.left)
        mode = taker.order.prevention
        if taker.order.owner != maker.order.owner:
            trade = (taker.order.hash, maker.order.hash, size, maker.order.price)
            self.trades.append(trade)
            self.undecided[len(self.trades)] = trade
            for slip in (taker, maker):
                slip.filled += size
                slip.left -= size
            if maker.left == 0:
                maker.where = "filled"
        elif mode is SelfTradePrevention.DECREMENT:
            for slip in (taker, maker):
                if slip.left == size:
                    slip.where, slip.why = "cancelled", "decremented"
                else:
                    slip.left -= size
        else:
            for slip, kept in (
                (maker, SelfTradePrevention.EXPIRE_TAKER),
                (taker, SelfTradePrevention.EXPIRE_MAKER),
            ):
                if mode is not kept:
                    slip.where, slip.why = "cancelled", "self-trade"

    def shrink(self, slip: Slip | None, most: int) -> None:
        if slip is None or slip.where not in ("live", "waiting") or most >= slip.left:
            return
        if most // self.lot == 0:
            self.end(slip, "not reducing")
        else:
            slip.left = most // self.lot * self.lot

    def decide(self, given: inputs.Outcome) -> None:
        for fill in given.settled:
            if fill in self.undecided:
                self.settled[fill] = given.block, self.undecided.pop(fill)
        for refusal in given.refused:
            if refusal.fill in self.undecided:
                taker, maker, size, _ = self.undecided.pop(refusal.fill)
                self.undo(self.slips[taker], self.slips[maker], size, Reason(refusal.reason))

    def undo(self, taker: Slip, maker: Slip, size: int, reason: Reason) -> None:
        good = {Reason.TAKER_MARGIN: [maker], Reason.MAKER_MARGIN: [taker]}.get(reason, [])
        for slip in (taker, maker):
            slip.filled -= size
            slip.left += size
            if slip not in good and slip.where != "cancelled":
                slip.where, slip.why = "cancelled", "refused on chain"
        for slip in good:
            if slip.where == "filled":
                slip.where, slip.why = self.after_undoing(slip.order)

    def after_undoing(self, order: BookOrder) -> tuple[str, str | None]:
        if order.is_all_or_nothing:
            return "cancelled", "fill-or-kill unfilled"
        if order.is_immediate:
            return "cancelled", "immediate rest"
        if self.is_late(order):
            return "cancelled", "expired"
        if self.crossed(order):
            return "cancelled", "would cross"
        return "live", None
