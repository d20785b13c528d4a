"""An order on its way into the book, and what its trader hears of it."""

from dataclasses import dataclass

from execution.errors import InvalidSignature
from execution.margin import OrderFlag, SignedOrder, recover_signer
from sequencer.exchange.errors import BadSignature, MalformedOrder
from sequencer.exchange.limits import CLIENT_ID_BYTES_MAX
from sequencer.matching.events import Event, Fill, Matched
from sequencer.matching.orders import BookOrder, SelfTradePrevention, Trigger
from sequencer.matching.views import OrderView
from state.types import Address, Hash32


@dataclass(frozen=True, slots=True)
class OrderOptions:
    """What a trader asks of the sequencer beyond what is signed, and has to trust it with."""

    prevention: SelfTradePrevention = SelfTradePrevention.EXPIRE_TAKER
    trigger: Trigger | None = None
    client_id: str = ""


PLAIN = OrderOptions()


@dataclass(frozen=True, slots=True)
class Placement:
    """An order right after it was taken, and the fills that it made at once."""

    order: OrderView
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class Announcement:
    """What one input of the log did. `time` in ms; `sequence` is the input's in the log."""

    sequence: int
    time: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order whose signature is somebody's; whether it may trade is not known yet."""

    signed: SignedOrder
    options: OrderOptions
    hash: Hash32
    signer: Address

    @classmethod
    def of(cls, signed: SignedOrder, options: OrderOptions, domain: Hash32) -> "Candidate":
        """Recover the signer. Raises `MalformedOrder`, `BadSignature`."""
        _check_options(options)
        digest = signed.order.digest(domain)
        try:
            signer = recover_signer(digest, signed.r, signed.vs)
        except InvalidSignature as error:
            raise BadSignature(str(error)) from error
        candidate = cls(signed, options, digest, signer)
        _check_flags(candidate.book_order(signer))
        return candidate

    def book_order(self, owner: Address) -> BookOrder:
        """As the book keeps it."""
        options = self.options
        return BookOrder.of(
            self.signed,
            self.hash,
            owner,
            prevention=options.prevention,
            trigger=options.trigger,
            client_id=options.client_id,
        )


def fills_of(taker: bytes, events: list[Event]) -> tuple[Fill, ...]:
    """The fills that an order made when it came."""
    return tuple(e.fill for e in events if isinstance(e, Matched) and e.fill.taker == taker)


def _check_options(options: OrderOptions) -> None:
    try:
        is_long = len(options.client_id.encode()) > CLIENT_ID_BYTES_MAX
    except UnicodeEncodeError:
        raise MalformedOrder("a client id is text: it can't be written as UTF-8") from None
    if is_long:
        raise MalformedOrder(f"a client id has at most {CLIENT_ID_BYTES_MAX} bytes")
    if options.trigger is not None and options.trigger.price <= 0:
        raise MalformedOrder("a trigger price is positive (p8)")


def _check_flags(order: BookOrder) -> None:
    """Settlement.sol refuses a post-only taker and an immediate maker."""
    if order.is_post_only and order.is_immediate:
        raise MalformedOrder(
            "a post-only order can't be immediate (IOC, FOK): it would never trade"
        )
    if order.flags & OrderFlag.IOC and order.is_all_or_nothing:
        raise MalformedOrder("an order is IOC or FOK, not both")
