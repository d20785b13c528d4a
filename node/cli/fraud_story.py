"""How `tallystick demo fraud` tells its story: lines while it happens, tables at its turns."""

from collections.abc import Mapping, Sequence
from typing import Final

from eth_utils.address import to_checksum_address
from rich.console import Console
from rich.status import Status as Spinner

from bridge.dispute.faults import AMOUNT_SCALE, FaultKind
from bridge.games import GameStatus
from genesis.predeploys import CLEARING_HOUSE
from node.cli import output, stories
from node.demo.amounts import exact
from node.demo.facts import named
from node.demo.fraud_story import Accusation, FraudStory, Purse, Round, Ruling
from node.demo.limits import ROUND_LANDMARKS, STACK_ROWS_MAX
from node.dispute.happenings import ether, hex_of, step_json
from node.dispute.step_view import InstructionView
from state.types import Address

LIES: Final[Mapping[FaultKind, str]] = {
    FaultKind.STATE_ROOT: "Its output root has another state root than its block.",
    FaultKind.BALANCE: "In it the liar's account gets one ether from nowhere.",
    FaultKind.SKIPPED_TRANSACTION: "In it somebody's transaction is left out.",
    FaultKind.INVENTED_TRANSACTION: "In it a deposit that nobody made mints one ether.",
    FaultKind.RECEIPT: "In it a transaction that succeeded is said to have failed, or vice versa.",
    FaultKind.GAS: "In it one instruction costs one gas less.",
    FaultKind.DERIVATION: "In it the block has another time than its batch says.",
    FaultKind.MARGIN: "In it the clearing house gets one division of money wrong.",
    FaultKind.WITHDRAWAL: "In it an ether is on its way to L1 that nobody sent.",
    FaultKind.ATTACK: "The liar disputes it: says that one instruction costs one gas less.",
}

_HASH_DIGITS: Final = 16
_DECIMAL_BITS: Final = 96
"""Numbers up to here are written out; above are hashes and addresses."""


class Teller(stories.Teller):
    """Tells the dispute, round by round."""

    def __init__(self, console: Console, spinner: Spinner) -> None:
        super().__init__(console, spinner)
        self._accusation: Accusation | None = None

    def accused(self, accusation: Accusation) -> None:
        self._accusation = accusation
        console, block = self._console, accusation.block
        console.print()
        if accusation.is_root_right:
            console.print(
                f"[bold]The lie: the right output root of block {block} is disputed[/bold]"
            )
        else:
            console.print(f"[bold]The lie: a wrong output root of block {block}[/bold]")
        if accusation.kind is not None:
            console.print(LIES[accusation.kind])
        right = accusation.right_root
        table = output.table("", "")
        table.add_row("Claimed on L1", hex_of(accusation.claimed_root))
        table.add_row("Right is", "no such block" if right is None else hex_of(right))
        table.add_row("The liar", to_checksum_address(accusation.liar))
        table.add_row("The challenger", to_checksum_address(accusation.challenger))
        table.add_row("Game on L1", to_checksum_address(accusation.game))
        table.add_row("Bond", f"{ether(accusation.bond)}, lost with the game")
        table.add_row("Clocks", f"{accusation.clock_seconds} s for all answers of a side")
        console.print(table)
        console.print()
        console.print("[bold]The game: halving what they differ about[/bold]")
        console.print(
            f"Block {accusation.anchor_block} is settled; what comes after it is a row of steps,"
            " each a small change of one machine."
        )
        console.print(
            "Each answer says what the state is in the middle of the steps in doubt, and leaves"
            " half of them."
        )
        titles = f"{'Round':<9}{'Answer of':<16}{'Bond':>9}{'Steps in doubt':>22}  Where"
        console.print(f"[bold]{titles}[/bold]")

    def narrowed(self, rounds: Sequence[Round]) -> None:
        last = rounds[-1]
        self.waiting(
            f"Round {last.depth} of {last.depth_max}, {self._name(last.claimant)}:"
            f" {last.steps_in_doubt:,} steps in doubt, {last.place}"
        )
        if _is_landmark(rounds):
            self._console.print(
                f"{last.depth:>2} of {last.depth_max:<3}{self._name(last.claimant):<16}"
                f"{ether(last.bond):>9}{last.steps_in_doubt:>22,}  {last.place}"
            )

    def ruled(self, ruling: Ruling) -> None:
        print_ruling(self._console, ruling)

    def _name(self, account: Address) -> str:
        if self._accusation is None or account != self._accusation.liar:
            return "the challenger"
        return "the liar"


