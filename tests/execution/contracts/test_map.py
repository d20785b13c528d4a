"""README.md says which test shows what: they exist."""

import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMED = re.findall(r"`([\w./]+\.py)::((?:test_|Test)[\w*]+)`", (HERE / "README.md").read_text())


@cache
def names_in(path: Path) -> tuple[str, ...]:
    found = re.findall(r"^(?:def|class) (test_\w+|Test\w+)|^(Test\w+) =", path.read_text(), re.M)
    return tuple(name or assigned for name, assigned in found)


@pytest.mark.parametrize(("file", "pattern"), NAMED)
def test_rule_has_the_tests_that_the_table_names(file: str, pattern: str) -> None:
    assert any(fnmatchcase(name, pattern) for name in names_in(HERE / file))


@pytest.mark.parametrize("number", range(1, 18))
def test_every_invariant_has_a_line(number: int) -> None:
    assert f"\n| {number}. " in (HERE / "README.md").read_text()
