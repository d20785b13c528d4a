"""Steps by the ten thousand: each kind in each way to end, and samples of the official tests.

The official tests are not part of this repository; without them the first half still runs.
"""

import multiprocessing
import os
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from bridge.dispute.coverage import CELLS, Cell, Coverage, open_cells, standing
from bridge.dispute.proving import ALL_STEPS, CaseProof, Unreachable, prove_file
from bridge.machine.block_machine import BlockMachine
from execution.machine.status import Status
from execution.statetest import Verdict, test_files
from node.cli import output
from node.cli.step_proofs import coverage_line, coverage_table, print_proofs
from tests.bridge.machine.chains import machine_of
from tests.bridge.prover import blocks, rig
from tests.bridge.prover.coverage import BLOCK_CELLS, MAKERS, eventful_log
from tests.conftest import Show
from tests.execution.test_statetest import ALL, SLOW, STATE_TESTS, needs_suite

STEPS_MIN = 20_000
"""Proven in every run of CI."""

SAMPLE_STRIDE = 4
"""Of the sample: every so many files, in order."""

SAMPLE_STEPS = 10
"""Of each case in the sample."""

DEAR = ("Create2Recursive", "ContractCreationSpam", "Call1024", "static_Call50000")
"""Files whose states take seconds to run or hash; they have no kind of step of their own."""

WHOLE_SUITES = (
    "Cancun",
    "Pyspecs",
    "Shanghai",
    "VMTests/vmArithmeticTest",
    "VMTests/vmBitwiseLogicOperation",
    "VMTests/vmIOandFlowOperations",
    "VMTests/vmLogTest",
    "VMTests/vmTests",
    "stCallCodes",
    "stCallCreateCallCodeTest",
    "stCreate2",
    "stCreateTest",
    "stEIP150singleCodeGasPrices",
    "stEIP2930",
    "stExtCodeHash",
    "stInitCodeTest",
    "stLogTests",
    "stMemoryTest",
    "stPreCompiledContracts",
    "stPreCompiledContracts2",
    "stRandom",
    "stRandom2",
    "stRefundTest",
    "stReturnDataTest",
    "stRevertTest",
    "stSStoreTest",
    "stSelfBalance",
    "stSolidityTest",
    "stSpecialTest",
    "stStackTests",
    "stSystemOperationsTest",
    "stTransactionTest",
    "stWalletTest",
    "stZeroKnowledge",
)
"""Proven to the last step with TALLYSTICK_ALL=1, a million and a half of them: each suite that is
about a kind of step, and none that repeats one program or does one thing a million times."""


def name_of(cell: Cell) -> str:
    return f"{cell.kind}, {cell.ending}"


# Each kind of step, in each way to end


def prove_cell(cell: Cell) -> Cell:
    """Take a step that was made to be of this cell, prove it, and tell which it was of."""
    run = MAKERS[cell]()
    start = standing(run.machine)
    rig.prove_step(run)
    return start.cell(run.machine)


@pytest.mark.parametrize("cell", MAKERS, ids=name_of)
def test_step_proves_each_way_to_end(cell: Cell) -> None:
    assert prove_cell(cell) == cell


def prove_phases(machine: BlockMachine) -> Coverage:
    """Prove a block's own phases, and the first step of what follows the log's end."""
    coverage: Coverage = Counter()
    while not machine.is_done:
        start = standing(machine)
        if blocks.of_the_block(machine):
            blocks.prove_step(machine)
            coverage[start.cell(machine)] += 1
        else:
            machine.step()
    if machine.status is Status.EXHAUSTED:
        start = standing(machine)
        blocks.prove_step(machine)
        coverage[start.cell(machine)] += 1
    return coverage


def phases_coverage() -> Coverage:
    """What the eventful log has, proven."""
    coverage: Coverage = Counter()
    node, inbox = eventful_log()
    for number in range(1, node.safe.number + 2):
        coverage.update(prove_phases(machine_of(node, inbox, number)))
    node.close()
    return coverage


def test_phase_of_a_block_proves_each_way_to_end() -> None:
    assert set(phases_coverage()) == BLOCK_CELLS


# The official tests


def prove_files(files: list[Path], steps: int | None) -> list[CaseProof]:
    prove = partial(prove_file, steps=steps)
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        return [proof for proofs in pool.imap_unordered(prove, files) for proof in proofs]


def assert_proven(proofs: list[CaseProof]) -> None:
    wrong = [f"{p.result.case.file} {p.result.case}: {step}" for p in proofs for step in p.wrong]
    assert not wrong, "\n".join(wrong[:20])
    failed = [p.result for p in proofs if p.result.verdict is Verdict.FAILED]
    assert not failed, "\n".join(f"{r.case.file} {r.case}: {r.detail}" for r in failed[:20])
    unforeseen = {cell for p in proofs for cell in p.proven}.difference(CELLS)
    assert not unforeseen


def small_files(files: list[Path]) -> list[Path]:
    return [file for file in files if not any(word in str(file) for word in (*SLOW, *DEAR))]


@needs_suite
def test_official_cases_prove_a_sample_of_steps_that_leaves_nothing_open(
    capsys: pytest.CaptureFixture[str], show: Show
) -> None:
    """Twenty thousand steps and more; with the steps made above no cell of the table is open."""
    proofs = prove_files(small_files(test_files([STATE_TESTS]))[::SAMPLE_STRIDE], SAMPLE_STEPS)
    assert_proven(proofs)
    official: Coverage = sum((proof.proven for proof in proofs), Counter())
    made = Counter(prove_cell(cell) for cell in MAKERS) + phases_coverage()
    print_coverage(official, made)
    show(capsys.readouterr().out)
    assert official.total() >= STEPS_MIN
    assert any(proof.skipped[Unreachable.GAS_CAP] for proof in proofs)
    assert not open_cells(official + made)


def print_coverage(official: Coverage, made: Coverage) -> None:
    console = output.console()
    console.print()
    console.print(coverage_table(official + made))
    console.print(f"Steps proven: {official.total():,} of official cases, {made.total():,} others")
    console.print(coverage_line(official + made))


@needs_suite
@pytest.mark.slow
@pytest.mark.skipif(not ALL, reason="a million and a half steps: set TALLYSTICK_ALL=1")
def test_official_suites_prove_to_the_last_step(
    capsys: pytest.CaptureFixture[str], show: Show
) -> None:
    files = test_files([STATE_TESTS / suite for suite in WHOLE_SUITES])
    proofs = prove_files(small_files(files), ALL_STEPS)
    assert_proven(proofs)
    for proof in proofs:
        assert proof.proven.total() + proof.skipped.total() == proof.steps
    print_proofs(proofs)
    show(capsys.readouterr().out)
