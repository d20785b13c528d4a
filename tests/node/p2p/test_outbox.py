"""What the host has to tell the node."""

import trio
import trio.testing

from node.p2p import frames
from node.p2p.limits import FROM_HOST_BYTES_MAX, FROM_HOST_FRAMES_MAX
from node.p2p.outbox import Outbox
from node.p2p.topics import Topic

GOSSIP = frames.Gossiped(Topic.BLOCKS, "peer", b"block")


async def drained(outbox: Outbox, count: int) -> list[bytes]:
    """The next frames, as the node would get them."""
    sent: list[bytes] = []
    with trio.CancelScope() as scope:

        async def send(encoded: bytes) -> None:
            sent.append(encoded)
            if len(sent) == count:
                scope.cancel()

        await outbox.drain(send)
    return sent


def test_gossip_that_finds_no_room_is_dropped_and_counted() -> None:
    async def story() -> None:
        outbox = Outbox()
        kept = [await outbox.put(GOSSIP) for _ in range(FROM_HOST_FRAMES_MAX + 3)]
        assert kept.count(False) == 3
        assert outbox.dropped == {"to node: blocks": 3}

    trio.run(story)


def test_bytes_are_bounded_beside_the_count() -> None:
    async def story() -> None:
        outbox = Outbox()
        large = frames.Gossiped(Topic.BLOCKS, "peer", bytes(2**20))
        kept = [await outbox.put(large) for _ in range(FROM_HOST_BYTES_MAX // 2**20 + 2)]
        assert kept.count(False) >= 2

    trio.run(story)


def test_answers_wait_for_room_and_stay_in_order() -> None:
    async def story() -> None:
        outbox = Outbox()
        for _ in range(FROM_HOST_FRAMES_MAX):
            await outbox.put(GOSSIP)
        last = frames.PeerLeft("peer")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outbox.put, last)
            await trio.testing.wait_all_tasks_blocked()
            sent = await drained(outbox, FROM_HOST_FRAMES_MAX + 1)
        assert sent[-1] == frames.encode_frame(last)

    trio.run(story)