class Silence(stories.Silence):
    """Tells nothing of the dispute either."""

    def accused(self, accusation: Accusation) -> None:
        """Keeps it back."""

    def narrowed(self, rounds: Sequence[Round]) -> None:
        """Keeps it back."""

    def ruled(self, ruling: Ruling) -> None:
        """Keeps it back."""


def _is_landmark(rounds: Sequence[Round]) -> bool:
    """The first round and the last ones, where the bond doubles, and where the place gets a name
    that it hadn't."""
    last = rounds[-1]
    if last.depth in (1, last.depth_max) or last.depth % ROUND_LANDMARKS == 0:
        return True
    return _passage(last) != _passage(rounds[-2])


def _passage(one: Round) -> str:
    """The place without the numbers of its steps."""
    return one.place.partition(", step")[0] if one.place.startswith("block ") else "blocks"


# The last step


def print_ruling(console: Console, ruling: Ruling) -> None:
    """The step, before and after, on both sides; what it took on L1."""
    view = ruling.view
    console.print()
    console.print(f"[bold]One step is left, and L1 executes it: {view.title}[/bold]")
    console.print(f"Step {view.step:,} of {ruling.place.partition(', step')[0]}.")
    if view.instruction is not None:
        _print_instruction(console, view.instruction, ruling)
    elif ruling.facts:
        table = output.table(
            "What they differ in", "Before", "After, on L1", "After, says the liar"
        )
        for fact in ruling.facts:
            table.add_row(fact.name, fact.before, fact.right, fact.claimed)
        console.print(table)
    table = output.table("", "")
    table.add_row("State before", _short(view.before), "both sides agree on it")
    post = ruling.answer.post_state
    table.add_row("State after", "-" if post is None else _short(post), "says L1's prover")
    table.add_row("State after", _short(ruling.claimed), "[red]says the liar[/red]")
    witness = f"{len(view.witness):,} bytes"
    table.add_row("Witness", witness, "all that the step reads, each byte held to a hash")
    gas = ruling.gas or ruling.answer.gas
    if gas is not None:
        table.add_row("Gas on L1", f"{gas:,}", "for that one step")
    console.print(table)
    if ruling.refusal is not None:
        console.print(f"The liar's step is refused by L1: [bold]{ruling.refusal}[/bold]")
    console.print()


def _print_instruction(console: Console, one: InstructionView, ruling: Ruling) -> None:
    gas = f"gas {one.gas:,} before and {one.gas_after:,} after"
    if ruling.claimed_gas not in (None, one.gas_after):
        gas += f"; the liar says [bold red]{ruling.claimed_gas:,}[/bold red]"
    console.print(f"[bold]{one.mnemonic}[/bold] at pc {one.pc} of {named(one.address)}, {gas}.")
    sentence = in_words(one, ruling.claimed_stack)
    if sentence is not None:
        console.print(sentence)
    claimed = ruling.claimed_stack or ()
    sides = [stack[::-1] for stack in (one.stack, one.stack_after, claimed)]
    table = output.table(
        "Stack", "Before", "After, on L1", "After, says the liar",
        right=("Before", "After, on L1", "After, says the liar"),
    )  # fmt: skip
    for row in range(min(STACK_ROWS_MAX, max(map(len, sides)))):
        cells = [_number(side[row]) if row < len(side) else "" for side in sides]
        if claimed and cells[1] != cells[2]:
            cells[2] = f"[bold red]{cells[2]}[/bold red]"
        table.add_row("top" if row == 0 else "", *cells)
    below = [len(side) - STACK_ROWS_MAX for side in sides]
    table.add_row("", *(f"[dim]and {rest} below[/dim]" if rest > 0 else "" for rest in below))
    console.print(table)


def in_words(one: InstructionView, claimed: tuple[int, ...] | None) -> str | None:
    """A division of money as a sentence; None for what has no such meaning."""
    is_division = one.mnemonic in ("DIV", "SDIV") and one.address == CLEARING_HOUSE
    if not is_division or claimed is None or one.stack[-2] != AMOUNT_SCALE:
        return None
    return (
        f"It turns price times size into an amount in USD: right is"
        f" [bold]{exact(one.stack_after[-1])}[/bold],"
        f" the liar says [bold red]{exact(claimed[-1])}[/bold red]."
    )


def _number(value: int) -> str:
    if value.bit_length() <= _DECIMAL_BITS:
        return f"{value:,}"
    digits = f"{value:x}"
    return f"0x{digits[:8]}…{digits[-4:]}"


def _short(value: bytes) -> str:
    return f"0x{value.hex()[:_HASH_DIGITS]}…"


