"""The games of the Rollup contract, read at one L1 block."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import IntEnum

from bridge import limits
from bridge.l1 import contracts, wire
from bridge.l1.client import At, L1Client
from state.types import Address, BlockNumber, Hash32, Timestamp


class GameStatus(IntEnum):
    """How a game stands; the values are the contract's."""

    IN_PROGRESS = 0
    CHALLENGER_WINS = 1
    DEFENDER_WINS = 2


@dataclass(frozen=True, slots=True)
class Game:
    """A proposed output root, its clock and how it ended. Times in L1 seconds."""

    address: Address
    proposer: Address
    root_claim: Hash32
    l2_block: BlockNumber
    status: GameStatus
    is_disputed: bool
    """Whether somebody answered the root claim."""
    resolvable_at: Timestamp
    """From when on it may be resolved if nobody disputes it."""
    resolved_at: Timestamp
    """Zero while it is in progress."""
    payable_at: Timestamp
    """From when on it pays bonds; zero while it is in progress."""


async def read_game(client: L1Client, address: Address, *, at: At) -> Game:
    """One game in the state after an L1 block."""
    (proposer,) = await client.call(address, contracts.PROPOSER, at=at)
    (root_claim,) = await client.call(address, contracts.ROOT_CLAIM, at=at)
    (l2_block,) = await client.call(address, contracts.L2_BLOCK, at=at)
    (status,) = await client.call(address, contracts.STATUS, at=at)
    (claims,) = await client.call(address, contracts.CLAIM_COUNT, at=at)
    (resolvable_at,) = await client.call(address, contracts.RESOLVABLE_AT, at=at)
    (resolved_at,) = await client.call(address, contracts.RESOLVED_AT, at=at)
    (payable_at,) = await client.call(address, contracts.PAYABLE_AT, at=at)
    return Game(
        address=address,
        proposer=wire.address(proposer, "proposer"),
        root_claim=Hash32(root_claim),
        l2_block=BlockNumber(l2_block),
        status=GameStatus(status),
        is_disputed=claims > 1,
        resolvable_at=Timestamp(resolvable_at),
        resolved_at=Timestamp(resolved_at),
        payable_at=Timestamp(payable_at),
    )


async def newest_games(client: L1Client, rollup: Address, *, at: At) -> AsyncIterator[Game]:
    """The games from the newest back, at most `GAMES_SCANNED_MAX`."""
    (count,) = await client.call(rollup, contracts.GAME_COUNT, at=at)
    for index in range(count - 1, max(-1, count - 1 - limits.GAMES_SCANNED_MAX), -1):
        (address,) = await client.call(rollup, contracts.GAME_AT, index, at=at)
        yield await read_game(client, wire.address(address, "gameAt"), at=at)
