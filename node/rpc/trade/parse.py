"""Orders and requests to cancel as clients write them (docs/trading.md)."""

from typing import Final

from execution.margin import (
    EVERY_MARKET,
    CancelRequest,
    Order,
    OrderFlag,
    SignedCancel,
    SignedOrder,
)
from node.rpc.codec import parse_bool, parse_data, parse_hash, parse_object, parse_string
from node.rpc.decimals import Members, decimal, whole
from node.rpc.errors import InvalidParams
from sequencer.candles import INTERVALS
from sequencer.exchange.placement import OrderOptions
from sequencer.matching.orders import SelfTradePrevention, Trigger, TriggerKind
from state.types import UINT64_MAX, Hash32, Timestamp

_ACCOUNT: Final = whole(1, UINT64_MAX)
_MARKET: Final = whole(0, EVERY_MARKET - 1)
_MILLISECONDS: Final = whole(0, UINT64_MAX)
parse_seconds: Final = whole(0, 2**40 - 1)
"""Seconds since 1970, as large as an order's expiry may be."""

_FEE_PPM: Final = whole(-(2**31), 2**31 - 1)
_FLAGS: Final = whole(0, 15)
_PRICE: Final = decimal(0, UINT64_MAX)
_SIZE: Final = decimal(0, 2**63 - 1)
_NONCE: Final = decimal(0, UINT64_MAX)

_PARITY: Final = {0: 0, 1: 1, 27: 0, 28: 1}
"""The last byte of a signature of 65 bytes: wallets write 27 and 28, libraries 0 and 1."""

_HALF: Final = 2**255
"""The bit of `vs` that holds the parity (EIP-2098)."""


def parse_order(value: object) -> SignedOrder:
    """A signed order. Raises `InvalidParams` with the member that is wrong."""
    members = Members(value)
    order = Order(
        account=members.required("account", _ACCOUNT),
        market=members.required("market", _MARKET),
        is_buy=members.required("isBuy", parse_bool),
        size=members.required("sizeS8", _SIZE),
        price=members.required("priceP8", _PRICE),
        max_fee_ppm=members.required("maxFeePpm", _FEE_PPM),
        nonce=members.required("nonce", _NONCE),
        expiry=Timestamp(members.required("expiry", parse_seconds)),
        flags=OrderFlag(members.optional("flags", _FLAGS) or 0),
    )
    r, vs = members.required("signature", parse_signature)
    members.end()
    return SignedOrder(order, r, vs)


def parse_signature(value: object) -> tuple[bytes, bytes]:
    """r and vs of a signature: 64 bytes (r, vs; EIP-2098) or 65 (r, s, v), s in its lower half."""
    signature = parse_data(value)
    if len(signature) == 64:
        return signature[:32], signature[32:]
    if len(signature) != 65 or signature[64] not in _PARITY:
        raise InvalidParams("a signature has 64 bytes (r, vs) or 65 (r, s, v)")
    s = int.from_bytes(signature[32:64], "big")
    if s >= _HALF:
        raise InvalidParams("the signature's s is in its upper half: sign with a low s (EIP-2)")
    vs = s | _HALF * _PARITY[signature[64]]
    return signature[:32], vs.to_bytes(32, "big")


def parse_options(value: object) -> OrderOptions:
    """What is asked of the sequencer besides."""
    members = Members(value)
    prevention = members.optional("selfTradePrevention", _parse_prevention)
    trigger = members.optional("trigger", _parse_trigger)
    client_id = members.optional("clientOrderId", parse_string)
    members.end()
    return OrderOptions(
        prevention=prevention or SelfTradePrevention.EXPIRE_TAKER,
        trigger=trigger,
        client_id=client_id or "",
    )


def parse_cancel_order(value: object) -> SignedCancel:
    """A signed request to cancel one order."""
    return _parse_cancel(value, takes_order=True)


def parse_cancel_all(value: object) -> SignedCancel:
    """A signed request to cancel all orders of an account, or those in one market."""
    return _parse_cancel(value, takes_order=False)


def parse_order_name(value: object) -> Hash32 | tuple[int, str]:
    """An order by its hash, or by its account and the name that the account gave it."""
    if not isinstance(value, dict):
        return parse_hash(value)
    members = Members(value)
    account = members.required("account", _ACCOUNT)
    client_id = members.required("clientOrderId", parse_string)
    members.end()
    return account, client_id


def parse_interval(value: object) -> int:
    """The interval of candles in seconds, by its name."""
    seconds = INTERVALS.get(parse_string(value))
    if seconds is None:
        raise InvalidParams(f"one of {', '.join(INTERVALS)}")
    return seconds


def _parse_cancel(value: object, *, takes_order: bool) -> SignedCancel:
    members = Members(parse_object(value))
    request = CancelRequest(
        account=members.required("account", _ACCOUNT),
        market=members.optional("market", _MARKET),
        order=members.required("orderHash", _parse_named) if takes_order else None,
        time=members.required("time", _MILLISECONDS),
    )
    r, vs = members.required("signature", parse_signature)
    members.end()
    return SignedCancel(request, r, vs)


def _parse_named(value: object) -> Hash32:
    order_hash = parse_hash(value)
    if not any(order_hash):
        raise InvalidParams("the zero hash names no order: trade_cancelAll cancels all")
    return order_hash


def _parse_prevention(value: object) -> SelfTradePrevention:
    try:
        return SelfTradePrevention(parse_string(value))
    except ValueError:
        raise InvalidParams(f"one of {', '.join(SelfTradePrevention)}") from None


def _parse_trigger(value: object) -> Trigger:
    members = Members(value)
    kind = members.required("kind", _parse_trigger_kind)
    price = members.required("priceP8", decimal(1, UINT64_MAX))
    members.end()
    return Trigger(kind, price)


def _parse_trigger_kind(value: object) -> TriggerKind:
    try:
        return TriggerKind(parse_string(value))
    except ValueError:
        raise InvalidParams(f"one of {', '.join(TriggerKind)}") from None
