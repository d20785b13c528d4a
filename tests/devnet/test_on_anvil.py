"""The same devnet on an L1 that we did not write."""

import shutil
import signal
from collections.abc import Iterator

import pytest

from bridge.l1 import contracts
from tests.devnet.conftest import Devnet, devnet_in, readyz, rpc, wait_for
from tests.devnet.l1 import TimedAnvil
from tests.devnet.sender import call_contract

pytestmark = pytest.mark.slow

DISPUTE_WINDOW = ("--dispute-window", "5")


@pytest.fixture(scope="module")
def anvil() -> Iterator[TimedAnvil]:
    instance = TimedAnvil()
    yield instance
    instance.remove()


@pytest.fixture(scope="module")
def on_anvil(anvil: TimedAnvil, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A ready devnet on it."""
    folder = tmp_path_factory.mktemp("on-anvil")
    with devnet_in(folder, "--l1-rpc", anvil.url, *DISPUTE_WINDOW) as devnet:
        yield devnet.start()


def test_batches_and_proposals_land_and_verifier_follows(
    anvil: TimedAnvil, on_anvil: Devnet
) -> None:
    deployed = on_anvil.deployment()["contracts"]

    def count(contract: str, function: contracts.Function) -> int:
        return int(call_contract(anvil.url, deployed[contract], function.call()), 16)

    wait_for(lambda: count("Inbox", contracts.COUNT) > 2, what="two batches on L1")
    wait_for(lambda: count("Rollup", contracts.GAME_COUNT) > 0, what="a proposal on L1")
    number = wait_for(lambda: on_anvil.safe_number(on_anvil.verifier), what="a safe block")
    derived = rpc(on_anvil.verifier, "eth_getBlockByNumber", hex(number), False)
    assert derived == rpc(on_anvil.sequencer, "eth_getBlockByNumber", hex(number), False)


def test_demo_trade_is_paid_on_l1_and_verifies(on_anvil: Devnet) -> None:
    traded = on_anvil.run("demo", "trade")
    assert traded.returncode == 0, traded.stdout + traded.stderr
    assert "Paid on L1: 5,000.00 USD" in traded.stdout

    verified = on_anvil.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "All right" in verified.stdout


def test_restarted_devnet_resumes_on_same_contracts(on_anvil: Devnet) -> None:
    wait_for(lambda: on_anvil.safe_number() > 0, what="a safe block")
    head = rpc(on_anvil.sequencer, "eth_getBlockByNumber", "latest", False)
    deployment = on_anvil.deployment()
    assert on_anvil.stop(signal.SIGINT) == 0

    on_anvil.start()
    assert on_anvil.deployment() == deployment
    again = rpc(on_anvil.sequencer, "eth_getBlockByNumber", head["number"], False)
    assert again["hash"] == head["hash"]
    number = int(head["number"], 16)
    wait_for(lambda: on_anvil.safe_number(on_anvil.verifier) > number, what="safe blocks beyond")


def test_fresh_anvil_under_an_old_deployment_refused_with_remedy(
    on_anvil: Devnet, tmp_path
) -> None:
    fresh = TimedAnvil()
    try:
        with devnet_in(tmp_path, "--l1-rpc", fresh.url, *DISPUTE_WINDOW) as other:
            other.data_dir.mkdir()
            shutil.copy(on_anvil.data_dir / "deployment.json", other.data_dir)
            other.launch()

            assert other.end() != 0
            assert "Error: " in other.output
            assert "lost its state" in other.output
            assert "--reset" in other.output
            assert "Traceback" not in other.output
    finally:
        fresh.remove()


def test_anvil_emptied_under_running_devnet_is_told_and_does_no_harm(
    anvil: TimedAnvil, on_anvil: Devnet
) -> None:
    number = wait_for(lambda: on_anvil.safe_number(), what="a safe block")
    safe = rpc(on_anvil.verifier, "eth_getBlockByNumber", hex(number), False)
    anvil.empty()

    for url in (on_anvil.sequencer, on_anvil.verifier):
        wait_for(lambda url=url: readyz(url).status_code == 503, what="trouble in /readyz")
        assert "L1" in readyz(url).json()["status"]
        assert rpc(url, "eth_getBlockByNumber", hex(number), False)["hash"] == safe["hash"]
    head = int(rpc(on_anvil.sequencer, "eth_blockNumber"), 16)
    wait_for(lambda: int(rpc(on_anvil.sequencer, "eth_blockNumber"), 16) > head + 1)
