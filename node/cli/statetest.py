"""`tallystick statetest`: the official GeneralStateTests on the project's own engines."""

import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from click.core import ParameterSource
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bridge.dispute.proving import ALL_STEPS, CaseProof, prove_file
from execution.statetest import (
    FORK,
    CaseResult,
    EngineName,
    Rule,
    Verdict,
    run_file,
    test_files,
)
from node.cli import output, step_proofs

T = TypeVar("T")

NOT_SIZE_RULES = (Rule.BLOB_TRANSACTION, Rule.BLOB_BASE_FEE)
"""All other rules together may exclude at most one case in a hundred."""

ALL: Final = "all"


class StepCount(click.ParamType[int | str]):
    """How many steps of each case to prove: a number, or `all`."""

    name = "steps"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """The number, or `all`. Raises `click.BadParameter`."""
        if value == ALL:
            return ALL
        return int(click.IntRange(1).convert(value, param, ctx))


@click.command(short_help="Run official state tests.", context_settings={"show_default": True})
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--engine",
    type=click.Choice([str(name) for name in EngineName]),
    default=str(EngineName.EVM),
    help="What runs the cases: py-evm, which runs the chain, or the provable machine.",
)
@click.option(
    "--prove",
    type=StepCount(),
    metavar=f"N|{ALL}",
    help="Prove so many steps of each case by the L1 contracts, and compare with the machine.",
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
@click.pass_context
def statetest(
    context: click.Context,
    paths: tuple[Path, ...],
    engine: str,
    prove: int | str | None,
    as_json: bool,
    jobs: int,
) -> None:
    """Run the Cancun cases of the state test files at and under PATHS.

    Every case passes, fails, or is excluded by a chain rule, which is then named
    (docs/chain-rules.md). With --prove the machine runs them, and steps of every case, chosen by
    its name, are proven by the contracts that L1 runs; at the end stands what kinds of steps were
    proven to end in which way. Exit code 1 when a case fails or a proof doesn't hold.
    """
    files = test_files(paths)
    if prove is None:
        name = EngineName(engine)
        run = partial(run_file, engine=name)
        results = [case for cases in _run(files, run, jobs, quiet=as_json) for case in cases]
        _report(results, name, [], as_json=as_json)
    else:
        if context.get_parameter_source("engine") is not ParameterSource.DEFAULT:
            _require_machine(engine)
        run_and_prove = partial(prove_file, steps=ALL_STEPS if prove == ALL else int(prove))
        proven = _run(files, run_and_prove, jobs, quiet=as_json)
        proofs = [proof for proofs in proven for proof in proofs]
        results = [proof.result for proof in proofs]
        _report(results, EngineName.MACHINE, proofs, as_json=as_json)


def _require_machine(engine: str) -> None:
    if engine != EngineName.MACHINE:
        raise click.UsageError(f"--prove proves the machine's steps; the engine {engine} has none")


def _report(
    results: list[CaseResult], engine: EngineName, proofs: list[CaseProof], *, as_json: bool
) -> None:
    """Print everything, and exit with 1 if anything is wrong."""
    if as_json:
        objects = [_as_json(result) for result in results]
        for printed, proof in zip(objects, proofs):
            printed["proof"] = step_proofs.as_json(proof)
        click.echo(json.dumps(objects, indent=2))
    else:
        _print(results, engine)
        if proofs:
            step_proofs.print_proofs(proofs)
    failed = any(result.verdict is Verdict.FAILED for result in results)
    if failed or any(proof.wrong for proof in proofs):
        raise click.exceptions.Exit(1)


def _run(files: list[Path], run: Callable[[Path], T], jobs: int, *, quiet: bool) -> Iterator[T]:
    """What `run` makes of all files, in their order."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=output.console(stderr=True),
        disable=quiet,
    )
    with progress:
        results = _results(files, run, jobs)
        yield from progress.track(results, total=len(files), description="files")


def _results(files: list[Path], run: Callable[[Path], T], jobs: int) -> Iterator[T]:
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
