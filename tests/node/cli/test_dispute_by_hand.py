"""`tallystick dispute` from the first move to the payout, on a real L1 without a devnet."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.dispute.limits import DEPTH_MAX
from bridge.games import GameStatus
from bridge.machine.limits import BLOCK_STEPS
from node.cli.main import cli
from tests.bridge.conftest import Anvil
from tests.bridge.dispute.conftest import InCourt, built, in_court
from tests.bridge.dispute.l1_disputes import ALICE, PAYOUT, WINDOW, Court, forged

__all__ = ["built", "in_court"]

pytestmark = pytest.mark.slow

LEAF = DEPTH_MAX
"""Index of the leaf in a game of one answer a level."""

FIRST_WRONG = BLOCK_STEPS + 9


class Hand:
    """Alice at her keyboard."""

    def __init__(self, anvil: Anvil, deployment: Path, key_file: Path) -> None:
        self._rollup = ["--l1-rpc", anvil.url, "--deployment", str(deployment)]
        self._key = ["--key-file", str(key_file)]
        key_file.write_text(ALICE.key.hex())
        key_file.chmod(0o600)

    def plays(self, *arguments: str) -> list[dict[str, Any]]:
        """What a command tells."""
        command = ["dispute", *arguments, *self._rollup, *self._key, "--json"]
        result = CliRunner().invoke(cli, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def hand(built: tuple[Anvil, Path], tmp_path: Path) -> Hand:
    anvil, folder = built
    return Hand(anvil, folder / "deployment.json", tmp_path / "key")


async def narrow_down(court: Court) -> None:
    """Two players have come to a wrong leaf, but the step."""
    (game,) = await court.games()
    alice = court.alice()
    mallory = court.mallory(game, await court.lie(game, FIRST_WRONG))
    while len((await court.read(game)).game.claims) <= LEAF:
        await mallory.step()
        if len((await court.read(game)).game.claims) <= LEAF:
            await alice.step()


def test_game_is_moved_stepped_resolved_and_claimed_by_hand(in_court: InCourt, hand: Hand) -> None:
    async def propose(court: Court) -> None:
        await court.propose(forged(court.root(3)), 3)

    async def wait_for_clocks(court: Court) -> None:
        court.wait(2 * WINDOW)

    async def wait_for_payout(court: Court) -> None:
        (game,) = await court.games()
        assert (await court.read(game)).game.status is GameStatus.CHALLENGER_WINS
        court.wait(PAYOUT)

    async def paid(court: Court) -> None:
        (game,) = await court.games()
        (credit,) = (await court.read(game)).game.credits
        assert credit.account == ALICE.address
        assert not credit.amount

    in_court(propose)
    (move,) = hand.plays("move", "0", "0", "--attack")
    assert (move["event"], move["depth"]) == ("move", 1)
    in_court(narrow_down)
    (step,) = hand.plays("step", "0", str(LEAF))
    assert step["event"] == "step"
    in_court(wait_for_clocks)
    told = hand.plays("resolve", "0")
    assert [one["event"] for one in told] == ["claimsResolved", "gameResolved"]
    in_court(wait_for_payout)
    (claimed,) = hand.plays("claim", "0")
    assert claimed["event"] == "bondClaimed"
    in_court(paid)
