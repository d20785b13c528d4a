"""Each word of the exchange's errors has its place in the client."""

from collections.abc import Iterator

from node.client import NotConnected, OrderRefused, Refusal, RequestRefused
from node.client.errors import refusal_of
from sequencer.exchange.errors import OrderRejected


def kinds(kind: type[OrderRejected] = OrderRejected) -> Iterator[type[OrderRejected]]:
    yield kind
    for each in kind.__subclasses__():
        yield from kinds(each)


def test_refusals_are_the_words_of_the_exchange() -> None:
    assert {kind.reason for kind in kinds()} == set(Refusal)


def test_error_with_a_reason_is_a_refused_order() -> None:
    error = refusal_of("trade_placeOrder", -32000, "why", {"reason": "off-tick"})

    assert isinstance(error, OrderRefused)
    assert (error.reason, str(error)) == (Refusal.OFF_TICK, "why")


def test_reason_of_a_newer_node_is_still_a_refused_order() -> None:
    error = refusal_of("trade_placeOrder", -32000, "why", {"reason": "moon-phase"})

    assert isinstance(error, OrderRefused)
    assert error.reason is Refusal.REJECTED


def test_other_errors_say_whether_trying_again_helps() -> None:
    assert isinstance(refusal_of("m", -32002, "busy", None), NotConnected)
    refused = refusal_of("m", -32602, "sizeS8: missing", None)
    assert isinstance(refused, RequestRefused)
    assert refused.code == -32602
    assert isinstance(refusal_of("m", "odd", ["odd"], 5), RequestRefused)