# The end


def print_end(console: Console, story: FraudStory) -> None:
    """Who paid whom, and the story in a few lines."""
    accusation, ruling = story.accusation, story.ruling
    console.print()
    console.print("[bold]Who staked, and who was paid[/bold]")
    numbers = ("Claims", "Staked", "Paid out", "Won or lost")
    purses = output.table("", "Account", *numbers, right=numbers)
    for purse in story.purses:
        purses.add_row(*_purse_row(purse))
    console.print(purses)
    console.print()
    table = output.table("In short", "")
    stands = story.status is GameStatus.DEFENDER_WINS
    outcome = "it stands" if stands else "it is refuted"
    table.add_row(
        "Output root", f"{_short(accusation.claimed_root)} of block {accusation.block}: {outcome}"
    )
    table.add_row("Decided by", f"{ruling.view.title}, step {ruling.view.step:,} of its block")
    table.add_row(
        "Answers", f"{len(story.rounds)}, from {2 ** accusation_depth(story):,} steps down to one"
    )
    table.add_row("Proof", _proof(ruling))
    table.add_row("Paid to the challenger", f"{ether(story.payout_to_challenger)} on L1")
    if story.refused_withdrawal is not None:
        table.add_row("False withdrawal", f"never paid: the Portal says {story.refused_withdrawal}")
    table.add_row(
        "Settled on L1", f"block {story.anchor_block}, {_short(story.anchor_root)}, which is right"
    )
    table.add_row("All of it took", f"{story.seconds} s")
    console.print(table)


def accusation_depth(story: FraudStory) -> int:
    """Levels of the game: it is about two to the power of that many steps."""
    return story.rounds[0].depth_max


def _proof(ruling: Ruling) -> str:
    if ruling.refusal is not None:
        return f"none that L1 takes: {ruling.refusal}"
    gas = "" if ruling.gas is None else f", {ruling.gas:,} gas on L1"
    return f"{len(ruling.view.witness):,} bytes{gas}"


def _purse_row(purse: Purse) -> tuple[str, ...]:
    colour = "red" if purse.gain < 0 else "green"
    return (
        purse.name,
        to_checksum_address(purse.account),
        str(purse.claims),
        ether(purse.staked),
        ether(purse.paid),
        f"[{colour}]{'+' if purse.gain > 0 else ''}{ether(purse.gain)}[/{colour}]",
    )


# For programs


def story_json(story: FraudStory) -> dict[str, object]:
    """The same facts for programs; amounts in wei, as strings."""
    accusation, ruling = story.accusation, story.ruling
    right = accusation.right_root
    return {
        "kind": accusation.kind,
        "game": hex_of(accusation.game),
        "l2Block": accusation.block,
        "claimedRoot": hex_of(accusation.claimed_root),
        "rightRoot": None if right is None else hex_of(right),
        "liar": hex_of(accusation.liar),
        "challenger": hex_of(accusation.challenger),
        "status": story.status.name.lower(),
        "rounds": [_round_json(one) for one in story.rounds],
        "step": {
            **step_json(ruling.view),
            "place": ruling.place,
            "l1PostState": None if ruling.answer.post_state is None
            else hex_of(ruling.answer.post_state),
            "claimedPostState": hex_of(ruling.claimed),
            "claimedGasAfter": ruling.claimed_gas,
            "claimedStackAfter": None if ruling.claimed_stack is None
            else [hex(item) for item in ruling.claimed_stack],
            "differences": [
                {"name": f.name, "before": f.before, "right": f.right, "claimed": f.claimed}
                for f in ruling.facts
            ],
            "gasUsed": ruling.gas,
            "refusal": ruling.refusal,
        },
        "purses": [_purse_json(purse) for purse in story.purses],
        "payoutToChallenger": str(story.payout_to_challenger),
        "refusedWithdrawal": story.refused_withdrawal,
        "anchorBlock": story.anchor_block,
        "anchorRoot": hex_of(story.anchor_root),
        "seconds": story.seconds,
    }  # fmt: skip


def _round_json(one: Round) -> dict[str, object]:
    return {
        "depth": one.depth,
        "claimant": hex_of(one.claimant),
        "bond": str(one.bond),
        "firstStep": one.first_step,
        "lastStep": one.last_step,
        "place": one.place,
    }


def _purse_json(purse: Purse) -> dict[str, object]:
    return {
        "name": purse.name,
        "account": hex_of(purse.account),
        "claims": purse.claims,
        "staked": str(purse.staked),
        "paid": str(purse.paid),
    }
