"""Which proposal on L1 commits to a block, and how much that is worth by now."""

from dataclasses import dataclass

from bridge.boundary import Boundary
from bridge.games import Game, GameStatus, newest_games
from bridge.l1.client import L1Client
from bridge.margin_proof.errors import NotCommitted
from state.types import Address, Timestamp


@dataclass(frozen=True, slots=True)
class Commitment:
    """A game whose claim still stands, as the user's own L1 endpoint tells of it."""

    game: Game
    l1_time: Timestamp
    """When it was looked at."""

    @property
    def is_resolved(self) -> bool:
        """Whether the claim was defended to the end: L1 itself pays by it."""
        return self.game.status is GameStatus.DEFENDER_WINS

    @property
    def is_disputed(self) -> bool:
        """Whether somebody says that it is false, and the game isn't over."""
        return self.game.is_disputed and not self.is_resolved

    @property
    def status(self) -> str:
        """In one word."""
        if self.is_resolved:
            return "resolved"
        return "disputed" if self.is_disputed else "unchallenged"

    @property
    def words(self) -> str:
        """How it stands, for people."""
        if self.is_resolved or self.is_disputed:
            return self.status
        left = max(0, self.game.resolvable_at - self.l1_time)
        return f"unchallenged, with {left} s left to challenge it"


async def find_commitment(client: L1Client, rollup: Address, boundary: Boundary) -> Commitment:
    """The best proposal of a block's output root. Raises `NotCommitted`."""
    found = [
        each
        for each in await _standing(client, rollup)
        if each.game.l2_block == boundary.number and each.game.root_claim == boundary.output_root
    ]
    if not found:
        raise NotCommitted(
            f"no proposal on L1 has the output root 0x{boundary.output_root.hex()} of block"
            f" {boundary.number}: prove the account at a proposed block"
        )
    return min(found, key=_rank)


async def newest_commitment(client: L1Client, rollup: Address) -> Commitment:
    """The newest resolved proposal, else the newest that nobody disputes.

    Raises `NotCommitted`.
    """
    found = [each for each in await _standing(client, rollup) if not each.is_disputed]
    if not found:
        raise NotCommitted("no proposal on L1 is resolved or unchallenged yet")
    return min(found, key=lambda each: (_rank(each), -each.game.l2_block))


def _rank(commitment: Commitment) -> int:
    return 0 if commitment.is_resolved else 2 if commitment.is_disputed else 1


async def _standing(client: L1Client, rollup: Address) -> list[Commitment]:
    """Every recent game that isn't lost, the newest first, at one L1 block."""
    head = await client.header()
    return [
        Commitment(game, head.timestamp)
        async for game in newest_games(client, rollup, at=head.hash)
        if game.status is not GameStatus.CHALLENGER_WINS
    ]
