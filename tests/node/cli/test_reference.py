"""docs/cli.md says what the commands say of themselves."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from node.cli.main import COMMANDS, PROGRAM, cli
from node.cli.reference import reference

Commands = Iterator[tuple[str, click.Command]]


def commands_below(command: click.Command, ctx: click.Context) -> Commands:
    """A command and all its subcommands, each with its whole name."""
    yield ctx.command_path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            found = command.get_command(ctx, name)
            assert found is not None, name
            yield from commands_below(found, click.Context(found, ctx, info_name=name))


ALL_COMMANDS = dict(commands_below(cli, click.Context(cli, info_name=PROGRAM)))
PAGE = Path(__file__).parents[3] / "docs" / "cli.md"


def test_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text() == reference(), (
        "the commands have changed: python -m node.cli.reference > docs/cli.md"
    )


def test_every_command_has_a_chapter_and_a_line_in_the_table() -> None:
    page = reference()
    for name in COMMANDS:
        assert f"\n## tallystick {name}\n" in page
        assert f"[`{name}`](#tallystick-{name})" in page


def test_every_command_answers_with_json_or_is_one_that_runs_on() -> None:
    """Only those that run until they are stopped, or print a script, do without."""
    page = reference()
    leaves = [part for part in page.split("\n## ")[1:] if "\n### " not in part]
    without = {part.split("\n")[0] for part in leaves if "`--json`" not in part}
    groups = page.split("\n### ")[1:]
    without |= {part.split("\n")[0] for part in groups if "`--json`" not in part.split("\n## ")[0]}

    assert without == {"tallystick completion", "tallystick devnet", "tallystick node"}
    assert set(COMMANDS) == set(cli.list_commands(None))


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_command_and_each_of_its_options_have_help(name: str) -> None:
    command = ALL_COMMANDS[name]
    options = (one for one in command.params if isinstance(one, click.Option))

    assert command.help
    assert [one.opts[0] for one in options if not (one.hidden or one.help)] == []
