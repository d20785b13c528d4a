"""A stream keeps order, and says where something is missing."""

import asyncio

import pytest

from node.client import GAP, NotConnected, Stream
from node.client.limits import STREAM_ITEMS_MAX
from node.client.wire import MarkUpdate, OrderState, read

MARK = {"market": 0, "block": 7, "timestamp": 1_700_000_000, "markP8": "5", "indexP8": "6"}


class Nobody:
    """A stream that is fed by hand needs no subscriber."""

    async def renew(self, stream: Stream[MarkUpdate]) -> None:
        stream.begin("0x2")

    async def end(self, stream: Stream[MarkUpdate]) -> None:
        stream.fail(NotConnected("ended"))


def stream() -> Stream[MarkUpdate]:
    made = Stream("mark", {"market": 0}, lambda told: read(told, MarkUpdate), Nobody())
    made.begin("0x1")
    return made


def test_stream_of_a_slow_reader_drops_all_and_says_so() -> None:
    async def story() -> None:
        slow = stream()
        for block in range(STREAM_ITEMS_MAX + 1):
            slow.offer({**MARK, "block": block})
        assert await anext(slow) is GAP
        last = await anext(slow)
        assert last.block == STREAM_ITEMS_MAX

    asyncio.run(story())


def test_stream_renewed_begins_with_a_gap() -> None:
    async def story() -> None:
        made = stream()
        made.offer(MARK)
        await made.renew()
        made.offer({**MARK, "markP8": "9"})
        assert await anext(made) is GAP
        assert (await anext(made)).mark == 9

    asyncio.run(story())


def test_replica_that_lost_its_way_leaves_a_gap_and_the_stream_goes_on() -> None:
    async def story() -> None:
        made = stream()
        made.offer({"type": "lost", "message": "news are missed"})
        made.offer({"type": "resumed"})
        made.offer(MARK)
        assert [await anext(made), await anext(made)] == [GAP, GAP]
        assert (await anext(made)).mark == 5

    asyncio.run(story())


def test_stream_ends_with_its_error_however_often_it_is_read() -> None:
    async def story() -> None:
        made = stream()
        await made.aclose()
        for _ in range(2):
            with pytest.raises(NotConnected, match="ended"):
                await anext(made)

    asyncio.run(story())


@pytest.mark.parametrize(
    "told", [None, [], {}, {**MARK, "markP8": "5.5"}, {**MARK, "block": {}}, "x" * 100]
)
def test_news_that_no_node_would_send_end_the_stream(told: object) -> None:
    async def story() -> None:
        made = stream()
        made.offer(told)
        with pytest.raises(NotConnected, match="can't be read"):
            await anext(made)

    asyncio.run(story())


def test_hash_of_another_length_is_refused() -> None:
    with pytest.raises(NotConnected, match="32 bytes"):
        read({"orderHash": "0x00"}, OrderState)
