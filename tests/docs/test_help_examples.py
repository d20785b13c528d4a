"""The examples in the help of commands can be typed: click takes all their words."""

import re
import shlex

import click
import pytest

from node.cli.main import PROGRAM, cli
from node.cli.reference import reference

EXAMPLES = re.findall(rf"^{PROGRAM} .+$", reference(), re.M)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+…[0-9a-fA-F]+")
_HASH = re.compile(r"0x[0-9a-fA-F]+…")


def whole(example: str) -> str:
    """The example with addresses and hashes in full, which are shortened for the reader."""
    return _HASH.sub("0x" + "ab" * 32, _ADDRESS.sub("0x" + "42" * 20, example))


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_of_help_is_understood(example: str) -> None:
    words = shlex.split(whole(example))[1:]
    command: click.Command = cli
    context = click.Context(cli, info_name=PROGRAM)
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, f"there is no command {name}"
        command, context = found, click.Context(found, context, info_name=name)
    assert command.make_context(command.name, words, parent=context.parent)


def test_help_has_examples() -> None:
    assert len(EXAMPLES) > 10
