"""A dispute as L1 has it: the game's arguments and claims at one L1 block."""

from dataclasses import dataclass
from typing import Any

from bridge.dispute.clock import ClockRules
from bridge.dispute.game import Claim, Credit, GameRules, GameState
from bridge.dispute.game_code import arguments_of
from bridge.dispute.limits import CLAIMS_PER_CALL_MAX, DEPTH_MAX
from bridge.dispute.position import Position
from bridge.dispute.trace import Subject
from bridge.games import GameStatus
from bridge.l1 import contracts, wire
from bridge.l1.client import L1Client
from bridge.l1.errors import L1EndpointInconsistent, L1Unavailable
from bridge.l1.headers import L1Header
from bridge.machine.bare import boundary_machine_hash
from state.types import ZERO_ADDRESS, Address, BlockNumber, Hash32, Timestamp, Wei

_NO_PARENT = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Dispute:
    """One game with all that was ever claimed in it."""

    address: Address
    proposer: Address
    output_root: Hash32
    """What the root claim says of the claimed block."""
    subject: Subject
    created_at: Timestamp
    game: GameState
    read_at: Timestamp
    """Time of the L1 block it was read at."""


async def read_dispute(
    client: L1Client,
    address: Address,
    account: Address | None,
    head: L1Header,
    *,
    rollup: Address | None = None,
) -> Dispute:
    """The game at `address` in the state after `head`, and what it owes `account`.

    `rollup` is who must have created it: ether is sent to games. Raises `L1Unavailable` for answers
    that are no game's, or none of that Rollup's.
    """
    call = client.call
    args = arguments_of(address, await client.require_code(address, "the game", at=head.hash))
    (creator, proposer, root, l2_block, count, acc, anchor_root, anchor_block, created_at) = args[
        :9
    ]
    clock, extension, payout_delay, bond = args[9:]
    if rollup not in (None, wire.address(creator, "rollup")):
        raise L1EndpointInconsistent(f"0x{address.hex()} is a game of another Rollup")
    (depth,) = await call(address, contracts.MAX_DEPTH, at=head.hash)
    if depth != DEPTH_MAX:
        raise L1EndpointInconsistent(f"a tree of {depth} levels is over no trace of ours")
    (status,) = await call(address, contracts.STATUS, at=head.hash)
    (resolved_at,) = await call(address, contracts.RESOLVED_AT, at=head.hash)
    credits = []
    if account is not None:
        (owed,) = await call(address, contracts.CREDIT, account, at=head.hash)
        credits.append(Credit(account, Wei(owed)))
    claims = await _read_claims(client, address, head)
    try:
        game = GameState(
            rules=GameRules(DEPTH_MAX, ClockRules(clock, extension), Wei(bond), payout_delay),
            anchor=boundary_machine_hash(Hash32(anchor_root)),
            claims=claims,
            status=GameStatus(status),
            resolved_at=Timestamp(resolved_at),
            credits=tuple(credits),
        )
    except ValueError as error:
        raise L1Unavailable(f"0x{address.hex()} doesn't answer as a game does: {error}") from None
    return Dispute(
        address=address,
        proposer=wire.address(proposer, "proposer"),
        output_root=Hash32(root),
        subject=Subject(
            Hash32(anchor_root),
            BlockNumber(anchor_block),
            BlockNumber(l2_block),
            count,
            Hash32(acc),
        ),
        created_at=Timestamp(created_at),
        game=game,
        read_at=head.timestamp,
    )


async def _read_claims(client: L1Client, address: Address, head: L1Header) -> tuple[Claim, ...]:
    claims: list[Claim] = []
    while True:
        (page,) = await client.call(
            address, contracts.CLAIMS_FROM, len(claims), CLAIMS_PER_CALL_MAX, at=head.hash
        )
        claims += [_claim(len(claims) + place, fields) for place, fields in enumerate(page)]
        if len(page) < CLAIMS_PER_CALL_MAX:
            return tuple(claims)


def _claim(index: int, fields: tuple[Any, ...]) -> Claim:
    (parent, countered_by, resolved, claimant, bond, claim, position, used, made_at) = fields
    countered = wire.address(countered_by, "counteredBy")
    try:
        return Claim(
            index=index,
            parent_index=None if parent == _NO_PARENT else parent,
            position=Position(position),
            claim=Hash32(claim),
            claimant=wire.address(claimant, "claimant"),
            bond=Wei(bond),
            clock_used=used,
            made_at=Timestamp(made_at),
            countered_by=None if countered == ZERO_ADDRESS else countered,
            is_resolved=resolved,
        )
    except ValueError as error:
        raise L1Unavailable(f"claim {index} is none: {error}") from None
