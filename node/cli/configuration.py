"""The reference of the settings of `devnet` and `node`, made from the commands.

    python -m node.cli.configuration > docs/configuration.md

A test compares the page with what this makes.
"""

from collections.abc import Iterator

import click

from node.cli.config import CONFIGURABLE
from node.cli.main import PROGRAM, cli

INTRODUCTION = f"""\
# Configuration

This page is made from the commands (`python -m node.cli.configuration > docs/configuration.md`).

A setting of `{PROGRAM} devnet` or `{PROGRAM} node` can be given in three ways. A flag goes before
an environment variable, that before the TOML file of `--config`, and that before the default.

- **Flag**: as the table has it.
- **Environment**: an option that is repeatable takes words with blanks between them; a switch
  takes `1` or `0`.
- **TOML**: the key at the top of the file, without a section. Numbers are numbers, switches `true`
  or `false`, everything else text; repeatable options are arrays. An unknown key is an error.

`{PROGRAM} config show node` with the rest of a command line prints each setting with its value and
origin, and starts nothing. [deploying.md](deploying.md) shows settings at work, [cli.md](cli.md)
all the other commands.
"""

_EXTRA_DEFAULTS = {True: "on", False: "off", None: "not set", (): "none"}


def configuration() -> str:
    """The whole page."""
    root = cli.make_context(PROGRAM, [], resilient_parsing=True)
    return "\n".join((INTRODUCTION, *(_chapter(root, name) for name in CONFIGURABLE)))


def _chapter(root: click.Context, name: str) -> str:
    command = cli.get_command(root, name)
    if command is None:
        raise TypeError(f"{name} is no command")
    ctx = click.Context(command, root, info_name=name)
    rows = [
        f"## {ctx.command_path}\n",
        "| flag | environment | TOML | default | meaning |",
        "| --- | --- | --- | --- | --- |",
        *_rows(ctx),
    ]
    return "\n".join(rows) + "\n"


def _rows(ctx: click.Context) -> Iterator[str]:
    for option in ctx.command.params:
        if isinstance(option, click.Option) and option.expose_value and not option.hidden:
            cells = (
                f"`{_flag(option, ctx)}`",
                f"`{ctx.auto_envvar_prefix}_{(option.name or '').upper()}`",
                f"`{option.name}`",
                _default(option, ctx),
                option.help or "",
            )
            yield (
                "| "
                + " | ".join(" ".join(cell.replace("|", r"\|").split()) for cell in cells)
                + " |"
            )


def _flag(option: click.Option, ctx: click.Context) -> str:
    flags = " / ".join((*option.opts, *option.secondary_opts))
    return flags if option.is_flag else f"{flags} {option.make_metavar(ctx)}"


def _default(option: click.Option, ctx: click.Context) -> str:
    """What holds where nothing is given."""
    if option.required:
        return "required"
    if isinstance(option.show_default, str):
        return option.show_default
    value = option.to_info_dict().get("default")
    if isinstance(value, bool) or value in (None, ()):
        return _EXTRA_DEFAULTS[value]
    return f"`{value}`"


if __name__ == "__main__":
    click.echo(configuration(), nl=False)
