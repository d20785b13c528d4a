"""Powers where they don't belong, and on an L1 that is not the devnet's own."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.devnet.conftest import (
    STOP_SECONDS_MAX,
    Devnet,
    RpcFailed,
    answers,
    rpc,
    tallystick,
    wait_for,
)
from tests.devnet.l1 import TimedAnvil
from tests.devnet.powers import (
    DAY,
    NOBODY,
    assert_true,
    balance,
    powerful_devnet,
    receipt,
    send,
    timestamp,
)
from tests.ports import free_ports

pytestmark = pytest.mark.slow


@contextmanager
def lone_node(folder: Path, *arguments: str) -> Iterator[str]:
    """A node without a devnet, whose input is open as long as this is; its URL."""
    (port,) = free_ports(1)
    ours, its = socket.socketpair()
    command = tallystick("node", "--role", "l1", "--data-dir", str(folder), "--rpc-port", str(port))
    with its:
        process = subprocess.Popen([*command, *arguments], stdin=its, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(url), what="the node")
        yield url
    finally:
        ours.close()
        process.terminate()
        process.wait(STOP_SECONDS_MAX)


@pytest.mark.parametrize("arguments", [(), ("--dev",), ("--powers", "--rpc-host", "0.0.0.0")])
def test_node_of_no_devnet_or_open_to_others_has_no_powers(tmp_path, arguments) -> None:
    with lone_node(tmp_path, *arguments) as url:
        for method in ("evm_snapshot", "evm_mine", "anvil_reset", "hardhat_setBalance"):
            with pytest.raises(RpcFailed, match="-32601"):
                rpc(url, method)


@pytest.fixture(scope="module")
def anvil() -> Iterator[TimedAnvil]:
    instance = TimedAnvil()
    yield instance
    instance.remove()


@pytest.fixture(scope="module")
def on_anvil(anvil: TimedAnvil, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    folder = tmp_path_factory.mktemp("on-anvil")
    with powerful_devnet(folder, "--l1-rpc", anvil.url) as devnet:
        yield devnet


def test_time_skipped_on_anvil_too(anvil: TimedAnvil, on_anvil: Devnet) -> None:
    before = timestamp(anvil.url)
    rpc(on_anvil.sequencer, "evm_increaseTime", DAY)

    assert timestamp(anvil.url) >= before + DAY
    wait_for(lambda: timestamp(on_anvil.sequencer) >= before + DAY, what="the time on L2")
    assert_true(on_anvil)


def test_revert_takes_anvil_back_too(anvil: TimedAnvil, on_anvil: Devnet) -> None:
    snapshot = rpc(on_anvil.sequencer, "evm_snapshot")
    held = {url: balance(url, NOBODY) for url in (anvil.url, on_anvil.sequencer)}
    moment = timestamp(anvil.url)
    for url in held:
        receipt(url, send(url))
    rpc(on_anvil.sequencer, "evm_increaseTime", DAY)

    assert rpc(on_anvil.sequencer, "evm_revert", snapshot) is True

    assert {url: balance(url, NOBODY) for url in held} == held
    assert timestamp(anvil.url) < moment + DAY
    assert_true(on_anvil)
