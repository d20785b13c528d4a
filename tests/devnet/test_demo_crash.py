"""The story of a crash on a devnet: its keepers do all of it, and the books balance."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from execution.contracts.abi import clearing_house
from genesis.predeploys import CLEARING_HOUSE
from tests.devnet.conftest import STOP_SECONDS_MAX, Devnet, devnet_in, rpc, tallystick, wait_for

pytestmark = pytest.mark.slow

ALL = bool(os.environ.get("TALLYSTICK_ALL"))
STORY_SECONDS_MAX = 420.0
COLUMNS_MAX = 110


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A devnet that runs keepers."""
    folder = tmp_path_factory.mktemp("kept")
    with devnet_in(folder, "--dispute-window", "5", keepers=True) as running:
        yield running.start()


def custody_at(devnet: Devnet, block: int) -> int:
    data = clearing_house().call("getCustody")
    call = {"to": f"0x{CLEARING_HOUSE.hex()}", "data": f"0x{data.hex()}"}
    output = bytes.fromhex(rpc(devnet.sequencer, "eth_call", call, hex(block))[2:])
    return int(clearing_house().result("getCustody", output)[1])


def assert_story(devnet: Devnet, story: dict[str, Any]) -> None:
    """What a crash has to bring about with the devnet's own parameters."""
    tally, ledger = story["tally"], story["ledger"]
    assert tally["backstopped"] > 0
    assert int(tally["paid"]) > 0
    assert tally["deleveraged"] > 0
    assert tally["pauses"] > 0
    assert tally["gates"] > 0
    closed = next(one for one in story["gates"] if one["closed"])
    assert closed["refusal"].startswith("DebtGate(")
    assert ledger["difference"] == "0"
    assert ledger["balances"]
    assert int(ledger["custody"]) == custody_at(devnet, ledger["block"])
    assert all(int(one["equity"]) >= 0 for one in story["after"])
    assert not (devnet.data_dir / "feed.json").exists()


def test_demo_crash_tells_every_line_of_defence_and_balances(kept: Devnet) -> None:
    result = kept.run("demo", "crash", "--shape", "october-2025", timeout=STORY_SECONDS_MAX)

    assert result.returncode == 0, result.stdout + result.stderr
    for told in (
        "The tariff crash, 10 October 2025",
        "the BTC vault takes",
        "insurance pays",
        "is deleveraged:",
        "for now nobody may open there",
        "Withdrawals close:",
        "Withdrawals open again",
        "They balance to the last unit.",
    ):
        assert told in result.stdout, result.stdout
    assert max(map(len, result.stdout.splitlines())) <= COLUMNS_MAX
    assert not (kept.data_dir / "feed.json").exists()


@pytest.mark.skipif(not ALL, reason="three minutes more: TALLYSTICK_ALL=1")
def test_demo_crash_as_json_holds_figures_that_the_chain_confirms(kept: Devnet) -> None:
    result = kept.run("demo", "crash", "--json", timeout=STORY_SECONDS_MAX)

    assert result.returncode == 0, result.stdout + result.stderr
    assert_story(kept, json.loads(result.stdout))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_demo_crash_that_is_ended_early_gives_prices_back(
    kept: Devnet, number: signal.Signals
) -> None:
    path = kept.data_dir / "feed.json"
    path.unlink(missing_ok=True)
    command = [*tallystick("demo", "crash"), "--data-dir", str(kept.data_dir)]
    playing = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(path.exists, what="a price file")
        playing.send_signal(number)
        assert playing.wait(STOP_SECONDS_MAX) != 0
    finally:
        playing.kill()

    assert not path.exists()


def test_demo_crash_without_keepers_says_what_it_needs(devnet: Devnet) -> None:
    result = devnet.run("demo", "crash", timeout=STORY_SECONDS_MAX)

    assert result.returncode != 0
    assert "without --no-keepers" in result.stderr
    assert not (devnet.data_dir / "feed.json").exists()
