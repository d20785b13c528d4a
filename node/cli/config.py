"""`tallystick config`: every setting of a command, its value, and where that came from."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from node.cli import output
from node.cli.options import json_option
from node.rpc.access import is_loopback

CONFIGURABLE: Final = ("devnet", "node")
"""Commands with a --config file."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One option as a command would see it."""

    flag: str
    value: Any
    origin: str
    shown: str
    """The value for people."""


@click.group()
def config() -> None:
    """The settings of `node` and `devnet`."""


@config.command(context_settings={"ignore_unknown_options": True})
@json_option
@click.argument("command", type=click.Choice(CONFIGURABLE))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def show(ctx: click.Context, command: str, arguments: tuple[str, ...], as_json: bool) -> None:
    """Every setting of COMMAND, its value and its origin, if it were called with ARGUMENTS.

    A flag goes before an environment variable, that before the file of --config, and that before
    the default. Nothing is started. For example:

    \b
    TALLYSTICK_NODE_RPC_PORT=9000 tallystick config show node --config node.toml --role verifier
    """
    settings = list(read_settings(ctx, command, list(arguments)))
    if as_json:
        rows = {one.flag: {"value": _plain(one.value), "origin": one.origin} for one in settings}
        click.echo(json.dumps(rows, indent=2))
        return
    table = output.table("Setting", "Value", "Origin")
    for one in settings:
        is_default = one.origin == "default"
        table.add_row(
            one.flag,
            f"[dim]{_escaped(one.shown)}[/dim]" if is_default else _escaped(one.shown),
            f"[dim]{one.origin}[/dim]" if is_default else f"[bold]{_escaped(one.origin)}[/bold]",
        )
    output.console().print(table)


def read_settings(ctx: click.Context, name: str, arguments: list[str]) -> Iterator[Setting]:
    """The settings of a command line. Raises what click does for a wrong one."""
    root = ctx.find_root()
    group = root.command
    found = group.get_command(root, name) if isinstance(group, click.Group) else None
    if found is None:
        raise click.UsageError(f"there is no command {name}")
    command = copy.copy(found)
    command.params = [_optional(one) for one in found.params]
    called = command.make_context(name, arguments, parent=root)
    for one in found.params:
        if isinstance(one, click.Option) and one.expose_value and not one.hidden:
            yield _setting(called, one)


def _optional(param: click.Parameter) -> click.Parameter:
    """The parameter, which may be left out: what is missing is shown as missing."""
    copied = copy.copy(param)
    copied.required = False
    return copied


def _setting(ctx: click.Context, option: click.Option) -> Setting:
    name = option.name or ""
    value = ctx.params.get(name)
    origin = _origin(ctx, name)
    shown = _text(value)
    if origin == "default" and value in (None, ()):
        known = option.show_default
        words = known if isinstance(known, str) else "required" if option.required else "not set"
        shown = f"({words})"
    return Setting(option.opts[0], value, origin, shown)


def _origin(ctx: click.Context, name: str) -> str:
    source = ctx.get_parameter_source(name)
    if source is ParameterSource.ENVIRONMENT:
        return f"environment, {ctx.auto_envvar_prefix}_{name.upper()}"
    if source is ParameterSource.DEFAULT_MAP:
        return "file of --config"
    return "flag" if source is ParameterSource.COMMANDLINE else "default"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(_text(one) for one in value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return _without_secrets(str(value))


def _without_secrets(text: str) -> str:
    """URLs of endpoints carry API keys in paths and user names: of a distant one only the host."""
    if "://" not in text:
        return text
    parts = urlsplit(text)
    if is_loopback(parts.hostname or "") and "@" not in parts.netloc:
        return text
    rest = "/…" if parts.path.strip("/") or parts.query or "@" in parts.netloc else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{rest}"


def _plain(value: object) -> object:
    """The value as JSON has it."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return _text(value)


def _escaped(text: str) -> str:
    """Text in which brackets are no markup."""
    return text.replace("[", r"\[")
