"""The story of a dispute: what it says is what happened on L1."""

import json
import os
import re
from collections.abc import Iterator

import pytest

from bridge.games import GameStatus
from bridge.l1 import contracts
from genesis.accounts import dev_accounts, operator_accounts
from tests.devnet.conftest import Devnet, devnet_in, rpc

pytestmark = pytest.mark.slow

ALL = bool(os.environ.get("TALLYSTICK_ALL"))
PATIENT = ("--dispute-window", "40")
"""Clocks that a busy machine doesn't run out of: ten seconds for each answer at the least."""

COLUMNS_MAX = 110
MAX_DEPTH = 46
ETHER = 10**18


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A devnet on which nobody lies but the demo."""
    with devnet_in(tmp_path_factory.mktemp("honest"), *PATIENT) as running:
        yield running.start()


def game_status(devnet: Devnet, game: str) -> GameStatus:
    call = {"to": game, "data": "0x" + contracts.STATUS.call().hex()}
    return GameStatus(int(rpc(devnet.l1, "eth_call", call, "latest"), 16))


def test_demo_fraud_about_margin_ends_at_division_and_pays_challenger(honest: Devnet) -> None:
    result = honest.run("demo", "fraud")

    assert result.returncode == 0, result.stdout + result.stderr
    told = result.stdout
    assert "Alice bought 1.5 BTC from Bob at $64,250.30" in told
    assert re.search(r"SDIV at pc \d+ of ClearingHouse", told)
    assert "right is 96,375.450000, the liar says 9,637.545000" in told
    assert re.search(r"top +963,754,500,000,000,000,000 +96,375,450,000 +9,637,545,000", told)
    assert "46 of 46" in told
    assert "is refuted (47 claims judged)" in told
    assert re.search(r"The liar +0x\w+ +24 +25.2 ETH +0 ETH +-25.2 ETH", told)
    assert re.search(r"The challenger +0x\w+ +23 +22 ETH +47.2 ETH +\+25.2 ETH", told)
    assert max(len(line.rstrip()) for line in told.splitlines()) <= COLUMNS_MAX
    (game,) = re.findall(r"Game on L1 +(0x[0-9a-fA-F]{40})", told)
    assert game_status(honest, game) is GameStatus.CHALLENGER_WINS
    assert honest.run("verify").returncode == 0


@pytest.mark.skipif(not ALL, reason="two minutes; run with --all")
def test_demo_fraud_with_attack_tells_how_right_root_stands(honest: Devnet) -> None:
    result = honest.run("demo", "fraud", "--kind", "attack", "--json")

    assert result.returncode == 0, result.stdout + result.stderr
    story = json.loads(result.stdout)
    assert story["status"] == "defender_wins"
    assert story["claimedRoot"] == story["rightRoot"]
    assert story["liar"] == "0x" + dev_accounts()[-1].address.hex()
    assert story["step"]["refusal"].startswith("ClaimStands(")
    assert game_status(honest, story["game"]) is GameStatus.DEFENDER_WINS
    gains = {purse["name"]: int(purse["paid"]) - int(purse["staked"]) for purse in story["purses"]}
    assert gains["The liar"] < 0 < gains["The challenger"]
    assert gains["The proposer"] == 0


@pytest.mark.skipif(not ALL, reason="two minutes; run with --all")
def test_demo_fraud_on_lying_devnet_wins_over_its_proposer_and_withdrawal_is_never_paid(
    tmp_path,
) -> None:
    with devnet_in(tmp_path, "--fault", "withdrawal", *PATIENT) as lying:
        result = lying.start().run("demo", "fraud", "--json")

        assert result.returncode == 0, result.stdout + result.stderr
        story = json.loads(result.stdout)
        step = story["step"]
        assert story["kind"] == "withdrawal"
        assert story["liar"] == "0x" + operator_accounts().proposer.address.hex()
        assert step["status"] == "RECEIPT"
        assert step["l1PostState"] == step["postState"] != step["claimedPostState"]
        assert "L2ToL1MessagePasser" in step["differences"][0]["name"]
        assert [one["depth"] for one in story["rounds"]] == list(range(1, MAX_DEPTH + 1))
        assert story["refusedWithdrawal"].startswith("GameNotWon(")
        assert int(story["payoutToChallenger"]) > 47 * ETHER
        assert game_status(lying, story["game"]) is GameStatus.CHALLENGER_WINS
        assert story["anchorBlock"] >= story["l2Block"]
