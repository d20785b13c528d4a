"""A chain with a clearing house for the keepers' tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.node.keepers.world import BEGIN, MARKET, World, world


@pytest.fixture
def books(tmp_path: Path) -> Iterator[World]:
    """One whose market has its first price."""
    with world(tmp_path) as made:
        made.report({MARKET: BEGIN})
        yield made
