"""`/healthz` and `/readyz` of nodes to which something happens."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from bridge.deployment import write_file
from node import health, limits
from node.conditions import Conditions
from node.monitor.evidence import InvariantBroken
from node.roles.l1 import L1Builder
from node.roles.pace import Pace
from node.service.opening import opened
from node.service.running import RunningNode
from node.settings import NodeSettings, Role
from state.clock import ManualClock, SystemClock
from state.kv import DatabaseUnwritable
from state.types import BlockNumber, Timestamp
from tests.bridge.l1.test_deploy import offline_deployment
from tests.node.monitor.chain import LONG, FaultyChain
from tests.node.rpc.harness import GENESIS_TIME

SECONDS_MAX = 120


def play(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(SECONDS_MAX):
            await scenario()

    asyncio.run(bounded())


def codes(found: health.Health) -> list[object]:
    return [reason.code for reason in found.reasons]


@contextlib.asynccontextmanager
async def l1_node(folder: Path, clock: ManualClock, pace: Pace) -> AsyncIterator[RunningNode]:
    settings = NodeSettings(role=Role.L1, data_dir=folder, rpc_port=1)
    async with opened(settings, Conditions(clock, pace)) as node:
        try:
            yield node
        finally:
            for loop in node.loops:
                loop.close()


async def make_block(node: RunningNode) -> None:
    assert isinstance(node.maker, L1Builder)
    await node.maker.make_block()


def test_node_that_makes_its_blocks_is_alive_and_ready(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = ManualClock(GENESIS_TIME)
        async with l1_node(tmp_path, clock, Pace(1.0)) as node:
            clock.advance(1)
            await make_block(node)
            assert node.health().is_well
            assert node.readiness().is_well
            assert node.readiness().json()["block"] == 1

    play(scenario)


def test_node_whose_newest_block_is_old_is_alive_but_not_ready(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock, pace = ManualClock(GENESIS_TIME), Pace(1.0)
        async with l1_node(tmp_path, clock, pace) as node:
            late = int(limits.READY_LATE_SECONDS_MAX + limits.READY_LATE_BLOCKS_MAX)
            clock.advance(late)
            assert node.readiness().is_well
            clock.advance(1)
            assert node.health().is_well
            assert codes(node.readiness()) == ["behind"]
            pace.set(interval_seconds=None, automine=True)
            assert node.readiness().is_well
            pace.set(interval_seconds=1.0, automine=False)
            await make_block(node)
            assert node.readiness().is_well

    play(scenario)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_verifier_is_syncing_and_then_says_that_l1_is_out_of_reach(tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    write_file(path, offline_deployment())
    settings = NodeSettings(
        role=Role.VERIFIER,
        data_dir=tmp_path,
        rpc_port=1,
        l1_rpc=f"http://127.0.0.1:{free_port()}",
        deployment=path,
    )

    async def scenario() -> None:
        async with opened(settings, Conditions(SystemClock(), Pace(1.0))) as node:
            assert codes(node.readiness()) == ["syncing"]
            follower = node.follower
            assert follower is not None
            loops = [asyncio.create_task(loop) for loop in node.loops]
            while follower.trouble is None:
                await asyncio.sleep(0)
            assert codes(node.readiness()) == ["l1_unreachable", "syncing"]
            assert "L1 is out of reach" in str(node.readiness().json()["status"])
            assert node.health().is_well
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    play(scenario)


def test_node_halted_by_its_monitor_is_not_alive(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path)
    probe = health.violated(lambda: chain.monitor.statistics().violations)
    chain.check()
    assert probe() is None
    chain.fault(({"cash": 1}, "accounts", LONG))
    with pytest.raises(InvariantBroken):
        chain.check()
    found = health.examine((probe,), {})
    assert codes(found) == ["invariant_broken"]
    assert "evidence" in str(found.json()["status"])


def test_node_with_an_error_of_its_own_is_not_alive(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with l1_node(tmp_path, ManualClock(GENESIS_TIME), Pace(1.0)) as node:
            node.fault.set_exception(AssertionError("two and two"))
            assert codes(node.health()) == ["halted"]
            assert codes(node.readiness()) == ["halted"]
            assert "two and two" in str(node.health().json())

    play(scenario)


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond a few bytes: to LevelDB that is a disk without room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_node_whose_disk_is_full_is_neither_alive_nor_ready(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = ManualClock(GENESIS_TIME)
        async with l1_node(tmp_path, clock, Pace(1.0)) as node:
            clock.advance(1)
            with full_disk(), pytest.raises(DatabaseUnwritable):
                await make_block(node)
            assert codes(node.health()) == ["database_unwritable"]
            assert codes(node.readiness()) == ["database_unwritable"]
            assert node.backend.store.heads.unsafe.number == 0

    play(scenario)


def test_little_room_or_a_lost_folder_makes_a_node_unready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert health.disk_full(tmp_path)() is None
    assert health.disk_full(tmp_path / "gone")() is not None
    monkeypatch.setattr(limits, "READY_DISK_BYTES_MIN", 2**62)
    reason = health.disk_full(tmp_path)()
    assert reason is not None
    assert "make room" in reason.message


def test_replica_far_behind_its_peers_is_not_ready() -> None:
    chain = FaultyChain(Path())
    most = limits.READY_PEER_BLOCKS_MAX
    assert health.behind_peers(chain.store, lambda: BlockNumber(most))() is None
    reason = health.behind_peers(chain.store, lambda: BlockNumber(most + 1))()
    assert reason is not None
    assert reason.code == "behind"


def test_node_without_a_block_time_is_never_late() -> None:
    chain = FaultyChain(Path())
    clock = ManualClock(Timestamp(chain.config.genesis_time + 10**6))
    assert health.late(chain.store, Pace(None), clock)() is None
    assert health.late(chain.store, Pace(1.0), clock)() is not None
