"""The link to the host's process: what happens when that dies, and what a full queue loses."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from node.p2p.errors import HostUnavailable, PeerUnavailable
from node.p2p.limits import HOST_ADDRESS_SPACE_BYTES, TO_HOST_FRAMES_MAX
from node.p2p.link import _stop
from node.p2p.network import PEERS_FILE, read_known
from node.p2p.settings import ADDRESS_FILE
from node.p2p.topics import Exchange, Topic
from tests.node.p2p.rig import connected, peers_in, run, stalled, until

pytestmark = pytest.mark.slow


def test_killed_host_is_started_again_under_the_same_name(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            member = await peers.sequencer()
            name, pid = member.network.peer, member.host_pid
            member.network.addresses = ()
            os.kill(pid, signal.SIGKILL)
            await member.wait_ready()
            assert member.host_pid != pid
            assert member.network.peer == name
            assert member.network.statistics().restarts == 1

    run(story())


def test_host_may_not_grow_beyond_its_memory(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            member = await peers.sequencer()
            text = Path(f"/proc/{member.host_pid}/limits").read_text()
            (line,) = [line for line in text.splitlines() if "Max address space" in line]
            assert line.split()[3:5] == [str(HOST_ADDRESS_SPACE_BYTES)] * 2

    run(story())


def test_cancellation_at_the_moment_a_host_leaves_is_not_lost() -> None:
    """A link that lost it would start another host, and its node would never end."""

    async def story() -> None:
        process = await asyncio.create_subprocess_exec("true")
        await process.wait()

        async def leaving() -> int:
            await asyncio.sleep(0)
            stopping.cancel()
            return 0

        process.wait = leaving  # type: ignore[method-assign]
        stopping = asyncio.create_task(_stop(process))
        with pytest.raises(asyncio.CancelledError):
            await stopping

    run(story())


def test_request_in_flight_fails_with_the_host(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            first = await peers.sequencer()
            second = await peers.replica(first)
            await until(lambda: connected(first, second), "a connection")
            with stalled(first):
                asking = asyncio.create_task(
                    second.network.link.ask(first.network.peer, Exchange.RANGE, b"")
                )
                await asyncio.sleep(0)
                os.kill(second.host_pid, signal.SIGKILL)
                with pytest.raises(HostUnavailable):
                    await asking

    run(story())


def test_stalled_host_loses_gossip_that_is_counted_and_refuses_requests(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            member = await peers.sequencer()
            link = member.network.link
            with stalled(member):
                sent = [link.publish(Topic.BLOCKS, b"x") for _ in range(TO_HOST_FRAMES_MAX + 10)]
                assert sent.count(False) >= 10
                assert link.dropped["publish"] == sent.count(False)
                with pytest.raises(HostUnavailable):
                    await link.ask("nobody", Exchange.STATUS, b"")

    run(story())


def test_peer_that_is_not_connected_is_unavailable(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            member = await peers.sequencer()
            with pytest.raises(PeerUnavailable, match="not connected"):
                await member.network.link.ask("nobody", Exchange.STATUS, b"")

    run(story())


def test_address_and_peers_are_written_down_for_the_next_start(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            first = await peers.sequencer()
            second = await peers.replica(first)
            folder = second.network.data_dir
            assert (folder / ADDRESS_FILE).read_text().split() == list(second.network.addresses)
            await until((folder / PEERS_FILE).exists, "the file of peers")
            assert read_known(folder / PEERS_FILE) == first.network.addresses

    run(story())


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[1, 2]", b"[" * 10_000])
def test_file_of_peers_that_cant_be_read_is_no_reason_to_fail(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / PEERS_FILE
    assert read_known(path) == ()
    path.write_bytes(content)
    assert read_known(path) == ()
