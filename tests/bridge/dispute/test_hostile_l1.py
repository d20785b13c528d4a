"""What others can do on L1, or say of it, so that an honest challenger overlooks, loses or pays."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge import limits as bridge_limits
from bridge.dispute import limits
from bridge.dispute.challenger import Challenger
from bridge.dispute.game import Move, ResolveClaim, Step
from bridge.dispute.reader import Dispute, read_dispute
from bridge.dispute.trace import ChainTrace, NotDerived, PrefixMoved, TraceBook
from bridge.games import GameStatus
from bridge.l1 import contracts
from bridge.l1.accounts import Operator
from bridge.l1.client import L1Client
from bridge.l1.errors import L1EndpointInconsistent
from bridge.l1.rpc import RpcClient
from bridge.l1.transactor import L1Transaction, Transactor
from bridge.machine.limits import BLOCK_STEPS
from state.errors import InternalError
from state.types import Address, BlockNumber
from tests.bridge.dispute.conftest import DisputedChain, InCourt
from tests.bridge.dispute.l1_disputes import (
    ALICE,
    MALLORY,
    PAYOUT,
    WINDOW,
    Court,
    end,
    forged,
)
from tests.bridge.l1_rig import POLL

ETHER = 10**18


async def append_item(court: Court) -> None:
    """Lengthen the inbox, so that a root that was proposed can be proposed again."""
    call = contracts.FORCE_TRANSACTION.call(b"nothing of use")
    item = L1Transaction("item", court.rig.deployment.inbox, call)
    await court.rig.transactor(MALLORY.key).send(item)
    await court.rig.follow()


async def flood(court: Court, games: int) -> None:
    """Propose the right root again and again: each bond comes back in the end."""
    for _ in range(games):
        await append_item(court)
        await court.propose(court.root(3), 3)


# Being overlooked


def test_wrong_root_hidden_behind_a_flood_of_right_ones_is_answered(
    in_court: InCourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_limits, "GAMES_SCANNED_MAX", 3)

    async def scenario(court: Court) -> None:
        await flood(court, 2)
        wrong = await court.propose(forged(court.root(3)), 3)
        await flood(court, 5)
        (played,) = (await court.alice().step()).played
        assert played.dispute.address == wrong

    in_court(scenario)


def test_games_from_long_ago_are_not_looked_at_one_by_one(
    in_court: InCourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_limits, "GAMES_SCANNED_MAX", 1)

    async def scenario(court: Court) -> None:
        await flood(court, 4)
        court.wait(limits.GAME_LIFETIMES_WATCHED * 100 * WINDOW)
        await append_item(court)
        await court.propose(forged(court.root(3)), 3)
        report = await court.alice().step()
        assert len(report.watched) == 1
        assert len(report.played) == 1

    in_court(scenario)


def test_game_that_we_fail_at_leaves_the_others_played(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        bad = await court.propose(forged(court.root(2)), 2)
        wrong = await court.propose(forged(court.root(3)), 3)

        def trace_of(dispute: Dispute) -> ChainTrace:
            if dispute.address == bad:
                raise InternalError("a block that we can't execute")
            return court.book.trace_of(dispute.subject)

        with pytest.raises(InternalError, match="can't execute"):
            await player(court, trace_of).step()
        assert len((await court.read(bad)).game.claims) == 1
        assert len((await court.read(wrong)).game.claims) == 2

    in_court(scenario)


def test_answers_come_before_what_older_games_owe(in_court: InCourt) -> None:
    """A payout that L1 is slow to take must not cost the time of an answer."""

    async def scenario(court: Court) -> None:
        won = await court.propose(forged(court.root(2)), 2)
        alice = court.alice()
        await alice.step()
        while (await court.read(won)).game.status is GameStatus.IN_PROGRESS:
            court.wait(WINDOW)
            await court.alice().step()
        court.wait(PAYOUT)
        wrong = await court.propose(forged(court.root(3)), 3)
        played = (await court.alice().step()).played
        assert [one.dispute.address for one in played] == [wrong, won]

    in_court(scenario)


def player(court: Court, trace_of: Callable[[Dispute], ChainTrace]) -> Challenger:
    """Alice, who judges games by these traces."""
    return Challenger(court.rig.transactor(ALICE.key), court.rig.deployment.rollup, trace_of)


def test_traces_of_many_games_push_none_out_of_the_book(disputed: DisputedChain) -> None:
    """In progress are hundreds of games, each of which is looked at in turn."""
    book, subjects = TraceBook(disputed.local), [disputed.subject(block) for block in range(4, 68)]
    traces = [book.trace_of(subject) for subject in subjects]
    for subject, trace in zip(subjects, traces, strict=True):
        assert book.trace_of(subject) is trace


# Being led to stake


def test_game_over_another_branch_of_the_inbox_is_not_judged(in_court: InCourt) -> None:
    """The challenger has read the old branch; the game is about the new one, where its root may
    well be right."""

    async def scenario(court: Court) -> None:
        snapshot = court.anvil.ask("evm_snapshot")
        await court.gift(4)
        await court.post()
        court.anvil.ask("evm_revert", snapshot)
        await court.rig.append_batch(b"\xff")
        count = court.rig.log.count
        client, inbox = court.rig.client, court.rig.deployment.inbox
        (acc,) = await client.call(inbox, contracts.ACC, count - 1)
        assert acc != court.rig.log.item(count - 1).acc
        (bond,) = await client.call(court.rig.deployment.rollup, contracts.BOND)
        data = contracts.PROPOSE.call(forged(court.root(4)), 4, count, acc)
        call = L1Transaction("proposal", court.rig.deployment.rollup, data, bond)
        await court.rig.transactor(MALLORY.key).send(call)

        alice = court.alice()
        report = await alice.step()
        assert not report.played
        assert "another than the one read" in report.waiting[0]

        await court.rig.follow()
        assert len((await alice.step()).played) == 1

    in_court(scenario)


def test_trace_over_another_accumulator_is_not_made(disputed: DisputedChain) -> None:
    subject = disputed.subject(3)
    right, wrong = (replace(subject, inbox_acc=item.acc) for item in disputed.inbox.items[:-3:-1])

    assert ChainTrace(disputed.local, right).claim_at(7)
    with pytest.raises(PrefixMoved):
        ChainTrace(disputed.local, wrong)


class LyingEndpoint:
    """An endpoint that says one thing in place of another, and hears the other in place of it."""

    def __init__(self, rpc: RpcClient, truth: str, lie: str) -> None:
        self._rpc = rpc
        self._truth = truth
        self._lie = lie

    async def request(self, method: str, *params: object) -> object:
        heard = json.loads(json.dumps(params).replace(self._lie, self._truth))
        answer = await self._rpc.request(method, *heard)
        return json.loads(json.dumps(answer).replace(self._truth, self._lie))


def alice_through(court: Court, truth: str, lie: str) -> Challenger:
    """Alice, who knows of L1 what this endpoint says."""
    rig, book = court.rig, court.book
    rpc = LyingEndpoint(rig.client.rpc, truth, lie)
    client = L1Client(rpc, chain_id=rig.client.chain_id)  # type: ignore[arg-type]
    return Challenger(
        Transactor(client, Operator.of_dev_account(ALICE), poll_seconds=POLL),
        rig.deployment.rollup,
        lambda dispute: book.trace_of(dispute.subject),
    )


def test_endpoint_that_lies_about_what_a_game_is_about_gets_no_stake(in_court: InCourt) -> None:
    """The root is right; said of fewer inbox items, it would be wrong."""

    async def scenario(court: Court) -> None:
        await court.propose(court.root(3), 3)
        count = court.rig.log.count
        told, lie = (f"{n:064x}{court.rig.log.item(n - 1).acc.hex()}" for n in (count, 2))
        with pytest.raises(L1EndpointInconsistent, match="isn't that of"):
            await alice_through(court, told, lie).step()

    in_court(scenario)


def test_endpoint_that_names_its_own_address_as_a_game_gets_no_stake(in_court: InCourt) -> None:
    """Ether is sent to games. It answers all calls to its address as a game with a wrong root."""

    async def scenario(court: Court) -> None:
        game = await court.propose(forged(court.root(3)), 3)
        alice = alice_through(court, game.hex(), MALLORY.address.hex())
        with pytest.raises(L1EndpointInconsistent, match="isn't that of"):
            await alice.step()

    in_court(scenario)


def test_endpoint_that_lies_about_how_deep_games_are_gets_no_stake(in_court: InCourt) -> None:
    """Over a shorter trace the root would be about a state in the middle of a block."""

    async def scenario(court: Court) -> None:
        await court.propose(court.root(3), 3)
        told, lie = (f"0x{depth:064x}" for depth in (limits.DEPTH_MAX, 20))
        with pytest.raises(L1EndpointInconsistent, match="20 levels"):
            await alice_through(court, told, lie).step()

    in_court(scenario)


def test_endpoint_that_passes_another_rollups_game_off_gets_no_stake(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        await court.propose(forged(court.root(3)), 3)
        (game,), client = await court.games(), court.rig.client
        with pytest.raises(L1EndpointInconsistent, match="another Rollup"):
            await read_dispute(client, game, None, await client.header(), rollup=MALLORY.address)

    in_court(scenario)


# Losing by one's own hand


async def leaf_of_mallory(court: Court) -> tuple[Address, int]:
    """Play a lie down to Mallory's leaf, which only a step refutes; the game and the leaf."""
    game = await court.propose(forged(court.root(3)), 3)
    alice = court.alice()
    mallory = court.mallory(game, await court.lie(game, BLOCK_STEPS + 7))
    while True:
        await alice.step()
        await mallory.step()
        claims = (await court.read(game)).game.claims
        if claims[-1].position.depth == limits.DEPTH_MAX:
            return game, claims[-1].index


