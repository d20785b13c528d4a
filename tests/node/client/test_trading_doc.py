"""Every example of docs/trading.md is what a node answers, in the order of the page.

`→` is a call, `←` its answer, `⇐` news of the newest subscription. A string that ends in "…" stands
for all that begin so, a member "…" for the members left out.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from execution.margin import CancelRequest, Order, OrderFlag
from node.client import Refusal
from state.types import Timestamp
from tests.node.client.doc_venue import doc_venue
from tests.node.rpc.trade.venue import Client, Venue
from tests.sequencer.exchange.hall import run
from tests.sequencer.exchange.house import DOMAIN, key

PAGE = (Path(__file__).parents[3] / "docs" / "trading.md").read_text()
EXAMPLES = re.findall(r"^```json\n(.*?)^```", PAGE, re.M | re.S)
TYPED = [json.loads(one) for one in EXAMPLES if "primaryType" in one]
CALLS = [one for one in EXAMPLES if "primaryType" not in one]

COUNTED = ("sequence", "previous")
"""Heartbeats are inputs of the log too, so that their number depends on the machine."""


def said(example: str) -> list[tuple[str, Any]]:
    """Arrow and value of all that an example says."""
    parts = re.split(r"^(→|←|⇐) ", example, flags=re.M)[1:]
    return [(arrow, json.loads(body)) for arrow, body in zip(parts[::2], parts[1::2])]


def agrees(shown: Any, told: Any) -> bool:
    """Whether an answer is what the page shows."""
    if isinstance(shown, str) and shown.endswith("…"):
        return isinstance(told, str) and told.startswith(shown[:-1])
    if isinstance(shown, dict) and isinstance(told, dict):
        wanted = shown.keys() - {"…"}
        if not wanted <= told.keys() or ("…" not in shown and wanted != told.keys()):
            return False
        return all(
            type(told[name]) is int if name in COUNTED else agrees(shown[name], told[name])
            for name in wanted
        )
    if isinstance(shown, list) and isinstance(told, list):
        return len(shown) == len(told) and all(map(agrees, shown, told))
    return type(shown) is type(told) and shown == told


async def replay(client: Client) -> None:
    """Say what the page says; fails where the node says something else."""
    told: Any = None
    subscription = ""
    for arrow, shown in (part for example in CALLS for part in said(example)):
        if arrow == "→":
            response = await client.answer(*shown)
            told = {"error": response["error"]} if "error" in response else response["result"]
            if shown[0] == "trade_subscribe":
                subscription = told
            continue
        if arrow == "⇐":
            told = await client.heard(subscription)
        assert agrees(shown, told), f"the page shows {shown}, the node says {told}"


def test_calls_of_the_page_are_answered_as_it_shows() -> None:
    async def story(venue: Venue) -> None:
        async with venue.client() as client:
            await replay(client)

    with doc_venue() as venue:
        run(story(venue))


def test_typed_data_of_the_page_is_what_the_exchange_checks() -> None:
    order, cancel = (one["message"] for one in TYPED)
    signed = Order(
        order["account"], order["market"], order["isBuy"], order["size"], order["price"],
        order["maxFeePpm"], order["nonce"], Timestamp(order["expiry"]), OrderFlag(order["flags"]),
    ).sign(key(1), DOMAIN)  # fmt: skip
    request = CancelRequest(cancel["account"], None, None, cancel["time"]).sign(key(0), DOMAIN)

    for typed, ours, index in zip(TYPED, (signed, request), (1, 0), strict=True):
        wallets = Account.sign_message(encode_typed_data(full_message=typed), key(index))
        assert wallets.r.to_bytes(32) == ours.r
        assert wallets.s == int.from_bytes(ours.vs) % 2**255


@pytest.mark.parametrize("reason", sorted(set(Refusal) - {Refusal.REJECTED}))
def test_page_says_what_to_do_about_each_reason(reason: Refusal) -> None:
    assert f"`{reason}`" in PAGE[PAGE.index("## Errors") :]


def test_comparison_sees_what_is_missing_or_different() -> None:
    assert agrees({"a": "0x1…", "…": "…"}, {"a": "0x12", "b": 1})
    assert not agrees({"a": 1}, {"a": 1, "b": 1})
    assert not agrees({"a": 1, "…": "…"}, {"b": 1})
    assert not agrees([1], [1, 2])
    assert not agrees("0x2…", "0x12")
    assert not agrees(1, True)
