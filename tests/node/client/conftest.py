"""A node with an exchange, whose chain knows the traders' accounts."""

from collections.abc import Iterator

import pytest

from genesis.accounts import derive_account
from tests.execution.contracts.house import USD
from tests.node.rpc.margin_chain import RecordedDesk
from tests.node.rpc.trade.venue import Venue, open_venue
from tests.sequencer.exchange.house import TRADERS, state_of

RAISED = 3
"""The trader who has raised the account's order epoch once."""


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    """Account i + 1 is owned by test key i, as in the exchange's own books."""
    desk = RecordedDesk()
    for index in range(TRADERS):
        assert desk.trader(index, 1_000 * USD).account == index + 1
    desk.send(derive_account(RAISED).address, "cancelAllOrders", RAISED + 1)
    with open_venue(chain=desk.replay()) as opened:
        opened.hall.house.accounts[RAISED + 1] = state_of(RAISED, epoch=1)
        yield opened
