"""What happens in disputes: one sentence for people, and the same as JSON for programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from eth_utils.address import to_checksum_address

from bridge.dispute.challenger import Played, answered, bond_of
from bridge.dispute.game import Move, Step
from bridge.dispute.position import Position
from bridge.dispute.reader import Dispute
from bridge.dispute.trace import BLOCK_STEPS
from bridge.games import GameStatus
from node.dispute.step_view import StepView
from state.types import Address, Hash32, Wei

ETHER: Final = 10**18


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened."""

    event: str
    sentence: str
    details: Mapping[str, object]

    def json(self) -> dict[str, object]:
        """One line for a program."""
        return {"event": self.event, **self.details}


def caught_up(rollup: Address, account: Address, blocks: int) -> Happening:
    """The chain is derived for the first time."""
    return Happening(
        "watching",
        f"Derived {blocks} blocks from L1 alone. Watching the games of Rollup"
        f" {to_checksum_address(rollup)} as {to_checksum_address(account)}.",
        {"rollup": hex_of(rollup), "account": hex_of(account), "safeBlock": blocks},
    )


def wrong_root(dispute: Dispute, right: Hash32 | None) -> Happening:
    """A proposed root that isn't what we derive; `right` is None where L1 gives no such block."""
    truth = "the inbox ends before that block" if right is None else f"right is {hex_of(right)}"
    return Happening(
        "wrongRoot",
        f"Wrong output root of block {dispute.subject.l2_block} in game"
        f" {to_checksum_address(dispute.address)}: claimed is {hex_of(dispute.output_root)},"
        f" {truth}.",
        {
            **_game(dispute),
            "proposer": hex_of(dispute.proposer),
            "claimedRoot": hex_of(dispute.output_root),
            "rightRoot": None if right is None else hex_of(right),
        },
    )


def root_attacked(dispute: Dispute) -> Happening:
    """Somebody disputes a right root."""
    attacker = dispute.game.claims[1].claimant
    return Happening(
        "rightRootAttacked",
        f"The right output root of block {dispute.subject.l2_block} is disputed by"
        f" {to_checksum_address(attacker)} in game {to_checksum_address(dispute.address)}:"
        " defending it.",
        {**_game(dispute), "attacker": hex_of(attacker)},
    )


def moved(played: Played, move: Move, number: int) -> Happening:
    """Our claim number `number` in a game."""
    dispute = played.dispute
    position = answered(dispute, move).position.move(move.is_attack)
    first, last = span(position, dispute.game.rules.max_depth)
    kind = "attacks" if move.is_attack else "defends"
    return Happening(
        "move",
        f"Move {number}: {kind} claim {move.parent_index} at depth {position.depth}"
        f" for {ether(bond_of(dispute, move))}. In doubt: {place(dispute, first, last)}.",
        {
            **_game(dispute),
            "number": number,
            "parentIndex": move.parent_index,
            "isAttack": move.is_attack,
            "depth": position.depth,
            "claim": hex_of(move.claim),
            "firstStep": first,
            "lastStep": last,
            "bond": str(bond_of(dispute, move)),
            **_receipt(played),
        },
    )


def proven(played: Played, step: Step, view: StepView) -> Happening:
    """One step was executed on L1, and refuted a claim."""
    return Happening(
        "step",
        f"Proof: step {view.step:,} of block {view.block} ({view.title}) on L1 refutes claim"
        f" {step.claim_index}, with {len(view.witness):,} bytes of witness and"
        f" {played.receipt.gas_used:,} gas.",
        {
            **_game(played.dispute),
            "claimIndex": step.claim_index,
            "isAttack": step.is_attack,
            **step_json(view),
            **_receipt(played),
        },
    )


def claims_resolved(dispute: Dispute, count: int) -> Happening:
    """Claims whose clocks had run out were judged."""
    return Happening(
        "claimsResolved",
        f"Resolved {count} {'claim' if count == 1 else 'claims'} in game"
        f" {to_checksum_address(dispute.address)}.",
        {**_game(dispute), "count": count},
    )


