"""`tallystick statetest`: the official GeneralStateTests on the project's own engines."""

import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from execution.statetest import (
    FORK,
    CaseResult,
    EngineName,
    Rule,
    Verdict,
    run_file,
    test_files,
)
from node.cli import output

NOT_SIZE_RULES = (Rule.BLOB_TRANSACTION, Rule.BLOB_BASE_FEE)
"""All other rules together may exclude at most one case in a hundred."""


@click.command(short_help="Run official state tests.", context_settings={"show_default": True})
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--engine",
    type=click.Choice([str(name) for name in EngineName]),
    default=str(EngineName.EVM),
    help="What runs the cases: py-evm, which runs the chain, or the provable machine.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array of results instead.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    show_default="one for each processor",
    help="Processes to run in.",
)
def statetest(paths: tuple[Path, ...], engine: str, as_json: bool, jobs: int) -> None:
    """Run the Cancun cases of the state test files at and under PATHS.

    Every case passes, fails, or is excluded by a chain rule, which is then named
    (docs/chain-rules.md). Exit code 1 when a case fails.
    """
    files = test_files(paths)
    name = EngineName(engine)
    results = [result for batch in _run(files, name, jobs, quiet=as_json) for result in batch]
    if as_json:
        click.echo(json.dumps([_as_json(result) for result in results], indent=2))
    else:
        _print(results, name)
    if any(result.verdict is Verdict.FAILED for result in results):
        raise click.exceptions.Exit(1)


def _run(
    files: list[Path], engine: EngineName, jobs: int, *, quiet: bool
) -> Iterator[tuple[CaseResult, ...]]:
    """The results of all files, in their order."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=output.console(stderr=True),
        disable=quiet,
    )
    with progress:
        results = _results(files, engine, jobs)
        yield from progress.track(results, total=len(files), description="files")


def _results(files: list[Path], engine: EngineName, jobs: int) -> Iterator[tuple[CaseResult, ...]]:
    run = partial(run_file, engine=engine)
    if min(jobs, len(files)) <= 1:
        yield from map(run, files)
        return
    with multiprocessing.get_context("spawn").Pool(min(jobs, len(files))) as pool:
        yield from pool.imap(run, files)


def _as_json(result: CaseResult) -> dict[str, Any]:
    """The fields of go-ethereum's `evm statetest`, and ours."""
    case = result.case
    return {
        "name": case.name,
        "file": case.file,
        "fork": FORK,
        "indexes": {"data": case.data, "gas": case.gas, "value": case.value},
        "pass": result.verdict is Verdict.PASSED,
        "verdict": result.verdict,
        "rule": result.detail if result.verdict is Verdict.EXCLUDED else None,
        "error": result.detail if result.verdict is Verdict.FAILED else None,
    }


def _print(results: list[CaseResult], engine: EngineName) -> None:
    console = output.console()
    for verdict in (Verdict.EXCLUDED, Verdict.FAILED):
        for result in _with_verdict(results, verdict):
            console.print(
                f"{verdict}  {result.case.file}  {result.case}: {result.detail}", markup=False
            )
    excluded = Counter(result.detail for result in _with_verdict(results, Verdict.EXCLUDED))
    console.print(f"{FORK} state tests, engine {engine}")
    console.print(_summary(results, excluded))
    sizes = sum(count for rule, count in excluded.items() if rule not in NOT_SIZE_RULES)
    console.print(f"Excluded by size rules: {sizes} of {len(results)} ({_share(sizes, results)})")


def _summary(results: list[CaseResult], excluded: Counter[str]) -> Table:
    table = output.table("Verdict", "Rule", "Cases", "Share", right=("Cases", "Share"))
    counts = Counter(result.verdict for result in results)
    rows = [
        (Verdict.PASSED, "", counts[Verdict.PASSED]),
        (Verdict.FAILED, "", counts[Verdict.FAILED]),
        *((Verdict.EXCLUDED, rule, count) for rule, count in sorted(excluded.items())),
    ]
    for verdict, rule, count in rows:
        table.add_row(verdict, rule, f"{count:,}", _share(count, results))
    return table


def _share(count: int, results: list[CaseResult]) -> str:
    return f"{count / max(len(results), 1):.2%}"


def _with_verdict(results: Iterable[CaseResult], verdict: Verdict) -> Iterator[CaseResult]:
    return (result for result in results if result.verdict is verdict)