def test_leaf_that_waits_for_our_step_is_not_resolved_by_us(in_court: InCourt) -> None:
    """Time is over while the chain isn't derived: what is left is to step, not to give up."""

    async def scenario(court: Court) -> None:
        game, leaf = await leaf_of_mallory(court)
        assert (await court.read(game)).game.claims[leaf].claimant == MALLORY.address
        court.wait(2 * WINDOW)

        def not_yet(_dispute: Dispute) -> ChainTrace:
            raise NotDerived(BlockNumber(3))

        report = await player(court, not_yet).step()
        assert "not derived yet" in report.waiting[0]
        assert not (await court.read(game)).game.claims[leaf].is_resolved

        (step, *rest) = (one.action for one in (await court.alice().step()).played)
        assert isinstance(step, Step)
        assert ResolveClaim(leaf, limits.ANSWERS_PER_RESOLUTION_MAX) not in rest
        assert await end(court, game, court.alice()) is GameStatus.CHALLENGER_WINS

    in_court(scenario)


def test_claim_too_dear_to_answer_does_not_keep_the_others_unanswered(in_court: InCourt) -> None:
    """Eight levels down an answer costs twice as much, and Alice has half of it."""

    async def scenario(court: Court) -> None:
        game = await court.propose(forged(court.root(3)), 3)
        alice = court.alice()
        mallory = court.mallory(game, await court.lie(game, BLOCK_STEPS + 7))
        while len((await court.read(game)).game.claims) < 9:
            await alice.step()
            await mallory.step()
        claims = (await court.read(game)).game.claims
        dear = next(c for c in reversed(claims) if c.claimant == MALLORY.address)
        await alice.step()
        assert dear.index
        rules = (await court.read(game)).game.rules
        # A second lie, high up: right below Alice's first answer.
        data = contracts.MOVE.call(1, claims[1].claim, b"\x77" * 32, True)
        lie = L1Transaction("lie", game, data, rules.bond_at(2))
        await mallory.step()
        await court.rig.transactor(MALLORY.key).send(lie)
        balance = rules.bond_at(3) + ETHER // 20
        assert balance < rules.bond_at(9)
        court.anvil.ask("anvil_setBalance", "0x" + ALICE.address.hex(), hex(balance))
        report = await alice.step()
        (played,) = report.played
        assert isinstance(played.action, Move)
        assert played.action.parent_claim == b"\x77" * 32
        assert "needs a bond" in report.waiting[0]

    in_court(scenario)
