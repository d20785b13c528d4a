"""`margin_simulate`: what-ifs stand to the unit as the books would."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.execution.contracts.desk import WAD, usd
from tests.node.rpc.harness import RunningNode, running_node
from tests.node.rpc.margin_chain import Busy, busy_desk
from tests.node.rpc.test_margin import in_units

CASH = 10_000 * 10**6
BTC, ETH = 0, 1
MONTH = 30 * 86_400


@pytest.fixture(scope="module")
def busy() -> Busy:
    return busy_desk()


@pytest.fixture(scope="module")
def node(busy: Busy) -> Iterator[RunningNode]:
    with running_node(busy.desk.replay()) as running:
        yield running


def simulate(node: RunningNode, **portfolio: Any) -> dict[str, Any]:
    return node.call("margin_simulate", portfolio)


def perp(market: int, size: int, cost: int) -> dict[str, Any]:
    return {"market": market, "sizeS8": str(size), "costQ6": str(cost)}


def perp_input(busy: Busy, market: int, size: int, cost: int) -> tuple[int, ...]:
    """As the contract's formulas take a position at present prices."""
    mark = busy.desk.read("getMarket", market)["price"]["mark"]
    return (size, cost, mark, 0, *busy.desk.read("marginFractions", market))


# On top of an account


@pytest.mark.parametrize("who", ["cross", "portfolio", "idle"])
def test_unchanged_account_stands_as_the_contract_says(
    node: RunningNode, busy: Busy, who: str
) -> None:
    account = getattr(busy, who)
    found = simulate(node, account=account)
    assert in_units(found["standing"]) == busy.desk.read("requirements", account)
    assert found["account"] == account
    held = node.call("margin_getPositions", account)
    assert (found["perps"], found["options"]) == (held["perps"], held["options"])


def test_own_prices_named_change_nothing(node: RunningNode, busy: Busy) -> None:
    for account in (busy.cross, busy.portfolio):
        markets = [
            {
                "market": market,
                "markP8": str(busy.desk.read("getMarket", market)["price"]["mark"]),
                "indexP8": str(busy.desk.read("getMarket", market)["price"]["index"]),
            }
            for market in (BTC, ETH)
        ]
        found = simulate(node, account=account, markets=markets)
        assert in_units(found["standing"]) == busy.desk.read("requirements", account)


def test_own_series_named_is_priced_anew_with_the_oracles_inputs(
    node: RunningNode, busy: Busy
) -> None:
    sizes = dict(zip(*busy.desk.read("getHoldings", busy.portfolio)))
    options = [{"series": series, "sizeS8": str(size)} for series, size in sizes.items()]
    found = simulate(node, account=busy.portfolio, options=options)
    # In the block of the last pricing, pricing again says the same.
    priced_at = {option["pricedAt"] for option in found["options"]}
    assert priced_at == {found["block"]["timestamp"]}
    assert in_units(found["standing"]) == busy.desk.read("requirements", busy.portfolio)


