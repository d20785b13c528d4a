"""Messages cut out of bytes, and what a channel keeps for a peer that doesn't read."""

import asyncio

import pytest

from node.p2p.channels import Channel, MessageReader
from node.p2p.errors import ChannelClosed, InvalidMessage, MessageTooLarge
from node.p2p.feed_messages import (
    Answered,
    Beat,
    News,
    Subscribe,
    Unsubscribe,
    decode_news,
    decode_request,
    encode_feed,
)
from node.p2p.limits import (
    CHANNEL_QUEUE_BYTES_MAX,
    FEED_MESSAGE_BYTES_MAX,
    FEED_OPTIONS_BYTES_MAX,
)


def framed(*messages: bytes) -> bytes:
    return b"".join(len(message).to_bytes(4) + message for message in messages)


@pytest.mark.parametrize("size", [1, 3, 4, 5, 100])
def test_messages_are_cut_out_however_their_bytes_arrive(size: int) -> None:
    data = framed(b"one", b"", b"three" * 10)
    reader = MessageReader()
    found = [
        message for at in range(0, len(data), size) for message in reader.read(data[at : at + size])
    ]
    assert found == [b"one", b"", b"three" * 10]


def test_message_above_the_limit_is_refused_by_its_length_alone() -> None:
    with pytest.raises(MessageTooLarge):
        MessageReader().read((FEED_MESSAGE_BYTES_MAX + 1).to_bytes(4))


def test_messages_before_a_close_are_received_and_then_its_reason() -> None:
    async def story() -> None:
        channel = Channel(1, "peer")
        channel.take(framed(b"one"))
        channel.lost("gone")
        channel.take(framed(b"late"))
        assert await channel.receive() == b"one"
        with pytest.raises(ChannelClosed, match="gone"):
            await channel.receive()

    asyncio.run(story())


def test_reader_that_waits_hears_of_the_close() -> None:
    async def story() -> None:
        channel = Channel(1, "peer")
        receiving = asyncio.create_task(channel.receive())
        await asyncio.sleep(0)
        channel.close()
        with pytest.raises(ChannelClosed):
            await receiving

    asyncio.run(story())


def test_peer_that_reads_nothing_is_cut_off() -> None:
    channel = Channel(1, "peer")
    message = bytes(FEED_MESSAGE_BYTES_MAX)
    for _ in range(CHANNEL_QUEUE_BYTES_MAX // len(message)):
        channel.send(message)
    assert channel.is_closed


def test_peer_that_sends_more_than_is_read_is_cut_off() -> None:
    channel = Channel(1, "peer")
    message = framed(bytes(FEED_MESSAGE_BYTES_MAX))
    for _ in range(CHANNEL_QUEUE_BYTES_MAX // FEED_MESSAGE_BYTES_MAX + 1):
        channel.take(message)
    assert channel.is_closed


def test_channel_says_which_message_was_none() -> None:
    async def story() -> None:
        channel = Channel(1, "peer")
        channel.take(b"\xff" * 8)
        with pytest.raises(MessageTooLarge):
            await channel.receive()

    asyncio.run(story())


@pytest.mark.parametrize("message", [Subscribe(3, "book", b"{}"), Unsubscribe(3)])
def test_requests_are_read_as_written(message: Subscribe | Unsubscribe) -> None:
    assert decode_request(encode_feed(message)) == message


@pytest.mark.parametrize("message", [Answered(3, b"{}"), News(3, b"{}"), Beat()])
def test_news_are_read_as_written(message: Answered | News | Beat) -> None:
    assert decode_news(encode_feed(message)) == message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        encode_feed(News(1, b"")),
        encode_feed(Subscribe(-1, "book", b"{}")),
        encode_feed(Subscribe(1, "margin", b"{}")),
        encode_feed(Subscribe(1, "b" * 1_000, b"{}")),
        encode_feed(Subscribe(1, "book", bytes(FEED_OPTIONS_BYTES_MAX + 1))),
        encode_feed(Beat())[:-1],
    ],
)
def test_requests_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidMessage):
        decode_request(data)
