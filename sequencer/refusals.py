"""Which of a refused fill's two orders was void, where the clearing house's reason doesn't say.

Between a match and its settlement a trader may void an order of his own: by a transaction of a
block that was being built already, or by one that L1 forces. Only that order may leave the book for
it, else anybody could have those of others removed by trading with them.
"""

from collections.abc import Callable
from typing import Final

from execution.margin import FILLED_CANCELLED, Reason, recover_signer
from sequencer.exchange.ports import HouseView
from sequencer.matching.faults import Fault
from sequencer.matching.orders import BookOrder
from state.types import Hash32, Timestamp

_EPOCH_SHIFT: Final = 32


def fault_in_books(
    reason: int, taker: BookOrder, maker: BookOrder, view: HouseView, time: Timestamp
) -> Fault | None:
    """Whose order explains a refusal at `time`, with the books after its block; None if neither's
    alone does."""
    is_void = _TESTS.get(reason)
    if is_void is None:
        return None
    void = is_void(taker, view, time), is_void(maker, view, time)
    return {(True, False): Fault.TAKER, (False, True): Fault.MAKER}.get(void)


def _is_expired(order: BookOrder, view: HouseView, time: Timestamp) -> bool:
    return time > order.expiry


def _is_of_another_epoch(order: BookOrder, view: HouseView, time: Timestamp) -> bool:
    state = view.account(order.account)
    return state is None or order.nonce >> _EPOCH_SHIFT != state.order_epoch


def _is_cancelled(order: BookOrder, view: HouseView, time: Timestamp) -> bool:
    return view.filled(order.account, order.nonce) == FILLED_CANCELLED


def _is_not_allowed(order: BookOrder, view: HouseView, time: Timestamp) -> bool:
    signer = recover_signer(Hash32(order.hash), order.r, order.vs)
    is_owner = signer == order.owner
    return not is_owner and not view.session_key_allows(order.account, signer, order.market, time)


_TESTS: Final[dict[int, Callable[[BookOrder, HouseView, Timestamp], bool]]] = {
    Reason.ORDER_EXPIRED: _is_expired,
    Reason.WRONG_EPOCH: _is_of_another_epoch,
    Reason.ORDER_CANCELLED: _is_cancelled,
    Reason.SIGNER_NOT_ALLOWED: _is_not_allowed,
}
