"""What a new order has to fulfil by itself, before it meets anybody.

The checks come in the order in which a trader would want to hear of them: what the order is, whose
it is, whether it is in force, then what the market asks. They are Settlement.sol's, so that what
passes here settles; it has the last word.
"""

from sequencer.exchange.errors import (
    DuplicateOrder,
    Expired,
    FeeAboveMaximum,
    MalformedOrder,
    MarketNotOpen,
    NonceUsed,
    NotReducing,
    OffLot,
    OffTick,
    OrderTooSmall,
    OutsidePriceBand,
    PostOnlyWouldTake,
    SignerNotAllowed,
    TooManyOrders,
    UnknownAccount,
    UnknownMarket,
    UnknownOrder,
    WrongEpoch,
)
from sequencer.exchange.floor import Floor, reducible
from sequencer.exchange.limits import (
    ACCOUNT_ORDERS_MAX,
    KNOWN_ORDERS_MAX,
    LONG_ORDERS_MAX,
    OPEN_ORDERS_MAX,
    ORDER_SECONDS_MAX,
    OWNER_KNOWN_ORDERS_MAX,
    OWNER_ORDERS_MAX,
    SHORT_ORDER_SECONDS,
)
from sequencer.exchange.placement import Candidate
from sequencer.exchange.ports import Fees, Instrument
from sequencer.matching.limits import SETTLING_SECONDS
from sequencer.matching.orders import BookOrder
from state.types import Address, Timestamp

_EPOCH_SHIFT = 32
"""nonce >> 32 is the order epoch (MARGIN.md)."""

_MS = 1_000


def admit(floor: Floor, candidate: Candidate, replaces: bytes | None = None) -> BookOrder:
    """The order as the book will have it; `replaces` names one that leaves for it.

    Raises `OrderRejected`.
    """
    if floor.engine.order(candidate.hash) is not None:
        raise DuplicateOrder(candidate.hash)
    order = candidate.book_order(_owner(floor, candidate))
    instrument = _instrument(floor, order)
    _check_signer(floor, order, candidate.signer)
    _check_in_force(floor, order)
    _check_grid(order, instrument)
    _check_fee(order, floor.view.fees(order.account, order.market))
    _check_band(order, instrument, waits=floor.engine.must_wait(order))
    _check_memory(floor, order)
    if replaces is None:
        _check_room(floor, order)
    else:
        _check_replaced(floor, order, replaces)
    _check_post_only(floor, order, instrument)
    return order


def most_of(floor: Floor, order: BookOrder) -> int:
    """s8 that a new order may trade. Raises `NotReducing`.

    One that waits for its trigger is bounded when that fires: the position may come until then.
    """
    if floor.engine.must_wait(order) or not is_bounded(floor, order):
        return order.size
    position = floor.position(order.account, order.market)
    most = min(order.size, reducible(position, is_buy=order.is_buy))
    if most == 0:
        raise NotReducing(position)
    return most


def is_bounded(floor: Floor, order: BookOrder) -> bool:
    """Whether an order may only reduce: because it says so, or because of its market."""
    instrument = floor.view.instrument(order.market)
    return order.is_reduce_only or instrument is None or instrument.is_reduce_only


