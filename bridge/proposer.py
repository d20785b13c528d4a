"""Proposes output roots of safe blocks to the Rollup on L1, and takes the bonds back.

A proposal names the inbox items it was derived from, the newest by its accumulator: after an L1
reorg it reverts instead of meaning something else. What has been proposed is read from L1 each
time, and only claims that equal our own output roots count, so that nobody can keep us quiet with
a false claim about a block far ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.checked import Checked, unchecked
from bridge.derive.inbox_log import InboxLog
from bridge.derive.records import DerivedBlock, stands
from bridge.derive.view import DerivationView
from bridge.dispute.limits import BLOCKS_BITS
from bridge.games import Game, GameStatus, newest_games
from bridge.l1 import contracts
from bridge.l1.client import L1Receipt
from bridge.l1.headers import L1Header
from bridge.l1.transactor import L1Transaction, Transactor
from bridge.l1.watcher import OnWritingThread, write_here
from state.store import ChainStore
from state.types import Address, BlockNumber, Hash32, Wei


@dataclass(frozen=True, slots=True)
class Proposed:
    """An output root that is on L1 now."""

    number: BlockNumber
    output_root: Hash32
    receipt: L1Receipt


@dataclass(frozen=True, slots=True)
class ProposerReport:
    """What one step did."""

    proposed: Proposed | None = None
    resolved: tuple[Address, ...] = ()
    """Games that were resolved."""
    claimed: tuple[Address, ...] = ()
    """Games that paid our bond back."""


@dataclass(frozen=True, slots=True)
class _Games:
    """The games that matter to us, newest first."""

    newest_own: BlockNumber
    """The highest block with a game whose claim is ours; 0 without one."""
    resolvable: tuple[Game, ...]
    payable: tuple[Game, ...]


class Proposer:
    """Keeps the Rollup's games up with the safe head."""

    def __init__(
        self,
        store: ChainStore,
        log: InboxLog,
        view: DerivationView,
        transactor: Transactor,
        rollup: Address,
        *,
        blocks_between: int = 1,
        on_chain_thread: OnWritingThread[Any] = write_here,
        checked: Checked = unchecked,
    ) -> None:
        """No block beyond `checked` is proposed."""
        self._store = store
        self._log = log
        self._view = view
        self._transactor = transactor
        self._rollup = rollup
        self._blocks_between = blocks_between
        self._on_chain_thread = on_chain_thread
        self._checked = checked

    async def step(self) -> ProposerReport:
        """Resolve what can be, claim what is owed, propose if the safe head has moved enough.

        Raises `Unavailable`, and `Invalid` where L1 refuses us (no funds for the bond).
        """
        await self._transactor.client.check_chain()
        head = await self._transactor.client.header()
        games = await self._survey(head)
        for game in games.resolvable:
            await self._send(f"resolving the game of block {game.l2_block}", game, resolve=True)
        for game in games.payable:
            await self._send(f"claiming the bond of block {game.l2_block}", game, resolve=False)
        return ProposerReport(
            proposed=await self._propose(games.newest_own),
            resolved=tuple(game.address for game in games.resolvable),
            claimed=tuple(game.address for game in games.payable),
        )

    async def _survey(self, head: L1Header) -> _Games:
        """Look at the games from the newest back to the first of ours that has paid us.

        We resolve and claim in the order of creation, so all of ours before that one are over too,
        but for disputed ones: those are the challenger's to end, and to claim. Games of others
        count as long as they claim what we would.
        """
        newest_own = BlockNumber(0)
        resolvable: list[Game] = []
        payable: list[Game] = []
        client = self._transactor.client
        async for game in newest_games(client, self._rollup, at=head.hash):
            if not await self._is_ours(game):
                continue
            newest_own = max(newest_own, game.l2_block)
            if game.status is GameStatus.IN_PROGRESS:
                if game.resolvable_at <= head.timestamp and not game.is_disputed:
                    resolvable.append(game)
            elif await self._is_owed(game, head):
                if game.payable_at <= head.timestamp:
                    payable.append(game)
            elif game.proposer == self._transactor.address:
                break
        return _Games(newest_own, tuple(reversed(resolvable)), tuple(reversed(payable)))

    async def _is_ours(self, game: Game) -> bool:
        """Whether our own chain has the claimed output root."""
        root = await self._on_chain_thread(lambda: self._view.output_root(game.l2_block))
        return bool(root == game.root_claim)

    async def _is_owed(self, game: Game, head: L1Header) -> bool:
        call, us = self._transactor.client.call, self._transactor.address
        (credit,) = await call(game.address, contracts.CREDIT, us, at=head.hash)
        return bool(credit)

    async def _send(self, what: str, game: Game, *, resolve: bool) -> None:
        if resolve:
            data = contracts.RESOLVE.call()
        else:
            data = contracts.CLAIM_CREDIT.call(self._transactor.address)
        await self._transactor.send(L1Transaction(what, game.address, data))

    async def _propose(self, newest_own: BlockNumber) -> Proposed | None:
        client = self._transactor.client
        _, anchor_block = await client.call(self._rollup, contracts.ANCHOR)
        reach = BlockNumber(anchor_block + 2**BLOCKS_BITS)
        claim = await self._on_chain_thread(lambda: self._claim(reach))
        newest = max(newest_own, anchor_block)
        if claim is None or claim.boundary.number < newest + self._blocks_between:
            return None
        (bond,) = await client.call(self._rollup, contracts.BOND)
        data = contracts.PROPOSE.call(
            claim.output_root, claim.boundary.number, claim.item.index + 1, claim.item.acc
        )
        what = f"proposal of block {claim.boundary.number}"
        receipt = await self._transactor.send(L1Transaction(what, self._rollup, data, Wei(bond)))
        return Proposed(claim.boundary.number, claim.output_root, receipt)

    def _claim(self, reach: BlockNumber) -> DerivedBlock | None:
        """The safe head, or the last block before it that is checked and that a game reaches, if
        its batch stands in our log: a reorg may be about to take it back."""
        safe = self._store.heads.safe.number
        derived = self._view.derived(min(safe, reach, self._checked()))
        return derived if derived is not None and stands(derived.item, self._log) else None
