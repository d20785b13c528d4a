"""Two players at one game on L1, each by its own trace, until it is over."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from bridge.dispute.challenger import Challenger, Played
from bridge.dispute.reader import Dispute, read_dispute
from bridge.l1 import contracts
from bridge.l1.client import L1Client
from node.demo.limits import DUEL_POLL_SECONDS, DUEL_SECONDS_MAX
from state.errors import Unavailable
from state.types import Address

Watch = Callable[[Dispute], None]
"""Looks at the game after each move."""


class Duel:
    """Plays for those who are here; whoever plays elsewhere is waited for."""

    def __init__(
        self, client: L1Client, game: Address, players: Sequence[Challenger], watch: Watch
    ) -> None:
        self._client = client
        self._game = game
        self._players = players
        self._watch = watch
        self.played: list[Played] = []
        """What our players did, in order."""

    async def until(self, holds: Callable[[Dispute], bool]) -> Dispute:
        """Let the players play until something holds of the game.

        A player answers as soon as the other's move is in a block, for its clock runs. Raises
        `Unavailable` when it takes too long.
        """
        async with self._patience():
            while not holds(dispute := await self.look()):
                await self._play()
            return dispute

    async def until_paid(self, account: Address) -> None:
        """Let the players take what the game owes them, until it owes `account` nothing."""
        async with self._patience():
            while (await self._client.call(self._game, contracts.CREDIT, account))[0]:
                await self._play()

    @asynccontextmanager
    async def _patience(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(DUEL_SECONDS_MAX):
                yield
        except TimeoutError:
            raise Unavailable(
                f"the game 0x{self._game.hex()} takes longer than {DUEL_SECONDS_MAX:.0f} s"
            ) from None

    async def look(self) -> Dispute:
        """The game as it stands."""
        head = await self._client.header()
        dispute = await read_dispute(self._client, self._game, None, head)
        self._watch(dispute)
        return dispute

    async def _play(self) -> None:
        has_moved = False
        for player in self._players:
            report = await player.step()
            self.played += [one for one in report.played if one.dispute.address == self._game]
            if report.played:
                has_moved = True
                await self.look()
        if not has_moved:
            await asyncio.sleep(DUEL_POLL_SECONDS)
