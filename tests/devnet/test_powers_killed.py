"""kill -9 while a devnet goes back to a snapshot, and restarts in between."""

import contextlib
import os
import signal
import threading
from pathlib import Path

import httpx
import pytest

from tests.devnet.conftest import (
    Devnet,
    RpcFailed,
    answers,
    children_of,
    command_line,
    rpc,
    wait_for,
)
from tests.devnet.powers import (
    DAY,
    NOBODY,
    assert_true,
    balance,
    number,
    powerful_devnet,
    receipt,
    send,
    timestamp,
)

pytestmark = pytest.mark.slow


def begin_revert(devnet: Devnet, snapshot: str) -> threading.Thread:
    """Ask for a revert, and return as soon as it has begun."""

    def revert() -> None:
        with contextlib.suppress(httpx.HTTPError, RpcFailed):
            rpc(devnet.l1, "evm_revert", snapshot)

    asking = threading.Thread(target=revert)
    asking.start()
    begun = devnet.data_dir / "restoring.json"
    while not begun.exists() and asking.is_alive():
        pass
    return asking


def spent_snapshot(devnet: Devnet) -> tuple[str, int]:
    """A snapshot that something came after, and what NOBODY had on L2 in it."""
    before = balance(devnet.sequencer, NOBODY)
    snapshot = rpc(devnet.sequencer, "evm_snapshot")
    receipt(devnet.sequencer, send(devnet.sequencer, value=77))
    return snapshot, before


def test_devnet_killed_while_reverting_finishes_at_the_next_start(tmp_path: Path) -> None:
    with powerful_devnet(tmp_path) as devnet:
        snapshot, before = spent_snapshot(devnet)
        asking = begin_revert(devnet, snapshot)
        assert devnet.process is not None
        nodes = children_of(devnet.process.pid)
        devnet.process.kill()
        devnet.process.wait()
        asking.join()
        wait_for(lambda: not any(map(command_line, nodes)), what="the end of the nodes")

        devnet.start()

        assert balance(devnet.sequencer, NOBODY) == before
        assert not (devnet.data_dir / "restoring.json").exists()
        receipt(devnet.sequencer, send(devnet.sequencer))
        assert_true(devnet)


@pytest.mark.parametrize("role", ["l1", "sequencer", "verifier"])
def test_node_killed_while_reverting_comes_back_reverted(devnet: Devnet, role: str) -> None:
    snapshot, before = spent_snapshot(devnet)
    victim = devnet.node_pid(role)
    asking = begin_revert(devnet, snapshot)
    os.kill(victim, signal.SIGKILL)
    asking.join()

    wait_for(lambda: answers(devnet.sequencer) and answers(devnet.verifier), what="all nodes")
    wait_for(lambda: not (devnet.data_dir / "restoring.json").exists(), what="the end of it")
    assert balance(devnet.sequencer, NOBODY) == before
    receipt(devnet.sequencer, send(devnet.sequencer))
    assert_true(devnet)


def test_clock_and_snapshots_survive_a_restart(tmp_path: Path) -> None:
    with powerful_devnet(tmp_path) as devnet:
        snapshot, before = spent_snapshot(devnet)
        rpc(devnet.sequencer, "evm_increaseTime", 3 * DAY)
        wait_for(lambda: timestamp(devnet.l1) and number(devnet.l1), what="a block")
        skipped = timestamp(devnet.l1)
        devnet.stop()

        devnet.start()

        wait_for(lambda: timestamp(devnet.sequencer) >= skipped, what="the skipped time")
        assert rpc(devnet.sequencer, "evm_revert", snapshot) is True
        assert balance(devnet.sequencer, NOBODY) == before
        assert timestamp(devnet.l1) < skipped
        assert_true(devnet)
