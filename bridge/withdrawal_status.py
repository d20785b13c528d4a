"""How far a withdrawal has come on L1, and what comes next."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import StrEnum

from bridge.games import Game, GameStatus, newest_games, read_game
from bridge.l1 import contracts, wire
from bridge.l1.client import L1Client
from bridge.l1.headers import L1Header
from bridge.limits import DECIDED_GAMES_MAX
from bridge.withdrawals import L2Evidence, Withdrawal, find_game
from state.types import ZERO_ADDRESS, Address, BlockNumber, Hash32, Timestamp


class WithdrawalStatus(StrEnum):
    """The stages of a withdrawal, in order. A game that is lost sets one back."""

    INITIATED = "initiated"
    """Sent on L2; no output root on L1 covers its block."""
    PROVABLE = "provable"
    """A root covers it: anyone may prove it."""
    PROVEN = "proven"
    """Proven against a root that is not decided, or whose delay is not over."""
    FINAL = "final"
    """Anyone may have it paid."""
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class WithdrawalOutcome:
    """Where a withdrawal stands. Times in L1 seconds."""

    status: WithdrawalStatus
    game: Game | None = None
    """What it is proven against, or can be."""
    proven_at: Timestamp | None = None
    final_at: Timestamp | None = None
    """From when on it is paid; known once its game is won."""


@dataclass(frozen=True, slots=True)
class BridgeContracts:
    """Where withdrawals are decided on L1."""

    client: L1Client
    portal: Address
    rollup: Address


@dataclass(slots=True)
class PortalView:
    """Portal and Rollup in the state after one L1 block; every game is read once."""

    at: BridgeContracts
    evidence: L2Evidence
    head: L1Header
    decided: dict[Address, Game] = field(default_factory=dict)
    """Games that have ended don't change any more: what earlier views have read of them."""
    _games: list[Game] = field(default_factory=list)
    _reading: AsyncIterator[Game] | None = None
    _outcomes: dict[Hash32, WithdrawalOutcome] = field(default_factory=dict)

    async def outcome(self, withdrawal: Withdrawal, l2_block: BlockNumber) -> WithdrawalOutcome:
        """Where a withdrawal that was sent in `l2_block` stands. Raises `L1Unavailable`."""
        found = self._outcomes.get(withdrawal.hash)
        if found is None:
            found = self._outcomes[withdrawal.hash] = await self._read(withdrawal, l2_block)
        return found

    async def _read(self, withdrawal: Withdrawal, l2_block: BlockNumber) -> WithdrawalOutcome:
        client, portal, at = self.at.client, self.at.portal, self.head.hash
        (paid,) = await client.call(portal, contracts.FINALIZED_WITHDRAWALS, withdrawal.hash, at=at)
        if paid:
            return WithdrawalOutcome(WithdrawalStatus.PAID)
        proven = await client.call(portal, contracts.PROVEN_WITHDRAWALS, withdrawal.hash, at=at)
        address, proven_at = wire.address(proven[0], "provenWithdrawals"), Timestamp(proven[1])
        if address != ZERO_ADDRESS:
            game = await self._game(address)
            if game.status is not GameStatus.CHALLENGER_WINS:
                return await self._proven(game, proven_at)
        covering = await find_game(self._newest(), self.evidence, l2_block)
        if covering is None:
            return WithdrawalOutcome(WithdrawalStatus.INITIATED)
        return WithdrawalOutcome(WithdrawalStatus.PROVABLE, covering)

    async def _proven(self, game: Game, proven_at: Timestamp) -> WithdrawalOutcome:
        if game.status is GameStatus.IN_PROGRESS:
            return WithdrawalOutcome(WithdrawalStatus.PROVEN, game, proven_at)
        (delay,) = await self.at.client.call(
            self.at.portal, contracts.FINALITY_DELAY, at=self.head.hash
        )
        final_at = Timestamp(game.resolved_at + delay)
        is_final = self.head.timestamp >= final_at
        status = WithdrawalStatus.FINAL if is_final else WithdrawalStatus.PROVEN
        return WithdrawalOutcome(status, game, proven_at, final_at)

    async def _game(self, address: Address) -> Game:
        game = self.decided.get(address)
        if game is None:
            game = await read_game(self.at.client, address, at=self.head.hash)
            self._remember(game)
        return game

    async def _newest(self) -> AsyncIterator[Game]:
        """The games from the newest back; what another withdrawal had read is not read again."""
        if self._reading is None:
            self._reading = newest_games(self.at.client, self.at.rollup, at=self.head.hash)
        position = 0
        while True:
            if position == len(self._games):
                game = await anext(self._reading, None)
                if game is None:
                    return
                self._games.append(game)
                self._remember(game)
            yield self._games[position]
            position += 1

    def _remember(self, game: Game) -> None:
        if game.status is GameStatus.IN_PROGRESS:
            return
        if len(self.decided) >= DECIDED_GAMES_MAX:
            self.decided.clear()
        self.decided[game.address] = game
