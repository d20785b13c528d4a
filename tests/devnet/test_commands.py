"""The commands of the terminal against a real devnet.

Those that fail or are called off are processes of their own, for their exit codes and words.
"""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from genesis.accounts import dev_accounts
from tests.devnet.conftest import Devnet, devnet_in, rpc, tallystick, wait_for
from tests.node.cli.run import run

pytestmark = pytest.mark.slow

ETHER = 10**18
FRESH = "0x00000000000000000000000000000000000c0de5"
"""Nobody's account."""
COMMAND_SECONDS_MAX = 300.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A devnet with prices, whose disputes are short."""
    folder = tmp_path_factory.mktemp("commands")
    with devnet_in(folder, "--dispute-window", "5", keepers=True) as devnet:
        yield devnet.start()


@pytest.fixture(scope="module")
def told(running: Devnet) -> Callable[..., str]:
    """What a command prints that succeeds."""

    def tell(*arguments: str) -> str:
        done = run(*arguments, "--data-dir", running.data_dir)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout

    return tell


@pytest.fixture(scope="module")
def asked(told: Callable[..., str]) -> Callable[..., Any]:
    """The JSON that a command answers."""
    return lambda *arguments: json.loads(told(*arguments, "--json"))


@pytest.fixture(scope="module")
def margin_accounts(told: Callable[..., str], asked: Callable[..., Any]) -> tuple[int, int]:
    """Accounts of dev accounts 4 and 5 with 20,000 USD each."""
    opened = []
    for index in (4, 5):
        told("faucet", address(index), "--eth", "0", "--usd", "25000")
        opened.append(asked("margin", "open", "20000", "--dev-account", str(index))["account"])
    return opened[0], opened[1]


def address(index: int) -> str:
    return "0x" + dev_accounts()[index].address.hex()


def test_status_shows_both_layers_within_80_columns(
    told: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = told("status").splitlines()

    labels = {line.split(" ")[0] for line in lines}
    expected = {"L1", "Heads", "Batches", "Roots", "Disputes", "Network", "Margin", "Breakers"}
    assert expected <= labels
    assert max(map(len, (line.rstrip() for line in lines[1:]))) <= 80


def test_status_for_programs_agrees_with_the_node(
    running: Devnet, asked: Callable[..., Any]
) -> None:
    found = asked("status")

    heads = {name: head["number"] for name, head in found["heads"].items()}
    assert heads["unsafe"] >= heads["safe"] >= heads["finalized"]
    assert found["blocksNotOnL1"] == heads["unsafe"] - heads["safe"]
    assert found["chainId"] == int(rpc(running.sequencer, "eth_chainId"), 16)
    assert [one["market"] for one in found["markets"]] == [0, 1]
    assert found["monitor"]["checks"]["violations"] == 0


def test_status_watched_for_programs_is_a_line_a_look_until_ctrl_c(running: Devnet) -> None:
    lines, code, _ = until_ctrl_c(running, 2, "status", "--watch", "--json")

    assert all("heads" in json.loads(line) for line in lines)
    assert code == 130


def test_verifier_has_a_status_without_a_book(running: Devnet) -> None:
    command = tallystick("status", "--rpc", running.verifier, "--json")
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rpc"] == running.verifier


def test_faucet_gives_on_both_layers(asked: Callable[..., Any], told: Callable[..., str]) -> None:
    found = asked("faucet", FRESH, "--eth", "2", "--usd", "1234.5")

    for layer in ("l1", "l2"):
        assert found[layer] == {"wei": str(2 * ETHER), "collateralQ6": "1234500000"}
    assert "1,234.50" in told("accounts", FRESH)
    assert asked("accounts", FRESH)[0]["l2"] == found["l2"]


def test_accounts_of_a_devnet_are_its_ten(told: Callable[..., str]) -> None:
    assert len(re.findall(r"^\(\d\)", told("accounts"), re.M)) == 10


def test_deposit_waits_until_l2_has_it(asked: Callable[..., Any], running: Devnet) -> None:
    found = asked("deposit", "0.25", "eth", "--to", FRESH, "--dev-account", "2")

    receipt = rpc(running.sequencer, "eth_getTransactionReceipt", found["l2Transaction"])
    assert int(receipt["blockNumber"], 16) == found["l2Block"]
    deposits = asked("rollup", "deposits", "--address", FRESH)["deposits"]
    ours = [one for one in deposits if one["hash"] == found["l2Transaction"]]
    assert [one["status"] for one in ours] == ["credited"]


def test_deposit_of_more_than_there_is_says_what_there_is(running: Devnet) -> None:
    done = running.run("deposit", "5", "usd", "--dev-account", "9")

    assert done.returncode == 1
    assert "has 0.00 USD on L1" in done.stderr
    assert "tallystick faucet" in done.stderr


def test_withdrawal_is_paid_in_one_command(asked: Callable[..., Any], running: Devnet) -> None:
    before = int(rpc(running.l1, "eth_getBalance", FRESH, "latest"), 16)
    found = asked("withdraw", "0.5", "eth", "--to", FRESH, "--dev-account", "3")

    assert found["status"] == "paid"
    after = int(rpc(running.l1, "eth_getBalance", FRESH, "latest"), 16)
    assert after - before == ETHER // 2
    listed = asked("rollup", "withdrawals", "--tx", found["l2Transaction"])["withdrawals"]
    assert [one["status"] for one in listed] == ["paid"]


def test_withdrawal_that_was_called_off_goes_on_where_it_was(
    running: Devnet, asked: Callable[..., Any]
) -> None:
    lines, code, errors = until_ctrl_c(
        running, 1, "withdraw", "0.125", "eth", "--dev-account", "6", "--no-warp"
    )
    assert "begun" in lines[0]
    assert code == 130
    resume = re.search(r"--resume (0x[0-9a-f]{64})", errors)
    assert resume is not None, errors

    found = asked("withdraw", "--resume", resume[1], "--dev-account", "7")
    assert found["status"] == "paid"
    assert found["value"] == str(ETHER // 8)


def test_resume_of_a_transaction_without_a_withdrawal_is_told(
    running: Devnet, asked: Callable[..., Any]
) -> None:
    sent = asked("send", FRESH, "--value", "1wei")
    done = running.run("withdraw", "--resume", sent["transaction"])

    assert done.returncode == 1
    assert "has no withdrawals" in done.stderr


def test_send_and_call_and_logs_agree(asked: Callable[..., Any], told: Callable[..., str]) -> None:
    told("faucet", address(8), "--eth", "0", "--usd", "10")
    before = int(asked("call", "CollateralToken", "balanceOf", FRESH))
    sent = asked("send", "CollateralToken", "transfer", FRESH, "3_000_000", "--dev-account", "8")

    (event,) = sent["events"]
    assert (event["event"], event["arguments"]["amount"]) == ("Transfer", "3000000")
    assert int(asked("call", "CollateralToken", "balanceOf", FRESH)) - before == 3_000_000
    plain = told("call", "0x4200000000000000000000000000000000000100",
                 "balanceOf(address)(uint256)", FRESH)  # fmt: skip
    assert int(plain) - before == 3_000_000
    block = str(sent["block"])
    lines = told("logs", "CollateralToken", "--event", "Transfer", "--from-block", block,
                 "--json").splitlines()  # fmt: skip
    assert sent["transaction"] in {json.loads(line)["transaction"] for line in lines}


def test_call_of_a_contract_on_l1_by_its_name(asked: Callable[..., Any]) -> None:
    root, block = asked("call", "Rollup", "anchor")
    assert re.fullmatch(r"0x[0-9a-f]{64}", root)
    assert int(block) >= 0


def test_transaction_that_would_revert_is_not_sent(running: Devnet) -> None:
    done = running.run("send", "ClearingHouse", "pause", "--dev-account", "1")

    assert done.returncode == 1
    assert "NotAllowed(" in done.stderr
    assert "nothing was sent" in done.stderr


def test_logs_followed_end_with_ctrl_c(running: Devnet) -> None:
    lines, code, _ = until_ctrl_c(running, 2, "logs", "ClearingHouse", "--follow", "--json")

    assert all(json.loads(line)["contract"] == "ClearingHouse" for line in lines)
    assert code == 130


def test_two_accounts_trade(
    asked: Callable[..., Any], told: Callable[..., str], margin_accounts: tuple[int, int]
) -> None:
    buyer, seller = margin_accounts
    price = nearby_price(asked)
    offer = asked("trade", "place", "BTC", "sell", "0.02", price, "--account", str(seller),
                  "--dev-account", "5", "--post-only")  # fmt: skip
    assert offer["order"]["status"] == "live"
    book = asked("trade", "book", "BTC")
    assert book["asks"][0][1] == "2000000"
    assert "0.02" in told("trade", "orders", "--account", str(seller))

    taken = asked("trade", "place", "BTC", "buy", "0.01", "--slippage", "3", "--account",
                  str(buyer), "--dev-account", "4")  # fmt: skip
    assert [fill["sizeS8"] for fill in taken["fills"]] == ["1000000"]
    (fill,) = asked("trade", "fills", "--account", str(buyer))
    assert fill["id"] == asked("trade", "trades", "BTC", "--limit", "1")[0]["id"]
    (candle,) = asked("trade", "candles", "BTC", "--interval", "1d")
    assert (candle["closeP8"], candle["volumeS8"]) == (fill["priceP8"], fill["sizeS8"])
    gone = asked("trade", "cancel", offer["order"]["order"], "--account", str(seller),
                 "--dev-account", "5")  # fmt: skip
    assert gone == [offer["order"]["order"]]
    assert asked("trade", "cancel-all", "--account", str(seller), "--dev-account", "5") == []


def test_book_watched_ends_with_ctrl_c(running: Devnet) -> None:
    lines, code, _ = until_ctrl_c(running, 1, "trade", "watch", "BTC", "--json")

    assert json.loads(lines[0])["market"] == 0
    assert code == 130


def test_collateral_goes_into_a_margin_account_and_out(
    running: Devnet, asked: Callable[..., Any], margin_accounts: tuple[int, int]
) -> None:
    account = str(margin_accounts[0])
    funded = asked("margin", "fund", account, "100.5", "--dev-account", "4")
    taken = asked("margin", "withdraw", account, "50", "--dev-account", "4")
    foreign = running.run("margin", "withdraw", account, "1", "--dev-account", "5")

    assert funded["creditedQ6"] == "100500000"
    assert taken["amountQ6"] == "50000000"
    assert foreign.returncode == 1
    assert "NotOwner(" in foreign.stderr


def test_newest_batch_has_blocks(asked: Callable[..., Any]) -> None:
    found = wait_for(lambda: asked("rollup", "batch"), COMMAND_SECONDS_MAX, "a batch")
    assert found["item"]["kind"] in ("batch", "tick")


def test_doctor_finds_a_running_devnet_well(running: Devnet) -> None:
    done = run("doctor", "--data-dir", running.data_dir, "--json")

    found = {one["subject"]: one for one in json.loads(done.stdout)}
    assert done.exit_code == 0, found
    assert "with the rollup's contracts" in found["L1"]["what"]
    assert "answers, at block" in found["sequencer"]["what"]
    assert "a node runs on it" in found["database sequencer"]["what"]
    assert found["deployment"]["verdict"] == "ok"


def test_chain_of_l2_is_checked_moved_and_rewound_and_its_node_goes_on(tmp_path) -> None:
    with devnet_in(tmp_path) as devnet:
        devnet.start()
        wait_for(lambda: devnet.safe_number() > 5, COMMAND_SECONDS_MAX, "safe blocks")
        devnet.stop()
        sequencer = ["--data-dir", str(devnet.data_dir / "sequencer")]
        moved = ["--data-dir", str(tmp_path / "moved"), "--deployment",
                 str(devnet.data_dir / "deployment.json")]  # fmt: skip
        stream = str(tmp_path / "blocks")
        heads = db("stats", *sequencer)["heads"]

        assert db("check", *sequencer)["heads"] == heads
        db("export", stream, *sequencer)
        imported = db("import", stream, *moved)
        assert imported["heads"]["unsafe"] == heads["unsafe"]
        assert imported["heads"]["safe"] == heads["safe"]
        assert db("check", *moved)["heads"]["unsafe"] == heads["unsafe"]

        back = heads["finalized"]["number"]
        assert db("rewind", str(back), *sequencer)["after"]["number"] == back
        devnet.start()
        wait_for(
            lambda: devnet.safe_number() > heads["safe"]["number"],
            COMMAND_SECONDS_MAX,
            "the rewound blocks again",
        )
        number = hex(heads["safe"]["number"])
        again = rpc(devnet.sequencer, "eth_getBlockByNumber", number, False)
        assert again["hash"] == heads["safe"]["hash"]


def db(*arguments: str) -> Any:
    """What `tallystick db` answers."""
    done = run("db", *arguments, "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


def nearby_price(asked: Callable[..., Any]) -> str:
    """A price a little above the mark, on the tick of 0.1 USD, once keepers have reported one."""

    def mark() -> int:
        return int(asked("status")["markets"][0]["markP8"])

    cents = wait_for(mark, COMMAND_SECONDS_MAX, "a price") * 1005 // 1000 // 10**6
    return f"{cents // 100}.{cents % 100 // 10}"


def until_ctrl_c(devnet: Devnet, lines: int, *arguments: str) -> tuple[list[str], int, str]:
    """The first lines of a command that goes on, its exit code after Ctrl-C, and its stderr."""
    process = subprocess.Popen(
        [*tallystick(*arguments), "--data-dir", str(devnet.data_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        read = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=COMMAND_SECONDS_MAX)
        return read, process.returncode, errors
    finally:
        process.kill()


def test_command_that_a_devnet_shows_can_be_typed(running: Devnet) -> None:
    shown = re.search(r"^Try it: (.*) demo trade (--data-dir .*)$", running.output, re.M)
    assert shown is not None, running.output

    done = subprocess.run(
        ["bash", "-c", f"{shown[1]} config show devnet {shown[2]} --json"],
        capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert str(running.data_dir) in done.stdout
