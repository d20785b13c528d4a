"""Whether the books balance: nothing was made or lost, in open markets or in closed ones.

MARGIN.md, "Invariants", 1, 2, 4 and 5, for every account of a house.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from genesis.predeploys import CLEARING_HOUSE
from tests.execution.contracts.exact.rounding import floor
from tests.execution.contracts.exact.units import Q6
from tests.execution.contracts.house import House

CLOSED = 4
"""MarketStatus.Closed."""
DEBTORS_END = 2**64 - 1
"""A market is a debtor under this less its id."""


@dataclass(frozen=True, slots=True)
class Held:
    """One position: its account, size s8, cost q6, and what its holder may claim (q6)."""

    account: int
    market: int
    size: int
    cost: int
    claim: int


def assert_balanced(house: House) -> None:
    """Fails with the first thing that doesn't add up."""
    accounts = _accounts(house)
    held = [one for account in accounts for one in _positions(house, account)]
    for market in range(house.read("getMarketCount")):
        _assert_market(house, market, [one for one in held if one.market == market])
    for series in _series(house):
        _assert_series(house, series, accounts)
    _assert_debts(house, accounts)
    assert_custody(house, accounts, held)


def assert_custody(house: House, accounts: Iterable[int], held: Iterable[Held]) -> None:
    """What the books hold is what they owe, to the last unit."""
    _, custody, fees = house.read("getCustody")
    markets = range(house.read("getMarketCount"))
    owed = fees + house.read("getDebt", 0)[0]
    owed += sum(house.read("getAccount", account)[1]["cash"] for account in accounts)
    owed -= sum(one.cost for one in held if not one.claim)
    owed += sum(house.read("getMarket", market)["funding"]["pool"] for market in markets)
    owed += sum(house.read("getSeries", series)[0]["pool"] for series in _series(house))
    owed += sum(_cover(house, market) for market in markets)
    assert custody == owed
    assert house.balance_of(CLEARING_HOUSE) >= custody


def _cover(house: House, market: int) -> int:
    """q6: what a closed market holds for those who aren't registered and for claims."""
    closing = house.read("getClosing", market)
    left = closing["longsLeft"] - closing["shortsLeft"]
    debt = house.read("getDebt", DEBTORS_END - market)[2]
    return int(floor(Fraction(left * closing["price"], Q6)) + closing["collected"] - debt)


def _assert_market(house: House, market: int, held: list[Held]) -> None:
    state = house.read("getMarket", market)
    for one in held:
        assert one.size * one.cost >= 0
        assert (one.size == 0) == (one.cost == 0)
    longs = sum(one.size for one in held if one.size > 0)
    shorts = -sum(one.size for one in held if one.size < 0)
    assert state["flow"]["openInterest"] == longs
    if state["price"]["status"] != CLOSED:
        assert longs == shorts
        return
    _assert_closing(house.read("getClosing", market), held)


def _assert_closing(closing: Mapping[str, Any], held: list[Held]) -> None:
    left = [one for one in held if not one.claim]
    assert closing["longsLeft"] == sum(one.size for one in left if one.size > 0)
    assert closing["shortsLeft"] == -sum(one.size for one in left if one.size < 0)
    assert closing["claims"] == sum(one.claim for one in held)


def _assert_series(house: House, series: int, accounts: Iterable[int]) -> None:
    sizes = [dict(zip(*house.read("getHoldings", a))).get(series, 0) for a in accounts]
    book = house.read("getSeries", series)[0]
    assert book["shortsLeft"] == -sum(size for size in sizes if size < 0)
    assert book["openInterest"] == sum(size for size in sizes if size > 0)


def _assert_debts(house: House, accounts: list[int]) -> None:
    count = house.read("getMarketCount")
    debtors = accounts + [DEBTORS_END - market for market in range(count)]
    insured, reported, _ = house.read("getDebt", 0)
    assert reported == sum(house.read("getDebt", debtor)[2] for debtor in debtors)
    assert insured == sum(house.read("getSafety", market)[3] for market in range(count))


def _accounts(house: House) -> list[int]:
    found: list[int] = []
    while int.from_bytes(bytes.fromhex(house.read("getAccount", len(found) + 1)[0][2:]), "big"):
        found.append(len(found) + 1)
    return found


def _positions(house: House, account: int) -> list[Held]:
    markets, positions = house.read("getPositions", account)
    return [
        Held(account, m, p["size"], p["cost"], house.read("getClaim", account, m))
        for m, p in zip(markets, positions)
    ]


def _series(house: House) -> range:
    return range(64, 64 + 2 * house.read("getStrikeCount"))
