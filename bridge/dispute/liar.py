"""Who lies once, and plays for the lie: what a devnet is tried with.

A `Liar` proposes a wrong root; a `LyingChallenger` disputes a right one. Either plays like an
honest challenger, only by a wrong trace, and either reads from L1 whether it has lied before, so
that a restart doesn't make it lie twice.
"""

import logging
from dataclasses import dataclass
from typing import Any

from bridge.dispute.challenger import Challenger, ChallengerReport, ProvableTrace
from bridge.dispute.faults import Fault, LyingTrace, lie_about
from bridge.dispute.reader import Dispute, read_dispute
from bridge.dispute.trace import LocalChain, Subject
from bridge.games import Game, newest_games
from bridge.l1 import contracts
from bridge.l1.transactor import L1Transaction, Transactor
from bridge.l1.watcher import OnWritingThread, write_here
from state.types import Address, BlockNumber, Hash32, Wei

log = logging.getLogger("tallystick.liar")


@dataclass(frozen=True, slots=True)
class _Told:
    """A wrong root, and what it is derived from."""

    output_root: Hash32
    subject: Subject
    inbox_acc: Hash32


class Liar:
    """Proposes one wrong root on L1, then defends it. Leaves it to others to end the game."""

    def __init__(
        self,
        chain: LocalChain,
        transactor: Transactor,
        rollup: Address,
        fault: Fault,
        *,
        on_chain_thread: OnWritingThread[Any] = write_here,
    ) -> None:
        self._chain = chain
        self._transactor = transactor
        self._rollup = rollup
        self._fault = fault
        self._on_chain_thread = on_chain_thread
        self._traces: dict[Subject, LyingTrace] = {}
        self._looked_at = BlockNumber(0)
        """The last block in which there was nothing to lie about."""
        self._has_lied = False
        self._player = Challenger(
            transactor, rollup, self._trace_of, resolves=False, on_chain_thread=on_chain_thread
        )

    async def step(self) -> ChallengerReport:
        """Lie if it hasn't been done; else play. Raises as `Challenger.step` does."""
        if not self._has_lied:
            self._has_lied = await self._lied_before() or await self._lie()
        return await self._player.step()

    async def _lied_before(self) -> bool:
        """Whether L1 has a root of ours that our own chain says is wrong."""
        client = self._transactor.client
        head = await client.header()
        async for game in newest_games(client, self._rollup, at=head.hash):
            if game.proposer == self._transactor.address and await self._is_wrong(game):
                return True
        return False

    async def _is_wrong(self, game: Game) -> bool:
        right = await self._on_chain_thread(lambda: self._chain.view.output_root(game.l2_block))
        return right is not None and right != game.root_claim

    async def _lie(self) -> bool:
        client = self._transactor.client
        anchor_root, anchor_block = await client.call(self._rollup, contracts.ANCHOR)
        told = await self._on_chain_thread(
            lambda: self._invent(Hash32(anchor_root), BlockNumber(anchor_block))
        )
        if told is None:
            return False
        (bond,) = await client.call(self._rollup, contracts.BOND)
        subject = told.subject
        data = contracts.PROPOSE.call(
            told.output_root, subject.l2_block, subject.inbox_count, told.inbox_acc
        )
        what = f"lie about block {subject.l2_block}"
        await self._transactor.send(L1Transaction(what, self._rollup, data, Wei(bond)))
        log.warning(
            "proposed a wrong output root 0x%s of block %d (%s)",
            told.output_root.hex(),
            subject.l2_block,
            self._fault.kind,
        )
        return True

    def _invent(self, anchor_root: Hash32, anchor_block: BlockNumber) -> _Told | None:
        """A lie about the first block that has something to lie about."""
        view, safe = self._chain.view, self._chain.store.heads.safe.number
        if view.output_root(anchor_block) != anchor_root:
            return None  # the node hasn't caught up with what is settled
        first = max(anchor_block + 1, self._fault.first_block, self._looked_at + 1)
        for number in range(first, safe + 1):
            block = BlockNumber(number)
            item = view.safe(block).item
            subject = Subject(anchor_root, anchor_block, block, item.index + 1)
            lie = lie_about(self._chain, subject, self._fault.kind)
            if lie is not None:
                return _Told(lie.output_root, subject, item.acc)
            self._looked_at = block
        return None

    def _trace_of(self, dispute: Dispute) -> ProvableTrace | None:
        """The wrong trace for our own wrong root; every other game is left alone."""
        if dispute.proposer != self._transactor.address:
            return None
        subject = dispute.subject
        if self._chain.view.output_root(subject.l2_block) == dispute.output_root:
            return None
        if subject not in self._traces:
            self._traces[subject] = LyingTrace(self._chain, subject, self._fault.kind)
        return self._traces[subject]


class LyingChallenger:
    """Disputes one right root of somebody else with a trace that is wrong in one instruction."""

    def __init__(
        self,
        chain: LocalChain,
        transactor: Transactor,
        rollup: Address,
        fault: Fault,
        *,
        on_chain_thread: OnWritingThread[Any] = write_here,
    ) -> None:
        self._chain = chain
        self._transactor = transactor
        self._rollup = rollup
        self._fault = fault
        self._has_looked_back = False
        self._attacked: Address | None = None
        """The one game that it disputes."""
        self._trace: LyingTrace | None = None
        self._player = Challenger(
            transactor, rollup, self._trace_of, resolves=False, on_chain_thread=on_chain_thread
        )

    async def step(self) -> ChallengerReport:
        """Choose a game if none is disputed yet; play it. Raises as `Challenger.step` does."""
        if not self._has_looked_back:
            self._attacked = await self._attacked_before()
            self._has_looked_back = True
        return await self._player.step()

    async def _attacked_before(self) -> Address | None:
        """The game that has a claim of ours."""
        client, us = self._transactor.client, self._transactor.address
        head = await client.header()
        async for game in newest_games(client, self._rollup, at=head.hash):
            if game.is_disputed:
                dispute = await read_dispute(client, game.address, None, head)
                if any(claim.claimant == us for claim in dispute.game.claims):
                    return game.address
        return None

    def _trace_of(self, dispute: Dispute) -> ProvableTrace | None:
        """The wrong trace for the game that we dispute, the first right one that may be."""
        if self._attacked is None and self._may_attack(dispute):
            self._attacked = dispute.address
            log.warning(
                "disputes the right output root 0x%s of block %d",
                dispute.output_root.hex(),
                dispute.subject.l2_block,
            )
        if dispute.address != self._attacked:
            return None
        if self._trace is None:
            self._trace = LyingTrace(self._chain, dispute.subject, self._fault.kind)
        return self._trace

    def _may_attack(self, dispute: Dispute) -> bool:
        number = dispute.subject.l2_block
        is_right = self._chain.view.output_root(number) == dispute.output_root
        return is_right and number >= self._fault.first_block