def game_resolved(played: Played) -> Happening:
    """We ended a game, whatever it decided."""
    address = to_checksum_address(played.dispute.address)
    return Happening(
        "gameResolved",
        f"Game {address} is over; `dispute show` says how.",
        {**_game(played.dispute), **_receipt(played)},
    )


def game_ended(dispute: Dispute, *, is_won: bool) -> Happening:
    """A game is over; it is won when the truth is."""
    stands = dispute.game.status is GameStatus.DEFENDER_WINS
    outcome = "stands" if stands else "is refuted"
    return Happening(
        "gameEnded",
        f"{'Won' if is_won else 'LOST'}: the output root of block {dispute.subject.l2_block}"
        f" {outcome}, game {to_checksum_address(dispute.address)} is over.",
        {**_game(dispute), "status": dispute.game.status.name.lower(), "isWon": is_won},
    )


def bond_claimed(played: Played, amount: Wei) -> Happening:
    """A finished game paid us."""
    return Happening(
        "bondClaimed",
        f"Claimed {ether(amount)} from game {to_checksum_address(played.dispute.address)}.",
        {**_game(played.dispute), "amount": str(amount), **_receipt(played)},
    )


def waiting(reason: str) -> Happening:
    """A game that can't be judged or answered yet."""
    return Happening("waiting", f"Waiting: {reason}.", {"reason": reason})


def trouble(reason: str) -> Happening:
    """L1 can't be read or written; we try again."""
    return Happening("trouble", f"Trying again: {reason}", {"reason": reason})


def trouble_over() -> Happening:
    """L1 answers again."""
    return Happening("troubleOver", "L1 answers again.", {})


def step_json(view: StepView) -> dict[str, object]:
    """A step, its witness aside."""
    return {
        "traceIndex": view.trace_index,
        "block": view.block,
        "step": view.step,
        "status": view.status.name,
        "nextStatus": view.next_status.name,
        "instruction": _instruction(view),
        "preState": hex_of(view.before),
        "postState": hex_of(view.after),
        "witnessBytes": len(view.witness),
    }


def _instruction(view: StepView) -> dict[str, object] | None:
    one = view.instruction
    if one is None:
        return None
    return {
        "opcode": one.mnemonic,
        "pc": one.pc,
        "address": hex_of(one.address),
        "depth": one.depth,
        "gas": one.gas,
        "gasAfter": one.gas_after,
        "stack": [hex(item) for item in one.stack],
        "stackAfter": [hex(item) for item in one.stack_after],
        "failure": one.failure,
    }


def span(position: Position, max_depth: int) -> tuple[int, int]:
    """First and last step in doubt after a claim at `position`: the interval that it halves."""
    depth = position.depth - 1
    start = (position.gindex // 2 - (1 << depth)) << (max_depth - depth)
    return start, start + (1 << (max_depth - depth)) - 1


def place(dispute: Dispute, first: int, last: int) -> str:
    """Steps of the trace in words, by block and step."""
    begin, at = divmod(first, BLOCK_STEPS)
    end = last // BLOCK_STEPS
    block = dispute.subject.anchor_block + 1 + begin
    if end > begin:
        return f"blocks {block:,} to {dispute.subject.anchor_block + 1 + end:,}"
    if last == first:
        return f"step {at:,} of block {block}"
    return f"steps {at:,} to {last % BLOCK_STEPS:,} of block {block}"


def ether(amount: int) -> str:
    """Wei as ether."""
    return f"{amount / ETHER:g} ETH"


def hex_of(value: bytes) -> str:
    return f"0x{value.hex()}"


def _game(dispute: Dispute) -> dict[str, object]:
    return {"game": hex_of(dispute.address), "l2Block": dispute.subject.l2_block}


def _receipt(played: Played) -> dict[str, object]:
    receipt = played.receipt
    return {"transactionHash": hex_of(receipt.hash), "gasUsed": receipt.gas_used}
