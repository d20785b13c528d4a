"""The example of a market maker quotes, trades and settles on a real devnet, and tidies up."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.devnet.conftest import STOP_SECONDS_MAX, Devnet, devnet_in, rpc, wait_for
from tests.tied import tied

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A devnet whose prices move."""
    with devnet_in(tmp_path_factory.mktemp("lively"), keepers=True) as running:
        yield running.start()


def command(devnet: Devnet, *more: str) -> list[str]:
    module = "scripts.examples.market_maker"
    return tied(sys.executable, "-u", "-m", module, "--data-dir", str(devnet.data_dir), *more)


def book(devnet: Devnet) -> dict[str, list[list[str]]]:
    return rpc(devnet.sequencer, "trade_getBook", 0)


def test_self_test_trades_and_settles(lively: Devnet) -> None:
    result = subprocess.run(
        command(lively, "--self-test"), capture_output=True, text=True, timeout=480
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert "the chain and the maker agree: -0.01" in result.stdout
    assert not book(lively)["bids"]


def test_interrupted_maker_takes_its_quotes_back(lively: Devnet) -> None:
    with subprocess.Popen(command(lively), stdout=subprocess.PIPE, text=True) as maker:
        wait_for(lambda: all(book(lively)[side] for side in ("bids", "asks")), what="quotes")
        maker.send_signal(signal.SIGINT)
        told, _ = maker.communicate(timeout=STOP_SECONDS_MAX)

    assert maker.returncode == 0
    assert "quotes back; position 0" in told
    assert (book(lively)["bids"], book(lively)["asks"]) == ([], [])


def test_maker_without_devnet_says_how_to_start_one(tmp_path) -> None:
    result = subprocess.run(
        command(Devnet(tmp_path / "none")), capture_output=True, text=True, timeout=STOP_SECONDS_MAX
    )

    assert result.returncode == 1
    assert "start one with ./scripts/devnet" in result.stderr
