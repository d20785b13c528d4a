"""A command at which somebody presses Ctrl-C."""

import click


@click.command()
def interrupted() -> None:
    """Is called off."""
    raise KeyboardInterrupt
