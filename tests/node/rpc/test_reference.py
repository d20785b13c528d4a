"""docs/json-rpc.md lists exactly the methods that there are."""

import re
from pathlib import Path

from tests.node.rpc import schemas
from tests.node.rpc.marked import marked_methods

PAGE = Path(__file__).resolve().parents[3] / "docs" / "json-rpc.md"
ROW = re.compile(r"^\| `([a-z0-9]+_[A-Za-z0-9_]+)` \|", re.MULTILINE)

NOT_HERE = re.compile(r"engine_|testing_|eth_getBlockAccessList|debug_getRawBlockAccessList")
"""What the page says why it is left out."""


def test_page_lists_exactly_the_methods_there_are() -> None:
    """A method that is new gets a row in docs/json-rpc.md."""
    listed = ROW.findall(PAGE.read_text())
    assert len(listed) == len(set(listed))
    assert sorted(listed) == sorted(marked_methods())


def test_every_specified_method_is_there_or_explained() -> None:
    if not schemas.is_available():
        return
    missing = schemas.methods().keys() - marked_methods().keys()
    assert {name for name in missing if not NOT_HERE.match(name)} == set()
