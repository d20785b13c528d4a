"""README.md says which test shows which scenario: they exist."""

import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMED = re.findall(r"`([\w./]+\.py)::(test_[\w*]+)`", (HERE / "README.md").read_text())


@cache
def names_in(path: Path) -> tuple[str, ...]:
    return tuple(re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize(("file", "pattern"), NAMED)
def test_scenario_has_the_tests_that_the_table_names(file: str, pattern: str) -> None:
    assert any(fnmatchcase(name, pattern) for name in names_in(HERE / file))
