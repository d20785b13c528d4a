"""Peers that tell a replica wrong news: it believes none of it, and looks for another way."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from node.p2p.channels import Channel
from node.p2p.feed_messages import Answered, News, decode_request, encode_feed
from node.p2p.limits import FEED_MESSAGE_BYTES_MAX
from tests.node.p2p.rig import run, until
from tests.node.p2p.trading_rig import leads, trading_peers

pytestmark = pytest.mark.slow

TAKEN = b'{"jsonrpc":"2.0","id":0,"result":"0x1"}'
SNAPSHOT = b'{"type":"snapshot","sequence":7,"bids":[],"asks":[]}'
ESCAPE = SNAPSHOT + b'}},{"jsonrpc":"2.0","id":1,"result":"mine"}'
Tells = Callable[[Channel, int], None]


def say(*results: bytes) -> Tells:
    """Take the subscription, and tell these news."""

    def tell(channel: Channel, number: int) -> None:
        channel.send(encode_feed(Answered(number, TAKEN)))
        for result in results:
            channel.send(encode_feed(News(number, result)))

    return tell


def say_too_much(channel: Channel, number: int) -> None:
    """Begin a message that is longer than any."""
    channel._leaving += (FEED_MESSAGE_BYTES_MAX + 1).to_bytes(4) + bytes(1_000)
    channel._written.set()


def say_early(channel: Channel, number: int) -> None:
    channel.send(encode_feed(News(number, SNAPSHOT)))


def level(size: str) -> bytes:
    return b'{"type":"snapshot","sequence":7,"bids":[["9","%s"]],"asks":[]}' % size.encode()


def delta(previous: int) -> bytes:
    return b'{"type":"delta","sequence":9,"previous":%d,"bids":[],"asks":[]}' % previous


MANY = b",".join(b'["%d","1"]' % price for price in range(1, 1_002))

TELLERS: dict[str, tuple[Tells, str]] = {
    "oversize": (say_too_much, "oversize"),
    "before the answer": (say_early, "malformed"),
    "no JSON": (say(b"garbage"), "malformed"),
    "more than one value": (say(ESCAPE), "malformed"),
    "too deep": (say(b"[" * 5_000 + b"]" * 5_000), "malformed"),
    "no object": (say(b"[1]"), "malformed"),
    "no news of a book": (say(b'{"type":"surprise"}'), "malformed"),
    "delta without a snapshot": (say(delta(7)), "malformed"),
    "gap": (say(SNAPSHOT, delta(8)), "malformed"),
    "no number": (say(level("many")), "malformed"),
    "long number": (say(level("1" * 5_000)), "malformed"),
    "endless book": (
        say(b'{"type":"snapshot","sequence":7,"bids":[%s],"asks":[]}' % MANY),
        "malformed",
    ),
}
"""What a teller does, and what it is blamed for."""


@pytest.mark.parametrize("name", TELLERS)
def test_wrong_news_are_blamed_on_the_teller_and_never_reach_a_client(
    tmp_path: Path, name: str
) -> None:
    tell, offence = TELLERS[name]

    async def serve(channel: Channel) -> None:
        request = decode_request(await channel.receive())
        tell(channel, request.number)
        await until(lambda: channel.is_closed, "the end of the channel")

    async def story() -> None:
        async with trading_peers(tmp_path) as trading:
            trading.sequencer.network.serve_channel = serve
            replica = await trading.replica(trading.sequencer)
            await leads(replica, trading.sequencer)
            async with replica.client() as client:
                subscribing = asyncio.create_task(client.subscribe("book", market=0))
                await until(lambda: replica.member.offences().get(offence), offence)
                assert len(replica.member.network.channels) == 0
                subscribing.cancel()
                await asyncio.gather(subscribing, return_exceptions=True)
                told = [result for _, result in client._heard]
                assert all(news["type"] in ("snapshot", "lost") for news in told), told
                assert all(news.get("bids", []) == [] for news in told), told

    run(story())
