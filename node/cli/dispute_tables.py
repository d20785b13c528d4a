"""Games and claims as tables and as JSON."""

from eth_utils.address import to_checksum_address
from rich.console import Console

from bridge.dispute.game import Claim
from bridge.dispute.reader import Dispute
from bridge.games import Game, GameStatus
from node.cli import output
from node.dispute.claims import is_attack, seconds_left
from node.dispute.games import JudgedDispute, ListedGame
from node.dispute.happenings import ether, hex_of, place, span

_STATUS = {
    GameStatus.IN_PROGRESS: "in progress",
    GameStatus.CHALLENGER_WINS: "root refuted",
    GameStatus.DEFENDER_WINS: "root stands",
}


def print_list(console: Console, games: list[ListedGame], now: int) -> None:
    """One line a game."""
    if not games:
        console.print("No output root was proposed yet.")
        return
    numbers = ("ID", "Block", "Claims")
    table = output.table("ID", "Game", "Block", "Output root", "Proposer", "Status", "Claims",
                         "Root is", right=numbers)  # fmt: skip
    for one in games:
        game = one.game
        table.add_row(
            str(one.index),
            to_checksum_address(game.address),
            str(game.l2_block),
            _short(game.root_claim),
            _short(game.proposer),
            _status(game, now),
            str(one.claims),
            _verdict(one.is_right),
        )
    console.print(table)


def print_dispute(console: Console, shown: JudgedDispute) -> None:
    """What a game is about, and its claims from the root on."""
    dispute = shown.dispute
    subject, rules = dispute.subject, dispute.game.rules
    facts = output.table("Game", to_checksum_address(dispute.address))
    facts.add_row("Status", _STATUS[dispute.game.status])
    facts.add_row("Output root", f"{hex_of(dispute.output_root)} of block {subject.l2_block}")
    facts.add_row("Proposer", to_checksum_address(dispute.proposer))
    facts.add_row("Anchor", f"{hex_of(subject.anchor_root)} of block {subject.anchor_block}")
    facts.add_row("Inbox prefix", f"{subject.inbox_count} items")
    facts.add_row("Clocks", f"{rules.clocks.duration} s a side, {rules.clocks.extension} s more"
                            " for an answer at the end")  # fmt: skip
    console.print(facts)
    console.print()
    numbers = ("#", "Answers", "Depth", "Bond", "Clock")
    table = output.table("#", "Answers", "Move", "Depth", "In doubt", "By", "Bond", "Clock",
                         "Claim", "Is", "State", right=numbers)  # fmt: skip
    for claim, verdict in zip(dispute.game.claims, shown.verdicts, strict=True):
        table.add_row(*_claim_row(dispute, claim, verdict))
    console.print(table)


def _claim_row(dispute: Dispute, claim: Claim, verdict: bool | None) -> tuple[str, ...]:
    return (
        str(claim.index),
        "" if claim.parent_index is None else str(claim.parent_index),
        _kind(dispute, claim),
        str(claim.position.depth),
        _doubt(dispute, claim),
        _short(claim.claimant),
        ether(claim.bond),
        _clock(dispute, claim),
        _short(claim.claim),
        _verdict(verdict),
        _state(claim),
    )


def _kind(dispute: Dispute, claim: Claim) -> str:
    if claim.parent_index is None:
        return "root"
    return "attack" if is_attack(dispute, claim) else "defence"


def _doubt(dispute: Dispute, claim: Claim) -> str:
    """The steps that a claim's maker and that of the claim it answers disagree about."""
    if claim.parent_index is None:
        return ""
    return place(dispute, *span(claim.position, dispute.game.rules.max_depth))


def _clock(dispute: Dispute, claim: Claim) -> str:
    """What is left to answer the claim."""
    left = seconds_left(dispute, claim)
    return "" if claim.is_resolved else f"{left} s" if left else "over"


def _state(claim: Claim) -> str:
    if claim.countered_by is not None:
        return f"[red]countered[/red] by {_short(claim.countered_by)}"
    return "stands" if claim.is_resolved else "open"


def _status(game: Game, now: int) -> str:
    if game.status is not GameStatus.IN_PROGRESS:
        return _STATUS[game.status]
    if game.is_disputed:
        return "[bold]in dispute[/bold]"
    return f"unopposed, {max(0, game.resolvable_at - now)} s left"


def _verdict(is_right: bool | None) -> str:
    if is_right is None:
        return "[dim]?[/dim]"
    return "[green]right[/green]" if is_right else "[bold red]WRONG[/bold red]"


def _short(value: bytes) -> str:
    return f"0x{value.hex()[:8]}…"


def list_json(one: ListedGame) -> dict[str, object]:
    """A line of the list."""
    game = one.game
    return {
        "index": one.index,
        "game": hex_of(game.address),
        "l2Block": game.l2_block,
        "outputRoot": hex_of(game.root_claim),
        "proposer": hex_of(game.proposer),
        "status": game.status.name.lower(),
        "claims": one.claims,
        "resolvableAt": game.resolvable_at,
        "resolvedAt": game.resolved_at,
        "isRight": one.is_right,
    }


def game_json(shown: JudgedDispute) -> dict[str, object]:
    """A game with its claims."""
    dispute = shown.dispute
    subject, rules = dispute.subject, dispute.game.rules
    return {
        "game": hex_of(dispute.address),
        "status": dispute.game.status.name.lower(),
        "proposer": hex_of(dispute.proposer),
        "outputRoot": hex_of(dispute.output_root),
        "l2Block": subject.l2_block,
        "anchorRoot": hex_of(subject.anchor_root),
        "anchorBlock": subject.anchor_block,
        "inboxCount": subject.inbox_count,
        "createdAt": dispute.created_at,
        "readAt": dispute.read_at,
        "resolvedAt": dispute.game.resolved_at,
        "maxDepth": rules.max_depth,
        "clock": rules.clocks.duration,
        "clockExtension": rules.clocks.extension,
        "claims": [
            _claim_json(dispute, claim, verdict)
            for claim, verdict in zip(dispute.game.claims, shown.verdicts, strict=True)
        ],
    }


def _claim_json(dispute: Dispute, claim: Claim, verdict: bool | None) -> dict[str, object]:
    countered = claim.countered_by
    return {
        "index": claim.index,
        "parentIndex": claim.parent_index,
        "isAttack": None if claim.parent_index is None else is_attack(dispute, claim),
        "position": str(claim.position.gindex),
        "depth": claim.position.depth,
        "traceIndex": claim.position.trace_index(dispute.game.rules.max_depth),
        "claim": hex_of(claim.claim),
        "claimant": hex_of(claim.claimant),
        "bond": str(claim.bond),
        "madeAt": claim.made_at,
        "secondsLeft": seconds_left(dispute, claim),
        "counteredBy": None if countered is None else hex_of(countered),
        "isResolved": claim.is_resolved,
        "isRight": verdict,
    }
