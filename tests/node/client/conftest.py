"""A node with an exchange, whose chain knows the traders' accounts."""

from collections.abc import Iterator

import pytest

from tests.execution.contracts.house import USD
from tests.node.rpc.margin_chain import RecordedDesk
from tests.node.rpc.trade.venue import Venue, open_venue
from tests.sequencer.exchange.house import TRADERS


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    """Account i + 1 is owned by test key i, as in the exchange's own books."""
    desk = RecordedDesk()
    for index in range(TRADERS):
        assert desk.trader(index, 1_000 * USD).account == index + 1
    with open_venue(chain=desk.replay()) as opened:
        yield opened
