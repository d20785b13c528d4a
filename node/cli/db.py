"""`tallystick db`: look after the database of a node that is stopped."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import click

from node.cli import output
from node.cli.options import json_option
from node.cli.progress import waiting
from node.database import exporting
from node.database.check import check as check_database
from node.database.errors import RewindRefused
from node.database.importing import Import, chain_of
from node.database.opening import NodeDatabase, chain_in, opened, opened_or_new
from node.database.statistics import folder_bytes, table_sizes
from node.database.stream import StreamReader
from node.settings import InvalidSettings, writable_folder
from state.batch import RewindBelowFinalized
from state.blocks import BlockId
from state.files import sync_folder
from state.types import BlockNumber

F = TypeVar("F", bound=Callable[..., Any])

_MEBIBYTE: Final = 2**20
_STANDARD: Final = Path("-")
"""Standard input or output in the place of a file."""


def database_options(command: F) -> F:
    """The folder of the node, and what says which chain is in it."""
    folder = click.option(
        "--data-dir", type=click.Path(file_okay=False, path_type=Path), required=True,
        help="The stopped node's own folder, like .tallystick/sequencer.",
    )  # fmt: skip
    deployment = click.option(
        "--deployment", type=click.Path(dir_okay=False, path_type=Path),
        show_default="deployment.json beside the folder",
        help="Deployment file of an L2 node.",
    )  # fmt: skip
    return folder(deployment(command))


@click.group(short_help="The database of a stopped node.")
def db() -> None:
    """The database of a node that is stopped: check, measure, copy and rewind it.

    `tallystick recover` mends one that is damaged.
    """


@db.command()
@database_options
@json_option
def check(data_dir: Path, deployment: Path | None, as_json: bool) -> None:
    """Check all of it: links and roots of every block, and all of the newest state.

    On L2 also the inbox log and what was derived from it. Exit code 1 where something is wrong.
    """
    with opened(data_dir, deployment) as database, waiting("Opening") as line:
        seen: dict[str, int] = {}
        for step in check_database(database):
            line.counted(f"Checking {step.what}", step.done, step.total)
            seen[step.what] = step.done
        heads = _heads_json(database)
    if as_json:
        click.echo(json.dumps({"whole": True, "checked": seen, "heads": heads}, indent=2))
        return
    for what, count in seen.items():
        click.echo(f"{count:>10,}  {what}")
    click.echo(f"Block {heads['unsafe']['number']} and all before it are whole.")


@db.command()
@database_options
@json_option
def stats(data_dir: Path, deployment: Path | None, as_json: bool) -> None:
    """Which chain it holds, how far, and what takes how much room."""
    with opened(data_dir, deployment) as database, waiting("Opening") as line:

        def progress(count: int) -> None:
            line.counted(f"Counted {count:,} entries", count, None)

        tables = table_sizes(database.store.reader.entries, progress)
        disk = folder_bytes(database.chain.database)
        chain: dict[str, Any] = {
            "layer": str(database.chain.config.layer),
            "chainId": database.chain.identity.chain_id,
            "genesisHash": f"0x{database.chain.identity.genesis_hash.hex()}",
            "heads": _heads_json(database),
            "diskBytes": disk,
        }
    if as_json:
        rows = [{"table": t.name, "entries": t.entries, "bytes": t.bytes} for t in tables]
        click.echo(json.dumps({**chain, "tables": rows}, indent=2))
        return
    heads = " / ".join(str(head["number"]) for head in chain["heads"].values())
    click.echo(
        f"{chain['layer'].upper()}, chain {chain['chainId']}, genesis {chain['genesisHash']}"
    )
    click.echo(f"Blocks: {heads} (unsafe / safe / finalized)")
    table = output.table("Table", "Entries", "MiB", right=("Entries", "MiB"))
    for one in tables:
        table.add_row(one.name, f"{one.entries:,}", f"{one.bytes / _MEBIBYTE:,.2f}")
    output.console().print(table)
    click.echo(f"On disk: {disk / _MEBIBYTE:,.1f} MiB")


@db.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@database_options
@click.option("--last", type=click.IntRange(0), show_default="the newest", help="Last block.")
@json_option
def export(
    file: Path, data_dir: Path, deployment: Path | None, last: int | None, as_json: bool
) -> None:
    """Write the blocks to FILE, or to the standard output for -.

    FILE appears when it is whole. `db import` executes it again, on any machine.
    """
    newest = None if last is None else BlockNumber(last)
    with opened(data_dir, deployment) as database, waiting("Opening") as line:
        with _written(file) as stream:
            for done, total in exporting.export_chain(database, stream, newest):
                line.counted("Exporting", done, total)
        head = database.store.heads.unsafe.number
    blocks = head if newest is None else min(newest, head)
    facts = {"file": str(file), "lastBlock": blocks}
    size = None if file == _STANDARD else file.stat().st_size
    if as_json and size is not None:
        click.echo(json.dumps({**facts, "bytes": size}, indent=2))
    elif size is not None:
        click.echo(f"{file}: blocks 0 to {blocks}, {size / _MEBIBYTE:,.2f} MiB")


@db.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@database_options
@json_option
def import_blocks(file: Path, data_dir: Path, deployment: Path | None, as_json: bool) -> None:
    """Execute the blocks of FILE (- for the standard input) on top of what is there.

    Each block must have the hash that FILE says. Interrupted, it goes on when it is run again.
    """
    writable_folder(data_dir)
    with _read(file) as source, waiting("Opening") as line:
        stream = StreamReader(source)
        known = None if deployment is None else chain_in(data_dir, deployment)
        chain = chain_of(stream.head, data_dir, known)
        with opened_or_new(chain) as database:
            importing = Import(database)
            for number, newest in importing.run(stream):
                line.counted(f"Executed block {number}", number, newest)
            heads = _heads_json(database)
    if as_json:
        click.echo(json.dumps({"executed": importing.executed, "heads": heads}, indent=2))
    else:
        click.echo(
            f"Executed {importing.executed} blocks, each to its hash; the newest is"
            f" {heads['unsafe']['number']}, safe {heads['safe']['number']}."
        )


@db.command()
@click.argument("block", type=click.IntRange(0))
@database_options
@json_option
def rewind(block: int, data_dir: Path, deployment: Path | None, as_json: bool) -> None:
    """Take back all blocks above BLOCK; a finalized one can't be taken back.

    A node of L2 derives what L1 holds of them again. What only the sequencer had is lost.
    """
    with opened(data_dir, deployment) as database:
        before = database.store.heads.unsafe
        try:
            _rewind(database, BlockNumber(block))
        except RewindBelowFinalized as error:
            raise RewindRefused(
                f"{error}: to go further back, delete the folder; a node of L2 derives the chain"
                " from L1 again"
            ) from None
        after = database.store.heads.unsafe
    if as_json:
        facts = {"before": _id_json(before), "after": _id_json(after)}
        click.echo(json.dumps(facts, indent=2))
    elif before == after:
        click.echo(f"The newest block is {after.number}: nothing to take back.")
    else:
        click.echo(f"Rewound from block {before.number} to block {after.number}.")


def _rewind(database: NodeDatabase, number: BlockNumber) -> None:
    if number >= database.store.heads.unsafe.number:
        return
    if database.chain.is_l2:
        database.pipeline().rewind(number)
        return
    with database.store.commit() as batch:
        batch.rewind(number)


def _heads_json(database: NodeDatabase) -> dict[str, dict[str, Any]]:
    heads = database.store.heads
    named = {"unsafe": heads.unsafe, "safe": heads.safe, "finalized": heads.finalized}
    return {name: _id_json(block) for name, block in named.items()}


def _id_json(block: BlockId) -> dict[str, Any]:
    return {"number": block.number, "hash": f"0x{block.hash.hex()}"}


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """A file that has its name once it is whole."""
    if path == _STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise InvalidSettings(f"can't write {path}: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _read(path: Path) -> Iterator[BinaryIO]:
    if path == _STANDARD:
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise InvalidSettings(f"can't read {path}: {error.strerror}") from None
    with file:
        yield file
