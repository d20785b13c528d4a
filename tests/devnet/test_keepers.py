"""A devnet's own keepers: prices come, accounts that fail are closed, and nobody helps."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from execution.contracts.abi import clearing_house
from genesis.accounts import dev_accounts
from genesis.predeploys import CLEARING_HOUSE
from node.keystore import KeyFolder
from tests.devnet.conftest import WAIT_SECONDS_MAX, Devnet, devnet_in, rpc, tallystick, wait_for

pytestmark = pytest.mark.slow

MARKETS = (0, 1)
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A devnet that runs keepers."""
    folder = tmp_path_factory.mktemp("kept")
    with devnet_in(folder, "--dispute-window", "5", keepers=True) as running:
        yield running.start()


def view(devnet: Devnet, name: str, *arguments: object):
    call = {
        "to": f"0x{CLEARING_HOUSE.hex()}",
        "data": f"0x{clearing_house().call(name, *arguments).hex()}",
    }
    output = bytes.fromhex(rpc(devnet.sequencer, "eth_call", call, "latest")[2:])
    results = clearing_house().result(name, output)
    return results[0] if len(results) == 1 else results


def index(devnet: Devnet, market: int) -> int:
    return view(devnet, "getMarket", market)["price"]["index"]


def play(devnet: Devnet, prices: dict[str, str]) -> None:
    """Prices in place of the process's."""
    temporary = devnet.data_dir / "feed.next"
    temporary.write_text(json.dumps({"prices": prices}))
    temporary.rename(devnet.data_dir / "feed.json")


def test_prices_of_every_market_and_inputs_of_every_strike_come_by_themselves(
    kept: Devnet,
) -> None:
    def priced() -> bool:
        strikes = range(64, 64 + 2 * view(kept, "getStrikeCount"), 2)
        return all(index(kept, market) for market in MARKETS) and all(
            view(kept, "getStrike", strike)[1]["time"] for strike in strikes
        )

    wait_for(priced, what="prices of everything")
    first = index(kept, 0)
    wait_for(lambda: index(kept, 0) != first, what="another price")


def test_demo_trade_goes_through_beside_keepers_and_its_loser_is_deleveraged(kept: Devnet) -> None:
    wait_for(lambda: index(kept, 0), what="a price")

    told = kept.run("demo", "trade")

    assert told.returncode == 0, told.stdout + told.stderr
    assert "The oracle has BTC-USD at" in told.stdout
    assert "Alice bought 1.5 BTC from Bob" in told.stdout
    alice, bob = 3, 4
    assert view(kept, "getPosition", alice, 0)["size"] > 0

    before = index(kept, 0)
    play(kept, {"0": str(before * 78 // 100 // 10**8), "1": "3000"})
    wait_for(lambda: index(kept, 0) < before * 80 // 100, what="the crash")
    wait_for(lambda: view(kept, "getPosition", alice, 0)["size"] == 0, what="Alice's end")
    assert view(kept, "equity", alice) >= 0
    assert view(kept, "getPosition", bob, 0)["size"] == 0

    (kept.data_dir / "feed.json").unlink()
    moved = index(kept, 0)
    wait_for(lambda: index(kept, 0) != moved, what="the process's next price")
    assert abs(index(kept, 0) - moved) * 50 < moved


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the encrypted key of an account that has ether."""
    folder = tmp_path_factory.mktemp("keys")
    KeyFolder(folder).add("kay", dev_accounts()[5].key, PASSWORD)
    return folder


@pytest.mark.parametrize(
    ("series", "key"), [(64, ("--dev",)), (65, ("--keystore", "kay"))], ids=["dev", "keystore"]
)
def test_keeper_command_tells_what_it_did(
    kept: Devnet, keys_dir: Path, series: int, key: tuple[str, ...]
) -> None:
    command = ("keeper", "arrays", *key, "--once", "--json", "--watch", str(series))
    wait_for(lambda: view(kept, "getStrike", 64)[1]["time"], what="inputs")

    result = subprocess.run(
        tallystick(*command, "--rpc-url", kept.sequencer, "--keys-dir", str(keys_dir)),
        env={**os.environ, "TALLYSTICK_PASSWORD": PASSWORD},
        capture_output=True, text=True, timeout=WAIT_SECONDS_MAX,
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["keeper"] for line in lines] == ["arrays"]
    assert lines[0]["what"] == f"price series {series}"


def test_verifier_agrees_with_what_keepers_did(kept: Devnet) -> None:
    number = int(rpc(kept.sequencer, "eth_blockNumber"), 16)

    wait_for(lambda: kept.safe_number(kept.verifier) >= number, what="the verifier")

    block = [rpc(url, "eth_getBlockByNumber", hex(number), False)
             for url in (kept.sequencer, kept.verifier)]  # fmt: skip
    assert block[0]["hash"] == block[1]["hash"]
