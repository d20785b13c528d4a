"""`tallystick dispute` from the first move to the payout, on a real L1 without a devnet."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

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
        result = self._run(*arguments)
        assert result.exit_code == 0, result.exception
        return [json.loads(line) for line in result.stdout.splitlines()]

    def refused(self, *arguments: str) -> str:
        """Why a command isn't done."""
        result = self._run(*arguments)
        assert result.exit_code != 0, result.output
        return f"{result.exception} {result.output}"

    def _run(self, *arguments: str) -> Result:
        command = ["dispute", *arguments, *self._rollup, *self._key, "--json"]
        return CliRunner().invoke(cli, command)


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
    assert "no single step is left to prove" in hand.refused("step", "0")
    (move,) = hand.plays("move", "0")
    assert (move["event"], move["depth"], move["isAttack"]) == ("move", 1, True)
    in_court(narrow_down)
    assert "use `dispute step`" in hand.refused("move", "0")
    (step,) = hand.plays("step", "0")
    assert (step["event"], step["claimIndex"]) == ("step", LEAF)
    in_court(wait_for_clocks)
    told = hand.plays("resolve", "0")
    assert [one["event"] for one in told] == ["claimsResolved", "gameResolved"]
    in_court(wait_for_payout)
    (claimed,) = hand.plays("claim", "0")
    assert claimed["event"] == "bondClaimed"
    in_court(paid)


def test_move_left_to_the_chain_defends_what_is_right_and_stands_against_it(
    in_court: InCourt, hand: Hand
) -> None:
    async def attack_with_the_truth(court: Court) -> None:
        game = await court.propose(court.root(3), 3)
        dispute = await court.read(game)
        (root,) = dispute.game.claims
        middle = root.position.move(is_attack=True).trace_index(dispute.game.rules.max_depth)
        state = court.book.trace_of(dispute.subject).claim_at(middle)
        await court.attack(game, root, state)

    in_court(attack_with_the_truth)
    assert "needs no answer" in hand.refused("move", "0", "0")
    (move,) = hand.plays("move", "0", "1")
    assert (move["parentIndex"], move["isAttack"]) == (1, False)
    assert "needs no answer" in hand.refused("move", "0", "2")
    assert "the other side is to move" in hand.refused("move", "0")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("move", "0", "--attack"), "name the claim to attack or defend"),
        (("move", "0", "0", "--claim", "0x" + "66" * 32), "--attack or --defend"),
        (("move", "0", "0", "--attack", "--claim", "0x66"), "is no hash"),
    ],
)
def test_move_that_is_half_said_is_a_usage_error(
    hand: Hand, arguments: tuple[str, ...], words: str
) -> None:
    assert words in hand.refused(*arguments)
