"""Every command of the documentation, typed in the order of its page."""

from pathlib import Path

import pytest

from tests.docs.pages import DOCS, commands_elsewhere, commands_of
from tests.docs.terminal import type_page

MADE_FROM_HELP = "cli.md"
"""Its examples are those of `--help`, which tests/docs/test_help_examples.py types."""
PAGES = sorted(path for path in DOCS.glob("**/*.md") if "adr" not in path.parts)
SESSIONS = [path for path in PAGES if commands_of(path.read_text())]


def name(path: Path) -> str:
    return str(path.relative_to(DOCS).with_suffix(""))


@pytest.mark.slow
@pytest.mark.parametrize("page", SESSIONS, ids=name)
def test_commands_of_the_page_do_what_it_shows(page: Path, tmp_path: Path) -> None:
    type_page(page.read_text(), tmp_path / "reader")


@pytest.mark.parametrize("page", [one for one in PAGES if one.name != MADE_FROM_HELP], ids=name)
def test_no_command_is_shown_where_no_test_types_it(page: Path) -> None:
    assert commands_elsewhere(page.read_text()) == []
