"""`tallystick doctor`: look for what may keep a node from working."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from node.chain import DATABASE
from node.cli import output
from node.cli.exit_codes import EXIT_FAILURE
from node.cli.options import data_dir_option, json_option
from node.cli.progress import waiting
from node.cli.signing import keys_dir_option
from node.devnet import read_manifest
from node.devnet_nodes import DEPLOYMENT, DevnetSettings
from node.doctor import files, machine, rollup
from node.doctor.findings import Finding, Verdict
from node.settings import InvalidSettings
from state.clock import SystemClock

_MARKS: Final = {
    Verdict.OK: "[green]✓[/green]",
    Verdict.WARNING: "[yellow]![/yellow]",
    Verdict.FAILED: "[bold red]✗[/bold red]",
}


@click.command(short_help="Find what may go wrong.")
@data_dir_option
@click.option("--l1-rpc", metavar="URL", help="An L1 endpoint, instead of the devnet's.")
@click.option(
    "--deployment", type=click.Path(dir_okay=False, path_type=Path),
    show_default="deployment.json in the data folder", help="Deployment file.",
)  # fmt: skip
@keys_dir_option
@json_option
def doctor(
    data_dir: Path, l1_rpc: str | None, deployment: Path | None, keys_dir: Path, as_json: bool
) -> None:
    """Look at versions, open files, disk, ports, keys, databases, the clock and L1.

    --data-dir is a node's folder, or a devnet's, whose ports are looked at too. Each finding comes
    with what to do. The exit code is 1 if something failed.
    """
    with waiting("Examining"):
        findings = list(_examine(data_dir, l1_rpc, deployment, keys_dir.expanduser()))
    if as_json:
        click.echo(json.dumps([_json(one) for one in findings], indent=2))
    else:
        _print(findings)
    if any(one.verdict is Verdict.FAILED for one in findings):
        sys.exit(EXIT_FAILURE)


def _examine(
    data_dir: Path, l1_rpc: str | None, deployment: Path | None, keys_dir: Path
) -> Iterator[Finding]:
    manifest = _manifest(data_dir)
    yield from machine.examine_python()
    yield machine.examine_open_files()
    yield machine.examine_disk(data_dir)
    if manifest is None and not (data_dir / DATABASE).is_dir():
        yield from machine.examine_ports(DevnetSettings(data_dir).ports())
    yield from files.examine_keys(data_dir, keys_dir)
    yield from files.examine_databases(data_dir, deployment)
    yield from asyncio.run(_examine_rollup(data_dir, l1_rpc, deployment, manifest))


async def _examine_rollup(
    data_dir: Path, l1_rpc: str | None, deployment: Path | None, manifest: dict[str, Any] | None
) -> list[Finding]:
    findings: list[Finding] = []
    clock = SystemClock()
    known = None
    path = deployment or data_dir / DEPLOYMENT
    if deployment is not None or path.exists():
        known, findings = rollup.examine_deployment(path)
    url = l1_rpc or (manifest["l1"] if manifest is not None else None)
    if url is not None:
        examined = rollup.examine_l1(url, known, clock, is_devnet=manifest is not None)
        findings += [one async for one in examined]
    if manifest is not None:
        findings += [one async for one in rollup.examine_nodes(manifest, clock)]
    return findings


def _manifest(data_dir: Path) -> dict[str, Any] | None:
    try:
        return read_manifest(data_dir)
    except InvalidSettings:
        return None


def _print(findings: list[Finding]) -> None:
    console = output.console()
    width = max(len(one.subject) for one in findings)
    for one in findings:
        console.print(f"{_MARKS[one.verdict]} {one.subject:<{width}}  ", end="")
        console.print(one.what, markup=False)
        if one.remedy is not None:
            console.print(f"{'':<{width + 4}}→ {one.remedy}", style="bold", markup=False)
    failures = sum(one.verdict is Verdict.FAILED for one in findings)
    warnings = sum(one.verdict is Verdict.WARNING for one in findings)
    if failures or warnings:
        console.print(f"{failures} failed, {warnings} to think of.")
    else:
        console.print("All is well.")


def _json(one: Finding) -> dict[str, object]:
    return {
        "subject": one.subject,
        "verdict": one.verdict.value,
        "what": one.what,
        "remedy": one.remedy,
    }
