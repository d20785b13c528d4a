"""A venue for each test."""

from collections.abc import Iterator

import pytest

from tests.node.rpc.trade.venue import Venue, open_venue


@pytest.fixture
def venue() -> Iterator[Venue]:
    with open_venue() as opened:
        yield opened
