"""`margin_` where something is over: a market that was closed, and a series that has expired."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.execution.contracts.desk import usd
from tests.execution.contracts.house import OPERATORS
from tests.node.rpc.harness import RunningNode, running_node
from tests.node.rpc.margin_chain import Busy, busy_desk, mine_empty
from tests.node.rpc.test_margin import in_units

ETH = 1
DAY = 86_400


@dataclass
class After:
    """A node a month later, and the desk that it copies."""

    busy: Busy
    node: RunningNode


@pytest.fixture(scope="module")
def after() -> Iterator[After]:
    """Ether's market was closed; then the options of bitcoin expired, unsettled and unpriced."""
    busy = busy_desk()
    desk = busy.desk
    bucket = desk.newest_bucket(ETH)
    desk.advance(120)
    desk.send(OPERATORS.guardian.address, "closeMarket", ETH, bucket)
    chain = desk.replay()
    desk.advance(31 * DAY)
    mine_empty(chain, desk.now)
    with running_node(chain) as node:
        yield After(busy, node)


@pytest.mark.parametrize("who", ["cross", "portfolio"])
def test_standing_is_what_the_contract_says(after: After, who: str) -> None:
    account = getattr(after.busy, who)
    found = after.node.call("margin_getAccount", account)
    assert in_units(found["standing"]) == after.busy.desk.read("requirements", account)
    assert found["standing"]["stale"]
    simulated = after.node.call("margin_simulate", {"account": account})
    assert simulated["standing"] == found["standing"]


def test_closed_market_has_no_liquidation_price_and_no_funding(after: After) -> None:
    held = after.node.call("margin_getPositions", after.busy.cross)
    (ether,) = [perp for perp in held["perps"] if perp["market"] == ETH]
    assert ether["liquidationPriceP8"] is None
    funding = after.node.call("margin_getFunding", ETH)
    assert (funding["runningRateR12"], funding["predictedDeltaF12"]) == ("0", "0")
    markets = after.node.call("margin_getMarkets")["markets"]
    assert [market["status"] for market in markets] == ["active", "closed"]


def test_moved_index_leaves_expired_series_as_they_were(after: After) -> None:
    before = after.node.call("margin_getPositions", after.busy.portfolio)["options"]
    market = {"market": 0, "indexP8": str(usd(50_000)), "markP8": str(usd(50_000))}
    portfolio = {"account": after.busy.portfolio, "markets": [market]}
    assert after.node.call("margin_simulate", portfolio)["options"] == before


def test_expired_series_can_not_be_priced(after: After) -> None:
    options = [{"series": after.busy.strike, "sizeS8": "1"}]
    error = after.node.error("margin_simulate", {"options": options})
    assert error["message"] == f"priceSeries: SeriesExpired(series={after.busy.strike})"
