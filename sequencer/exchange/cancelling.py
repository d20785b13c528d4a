"""Requests to cancel: who may ask, and that no old one is obeyed twice."""

from execution.errors import InvalidSignature
from execution.margin import CancelRequest, SignedCancel, recover_signer
from sequencer.exchange.admission import may_sign
from sequencer.exchange.errors import (
    BadSignature,
    CancelOutOfTime,
    CancelReplayed,
    SignerNotAllowed,
    UnknownAccount,
    UnknownOrder,
)
from sequencer.exchange.floor import Floor
from sequencer.exchange.limits import CANCEL_WINDOW_MS
from sequencer.journal import Canceller
from sequencer.matching.events import Cancelled, Event
from sequencer.matching.inputs import Cancel, CancelAll
from state.types import Address, Hash32


def signer_of(signed: SignedCancel, domain: Hash32) -> Address:
    """Raises `BadSignature`."""
    try:
        return recover_signer(signed.request.digest(domain), signed.r, signed.vs)
    except InvalidSignature as error:
        raise BadSignature(str(error)) from error


def cancel(floor: Floor, request: CancelRequest, signer: Address) -> tuple[bytes, ...]:
    """Let go of what a request names; returns the hashes of the orders that left.

    Raises `OrderRejected`.
    """
    who = Canceller(request.account, signer)
    _check_time(floor, request, who)
    markets = _markets(floor, request)
    state = floor.view.account(request.account)
    if state is None:
        raise UnknownAccount(request.account)
    for market in markets:
        if not may_sign(floor, request.account, state.owner, signer, market):
            raise SignerNotAllowed(signer, request.account)
    if not markets and signer != state.owner:
        raise SignerNotAllowed(signer, request.account)
    if request.order is not None:
        return _left(floor.apply(Cancel(time=0, order=request.order)))
    floor.note_cancel_all(who, request.time)
    return _left(floor.apply(CancelAll(time=0, account=request.account, market=request.market)))


def forget_old(floor: Floor) -> None:
    """Let go of signing times that are too old for their requests to be obeyed again."""
    oldest = floor.now() - CANCEL_WINDOW_MS
    for who in [one for one, time in floor.cancel_times.items() if time < oldest]:
        floor.forget_cancel_all(who)


def _check_time(floor: Floor, request: CancelRequest, who: Canceller) -> None:
    """Cancelling one order twice does no harm, so that only its age counts."""
    now = floor.now()
    if abs(now - request.time) > CANCEL_WINDOW_MS:
        raise CancelOutOfTime(request.time, now)
    last = floor.cancel_times.get(who)
    if request.order is None and last is not None and request.time <= last:
        raise CancelReplayed(request.time, last)


def _markets(floor: Floor, request: CancelRequest) -> set[int]:
    """Where the request would cancel something: a session key has to be good for all of it."""
    if request.order is not None:
        view = floor.engine.order(request.order)
        is_open = view is not None and view.is_open
        if view is None or not is_open or view.order.account != request.account:
            raise UnknownOrder(request.order)
        return {view.order.market}
    if request.market is not None:
        return {request.market}
    return {view.order.market for view in floor.orders.views(request.account)}


def _left(events: list[Event]) -> tuple[bytes, ...]:
    return tuple(event.order for event in events if isinstance(event, Cancelled))
