"""Disputes on an L1 that reorganises: what was claimed, proposed or posted is there no more.

A reorg here takes blocks back by anvil's own means and puts others in their place. The challenger
goes on running; nothing tells it but L1.
"""

import pytest

from bridge.games import GameStatus
from bridge.machine.limits import BLOCK_STEPS
from tests.bridge.dispute.conftest import InCourt
from tests.bridge.dispute.l1_disputes import ALICE, WINDOW, Court, duel, end, forged

pytestmark = pytest.mark.slow

VOID_BATCH = b"\xff"
"""Of no codec: derived as one empty block."""


async def height(court: Court) -> int:
    return (await court.rig.client.header()).number


async def reorg(court: Court, back_to: int, *raws: str) -> None:
    """Take back all blocks behind `back_to`; the first that comes instead has these transactions.

    The new branch is as long as the old one, and one block longer, so that it prevails.
    """
    depth = await height(court) - back_to
    court.anvil.ask("anvil_reorg", depth, [[raw, 0] for raw in raws])
    court.anvil.mine()


def raw_of(court: Court, block: int) -> str:
    """The one transaction of an L1 block, as it was signed."""
    (sent,) = court.anvil.ask("eth_getBlockByNumber", hex(block), False)["transactions"]
    return str(court.anvil.ask("debug_getRawTransaction", sent))


async def status_in_branch(court: Court, raw_hash: str) -> int:
    # Anvil mines by itself, but answers a sender before it has done so.
    court.anvil.mine()
    receipt = court.anvil.ask("eth_getTransactionReceipt", raw_hash)
    return int(receipt["status"], 16)


# A batch


def test_l1_reorg_of_a_batch_makes_its_root_wrong_for_a_running_challenger(
    in_court: InCourt,
) -> None:
    """A right root of the fourth block, seen and left alone. Then another batch takes the place of
    the fourth block's: the same claim, made again over it, is a lie."""

    async def scenario(court: Court) -> None:
        alice, before = court.alice(), await height(court)
        await court.gift(4)
        await court.post()
        old = court.root(4)
        await court.propose(old, 4)
        assert not (await alice.step()).played

        await reorg(court, before)
        assert await court.games() == []
        await court.rig.append_batch(VOID_BATCH)
        await court.rig.follow()
        assert court.root(4) != old
        assert not (await alice.step()).played

        wrong = await court.propose(old, 4)
        right = await court.propose(court.root(4), 4)
        lie = await court.lie(wrong, 3 * BLOCK_STEPS + 9)
        await duel(alice, court.mallory(wrong, lie))
        assert await end(court, wrong, alice) is GameStatus.CHALLENGER_WINS
        assert len((await court.read(right)).game.claims) == 1

    in_court(scenario)


def test_l1_reorg_of_a_batch_makes_its_proposal_revert(in_court: InCourt) -> None:
    """The proposal comes along into the other branch, where another batch has the index."""

    async def scenario(court: Court) -> None:
        before = await height(court)
        await court.gift(4)
        await court.post()
        receipt = await court.proposal(court.root(4), 4)
        proposal = raw_of(court, await height(court))
        await reorg(court, before)
        await court.rig.append_batch(VOID_BATCH)
        court.anvil.ask("eth_sendRawTransaction", proposal)
        assert await status_in_branch(court, "0x" + receipt.hash.hex()) == 0
        assert await court.games() == []

    in_court(scenario)


# A game's creation


def test_l1_reorg_of_a_games_creation_is_played_anew_where_it_is_now(in_court: InCourt) -> None:
    """The lie was the first game, and answered; now a right root is the first, and the lie comes
    after it, at another address."""

    async def scenario(court: Court) -> None:
        alice, before = court.alice(), await height(court)
        lost = await court.propose(forged(court.root(3)), 3)
        assert len((await alice.step()).played) == 1

        await reorg(court, before)
        assert not (await alice.step()).played
        court.wait(WINDOW // 2)
        right = await court.propose(court.root(3), 3)
        wrong = await court.propose(forged(court.root(3)), 3)
        assert lost not in (right, wrong)
        lie = await court.lie(wrong, BLOCK_STEPS + 9)
        await duel(alice, court.mallory(wrong, lie))
        assert await end(court, wrong, alice) is GameStatus.CHALLENGER_WINS
        assert len((await court.read(right)).game.claims) == 1

    in_court(scenario)


def test_l1_reorg_of_a_games_creation_costs_the_challenger_no_bond(in_court: InCourt) -> None:
    """An answer that came along into a branch without the game would lie where no contract is. So
    none is given before the game has its confirmations."""

    async def scenario(court: Court) -> None:
        alice, before = court.alice(confirmations=2), await court.balance()
        start = await height(court)
        game = await court.propose(forged(court.root(3)), 3)
        for _ in range(2):
            assert not (await alice.step()).played
            court.anvil.mine()

        await reorg(court, start)
        assert await court.games() == []
        assert not (await alice.step()).played
        assert await court.balance() == before
        court.wait(WINDOW // 2)
        game = await court.propose(forged(court.root(3)), 3)
        court.anvil.mine(2)
        assert len((await alice.step()).played) == 1
        assert len((await court.read(game)).game.claims) == 2

    in_court(scenario)


def test_confirmations_that_a_clock_has_no_time_for_are_not_waited_for(in_court: InCourt) -> None:
    """Of an L1 that makes hardly any blocks."""

    async def scenario(court: Court) -> None:
        alice = court.alice(confirmations=50)
        await court.propose(forged(court.root(3)), 3)
        assert not (await alice.step()).played
        court.wait(WINDOW // 4)
        assert len((await alice.step()).played) == 1

    in_court(scenario)


# A game's middle


def test_l1_reorg_mid_game_is_played_on_from_what_is_left(in_court: InCourt) -> None:
    """An answer of Mallory's is taken back, with Alice's to it, and a stranger's is in its place.
    Alice's comes along, and is none to that."""

    async def scenario(court: Court) -> None:
        game = await court.propose(forged(court.root(3)), 3)
        alice, mallory = court.alice(), court.mallory(game, await court.lie(game, 7))
        for _ in range(3):
            await alice.step()
            await mallory.step()
        await alice.step()
        top = await height(court)
        answer = raw_of(court, top)
        (sent,) = court.anvil.ask("eth_getBlockByNumber", hex(top), False)["transactions"]
        before = (await court.read(game)).game.claims
        assert [claim.claimant == ALICE.address for claim in before] == [
            index % 2 == 1 for index in range(8)
        ]

        await reorg(court, top - 2)
        assert (await court.read(game)).game.claims == before[:6]
        await court.attack(game, before[5], forged(before[6].claim))
        court.anvil.ask("eth_sendRawTransaction", answer)
        assert await status_in_branch(court, sent) == 0
        await duel(alice, mallory)
        assert await end(court, game, alice) is GameStatus.CHALLENGER_WINS

    in_court(scenario)


def test_l1_reorg_of_a_games_end_is_ended_and_paid_again(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        start = await court.balance()
        game = await court.propose(forged(court.root(3)), 3)
        alice = court.alice()
        await duel(alice, court.mallory(game, await court.lie(game, BLOCK_STEPS + 9)))
        before = await height(court)
        assert await end(court, game, alice) is GameStatus.CHALLENGER_WINS
        rich = await court.balance()

        await reorg(court, before)
        assert (await court.read(game)).game.status is GameStatus.IN_PROGRESS
        assert await court.balance() < rich
        assert await end(court, game, alice) is GameStatus.CHALLENGER_WINS
        assert await court.balance() > start

    in_court(scenario)
