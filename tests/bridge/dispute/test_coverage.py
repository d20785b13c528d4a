"""The table of all ways for steps to end leaves nothing out and has nothing twice."""

from collections import Counter

from bridge.dispute import coverage
from bridge.dispute.coverage import CELLS, Cell, Ending, open_cells
from execution.machine.failure import Failure
from execution.machine.opcodes.mnemonics import MNEMONICS
from execution.machine.opcodes.table import INSTRUCTIONS
from execution.machine.state import PRECOMPILES
from execution.machine.status import Status

KINDS = {cell.kind for cell in CELLS}


def test_cells_are_all_different() -> None:
    assert len(set(CELLS)) == len(CELLS)


def test_cells_name_every_instruction_status_and_precompile() -> None:
    statuses = set(Status) - {Status.RUN, Status.PRECOMPILE}
    assert {MNEMONICS[opcode] for opcode in INSTRUCTIONS} < KINDS
    assert {coverage.status_kind(status) for status in statuses} < KINDS
    assert len(KINDS) == len(INSTRUCTIONS) + 2 + len(statuses) + len(PRECOMPILES)


def test_every_defined_kind_can_succeed() -> None:
    undefined = {"INVALID", coverage.UNDEFINED}
    assert {cell.kind for cell in CELLS if cell.ending is Ending.SUCCESS} == KINDS - undefined


def test_every_ending_is_in_the_table() -> None:
    assert {cell.ending for cell in CELLS} == set(Ending)


def test_every_failure_of_a_frame_has_an_ending() -> None:
    failures = [Failure]
    for failure in failures:
        failures += failure.__subclasses__()
    assert set(coverage._FAILURES) == set(failures) - {Failure}


def test_open_cells_are_those_never_proven() -> None:
    assert open_cells(Counter()) == list(CELLS)
    proven = Counter({Cell("ADD", Ending.SUCCESS): 1})
    assert open_cells(proven) == [cell for cell in CELLS if cell != ("ADD", Ending.SUCCESS)]
