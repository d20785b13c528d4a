"""The games of a rollup as a person looks at them: listed, found by name, judged."""

from dataclasses import dataclass
from functools import partial

from bridge import limits
from bridge.dispute.game import Claim
from bridge.dispute.reader import Dispute, read_dispute
from bridge.dispute.trace import TraceBook
from bridge.games import Game, read_game
from bridge.l1 import contracts, wire
from bridge.l1.client import L1Client
from node.derived import DerivedChain
from state.errors import Invalid, Unavailable
from state.types import Address


class UnknownGame(Invalid):
    """No game of the rollup is called that."""


@dataclass(frozen=True, slots=True)
class ListedGame:
    """One line of a list of games."""

    index: int
    game: Game
    claims: int
    is_right: bool | None
    """What we derive of its root; None where we didn't, or can't yet."""


@dataclass(frozen=True, slots=True)
class JudgedDispute:
    """A game, and for each claim whether it is right; None where that isn't known."""

    dispute: Dispute
    verdicts: tuple[bool | None, ...]


async def list_games(derived: DerivedChain, *, judges: bool) -> list[ListedGame]:
    """All games that are looked at, the oldest first; `judges` them by the chain derived so far."""
    client, rollup = derived.client, derived.deployment.rollup
    await client.check_chain()
    head = await client.header()
    (count,) = await client.call(rollup, contracts.GAME_COUNT, at=head.hash)
    found = []
    for index in range(max(0, count - limits.GAMES_SCANNED_MAX), count):
        address = await _game_at(client, rollup, index)
        game = await read_game(client, address, at=head.hash)
        (claims,) = await client.call(address, contracts.CLAIM_COUNT, at=head.hash)
        is_right = None
        if judges:
            dispute = await read_dispute(client, address, None, head)
            is_right = (await judge(derived, dispute)).verdicts[0]
        found.append(ListedGame(index, game, claims, is_right))
    return found


async def find_dispute(
    client: L1Client, rollup: Address, name: str, account: Address | None = None
) -> Dispute:
    """A game as it stands now, and what it owes `account`. Raises `UnknownGame`."""
    await client.check_chain()
    address = await find_game(client, rollup, name)
    return await read_dispute(client, address, account, await client.header(), rollup=rollup)


async def find_game(client: L1Client, rollup: Address, name: str) -> Address:
    """The address of a game by its index or address. Raises `UnknownGame`: ether is sent to games,
    so an address must be one that the Rollup itself created."""
    (count,) = await client.call(rollup, contracts.GAME_COUNT)
    if name.isascii() and name.isdigit():
        if int(name) >= count:
            raise UnknownGame(f"the Rollup has {count} games, numbered from 0: there is no {name}")
        return await _game_at(client, rollup, int(name))
    for index in reversed(range(max(0, count - limits.GAMES_SCANNED_MAX), count)):
        address = await _game_at(client, rollup, index)
        if name.lower() == wire.to_data(address):
            return address
    raise UnknownGame(
        f"{name:.80} is no game of this Rollup: give an address or an index that"
        " `tallystick dispute list` shows"
    )


async def judge(derived: DerivedChain, dispute: Dispute) -> JudgedDispute:
    """Hold every claim against our own trace."""
    return await derived.chain.write(partial(_judge, derived, dispute))


def claim_of(dispute: Dispute, index: int) -> Claim:
    """A claim by its index. Raises `UnknownGame`."""
    claims = dispute.game.claims
    if not 0 <= index < len(claims):
        raise UnknownGame(
            f"the game has {len(claims)} claims, numbered from 0: there is no {index}"
        )
    return claims[index]


def _judge(derived: DerivedChain, dispute: Dispute) -> JudgedDispute:
    game = dispute.game
    verdicts: list[bool | None] = []
    try:
        trace = TraceBook(derived.local).trace_of(dispute.subject)
        for claim in game.claims:
            index = claim.position.trace_index(game.rules.max_depth)
            verdicts.append(trace.claim_at(index) == claim.claim)
    except Unavailable:
        verdicts += [None] * (len(game.claims) - len(verdicts))
    return JudgedDispute(dispute, tuple(verdicts))


async def _game_at(client: L1Client, rollup: Address, index: int) -> Address:
    (address,) = await client.call(rollup, contracts.GAME_AT, index)
    return wire.address(address, "gameAt")
