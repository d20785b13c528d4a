"""docs/json-rpc.md lists exactly the methods that there are."""

import re
from fnmatch import fnmatch
from pathlib import Path

from tests.node.rpc import schemas
from tests.node.rpc.marked import marked_methods

PAGE = Path(__file__).resolve().parents[3] / "docs" / "json-rpc.md"
ROW = re.compile(r"^\| `([a-z0-9]+_[A-Za-z0-9_]+)` \|", re.MULTILINE)

NOT_HERE = re.compile(r"^\| (`.*) \| [^|]+ \|$", re.MULTILINE)
"""A row of "What is not here": methods, or namespaces as `engine_*`, and the reason."""


def test_page_lists_exactly_the_methods_there_are() -> None:
    """A method that is new gets a row in docs/json-rpc.md."""
    listed = ROW.findall(PAGE.read_text())
    assert len(listed) == len(set(listed))
    assert sorted(listed) == sorted(marked_methods())


def test_every_specified_method_is_there_or_explained() -> None:
    if not schemas.is_available():
        return
    missing = schemas.methods().keys() - marked_methods().keys()
    _, _, section = PAGE.read_text().partition("## What is not here")
    explained = re.findall(r"`(\w+\*?)`", " ".join(NOT_HERE.findall(section)))
    assert {name for name in missing if not any(fnmatch(name, one) for one in explained)} == set()