def test_replaced_position_replaces_and_size_zero_closes(node: RunningNode, busy: Busy) -> None:
    flat = {"market": ETH, "sizeS8": "0"}
    found = simulate(node, account=busy.cross, perps=[perp(BTC, 10**8, usd(64_000) // 100), flat])
    assert [(p["market"], p["sizeS8"]) for p in found["perps"]] == [(BTC, "100000000")]
    assert found["perps"][0]["unsettledFundingQ6"] == "0"


def test_cash_replaces_cash(node: RunningNode, busy: Busy) -> None:
    before = simulate(node, account=busy.cross)["standing"]
    after = simulate(node, account=busy.cross, cashQ6=str(CASH))["standing"]
    cash = busy.desk.read("getAccount", busy.cross)[1]["cash"]
    assert int(after["equityQ6"]) - int(before["equityQ6"]) == CASH - cash
    assert after["maintenanceQ6"] == before["maintenanceQ6"]


def test_simulation_leaves_no_trace(node: RunningNode, busy: Busy) -> None:
    before = node.call("margin_getAccount", busy.cross)
    simulate(node, account=busy.cross, cashQ6="5", mode="portfolio", perps=[perp(BTC, 1, 1)])
    assert node.call("margin_getAccount", busy.cross) == before


# All made up


def test_made_up_cross_account_stands_as_the_formula_says(node: RunningNode, busy: Busy) -> None:
    wishes = [(BTC, 10**8, 64_000 * 10**6), (ETH, -5 * 10**8, -15_500 * 10**6)]
    found = simulate(node, cashQ6=str(CASH), perps=[perp(*wish) for wish in wishes])
    inputs = [perp_input(busy, *wish) for wish in wishes]
    assert in_units(found["standing"]) == busy.desk.read("standing", CASH, inputs)
    assert (found["account"], found["owner"]) == (None, None)
    for place, line in enumerate(found["perps"]):
        tick = busy.desk.read("getMarket", place)["rules"]["tick"]
        price = busy.desk.read("liquidationPrice", CASH, inputs, place, tick)
        assert line["liquidationPriceP8"] == str(price)


def test_entry_price_costs_what_a_trade_costs(node: RunningNode, busy: Busy) -> None:
    wish = {"market": BTC, "sizeS8": "-150000001", "entryPriceP8": str(usd(64_250) + 7)}
    (line,) = simulate(node, cashQ6=str(CASH), perps=[wish])["perps"]
    _, cost, _ = busy.desk.read("applyTrade", 0, 0, -150_000_001, usd(64_250) + 7)
    assert int(line["costQ6"]) == cost


def test_made_up_portfolio_stands_as_the_formula_says(node: RunningNode, busy: Busy) -> None:
    now = busy.desk.now
    strike, sigma, index = usd(70_000), 7 * WAD // 10, usd(63_900)
    wish = (BTC, -(10**8), -64_000 * 10**6)
    terms = {"underlying": BTC, "expiry": now + MONTH, "strikeP8": str(strike)}
    inputs = {"volatilityWad": str(sigma), "forwardP8": str(usd(64_400))}
    options = [
        terms | inputs | {"isPut": False, "sizeS8": str(-3 * 10**8)},
        terms | inputs | {"isPut": True, "sizeS8": str(10**8)},
    ]
    found = simulate(node, cashQ6=str(CASH), perps=[perp(*wish)], options=options)
    expected, gains = busy.desk.read(
        "portfolioStanding",
        CASH,
        [index],
        [perp_input(busy, *wish)],
        [
            (size, 0, put, strike, MONTH, now + MONTH, usd(64_400), WAD, sigma)
            for size, put in ((-3 * 10**8, False), (10**8, True))
        ],
    )
    assert in_units(found["standing"]) == expected
    assert [tuple(map(int, s["pnlQ6"])) for s in found["scenarios"]] == list(gains)
    assert found["mode"] == "portfolio"


def test_registered_series_is_worth_what_its_terms_are_worth(node: RunningNode, busy: Busy) -> None:
    terms, inputs = busy.desk.read("getStrike", busy.strike)
    by_id = simulate(node, cashQ6="0", options=[{"series": busy.strike, "sizeS8": "-100000000"}])
    spelled = {
        "underlying": BTC,
        "expiry": terms["expiry"],
        "strikeP8": str(terms["price"]),
        "isPut": False,
        "sizeS8": "-100000000",
        "forwardP8": str(inputs["forward"]),
        "volatilityWad": str(inputs["volatility"]),
        "discountWad": str(inputs["discount"]),
    }
    by_terms = simulate(node, cashQ6="0", options=[spelled])
    assert by_terms["standing"] == by_id["standing"]
    assert by_terms["options"][0]["series"] == busy.strike + 2


def test_cross_account_is_shown_its_scenarios_too(node: RunningNode, busy: Busy) -> None:
    wish = (BTC, 10**8, 64_000 * 10**6)
    found = simulate(node, cashQ6=str(CASH), perps=[perp(*wish)])
    mark = busy.desk.read("getMarket", BTC)["price"]["mark"]
    assert found["mode"] == "cross"
    gains = [10**8 * unit // 10**10 for unit in busy.desk.read("perpScenarios", mark)]
    assert found["scenarios"] == [{"underlying": BTC, "pnlQ6": [str(gain) for gain in gains]}]


# Other markets than there are


def test_mark_moves_equity_and_requirements(node: RunningNode, busy: Busy) -> None:
    wish = perp(BTC, 10**8, 64_000 * 10**6)
    market = {"market": BTC, "markP8": str(usd(50_000))}
    found = simulate(node, cashQ6=str(CASH), perps=[wish], markets=[market])["standing"]
    assert int(found["equityQ6"]) == CASH - 14_000 * 10**6
    assert int(found["maintenanceQ6"]) == 50_000 * 10**6 * 12_000 // 10**6


def test_fractions_and_open_interest_of_a_market_are_pretended(
    node: RunningNode, busy: Busy
) -> None:
    wish = perp(BTC, 10**8, 64_000 * 10**6)
    market = {"market": BTC, "markP8": str(usd(64_000)), "imfPpm": "50000", "mmfPpm": "30000"}
    found = simulate(node, cashQ6=str(CASH), perps=[wish], markets=[market])["standing"]
    assert (found["initialQ6"], found["maintenanceQ6"]) == ("3200000000", "1920000000")
    market["openInterestS8"] = str(busy.desk.read("getMarket", BTC)["caps"]["oiHigh"])
    found = simulate(node, cashQ6=str(CASH), perps=[wish], markets=[market])["standing"]
    assert found["initialQ6"] == "64000000000"


def test_moved_index_reprices_options_with_a_forward_moved_as_far(
    node: RunningNode, busy: Busy
) -> None:
    market = {"market": BTC, "indexP8": str(usd(31_950)), "markP8": str(usd(31_950))}
    found = simulate(node, account=busy.portfolio, markets=[market])
    _, inputs = busy.desk.read("getStrike", busy.strike)
    terms, _ = busy.desk.read("getStrike", busy.strike)
    left = terms["expiry"] - busy.desk.now
    for line in found["options"]:
        args = (line["isPut"], inputs["forward"] // 2, terms["price"], inputs["volatility"])
        _, value = busy.desk.read("optionScenarios", *args, left, inputs["discount"])
        assert int(line["unitValueP8"]) == value


# What is refused


@pytest.mark.parametrize(
    ("portfolio", "message"),
    [
        ([], "not an object"),
        ({"cash": "1"}, "unknown member 'cash'"),
        ({"cashQ6": 5}, "cashQ6: not a decimal string"),
        ({"cashQ6": "5.0"}, "cashQ6: not a decimal string"),
        ({"cashQ6": "-0"}, "cashQ6: not a decimal string"),
        ({"cashQ6": "05"}, "cashQ6: not a decimal string"),
        ({"cashQ6": " 5"}, "cashQ6: not a decimal string"),
        ({"cashQ6": "5\n"}, "cashQ6: not a decimal string"),
        ({"cashQ6": "1" * 40}, "cashQ6: not a decimal string"),
        ({"cashQ6": str(2**95)}, "is not within"),
        ({"mode": "isolated"}, "mode: neither cross nor portfolio"),
        ({"account": True}, "account: not a JSON integer"),
        ({"account": 0}, "account: 0 is not within"),
        ({"perps": [perp(0, 1, 1)] * 65}, "at most 64"),
        ({"perps": [perp(0, 1, 1)] * 2}, "the same one twice"),
        ({"perps": [perp(64, 1, 1)]}, "market: 64 is not within"),
        ({"perps": [perp(7, 1, 1)]}, "there is no market 7"),
        ({"perps": [perp(0, 1, -1)]}, "the sign of sizeS8"),
        ({"perps": [perp(0, 0, 1)]}, "either costQ6 or entryPriceP8"),
        ({"perps": [perp(0, 2**63, 1)]}, "sizeS8"),
        ({"perps": [{"market": 0, "sizeS8": "1"}]}, "either costQ6 or entryPriceP8"),
        ({"options": [{"series": 64, "sizeS8": "1"}] * 33}, "at most 32"),
        ({"options": [{"series": 63, "sizeS8": "1"}]}, "series: 63 is not within"),
        ({"options": [{"series": 900, "sizeS8": "1"}]}, "there is no series 900"),
        ({"options": [{"sizeS8": "1"}]}, "underlying is missing"),
        ({"markets": [{"market": 0, "markP8": "0"}]}, "markP8"),
        ({"markets": [{"market": 5}]}, "there is no market 5"),
        ({"markets": [{"market": 0, "imfPpm": "1000001"}]}, "imfPpm"),
    ],
)
def test_malformed_portfolio_is_refused(node: RunningNode, portfolio: Any, message: str) -> None:
    error = node.error("margin_simulate", portfolio)
    assert error["code"] == -32602
    assert message in error["message"]


def test_made_up_series_that_has_expired_is_refused(node: RunningNode, busy: Busy) -> None:
    terms = {"underlying": BTC, "expiry": busy.desk.now, "strikeP8": str(usd(1)), "isPut": True}
    option = terms | {"sizeS8": "1", "volatilityWad": str(WAD)}
    error = node.error("margin_simulate", {"options": [option]})
    assert "expiry" in error["message"]


def test_call_and_put_with_two_forwards_are_refused(node: RunningNode, busy: Busy) -> None:
    options = [
        {"series": busy.strike + side, "sizeS8": "1", "forwardP8": str(usd(60_000 + side))}
        for side in (0, 1)
    ]
    error = node.error("margin_simulate", {"options": options})
    assert "one forward" in error["message"]


def test_unknown_account_is_refused(node: RunningNode) -> None:
    assert "no account 99" in node.error("margin_simulate", {"account": 99})["message"]
