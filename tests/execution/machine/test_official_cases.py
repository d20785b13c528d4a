"""The official state tests on the machine: it passes and excludes exactly what py-evm does."""

import multiprocessing
import os
from functools import partial
from pathlib import Path

from click.testing import CliRunner

from execution.statetest import CaseResult, EngineName, Verdict, run_file, test_files
from node.cli.statetest import statetest
from tests.execution.test_statetest import ALL, STATE_TESTS, needs_suite, sample

FOLDER = "stSStoreTest"


def run_all(files: list[Path], engine: EngineName) -> list[CaseResult]:
    run = partial(run_file, engine=engine)
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        return [result for batch in pool.imap(run, files) for result in batch]


@needs_suite
def test_machine_passes_and_excludes_what_the_engine_does() -> None:
    files = test_files([STATE_TESTS]) if ALL else sample()
    engine, machine = (run_all(files, name) for name in EngineName)
    differing = [ours for theirs, ours in zip(engine, machine) if theirs != ours]
    assert not differing, "\n".join(f"{r.case.file} {r.case}: {r.detail}" for r in differing[:20])
    assert len(machine) > (12_000 if ALL else 500)
    assert not [result for result in machine if result.verdict is Verdict.FAILED]


@needs_suite
def test_command_names_the_engine() -> None:
    path = next((STATE_TESTS / FOLDER).glob("*.json"))
    result = CliRunner().invoke(statetest, [str(path), "--engine", "machine", "-j", "1"])
    assert result.exit_code == 0
    assert "engine machine" in result.stdout
