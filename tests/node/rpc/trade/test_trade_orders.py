"""Orders over JSON-RPC: every method, every reason to refuse one, and what malformed ones hear."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from execution.margin import OrderFlag, Reason
from sequencer.exchange import errors
from sequencer.exchange.limits import ACCOUNT_ORDERS_MAX, CLIENT_ID_BYTES_MAX, ORDER_FILLS_MAX
from tests.node.rpc.trade.venue import Venue, cancel_params, order_params
from tests.sequencer.exchange.hall import NOW
from tests.sequencer.exchange.house import LATER, START, key, owner


def test_placed_order_is_answered_with_all_that_was_asked(venue: Venue) -> None:
    trigger = {"kind": "stop", "priceP8": "1200"}
    options = {"clientOrderId": "mine", "selfTradePrevention": "decrement", "trigger": trigger}
    signed = venue.traders[0].buy(10, 1_210, nonce=7, flags=OrderFlag.IOC)
    placed = venue.place(signed, **options)
    assert placed["fills"] == []
    order_hash = placed["order"].pop("orderHash")
    assert placed["order"] == {
        "clientOrderId": "mine",
        "account": 1,
        "owner": "0x" + owner(0).hex(),
        "market": 0,
        "isBuy": True,
        "sizeS8": "10",
        "priceP8": "1210",
        "maxFeePpm": 1_000,
        "flags": int(OrderFlag.IOC),
        "postOnly": False,
        "reduceOnly": False,
        "timeInForce": "ioc",
        "nonce": "7",
        "expiry": LATER,
        "selfTradePrevention": "decrement",
        "trigger": trigger,
        "status": "waiting",
        "leftS8": "10",
        "filledS8": "0",
        "reason": None,
        "acceptedAt": NOW,
        "fills": [],
    }
    by_name = {"account": 1, "clientOrderId": "mine"}
    found = venue.node.call("trade_getOrder", order_hash)
    assert found == {"orderHash": order_hash, **placed["order"]}
    assert venue.node.call("trade_getOrder", by_name) == found
    assert venue.node.call("trade_getOrders", 1) == [found]


def test_orders_that_meet_are_answered_with_their_fill(venue: Venue) -> None:
    fill = venue.trade(price=1_010, size=10)
    buyer, seller = (venue.node.call("trade_getFills", n)[0] for n in (1, 2))
    assert buyer == seller == fill
    hashes = fill.pop("makerOrder"), fill.pop("takerOrder")
    orders = [venue.node.call("trade_getOrder", order_hash) for order_hash in hashes]
    assert [order["status"] for order in orders] == ["filled", "filled"]
    assert [order["filledS8"] for order in orders] == ["10", "10"]
    assert fill == {
        "id": 1,
        "market": 0,
        "priceP8": "1010",
        "sizeS8": "10",
        "takerIsBuy": False,
        "takerAccount": 2,
        "makerAccount": 1,
        "time": NOW,
        "isAuction": False,
        "state": "matched",
        "block": None,
        "transaction": None,
        "reason": None,
    }


def test_open_orders_are_listed_oldest_first_and_by_market(venue: Venue) -> None:
    trader = venue.traders[0]
    for price, market in ((990, 0), (980, 1), (970, 0)):
        venue.place(trader.buy(5, price, market=market))
    prices = [order["priceP8"] for order in venue.node.call("trade_getOrders", 1)]
    assert prices == ["990", "980", "970"]
    here = venue.node.call("trade_getOrders", 1, {"market": 0})
    assert [order["priceP8"] for order in here] == ["990", "970"]
    assert venue.node.call("trade_getOrders", 99) == []
    assert venue.node.call("trade_getOrder", "0x" + "11" * 32) is None
    assert venue.node.call("trade_getOrder", {"account": 1, "clientOrderId": "no"}) is None


def test_newest_order_of_a_client_id_is_found(venue: Venue) -> None:
    for price in (990, 980):
        venue.place(venue.traders[0].buy(5, price), clientOrderId="twice")
    found = venue.node.call("trade_getOrder", {"account": 1, "clientOrderId": "twice"})
    assert found["priceP8"] == "980"


def test_replaced_order_goes_and_stays_where_the_new_one_is_refused(venue: Venue) -> None:
    trader = venue.traders[0]
    old = venue.place(trader.buy(5, 990))["order"]["orderHash"]
    bad = order_params(trader.buy(5, 991))
    assert venue.rejection("trade_replaceOrder", old, bad) == (-32000, "off-tick")
    new = venue.node.call(
        "trade_replaceOrder", old, order_params(trader.buy(10, 980)), {"clientOrderId": "new"}
    )
    assert (new["order"]["status"], new["order"]["clientOrderId"]) == ("live", "new")
    gone = venue.node.call("trade_getOrder", old)
    assert (gone["status"], gone["reason"]) == ("cancelled", "replaced")
    assert venue.node.call("trade_getBook", 0)["bids"] == [["980", "10"]]


def test_cancelled_orders_are_named(venue: Venue) -> None:
    trader, hall = venue.traders[0], venue.hall
    hashes = [
        venue.place(trader.buy(5, 990, market=market))["order"]["orderHash"]
        for market in (0, 0, 1, 1)
    ]
    one = hall.cancel(trader, order=bytes.fromhex(hashes[0][2:]))
    assert venue.node.call("trade_cancelOrder", cancel_params(one)) == {"cancelled": hashes[:1]}
    assert venue.rejection("trade_cancelOrder", cancel_params(one)) == (-32000, "unknown-order")
    here = hall.cancel(trader, market=1)
    assert venue.node.call("trade_cancelAll", cancel_params(here)) == {"cancelled": hashes[2:]}
    rest = hall.cancel(trader, time=here.request.time + 1)
    assert venue.node.call("trade_cancelAll", cancel_params(rest)) == {"cancelled": [hashes[1]]}


def test_book_shows_as_many_levels_as_are_asked_for(venue: Venue) -> None:
    buyer, seller = venue.traders[:2]
    for price in range(900, 1_000, 10):
        venue.place(buyer.buy(5, price))
    venue.place(buyer.buy(10, 990))
    venue.place(seller.sell(5, 1_000))
    book = venue.node.call("trade_getBook", 0, 2)
    assert (book["market"], book["time"]) == (0, NOW)
    assert book["bids"] == [["990", "15"], ["980", "5"]]
    assert book["asks"] == [["1000", "5"]]
    assert len(venue.node.call("trade_getBook", 0)["bids"]) == 10
    empty = venue.node.call("trade_getBook", 1)
    assert (empty["bids"], empty["asks"]) == ([], [])
    assert empty["sequence"] == book["sequence"]


# What is refused

Case = Callable[[Venue], tuple[str, list[Any]]]


def _place(venue: Venue, **how: Any) -> tuple[str, list[Any]]:
    size, price = how.pop("size", 10), how.pop("price", 1_000)
    return "trade_placeOrder", [order_params(venue.traders[0].buy(size, price, **how))]


def _signed_badly(venue: Venue) -> tuple[str, list[Any]]:
    signed = replace(venue.traders[0].buy(10, 1_000), r=bytes(32))
    return "trade_placeOrder", [order_params(signed)]


def _twice(venue: Venue) -> tuple[str, list[Any]]:
    signed = venue.traders[0].buy(10, 900)
    venue.place(signed)
    return "trade_placeOrder", [order_params(signed)]


def _nonce_again(venue: Venue) -> tuple[str, list[Any]]:
    venue.place(venue.traders[0].buy(10, 900, nonce=3))
    return _place(venue, nonce=3)


def _post_only_that_takes(venue: Venue) -> tuple[str, list[Any]]:
    venue.place(venue.traders[1].sell(10, 1_000))
    return _place(venue, flags=OrderFlag.POST_ONLY)


def _without_room(venue: Venue) -> tuple[str, list[Any]]:
    venue.hall.house.room[1] = 5
    return _place(venue)


def _stale(venue: Venue) -> tuple[str, list[Any]]:
    venue.hall.house.verdicts[1] = Reason.ORACLE_STALE
    return _place(venue)


def _closed(venue: Venue) -> tuple[str, list[Any]]:
    listed = venue.hall.house.listed
    listed[0] = replace(listed[0], is_reduce_only=True)
    return _place(venue)


def _dust(venue: Venue) -> tuple[str, list[Any]]:
    listed = venue.hall.house.listed
    listed[0] = replace(listed[0], least_size=1_000)
    return _place(venue)


def _too_many(venue: Venue) -> tuple[str, list[Any]]:
    for _ in range(ACCOUNT_ORDERS_MAX):
        venue.place(venue.traders[0].buy(5, 900))
    return _place(venue)


def _too_many_met(venue: Venue) -> tuple[str, list[Any]]:
    for _ in range(ORDER_FILLS_MAX + 1):
        venue.place(venue.traders[1].sell(5, 1_000))
    return _place(venue, size=5 * (ORDER_FILLS_MAX + 1))


def _nameless_account(venue: Venue) -> tuple[str, list[Any]]:
    return "trade_placeOrder", [order_params(replace(venue.traders[0], index=76).buy(10, 1_000))]


def _long_name(venue: Venue) -> tuple[str, list[Any]]:
    method, params = _place(venue)
    return method, [*params, {"clientOrderId": "x" * (CLIENT_ID_BYTES_MAX + 1)}]


def _cancel_unknown(venue: Venue) -> tuple[str, list[Any]]:
    signed = venue.hall.cancel(venue.traders[0], order=b"\x01" * 32)
    return "trade_cancelOrder", [cancel_params(signed)]


def _cancel_late(venue: Venue) -> tuple[str, list[Any]]:
    signed = venue.hall.cancel(venue.traders[0], time=NOW - 30_001)
    return "trade_cancelAll", [cancel_params(signed)]


def _cancel_again(venue: Venue) -> tuple[str, list[Any]]:
    params = [cancel_params(venue.hall.cancel(venue.traders[0]))]
    venue.node.call("trade_cancelAll", *params)
    return "trade_cancelAll", params


_REFUSALS: dict[str, Case] = {
    "malformed-order": _long_name,
    "bad-signature": _signed_badly,
    "signer-not-allowed": lambda venue: _place(venue, signer=key(3)),
    "unknown-account": _nameless_account,
    "unknown-market": lambda venue: _place(venue, market=9),
    "unknown-order": _cancel_unknown,
    "market-not-open": _closed,
    "off-tick": lambda venue: _place(venue, price=1_001),
    "order-too-small": _dust,
    "off-lot": lambda venue: _place(venue, size=7),
    "outside-price-band": lambda venue: _place(venue, price=1_510),
    "wrong-epoch": lambda venue: _place(venue, nonce=1 << 32),
    "expired": lambda venue: _place(venue, expiry=START - 1),
    "nonce-used": _nonce_again,
    "duplicate-order": _twice,
    "fee-above-maximum": lambda venue: _place(venue, max_fee=499),
    "too-many-orders": _too_many,
    "too-many-fills": _too_many_met,
    "not-reducing": lambda venue: _place(venue, flags=OrderFlag.REDUCE_ONLY),
    "post-only-would-take": _post_only_that_takes,
    "margin-too-low": _without_room,
    "would-not-settle": _stale,
    "cancel-out-of-time": _cancel_late,
    "cancel-replayed": _cancel_again,
}


@pytest.mark.parametrize("reason", _REFUSALS)
def test_refusal_has_its_reason(venue: Venue, reason: str) -> None:
    method, params = _REFUSALS[reason](venue)
    assert venue.rejection(method, *params) == (-32000, reason)


def test_each_reason_there_is_can_be_met_over_json_rpc() -> None:
    assert {kind.reason for kind in errors.OrderRejected.__subclasses__()} == set(_REFUSALS)


@pytest.mark.parametrize("method", ["trade_getBook", "trade_getTrades"])
def test_market_that_is_not_there_is_refused(venue: Venue, method: str) -> None:
    assert venue.rejection(method, 9) == (-32000, "unknown-market")


_MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"account": 0}, "account: 0 is not within 1"),
    ({"account": "1"}, "account: not a JSON integer"),
    ({"market": 2**32 - 1}, "market: "),
    ({"isBuy": 1}, "isBuy: "),
    ({"sizeS8": 10}, "sizeS8: not a decimal string"),
    ({"sizeS8": "1e3"}, "sizeS8: not a decimal string"),
    ({"sizeS8": "-10"}, "sizeS8: -10 is not within"),
    ({"priceP8": str(2**64)}, "priceP8: "),
    ({"maxFeePpm": True}, "maxFeePpm: not a JSON integer"),
    ({"flags": 16}, "flags: 16 is not within"),
    ({"nonce": "01"}, "nonce: not a decimal string"),
    ({"expiry": 2**40}, "expiry: "),
    ({"expiry": None}, "expiry is missing"),
    ({"signature": "0x12"}, "signature: a signature has 64 bytes"),
    ({"signature": "0x" + "ff" * 64 + "1b"}, "signature: the signature's s is in its upper half"),
    ({"signature": "0x" + "01" * 64 + "05"}, "signature: a signature has 64 bytes"),
    ({"sizes8": "10"}, "unknown member 'sizes8'"),
]


@pytest.mark.parametrize(("wrong", "message"), _MALFORMED)
def test_malformed_order_hears_which_member(
    venue: Venue, wrong: dict[str, Any], message: str
) -> None:
    order = order_params(venue.traders[0].buy(10, 1_000)) | wrong
    error = venue.node.error("trade_placeOrder", order)
    assert error["code"] == -32602
    assert error["message"].startswith(f"invalid argument 0: {message}")


_MALFORMED_CALLS: list[tuple[str, list[Any]]] = [
    ("trade_placeOrder", []),
    ("trade_placeOrder", [[]]),
    ("trade_cancelOrder", [{"account": 1, "time": 1, "signature": "0x" + "01" * 64}]),
    (
        "trade_cancelOrder",
        [{"account": 1, "orderHash": "0x" + "00" * 32, "time": 1, "signature": "0x" + "01" * 64}],
    ),
    ("trade_getBook", [0, 0]),
    ("trade_getBook", [0, 1_001]),
    ("trade_getOrders", [1, {"side": "buy"}]),
    ("trade_getOrder", [{"account": 1}]),
    ("trade_getOrder", ["0x12"]),
    ("trade_getTrades", [0, {"limit": 1_001}]),
    ("trade_getTrades", [0, {"before": 0}]),
    ("trade_getFills", ["1"]),
    ("trade_getCandles", [0, "2m", START, LATER]),
    ("trade_getCandles", [0, "1m", START]),
    ("trade_getCandles", [0, "1m", START, START + 60 * 1_500 + 1]),
]


@pytest.mark.parametrize(("method", "params"), _MALFORMED_CALLS)
def test_malformed_call_is_refused(venue: Venue, method: str, params: list[Any]) -> None:
    assert venue.node.error(method, *params)["code"] == -32602


@pytest.mark.parametrize(
    "options",
    [
        {"selfTradePrevention": "none"},
        {"trigger": {"kind": "stop"}},
        {"trigger": {"kind": "limit", "priceP8": "1"}},
        {"trigger": {"kind": "stop", "priceP8": "0"}},
        {"clientOrderId": 7},
        {"leverage": 10},
    ],
)
def test_malformed_options_are_refused(venue: Venue, options: dict[str, Any]) -> None:
    order = order_params(venue.traders[0].buy(10, 1_000))
    error = venue.node.error("trade_placeOrder", order, options)
    assert error["code"] == -32602
    assert error["message"].startswith("invalid argument 1: ")


def test_signature_of_65_bytes_is_as_good(venue: Venue) -> None:
    signed = venue.traders[0].buy(10, 1_000)
    odd = signed.vs[0] >> 7
    s = bytes([signed.vs[0] & 0x7F]) + signed.vs[1:]
    for v in (27 + odd, odd):
        long = "0x" + (signed.r + s + bytes([v])).hex()
        answer = venue.node.answer("trade_placeOrder", order_params(signed) | {"signature": long})
        error = answer.get("error")
        assert error is None or error["data"]["reason"] == "duplicate-order"


def test_stopped_exchange_says_try_again(venue: Venue) -> None:
    venue.hall.running.get_loop().call_soon_threadsafe(venue.hall.running.cancel)
    while not venue.hall.running.done():
        venue.node.call("trade_getBook", 0)
    for method, params in (
        ("trade_placeOrder", [order_params(venue.traders[0].buy(10, 1_000))]),
        ("trade_getOrders", [1]),
    ):
        assert venue.node.error(method, *params)["code"] == -32002
