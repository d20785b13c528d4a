"""The reference of the command line, made from the commands themselves: docs/cli.md.

    python -m node.cli.reference > docs/cli.md

A test compares the page with what this makes.
"""

import re
from collections.abc import Iterator
from inspect import cleandoc

import click

from node.cli.main import COMMANDS, PROGRAM, cli

INTRODUCTION = f"""\
# The command line

This page is made from the commands (`python -m node.cli.reference > docs/cli.md`); `--help` shows
the same.

Most commands talk to a running devnet, found by `--data-dir` (`.tallystick`), or to any node with
`--rpc`, and to L1 with `--l1-rpc` and `--deployment`. `--json` prints JSON on the standard output
and nothing else there: amounts and other large integers as text in their smallest unit, which the
name says (`Q6`: 1e-6 USD, `P8`: 1e-8 USD, `S8`: 1e-8 of the base, `wei`). What takes longer than a
second shows its progress on a terminal's standard error. Colours appear on terminals only, and
`NO_COLOR` turns them off.

Commands that send something sign with `--keystore NAME` (a key of `{PROGRAM} keys`), `--key FILE`,
or on a devnet `--dev-account N`. Every option can also come from an environment variable,
`TALLYSTICK_<COMMAND>_<OPTION>`.

| exit code | meaning |
| --- | --- |
| 0 | done, and the answer is yes |
| 1 | the answer is no, or something is wrong; the message says what to do |
| 2 | the command line can't be understood; nothing was done |
| 3 | there was nothing to check yet, or not all of what was asked for: neither yes nor no |
| 75 | an endpoint is out of reach; trying again may help |
| 130 | interrupted by Ctrl-C or SIGTERM |

Completion: `{PROGRAM} completion bash` (or `zsh`, `fish`) prints a script that says in its first
lines how to install it.
"""

_MARKS = re.compile(r"[\b]\n?")
"""What keeps click from wrapping a paragraph."""


def reference() -> str:
    """The whole page."""
    root = click.Context(cli, info_name=PROGRAM)
    parts = [INTRODUCTION, _table(root)]
    for name in sorted(COMMANDS):
        command = cli.get_command(root, name)
        if command is not None and not command.hidden:
            parts += _chapter(command, click.Context(command, root, info_name=name), 2)
    return "\n".join(parts)


def _table(root: click.Context) -> str:
    rows = ["| command | |", "| --- | --- |"]
    for name in sorted(COMMANDS):
        command = cli.get_command(root, name)
        if command is not None:
            rows.append(f"| [`{name}`](#{PROGRAM}-{name}) | {command.get_short_help_str(90)} |")
    return "\n".join(rows) + "\n"


def _chapter(command: click.Command, ctx: click.Context, level: int) -> Iterator[str]:
    """A command's heading, text and options, then its subcommands'."""
    yield f"{'#' * level} {ctx.command_path}\n"
    usage = " ".join(command.collect_usage_pieces(ctx))
    yield f"`{ctx.command_path} {usage}`\n"
    if command.help:
        yield from _paragraphs(command.help)
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    rows = [row for row in (_row(one, ctx) for one in options) if row]
    if rows:
        yield "\n".join(["| option | |", "| --- | --- |", *rows]) + "\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            found = command.get_command(ctx, name)
            if found is not None and not found.hidden:
                yield from _chapter(found, click.Context(found, ctx, info_name=name), level + 1)


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs; those that click leaves as they are become blocks of code."""
    for paragraph in cleandoc(text).split("\n\n"):
        words = _MARKS.sub("", paragraph)
        yield f"```\n{words}\n```\n" if words != paragraph else f"{words}\n"


def _row(option: click.Option, ctx: click.Context) -> str:
    record = option.get_help_record(ctx)
    if record is None:
        return ""
    flags, words = (part.replace("|", r"\|") for part in record)
    return f"| `{flags}` | {' '.join(words.split())} |"


if __name__ == "__main__":
    click.echo(reference(), nl=False)
