"""The import order of the packages, and what only some of them may touch (ARCHITECTURE.md)."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ORDER = ("state", "genesis", "execution", "bridge", "sequencer", "node")
SOURCES = [path for package in ORDER for path in sorted((ROOT / package).rglob("*.py"))]

ADAPTERS = {"time": {"state/clock.py"}, "random": set[str]()}
"""Modules that are arguments left of `node/`, which puts the program together, and their adapters.

Randomness has none: whoever needs some is given it.
"""

DETERMINISTIC = ("state", "genesis", "execution")
"""Packages whose results every node must agree on: no network, no tasks, no hidden inputs."""

NOT_DETERMINISTIC = {"asyncio", "socket", "secrets", "uuid", "httpx", "trio"}


def imported_modules(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of every module that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield node.lineno, path.relative_to(ROOT).parts[0]
            elif node.module:
                yield node.lineno, node.module


@cache
def all_imports() -> tuple[tuple[str, int, str], ...]:
    """File, line and module of every import of the packages."""
    return tuple(
        (path.relative_to(ROOT).as_posix(), line, module)
        for path in SOURCES
        for line, module in imported_modules(path)
    )


def test_packages_exist():
    assert all((ROOT / package / "__init__.py").exists() for package in ORDER)


@pytest.mark.parametrize("package", ORDER)
def test_package_imports_only_from_those_on_its_left(package: str):
    right = {*ORDER[ORDER.index(package) + 1 :], "tests", "scripts"}
    wrong = [
        f"{file}:{line} imports {module}"
        for file, line, module in all_imports()
        if file.startswith(f"{package}/") and module.split(".")[0] in right
    ]
    assert wrong == []


def test_py_evm_is_imported_only_by_its_engine():
    wrong = [
        f"{file}:{line} imports {module}"
        for file, line, module in all_imports()
        if module.split(".")[0] == "eth" and not file.startswith("execution/evm/")
    ]
    assert wrong == []


@pytest.mark.parametrize("module", ADAPTERS)
def test_clock_and_randomness_are_arguments(module: str):
    wrong = [
        f"{file}:{line} imports {name}"
        for file, line, name in all_imports()
        if name.split(".")[0] == module
        and file not in ADAPTERS[module]
        and not file.startswith("node/")
    ]
    assert wrong == []


def test_consensus_code_has_no_hidden_inputs():
    wrong = [
        f"{file}:{line} imports {module}"
        for file, line, module in all_imports()
        if file.startswith(tuple(f"{package}/" for package in DETERMINISTIC))
        and module.split(".")[0] in NOT_DETERMINISTIC
    ]
    assert wrong == []


def test_top_level_names_do_not_hide_the_standard_library():
    names = {path.stem for path in ROOT.glob("*.py")} | {*ORDER, "scripts", "tests"}
    assert names & sys.stdlib_module_names == set()
