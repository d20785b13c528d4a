"""What `tallystick statetest --prove` prints: the proofs, and all ways in which steps end."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from rich.table import Table

from bridge.dispute.coverage import CELLS, Cell, Coverage, Ending, open_cells
from bridge.dispute.proving import CaseProof, Unreachable
from node.cli import output

OPEN: Final = "open"
"""In place of a number: this can happen, and hasn't been proven."""

_COLUMNS: Final = (
    Ending.SUCCESS,
    Ending.OUT_OF_GAS,
    Ending.STACK_UNDERFLOW,
    Ending.STACK_OVERFLOW,
)
"""Endings of most kinds; all others share one column, by their names."""


def as_json(proof: CaseProof) -> dict[str, Any]:
    """A case's proof; `proven` has the numbers of steps by kind, then by ending."""
    proven: dict[str, dict[str, int]] = {}
    for (kind, ending), count in sorted(proof.proven.items()):
        proven.setdefault(kind, {})[ending] = count
    return {
        "steps": proof.steps,
        "proven": proven,
        "skipped": dict(sorted(proof.skipped.items())),
        "wrong": [
            {
                "step": wrong.index,
                "kind": wrong.cell.kind,
                "ending": wrong.cell.ending,
                "error": wrong.detail,
            }
            for wrong in proof.wrong
        ],
    }


def print_proofs(proofs: Iterable[CaseProof]) -> None:
    """What was proven and what wasn't; nothing is left out in silence."""
    console = output.console()
    coverage: Coverage = Counter()
    skipped: Counter[Unreachable] = Counter()
    steps = wrong_steps = 0
    for proof in proofs:
        coverage.update(proof.proven)
        skipped.update(proof.skipped)
        steps, wrong_steps = steps + proof.steps, wrong_steps + len(proof.wrong)
        for wrong in proof.wrong:
            case = proof.result.case
            console.print(f"not proven  {case.file}  {case}: {wrong}", markup=False)
    console.print()
    console.print(coverage_table(coverage))
    console.print()
    console.print(f"Steps proven: {coverage.total():,} of {steps:,}; wrong: {wrong_steps:,}")
    for reason, count in sorted(skipped.items()):
        console.print(f"Skipped, as no L2 block has it: {reason}: {count:,}")
    console.print(coverage_line(coverage))


def coverage_table(coverage: Coverage) -> Table:
    """All kinds of steps; what can't happen is left blank."""
    titles = [str(ending).capitalize() for ending in _COLUMNS]
    table = output.table("Step", *titles, "Otherwise", right=tuple(titles))
    for kind in dict.fromkeys(cell.kind for cell in CELLS):
        numbers = [_number(coverage, Cell(kind, ending)) for ending in _COLUMNS]
        table.add_row(kind, *numbers, _otherwise(coverage, kind))
    return table


def coverage_line(coverage: Coverage) -> str:
    """How much of the table is filled."""
    missing = len(open_cells(coverage))
    return f"Ways for a step to end: {len(CELLS) - missing} of {len(CELLS)} proven, {missing} open"


def _number(coverage: Coverage, cell: Cell) -> str:
    if cell not in CELLS:
        return ""
    return f"{coverage[cell]:,}" if coverage[cell] else OPEN


def _otherwise(coverage: Coverage, kind: str) -> str:
    cells = [cell for cell in CELLS if cell.kind == kind and cell.ending not in _COLUMNS]
    return ", ".join(f"{cell.ending} {_number(coverage, cell)}" for cell in cells)
