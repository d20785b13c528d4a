"""The `tallystick` command: its subcommands, and how an error reaches the terminal."""

import importlib
import sys
from typing import Final

import click

from state.errors import TallystickError, Unavailable

EXIT_FAILURE: Final = 1
"""The command ran and the answer is no, or the input was wrong."""

EXIT_UNAVAILABLE: Final = 75
"""Something outside did not answer; trying again may help (EX_TEMPFAIL of sysexits.h)."""

COMMANDS: Final = {
    "challenge": "node.cli.challenge:challenge",
    "demo": "node.cli.demo:demo",
    "devnet": "node.cli.devnet:devnet",
    "dispute": "node.cli.dispute:dispute",
    "keeper": "node.cli.keeper:keeper",
    "l1": "node.cli.l1:l1",
    "margin": "node.cli.margin:margin",
    "node": "node.cli.node:node",
    "prove-step": "node.cli.prove_step:prove_step",
    "recover": "node.cli.recover:recover",
    "statetest": "node.cli.statetest:statetest",
    "verify": "node.cli.verify:verify",
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

    Every option can also be set by an environment variable: TALLYSTICK_<COMMAND>_<OPTION>.
    """


def main() -> None:
    """Run the command; show an expected error as one sentence instead of a traceback."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as exit_request:
        sys.exit(exit_request.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except TallystickError as error:
        click.secho(f"Error: {error}", fg="red", err=True)
        sys.exit(EXIT_UNAVAILABLE if isinstance(error, Unavailable) else EXIT_FAILURE)


if __name__ == "__main__":
    main()
