"""The `tallystick` command: its subcommands, and how an error reaches the terminal."""

import importlib
import sys
from typing import Final, NoReturn

import click

from bridge.l1.errors import L1CallReverted, L1Unavailable
from node.cli import output
from node.cli.exit_codes import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK, EXIT_UNAVAILABLE
from state.errors import TallystickError, Unavailable

PROGRAM: Final = "tallystick"

COMMANDS: Final = {
    "accounts": "node.cli.accounts:accounts",
    "call": "node.cli.call:call",
    "challenge": "node.cli.challenge:challenge",
    "completion": "node.cli.completion:completion",
    "config": "node.cli.config:config",
    "db": "node.cli.db:db",
    "demo": "node.cli.demo:demo",
    "deposit": "node.cli.deposit:deposit",
    "devnet": "node.cli.devnet:devnet",
    "dispute": "node.cli.dispute:dispute",
    "doctor": "node.cli.doctor:doctor",
    "faucet": "node.cli.faucet:faucet",
    "keeper": "node.cli.keeper:keeper",
    "keys": "node.cli.keys:keys",
    "l1": "node.cli.l1:l1",
    "logs": "node.cli.logs:logs",
    "margin": "node.cli.margin:margin",
    "node": "node.cli.node:node",
    "prove-step": "node.cli.prove_step:prove_step",
    "recover": "node.cli.recover:recover",
    "rollup": "node.cli.rollup:rollup",
    "send": "node.cli.send:send",
    "statetest": "node.cli.statetest:statetest",
    "status": "node.cli.status:status",
    "trace": "node.cli.trace:trace",
    "trade": "node.cli.trade:trade",
    "verify": "node.cli.verify:verify",
    "withdraw": "node.cli.withdraw:withdraw",
}
"""Subcommand to its click object; imported only when used, because py-evm takes a second."""


class LazyGroup(click.Group):
    """A group whose subcommands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module_name, attribute = COMMANDS[name].split(":")
        command = getattr(importlib.import_module(module_name), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[name]} is not a click command")
        return command


@click.group(cls=LazyGroup, context_settings={"auto_envvar_prefix": "TALLYSTICK"})
@click.version_option(package_name="tallystick")
def cli() -> None:
    """A rollup node for derivatives whose chain anyone can derive again from L1 alone.

    Every option can also be set by an environment variable: TALLYSTICK_<COMMAND>_<OPTION>. NO_COLOR
    turns colours off.

    \b
    Exit codes: 0 done, 1 no or failed, 2 wrong usage, 3 nothing to check yet, 75 an endpoint
    is out of reach (try again), 130 interrupted.
    """


def main() -> NoReturn:
    """Run the command; show an expected error as one sentence instead of a traceback."""
    try:
        code = cli.main(prog_name=PROGRAM, standalone_mode=False)
    except click.Abort:
        sys.exit(EXIT_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except TallystickError as error:
        output.console(stderr=True).print(f"Error: {_words(error)}", style="red", markup=False)
        sys.exit(EXIT_UNAVAILABLE if isinstance(error, Unavailable) else EXIT_FAILURE)
    # Outside of standalone mode click returns what `Context.exit` was given.
    sys.exit(code if isinstance(code, int) else EXIT_OK)


def _words(error: TallystickError) -> str:
    """What happened and why, and what to do where the error alone doesn't know that."""
    if isinstance(error, L1CallReverted):
        nothing_sent = "; nothing was sent" if error.method == "eth_estimateGas" else ""
        return f"the contract refuses this: {error.reason}{nothing_sent}"
    if isinstance(error, L1Unavailable) and str(error).startswith("no answer"):
        return f"{error}; start it, or name another endpoint (--rpc for L2, --l1-rpc for L1)"
    return str(error)


if __name__ == "__main__":
    main()
