"""Margin, marks and funding after each block, as the contract of a real chain says."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.node.rpc.margin_chain import Busy, busy_desk
from tests.node.rpc.trade.venue import Venue, open_venue

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def busy() -> Busy:
    return busy_desk()


@pytest.fixture
def venue(busy: Busy) -> Iterator[Venue]:
    with open_venue(chain=busy.desk.replay()) as opened:
        yield opened


async def test_margin_is_told_after_each_block(venue: Venue, busy: Busy) -> None:
    async with venue.client() as client:
        margin = await client.subscribe("margin", account=busy.cross)
        other = await client.subscribe("margin", account=busy.portfolio)
        for _ in range(2):
            number = venue.node.mine()
            for account, subscription in ((busy.cross, margin), (busy.portfolio, other)):
                told = await client.heard(subscription)
                facts = venue.node.call("margin_getAccount", account, hex(number))
                assert told["block"] == number
                assert told["timestamp"] == facts["block"]["timestamp"]
                for name in ("account", "owner", "orderEpoch", "cashQ6", "standing"):
                    assert told[name] == facts[name]


async def test_marks_and_funding_are_told_after_each_block(venue: Venue) -> None:
    async with venue.client() as client:
        mark = await client.subscribe("mark", market=0)
        funding = await client.subscribe("funding", market=1)
        number = venue.node.mine()
        quote = venue.node.call("margin_getMarkets")["markets"][0]
        running = venue.node.call("margin_getFunding", 1)
        told = await client.heard(mark)
        assert told == {
            "market": 0,
            "block": number,
            "timestamp": running["block"]["timestamp"],
            "markP8": quote["markP8"],
            "indexP8": quote["indexP8"],
        }
        told = await client.heard(funding)
        assert (told["market"], told["block"]) == (1, number)
        for name in ("fundingIndexF12", "runningRateR12", "predictedRateR12", "predictedDeltaF12"):
            assert told[name] == running[name]


async def test_subscriber_hears_of_the_newest_block_when_several_came(venue: Venue) -> None:
    async with venue.client() as client:
        mark = await client.subscribe("mark", market=0)
        last = await asyncio.to_thread(lambda: [venue.node.mine() for _ in range(5)][-1])
        while (await client.heard(mark))["block"] != last:
            pass


@pytest.mark.parametrize(("kind", "options"), [("mark", {"market": 2}), ("margin", {"account": 9})])
async def test_what_is_not_there_is_refused(
    venue: Venue, kind: str, options: dict[str, int]
) -> None:
    async with venue.client() as client:
        error = (await client.answer("trade_subscribe", kind, options))["error"]
        assert error["data"]["reason"].startswith("unknown-")


async def test_questions_after_a_block_are_limited(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.rpc.trade.house.HOUSE_LISTENED_MAX", 1)
    async with venue.client() as client:
        await client.subscribe("mark", market=0)
        await client.subscribe("mark", market=0)
        error = (await client.answer("trade_subscribe", "mark", {"market": 1}))["error"]
        assert error["code"] == -32005
