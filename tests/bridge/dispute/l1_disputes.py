"""Disputes over a real rollup: its contracts and provers on anvil, its chain derived from there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.deployment import DeployParameters
from bridge.dispute.challenger import Challenger, Played, Spectator
from bridge.dispute.game import Claim
from bridge.dispute.limits import DEPTH_MAX
from bridge.dispute.reader import Dispute, read_dispute
from bridge.dispute.trace import ChainTrace, LocalChain, StepProof, TraceBook
from bridge.games import GameStatus
from bridge.l1 import contracts, wire
from bridge.l1.accounts import Operator
from bridge.l1.client import L1Receipt
from bridge.l1.transactor import L1Transaction, Sleep, Transactor
from bridge.machine.bare import boundary_machine_hash
from execution.signing import UnsignedTransaction, sign
from genesis.accounts import dev_accounts
from state.keccak import keccak
from state.types import Address, BlockNumber, Gas, Hash32, Timestamp, Wei
from tests.bridge.conftest import Anvil
from tests.bridge.l1_rig import POLL, Rig, rollup

ALICE, MALLORY, PROPOSER, STRANGER = dev_accounts()[1:5]
"""Alice plays for the truth, Mallory against it."""

WINDOW, EXTENSION, PAYOUT = 1_000, 50, 30
PARAMETERS = DeployParameters(
    window_seconds=100_000,
    dispute_window_seconds=WINDOW,
    clock_extension_seconds=EXTENSION,
    payout_delay_seconds=PAYOUT,
)

LAST_INDEX = 2**DEPTH_MAX - 1
"""Trace index of the last step of a game."""

BULK_PER_BLOCK = 50

LOOKS_MAX = 4 * DEPTH_MAX
"""More than any test's game takes."""


@dataclass(frozen=True, slots=True)
class WrongFrom:
    """A trace that is right before one step, and wrong from it on.

    From there on it says that the machine stands between two blocks, with the claimed root.
    """

    truth: ChainTrace
    index: int
    """Trace index of the first wrong step."""
    root: Hash32

    def claim_at(self, trace_index: int) -> Hash32:
        if trace_index < self.index:
            return self.truth.claim_at(trace_index)
        return boundary_machine_hash(self.root)

    def proof(self, trace_index: int) -> StepProof:
        """The best that a liar has: the truth, which L1 won't take for the lie."""
        return self.truth.proof(trace_index)


def forged(root: Hash32) -> Hash32:
    """Another output root."""
    return keccak(b"not " + root)


class Killed(Exception):
    """Ends a player between two of its actions."""


class KilledAfterEach(Spectator):
    """Ends the player as soon as something that it did is on L1."""

    async def saw(self, dispute: Dispute) -> None:
        """Lets it live."""

    async def played(self, played: Played) -> None:
        raise Killed


