"""docs/cli.md says what the commands say of themselves."""

from pathlib import Path

from node.cli.main import COMMANDS, cli
from node.cli.reference import reference

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