def may_sign(
    floor: Floor, account: int, owner: Address | bytes, signer: Address, market: int
) -> bool:
    """Whether what `signer` signed can still settle: his own, or with a key that lives as long."""
    soon = Timestamp(floor.now() // _MS + SETTLING_SECONDS)
    return signer == owner or floor.view.session_key_allows(account, signer, market, soon)


def _owner(floor: Floor, candidate: Candidate) -> Address:
    account = candidate.signed.order.account
    state = floor.view.account(account)
    if state is None:
        raise UnknownAccount(account)
    return state.owner


def _instrument(floor: Floor, order: BookOrder) -> Instrument:
    instrument = floor.view.instrument(order.market)
    if instrument is None:
        raise UnknownMarket(order.market)
    listed = floor.engine.markets().get(order.market)
    if not instrument.is_open or listed is None or not listed.is_open:
        raise MarketNotOpen(order.market, takes_reducing=False)
    if instrument.is_reduce_only and not order.is_reduce_only:
        raise MarketNotOpen(order.market, takes_reducing=True)
    return instrument


def _check_signer(floor: Floor, order: BookOrder, signer: Address) -> None:
    if not may_sign(floor, order.account, order.owner, signer, order.market):
        raise SignerNotAllowed(signer, order.account)


def _check_in_force(floor: Floor, order: BookOrder) -> None:
    state = floor.view.account(order.account)
    epoch = order.nonce >> _EPOCH_SHIFT
    if state is not None and epoch != state.order_epoch:
        raise WrongEpoch(epoch, state.order_epoch)
    earliest = -(-floor.now() // _MS) + SETTLING_SECONDS
    if order.expiry < earliest:
        raise Expired(order.expiry, earliest)
    if order.expiry > earliest + ORDER_SECONDS_MAX:
        raise MalformedOrder(
            f"an order may wait for {ORDER_SECONDS_MAX // 86_400} days at most: sign an earlier"
            " expiry, and a new order then"
        )
    used = floor.engine.is_nonce_used(order.account, order.nonce)
    if used or floor.view.filled(order.account, order.nonce):
        raise NonceUsed(order.nonce)


def _check_grid(order: BookOrder, instrument: Instrument) -> None:
    if instrument.lot == 0 or order.size <= 0 or order.size % instrument.lot:
        raise OffLot(order.size, instrument.lot)
    if order.size < instrument.least_size and not order.is_reduce_only:
        raise OrderTooSmall(order.size, instrument.least_size)
    if instrument.tick == 0 or order.price <= 0 or order.price % instrument.tick:
        raise OffTick(order.price, instrument.tick)


def _check_fee(order: BookOrder, fees: Fees) -> None:
    """An order that can be either side has to allow both fees."""
    if order.is_post_only:
        fee = fees.maker
    elif order.is_immediate:
        fee = fees.taker
    else:
        fee = max(fees.taker, fees.maker)
    if fee > order.max_fee_ppm:
        raise FeeAboveMaximum(fee, order.max_fee_ppm)


def _check_band(order: BookOrder, instrument: Instrument, *, waits: bool) -> None:
    """A limit may be far on its own side, where it rests, but not reach beyond the band.

    The price of an order that waits is compared when it lives, for the mark is another one then.
    """
    low, high = instrument.price_low, instrument.price_high
    reaches = order.price > high if order.is_buy else order.price < low
    if reaches and not waits:
        raise OutsidePriceBand(order.price, low, high)


def _check_room(floor: Floor, order: BookOrder) -> None:
    if floor.orders.count(order.account) >= ACCOUNT_ORDERS_MAX:
        raise TooManyOrders(ACCOUNT_ORDERS_MAX, f"account {order.account}")
    if floor.orders.count_of(order.owner) >= OWNER_ORDERS_MAX:
        raise TooManyOrders(OWNER_ORDERS_MAX, f"0x{order.owner.hex()}")
    if len(floor.orders) >= OPEN_ORDERS_MAX:
        raise TooManyOrders(OPEN_ORDERS_MAX, "the exchange")


def _check_memory(floor: Floor, order: BookOrder) -> None:
    """Every order is remembered until it expires, whatever becomes of it; a replaced one too."""
    engine, unexpired = floor.engine, "with those not yet expired"
    if engine.known_orders_of(order.owner) >= OWNER_KNOWN_ORDERS_MAX:
        raise TooManyOrders(OWNER_KNOWN_ORDERS_MAX, f"0x{order.owner.hex()} {unexpired}")
    if engine.known_orders >= KNOWN_ORDERS_MAX:
        raise TooManyOrders(KNOWN_ORDERS_MAX, f"the exchange {unexpired}")
    is_short = order.expiry <= floor.now() // _MS + SHORT_ORDER_SECONDS
    if engine.known_orders >= LONG_ORDERS_MAX and not is_short:
        lasting = f"the exchange, for orders that live longer than {SHORT_ORDER_SECONDS} s,"
        raise TooManyOrders(LONG_ORDERS_MAX, lasting)


def _check_replaced(floor: Floor, order: BookOrder, replaces: bytes) -> None:
    old = floor.engine.order(replaces)
    if old is None or old.order.account != order.account or not old.is_open:
        raise UnknownOrder(replaces)
    if (old.order.market, old.order.is_buy) != (order.market, order.is_buy):
        raise MalformedOrder("an order is replaced by one of the same market and side")


def _check_post_only(floor: Floor, order: BookOrder, instrument: Instrument) -> None:
    """In an auction everybody waits for everybody, and post-only has a meaning of its own there."""
    waits = floor.engine.must_wait(order)
    if not order.is_post_only or waits or instrument.is_auction:
        return
    levels = floor.engine.levels(order.market, 1)
    for best, _ in levels.asks if order.is_buy else levels.bids:
        if (best <= order.price) if order.is_buy else (best >= order.price):
            raise PostOnlyWouldTake(best)