class Court:
    """One rollup with some blocks, and who disputes about them."""

    def __init__(self, rig: Rig, anvil: Anvil) -> None:
        self.rig = rig
        self.anvil = anvil
        self.local = LocalChain(rig.store, rig.config, rig.log, rig.pipeline.view)
        self.book = TraceBook(self.local)

    # The chain

    async def gift(self, wei: int) -> bytes:
        """Sequence one block in which the proposer's account gives something away on L2."""
        account = self.rig.store.state().account(PROPOSER.address)
        fields = UnsignedTransaction(
            nonce=0 if account is None else account.nonce,
            gas=Gas(21_000),
            to=Address(b"\xb0" * 20),
            value=Wei(wei),
            max_fee_per_gas=Wei(10**10),
            max_priority_fee_per_gas=Wei(1),
        )
        raw = sign(fields, PROPOSER.key, self.rig.config.chain_id)
        await self.rig.sequence(raw)
        return raw

    async def post(self) -> None:
        """Post all unsafe blocks as one batch, and derive it."""
        assert await self.rig.poster.step() is not None
        await self.rig.follow()

    def root(self, number: int) -> Hash32:
        """Our own output root of a safe block."""
        root = self.local.view.output_root(BlockNumber(number))
        assert root is not None
        return root

    # L1

    def wait(self, seconds: int) -> None:
        """Let time pass on L1."""
        self.anvil.ask("evm_increaseTime", seconds)
        self.anvil.mine()

    async def propose(self, root: Hash32, number: int, items: int | None = None) -> Address:
        """Propose a root over a prefix of the inbox, all of it by default; returns the game."""
        receipt = await self.proposal(root, number, items)
        return await self.game_of(receipt)

    async def proposal(self, root: Hash32, number: int, items: int | None = None) -> L1Receipt:
        """As `propose`; returns the receipt."""
        rig = self.rig
        count = rig.log.count if items is None else items
        acc = rig.log.item(count - 1).acc
        data = contracts.PROPOSE.call(root, number, count, acc)
        (bond,) = await rig.client.call(rig.deployment.rollup, contracts.BOND)
        call = L1Transaction("proposal", rig.deployment.rollup, data, Wei(bond))
        return await rig.transactor(MALLORY.key).send(call)

    async def attack(self, game: Address, claim: Claim, state: Hash32) -> None:
        """Have a stranger attack a claim with any state."""
        rules = (await self.read(game)).game.rules
        data = contracts.MOVE.call(claim.index, claim.claim, state, True)
        bond = rules.bond_at(claim.position.depth + 1)
        await self.rig.transactor(STRANGER.key).send(L1Transaction("attack", game, data, bond))

    async def spam(self, game: Address, claim: Claim, count: int) -> None:
        """Have a stranger defend a claim many times."""
        rules = (await self.read(game)).game.rules
        states = (Hash32(number.to_bytes(32, "big")) for number in range(count))
        calls = [contracts.MOVE.call(claim.index, claim.claim, state, False) for state in states]
        await self._send_in_bulk(game, calls, rules.bond_at(claim.position.depth + 1))

    async def resolve_by_strangers(self, game: Address, indexes: Iterable[int]) -> None:
        """Have a stranger resolve claims."""
        await self._send_in_bulk(
            game, [contracts.RESOLVE_CLAIM.call(index, 0) for index in indexes]
        )

    async def _send_in_bulk(self, to: Address, calls: list[bytes], value: int = 0) -> None:
        """Past our own client, and in few blocks."""
        fixed = {"from": "0x" + STRANGER.address.hex(), "to": "0x" + to.hex()}
        fixed |= {"value": hex(value), "gas": hex(400_000)}
        self.anvil.automine(False)
        for number, data in enumerate(calls):
            call = fixed | {"data": "0x" + data.hex()}
            await self.rig.client.rpc.request("eth_sendTransaction", call)
            if number % BULK_PER_BLOCK == 0:
                self.anvil.mine()
        self.anvil.mine()
        self.anvil.automine(True)

    async def game_of(self, receipt: L1Receipt) -> Address:
        """The game that a proposal made."""
        (event,) = (log for log in receipt.logs if log.topics[0] == contracts.PROPOSED)
        return Address(event.topics[1][12:])

    async def games(self) -> list[Address]:
        """All games of the rollup."""
        client, at = self.rig.client, self.rig.deployment.rollup
        (count,) = await client.call(at, contracts.GAME_COUNT)
        answers = [await client.call(at, contracts.GAME_AT, index) for index in range(count)]
        return [wire.address(answer, "gameAt") for (answer,) in answers]

    async def read(self, game: Address) -> Dispute:
        """A game as it stands."""
        client = self.rig.client
        return await read_dispute(client, game, ALICE.address, await client.header())

    async def expiry(self, game: Address, index: int) -> Timestamp:
        """When the time to answer a claim is over."""
        (answer,) = await self.rig.client.call(game, contracts.EXPIRY_OF, index)
        return Timestamp(answer)

    async def balance(self) -> int:
        """What Alice has on L1."""
        return await self.rig.client.balance(ALICE.address)

    # Players

    def alice(
        self,
        spectator: Spectator | None = None,
        sleep: Sleep = asyncio.sleep,
        confirmations: int = 0,
    ) -> Challenger:
        """An honest challenger that was just started."""
        book = TraceBook(self.local)
        operator = Operator.of_dev_account(ALICE)
        return Challenger(
            Transactor(self.rig.client, operator, sleep=sleep, poll_seconds=POLL),
            self.rig.deployment.rollup,
            lambda dispute: book.trace_of(dispute.subject),
            confirmations=confirmations,
            spectator=spectator,
        )

    def mallory(self, game: Address, lie: WrongFrom) -> Challenger:
        """Plays one game by a wrong trace, and lets others end it."""
        return Challenger(
            self.rig.transactor(MALLORY.key),
            self.rig.deployment.rollup,
            lambda dispute: lie if dispute.address == game else None,
            resolves=False,
        )

    async def lie(self, game: Address, index: int, root: Hash32 | None = None) -> WrongFrom:
        """The trace of a game, wrong from a step on; by default it ends in the proposed root."""
        dispute = await self.read(game)
        truth = self.book.trace_of(dispute.subject)
        return WrongFrom(truth, index, dispute.output_root if root is None else root)


async def duel(alice: Challenger, mallory: Challenger) -> list[Played]:
    """Let both answer each other until neither has anything to say; returns what Alice did."""
    done: list[Played] = []
    for _ in range(LOOKS_MAX):
        hers = (await mallory.step()).played
        ours = (await alice.step()).played
        done += ours
        if not hers and not ours:
            return done
    raise AssertionError("the game never comes to an end")


async def end(court: Court, game: Address, alice: Challenger) -> GameStatus:
    """Let the clocks run out, and Alice end the game and take what it owes her."""
    for _ in range(LOOKS_MAX):
        if (await court.read(game)).game.status is not GameStatus.IN_PROGRESS:
            break
        court.wait(WINDOW)
        await alice.step()
    court.wait(PAYOUT)
    await alice.step()
    dispute = await court.read(game)
    assert not dispute.game.credits[0].amount, "all that the game owes Alice is paid"
    return dispute.game.status


@asynccontextmanager
async def court_on(anvil: Anvil, folder: Path) -> AsyncIterator[Court]:
    """A node of its own on the rollup that `folder` has, which is deployed where it isn't yet."""
    async with rollup(anvil.url, folder, PARAMETERS) as rig:
        await rig.follow()
        yield Court(rig, anvil)


async def build_chain(court: Court) -> None:
    """Two blocks in one batch, and a third in the next."""
    for wei in (1, 2):
        await court.gift(wei)
    await court.post()
    await court.gift(3)
    await court.post()
