"""Commands that are shown can be typed as they are."""

from pathlib import Path

import pytest

from node.cli.invocation import typed_program


@pytest.mark.parametrize(
    ("original", "first", "shown"),
    [
        (["python", "-m", "node.cli.main", "devnet"], "/x/main.py", "python -m node.cli.main"),
        (["py", "-I", "-m", "node.cli.main", "devnet"], "/x/main.py", "py -I -m node.cli.main"),
        (["python", "my code/main.py", "devnet"], "my code/main.py", "python 'my code/main.py'"),
        (["python", ".venv/bin/tallystick", "devnet"], ".venv/bin/tallystick", None),
        (["python", "my venv/tallystick", "devnet"], "my venv/tallystick", "'my venv/tallystick'"),
    ],
)
def test_program_is_shown_as_it_was_called(
    original: list[str], first: str, shown: str | None
) -> None:
    assert typed_program([first, "devnet"], original) == (shown or first)


def test_program_on_the_path_is_shown_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "tallystick"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert typed_program([str(program), "devnet"], ["python", str(program)]) == "tallystick"
    other = str(tmp_path.parent / "tallystick")
    assert typed_program([other, "devnet"], ["python", other]) == other
