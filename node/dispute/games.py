"""The games of a rollup as a person looks at them: listed, found by name, judged."""

from dataclasses import dataclass
from functools import partial

from bridge import limits
from bridge.dispute.game import Claim
from bridge.dispute.game_code import arguments_of
from bridge.dispute.reader import Dispute, read_dispute
from bridge.dispute.trace import TraceBook
from bridge.games import Game, read_game
from bridge.l1 import contracts, wire
from bridge.l1.client import L1Client
from bridge.l1.errors import L1Unavailable
from node.derived import DerivedChain
from state.errors import Invalid, Unavailable
from state.types import Address, address


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
        game = await read_game(client, await _game_at(client, rollup, index), at=head.hash)
        (claims,) = await client.call(game.address, contracts.CLAIM_COUNT, at=head.hash)
        is_right = None
        if judges:
            dispute = await read_dispute(client, game.address, None, head, rollup=rollup)
            is_right = (await judge(derived, dispute)).verdicts[0]
        found.append(ListedGame(index, game, claims, is_right))
    return found


async def find_dispute(
    client: L1Client, rollup: Address, name: str, account: Address | None = None
) -> Dispute:
    """A game by its index or address as it stands now, and what it owes `account`.

    Raises `UnknownGame`, also for a game that another Rollup created.
    """
    await client.check_chain()
    head = await client.header()
    if name.isascii() and name.isdigit():
        (count,) = await client.call(rollup, contracts.GAME_COUNT, at=head.hash)
        if int(name) >= count:
            raise UnknownGame(f"the Rollup has {count} games, numbered from 0: there is no {name}")
        game = await _game_at(client, rollup, int(name))
    else:
        game = _parse_address(name)
        if not _is_game(game, await client.code(game, at=head.hash), rollup):
            raise _not_a_game(name)
    return await read_dispute(client, game, account, head, rollup=rollup)


def _parse_address(name: str) -> Address:
    try:
        return address(bytes.fromhex(name.lower().removeprefix("0x")))
    except ValueError:
        raise _not_a_game(name) from None


def _is_game(game: Address, code: bytes, rollup: Address) -> bool:
    """Whether a contract is a game that this Rollup created, which its address vouches for."""
    try:
        creator, *_ = arguments_of(game, code)
    except L1Unavailable:
        return False
    return wire.address(creator, "rollup") == rollup


def _not_a_game(name: str) -> UnknownGame:
    return UnknownGame(
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
    (answer,) = await client.call(rollup, contracts.GAME_AT, index)
    return wire.address(answer, "gameAt")
