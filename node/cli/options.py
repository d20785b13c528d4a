"""Options that several commands share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from bridge.dispute.faults import Fault, FaultKind, InvalidFault
from node.devnet import DEFAULT_DATA_DIR
from node.logs import LogFormat
from node.settings import InvalidSettings, load_toml

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")


def with_options(
    command: Callable[..., R], options: Sequence[Callable[..., Any]]
) -> Callable[..., R]:
    """The command with options, which help shows in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def config_option(command: F) -> F:
    """`--config FILE`: a TOML file with the command's other options.

    A flag goes before an environment variable, and that before the file.
    """
    return click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=_load,
        help="TOML file with the options below; a flag or an environment variable goes first.",
    )(command)


def _load(ctx: click.Context, parameter: click.Parameter, path: Path | None) -> None:
    if path is None:
        return
    values = load_toml(path)
    known = {one.name for one in ctx.command.params} - {parameter.name}
    unknown = sorted(set(values) - {name for name in known if name})
    if unknown:
        raise InvalidSettings(
            f"{path}: no option is called {', '.join(unknown)}; see"
            f" `tallystick {ctx.command.name} --help`, and write rpc_port for --rpc-port"
        )
    ctx.default_map = {**(ctx.default_map or {}), **values}


data_dir_option = click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), default=DEFAULT_DATA_DIR,
    show_default=True, help="The running devnet.",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Exact JSON instead of text.")
rpc_option = click.option(
    "--rpc", "--rpc-url", "rpc_url", metavar="URL", help="An L2 node, instead of the devnet's."
)

log_format_option = click.option(
    "--log-format", type=click.Choice([one.value for one in LogFormat]),
    default=LogFormat.TEXT.value, help="Log lines for people, or one JSON object a line.",
)  # fmt: skip

accept_violation_option = click.option(
    "--accept-violation", type=click.IntRange(0), multiple=True, metavar="BLOCK",
    help="Go on though this block broke an invariant of the clearing house; may be repeated.",
)  # fmt: skip


class FaultType(click.ParamType[Fault]):
    """KIND or KIND@BLOCK."""

    name = "KIND[@BLOCK]"

    def convert(
        self, value: str | Fault, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fault:
        """A parsed fault; a usage error for what is none."""
        if isinstance(value, Fault):
            return value
        try:
            return Fault.parse(value)
        except InvalidFault as error:
            self.fail(str(error), param, ctx)


FAULT_HELP = (
    "Lie on L1 about the first block from BLOCK on that has something to lie about, and play for"
    f" the lie: {', '.join(FaultKind)} (a right root is attacked). Try `tallystick challenge`."
)
