"""`margin_` over a real chain: what it says is what the contract says."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.node.rpc.harness import RunningNode, running_node
from tests.node.rpc.margin_chain import Busy, busy_desk


@pytest.fixture(scope="module")
def busy() -> Busy:
    return busy_desk()


@pytest.fixture(scope="module")
def node(busy: Busy) -> Iterator[RunningNode]:
    with running_node(busy.desk.replay()) as running:
        yield running


def in_units(standing: dict[str, Any]) -> dict[str, int | bool]:
    """A standing as the contract returns it."""
    names = ("equity", "initial", "maintenance", "withdrawable")
    return {name: int(standing[f"{name}Q6"]) for name in names} | {"stale": standing["stale"]}


def test_get_account_is_what_the_contract_says(node: RunningNode, busy: Busy) -> None:
    for account in (busy.cross, busy.portfolio, busy.idle):
        found = node.call("margin_getAccount", account)
        assert in_units(found["standing"]) == busy.desk.read("requirements", account)
        owner, state = busy.desk.read("getAccount", account)
        assert found["owner"] == owner
        assert int(found["cashQ6"]) == state["cash"]
        assert found["block"]["timestamp"] == busy.desk.now
    assert node.call("margin_getAccount", busy.portfolio)["mode"] == "portfolio"
    assert node.call("margin_getAccount", busy.cross)["mode"] == "cross"


def test_get_account_of_nobody_fails(node: RunningNode) -> None:
    assert node.error("margin_getAccount", 99)["message"] == "there is no account 99"


def test_get_account_at_an_older_block_is_as_it_was(node: RunningNode, busy: Busy) -> None:
    before = node.call("margin_getAccount", busy.cross, "0x1")
    assert before["cashQ6"] == str(12_000 * 10**6)
    assert before["standing"]["maintenanceQ6"] == "0"


@pytest.mark.parametrize("who", ["cross", "portfolio"])
def test_positions_add_up_to_the_equity(node: RunningNode, busy: Busy, who: str) -> None:
    account = getattr(busy, who)
    facts = node.call("margin_getAccount", account)
    held = node.call("margin_getPositions", account)
    total = int(facts["cashQ6"])
    total += sum(int(p["unrealisedQ6"]) + int(p["unsettledFundingQ6"]) for p in held["perps"])
    total += sum(int(option["valueQ6"]) for option in held["options"])
    assert total == int(facts["standing"]["equityQ6"])
    assert any(p["unsettledFundingQ6"] != "0" for p in held["perps"])


def test_positions_of_a_cross_account_have_liquidation_prices(
    node: RunningNode, busy: Busy
) -> None:
    held = node.call("margin_getPositions", busy.cross)
    assert [perp["market"] for perp in held["perps"]] == [0, 1]
    assert held["scenarios"] == []
    for perp in held["perps"]:
        price = perp["liquidationPriceP8"]
        at_price = {"market": perp["market"], "markP8": price}
        failing = node.call("margin_simulate", {"account": busy.cross, "markets": [at_price]})
        towards = 1 if int(perp["sizeS8"]) > 0 else -1
        tick = busy.desk.read("getMarket", perp["market"])["rules"]["tick"]
        at_price["markP8"] = str(int(price) + towards * tick)
        sound = node.call("margin_simulate", {"account": busy.cross, "markets": [at_price]})
        assert is_liquidatable(failing["standing"])
        assert not is_liquidatable(sound["standing"])


def is_liquidatable(standing: dict[str, Any]) -> bool:
    return int(standing["equityQ6"]) < int(standing["maintenanceQ6"])


def test_positions_of_a_portfolio_account_have_the_contracts_scenarios(
    node: RunningNode, busy: Busy
) -> None:
    held = node.call("margin_getPositions", busy.portfolio)
    underlyings, gains = busy.desk.read("scenarioLosses", busy.portfolio)
    assert [line["underlying"] for line in held["scenarios"]] == list(underlyings)
    shown = [tuple(int(gain) for gain in line["pnlQ6"]) for line in held["scenarios"]]
    assert shown == list(gains)
    assert [o["series"] for o in held["options"]] == [busy.strike + 1, busy.strike]
    assert [o["isPut"] for o in held["options"]] == [True, False]
    assert all(perp["liquidationPriceP8"] is None for perp in held["perps"])


def test_markets_are_the_contracts(node: RunningNode, busy: Busy) -> None:
    markets = node.call("margin_getMarkets")["markets"]
    assert [market["market"] for market in markets] == [0, 1]
    for market in markets:
        members = busy.desk.read("getMarket", market["market"])
        imf, mmf = busy.desk.read("marginFractions", market["market"])
        assert (int(market["imfPpm"]), int(market["mmfPpm"])) == (imf, mmf)
        assert int(market["markP8"]) == members["price"]["mark"]
        assert int(market["openInterestS8"]) == members["flow"]["openInterest"]
        assert market["status"] == "active"
        fees = [int(tier[side]) for tier in market["fees"] for side in ("takerPpm", "makerPpm")]
        assert fees == list(members["fees"])


def test_funding_has_the_accruals_of_its_market_alone(node: RunningNode, busy: Busy) -> None:
    found = node.call("margin_getFunding", 0, "0x0")
    assert int(found["fundingIndexF12"]) == busy.desk.read("getMarket", 0)["flow"]["fundingIndex"]
    assert [int(entry["fundingIndexF12"]) for entry in found["history"]][-1] == int(
        found["fundingIndexF12"]
    )
    head = node.call("eth_blockNumber")
    assert node.call("margin_getFunding", 0, head)["history"] == found["history"]
    assert node.call("margin_getFunding", 1, head)["history"] == []
    assert found["runningRateR12"] == found["predictedRateR12"] == "100000000"


def test_funding_of_no_market_fails(node: RunningNode) -> None:
    assert node.error("margin_getFunding", 7)["code"] == -32602


def test_proof_without_a_rollup_fails(node: RunningNode, busy: Busy) -> None:
    assert "doesn't follow L1" in node.error("margin_getProof", busy.cross)["message"]
