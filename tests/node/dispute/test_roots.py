"""What a node reads of output roots for those who look on: seldom, and never what can't change."""

from dataclasses import dataclass, field

import pytest

from bridge.games import GameStatus
from bridge.l1 import contracts
from bridge.l1.errors import L1Unavailable
from bridge.l1.rpc import RpcClient
from bridge.l1.transactor import L1Transaction
from genesis.accounts import dev_accounts
from node.dispute.claims import is_attack, refuted_leaf, seconds_left
from node.dispute.games import UnknownGame
from node.dispute.limits import DISPUTE_READS, DISPUTE_SECONDS, ROOTS_SECONDS
from node.dispute.roots import L1Silent, RootsReader, TooManyGamesAsked
from tests.bridge.dispute.conftest import InCourt, built, in_court
from tests.bridge.dispute.l1_disputes import WINDOW, Court, forged

__all__ = ["built", "in_court"]


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Looker:
    """Somebody who looks on, and how often L1 was asked for it."""

    court: Court
    clock: Clock = field(default_factory=Clock)
    asked: int = 0

    def __post_init__(self) -> None:
        rig = self.court.rig
        self.reader = RootsReader(rig.client, rig.deployment.rollup, self.clock)
        request = rig.client.rpc.request

        async def counting(method: str, *params: object) -> object:
            self.asked += 1
            return await request(method, *params)

        rig.client.rpc.request = counting  # type: ignore[method-assign]


def test_proposals_are_read_newest_first_with_their_life(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        looker = Looker(court)
        first = await court.propose(court.root(1), 1)
        second = await court.propose(forged(court.root(2)), 2)
        roots = await looker.reader.roots()
        assert [one.game for one in roots.proposals] == [second, first]
        assert [one.l2_block for one in roots.proposals] == [2, 1]
        assert roots.count == 2
        assert not any(one.is_over for one in roots.proposals)
        newest = roots.proposals[0]
        assert newest.resolvable_at == newest.created_at + WINDOW
        court.wait(WINDOW + 1)
        resolve = L1Transaction("resolving", first, contracts.RESOLVE.call())
        await court.rig.transactor(dev_accounts()[1].key).send(resolve)
        looker.clock.now += ROOTS_SECONDS
        roots = await looker.reader.roots()
        assert roots.proposals[1].status is GameStatus.DEFENDER_WINS
        assert roots.proposals[1].resolved_at > roots.proposals[1].resolvable_at
        assert roots.anchor_block == 1

    in_court(scenario)


def test_l1_is_asked_once_however_many_look(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        looker = Looker(court)
        game = await court.propose(court.root(1), 1)
        await looker.reader.roots()
        name = f"0x{game.hex()}"
        await looker.reader.dispute(name)
        asked = looker.asked
        for _ in range(50):
            await looker.reader.roots()
            await looker.reader.dispute(name)
        assert looker.asked == asked
        looker.clock.now += ROOTS_SECONDS
        await looker.reader.roots()
        assert 0 < looker.asked - asked < 10

    in_court(scenario)


def test_proposals_of_a_block_that_l1_took_back_are_forgotten(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        looker = Looker(court)
        await court.propose(court.root(1), 1)
        before = court.anvil.ask("evm_snapshot")
        gone = await court.propose(forged(court.root(2)), 2)
        assert (await looker.reader.roots()).proposals[0].game == gone
        court.anvil.ask("evm_revert", before)
        stays = await court.propose(court.root(2), 2)
        looker.clock.now += ROOTS_SECONDS
        assert (await looker.reader.roots()).proposals[0].game == stays

    in_court(scenario)


def test_dispute_is_read_anew_after_a_while(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        looker = Looker(court)
        game = await court.propose(forged(court.root(2)), 2)
        dispute = await looker.reader.dispute("0")
        assert refuted_leaf(dispute) is None
        (root,) = dispute.game.claims
        assert not is_attack(dispute, root)
        assert 0 < seconds_left(dispute, root) <= WINDOW
        await court.attack(game, root, court.root(1))
        assert len((await looker.reader.dispute("0")).game.claims) == 1
        looker.clock.now += DISPUTE_SECONDS
        dispute = await looker.reader.dispute("0")
        assert is_attack(dispute, dispute.game.claims[1])

    in_court(scenario)


def test_who_asks_for_many_games_has_to_wait_and_others_keep_theirs(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        looker = Looker(court)
        game = await court.propose(court.root(1), 1)
        name = f"0x{game.hex()}"
        await looker.reader.dispute(name)
        for index in range(int(DISPUTE_READS[1]) - 1):
            with pytest.raises(UnknownGame):
                await looker.reader.dispute(f"0x{index:040x}")
        asked = looker.asked
        with pytest.raises(TooManyGamesAsked):
            await looker.reader.dispute("0x" + "12" * 20)
        assert (await looker.reader.dispute(name)).address == game
        assert looker.asked == asked
        looker.clock.now += 1 / DISPUTE_READS[0]
        with pytest.raises(UnknownGame):
            await looker.reader.dispute("0x" + "12" * 20)

    in_court(scenario)


def test_silent_l1_is_not_asked_again_at_once(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        async with RpcClient("http://127.0.0.1:1") as nobody:
            looker = Looker(court)
            court.rig.client.rpc = nobody
            with pytest.raises(L1Unavailable):
                await looker.reader.roots()
            with pytest.raises(L1Silent, match="no answer from"):
                await looker.reader.roots()
            looker.clock.now += ROOTS_SECONDS
            with pytest.raises(L1Unavailable):
                await looker.reader.roots()

    in_court(scenario)
