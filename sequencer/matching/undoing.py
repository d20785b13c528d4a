"""What becomes of a fill that the clearing house rejected, and of one that it then took."""

from sequencer.matching.desk import Desk
from sequencer.matching.entry import Entry, last_match_ms
from sequencer.matching.events import Settled, Unwound
from sequencer.matching.faults import Fault, fault_of
from sequencer.matching.inputs import CancelReason, Outcome
from sequencer.matching.policy import policy_of
from sequencer.matching.views import OrderStatus


def unwind(desk: Desk, unwound: Unwound, fault: Fault | None) -> None:
    """Undo a fill on both orders. Who is at fault leaves; who isn't has its size back, in its old
    place if the book still has room for it there. A `fault` of None follows from the reason."""
    desk.note(unwound)
    fill = unwound.fill
    fault = fault or fault_of(unwound.reason, is_auction=fill.is_auction)
    taker, maker = (desk.order_of_fill(order) for order in (fill.taker, fill.maker))
    innocent = []
    for entry, role in ((taker, Fault.TAKER), (maker, Fault.MAKER)):
        desk.give_back(entry, fill)
        if fault in (role, Fault.BOTH):
            desk.cancel(entry, CancelReason.REFUSED_ON_CHAIN)
        else:
            innocent.append(entry)
    # Only now: who leaves may have stood in the way.
    for entry in innocent:
        _reinstate(desk, entry)
    for entry in (taker, maker):
        desk.roster.forget_if_over(entry, desk.time)


def recover(desk: Desk, fill_id: int, outcome: Outcome) -> None:
    """Count a fill as settled that was undone: the block that refused it is gone, and the one in
    its stead, derived from the same transactions, settled it."""
    record = desk.fills.get(fill_id)
    if record is None:
        return
    orders = record.fill.taker, record.fill.maker
    entries = [entry for entry in map(desk.roster.get, orders) if entry is not None]
    is_kept = len(entries) == len(orders)
    fill = desk.fills.recover(fill_id, outcome.block, outcome.transaction, is_kept=is_kept)
    if fill is None:
        return
    if is_kept:
        for entry in entries:
            desk.take_back(entry, fill)
    desk.note(Settled(fill, outcome.block, outcome.transaction))


def _reinstate(desk: Desk, entry: Entry) -> None:
    """Let an order that was given back a fill trade again, if it may."""
    if entry.status is OrderStatus.LIVE:
        desk.resize(entry, entry.left)
    elif entry.status is OrderStatus.FILLED:
        reason = _obstacle(desk, entry)
        if reason is None:
            desk.put_back(entry)
        else:
            desk.cancel(entry, reason)


def _obstacle(desk: Desk, entry: Entry) -> CancelReason | None:
    """Why a filled order can't go back to the book."""
    order, book = entry.order, desk.book_of(entry)
    if order.is_all_or_nothing:
        return CancelReason.FOK_UNFILLED
    if order.is_immediate:
        return CancelReason.IMMEDIATE_REST
    if last_match_ms(order) < desk.time:
        return CancelReason.EXPIRED
    if not book.rules.is_open:
        return CancelReason.MARKET_CLOSED
    if not book.is_on_grid(order.price, entry.left):
        return CancelReason.OFF_GRID
    if not policy_of(book.rules).may_rest_again(book, order):
        return CancelReason.WOULD_CROSS
    return None
