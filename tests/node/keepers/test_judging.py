"""Who holds options is judged at prices of the moment: what needs them has them computed first."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from execution.contracts.parameters import StrikeParameters
from node.keepers.keeper import Done
from node.keepers.settings import Duty
from state.types import Timestamp
from tests.node.keepers.world import BEGIN, MARKET, PRICE, SIZE, USD, Trader, World, world
from tests.node.rpc.harness import GENESIS_TIME

MINUTE, DAY = 60, 86_400
SOON = Timestamp((GENESIS_TIME // MINUTE + 60) * MINUTE)
LATER = Timestamp(SOON + 30 * DAY)
STRIKES = tuple(StrikeParameters(MARKET, expiry, BEGIN * PRICE) for expiry in (SOON, LATER))
CALL, LATER_CALL = 64, 66
VOLATILITY = "0.6"
VAULT = 1
"""The account of the market's backstop."""


@dataclass
class Pair:
    """Who bought a tenth of a call that ends within the hour, and who sold it."""

    long: Trader
    short: Trader


@pytest.fixture
def books(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, strikes=STRIKES) as made:
        report(made, BEGIN)
        yield made


@pytest.fixture
def pair(books: World) -> Pair:
    """The short has 1,100 USD: it fails at 63,600 and is bankrupt at 75,000."""
    people = Pair(books.trader(1, 50_000 * USD), books.trader(2, 1_100 * USD))
    buy(books, CALL, people.long, people.short)
    return people


def report(books: World, index: int) -> None:
    books.report({MARKET: index}, volatility=VOLATILITY)
    books.wait(1)


def buy(books: World, series: int, buyer: Trader, seller: Trader) -> None:
    """A tenth of a contract at its value."""
    books.step(Duty.ARRAYS, watched=frozenset({series}))
    value = books.view("getSeries", series)[2]
    books.trade(buyer, seller, SIZE // 10, value // PRICE * PRICE, market=series)


def whats(done: Done) -> list[str]:
    return [one.what for one in done.sent]


def test_account_that_only_new_prices_show_to_have_failed_is_taken_over(
    books: World, pair: Pair
) -> None:
    books.fill_vault(MARKET, 1_000_000 * USD)
    report(books, 63_600)
    standing = books.view("requirements", pair.short.id)
    assert standing["stale"]
    assert standing["equity"] > standing["initial"]

    done = books.step(Duty.LIQUIDATOR)

    assert whats(done) == [
        f"price series {CALL}",
        f"let the backstop take over account {pair.short.id}",
    ]
    standing = books.view("requirements", pair.short.id)
    assert 4 * standing["equity"] >= 5 * standing["maintenance"] > 0


def test_stale_account_that_stands_well_has_nothing_priced_by_the_liquidator(
    books: World, pair: Pair
) -> None:
    report(books, 60_600)
    assert books.view("requirements", pair.short.id)["stale"]

    done = books.step(Duty.LIQUIDATOR)

    assert done.sent == done.refused == ()


def test_takeover_that_the_backstop_refuses_sends_no_pricing(books: World, pair: Pair) -> None:
    report(books, 63_600)

    done = books.step(Duty.LIQUIDATOR)

    assert done.sent == ()
    (refused,) = done.refused
    assert refused.reason.startswith("BackstopUnable")


def stale_vault(books: World) -> Trader:
    """The vault has taken the call; somebody is short of one BTC at 63,600, with 2,000 USD."""
    books.fill_vault(MARKET, 1_000_000 * USD)
    books.fund(MARKET, 10_000 * USD)
    report(books, 63_600)
    books.step(Duty.LIQUIDATOR)
    holder, other = books.trader(3, 2_000 * USD), books.trader(4, 100_000 * USD)
    books.trade(other, holder, SIZE, 63_600 * PRICE)
    return holder


def test_perpetual_is_taken_by_a_vault_whose_options_are_priced_first(
    books: World, pair: Pair
) -> None:
    holder = stale_vault(books)
    report(books, 65_000)
    assert books.view("requirements", VAULT)["stale"]

    done = books.step(Duty.LIQUIDATOR)

    assert f"let the backstop take over account {holder.id}" in whats(done)
    assert books.view("getPosition", VAULT, MARKET)["size"] < 0


def test_nobody_is_proposed_where_a_vault_could_take_once_its_options_are_priced(
    books: World, pair: Pair
) -> None:
    holder = stale_vault(books)
    report(books, 66_000)
    assert books.view("equity", holder.id) < 0

    done = books.step(Duty.DELEVERAGER)

    assert done.sent == ()
    assert {one.reason for one in done.refused} == {f"BackstopFirst({holder.id})"}


def test_bankrupt_writer_is_priced_and_reported_before_the_buyer_is_proposed(
    books: World, pair: Pair
) -> None:
    report(books, 75_000)

    done = books.step(Duty.DELEVERAGER)

    assert whats(done) == [
        f"price series {CALL}",
        f"report the debt of account {pair.short.id}",
        f"propose {pair.long.id} against account {pair.short.id} in series {CALL}",
    ]


def test_short_that_can_not_pay_alone_is_settled_once_its_other_option_is_priced(
    books: World,
) -> None:
    rich, hedged = books.trader(1, 50_000 * USD), books.trader(2, 2_000 * USD)
    buy(books, LATER_CALL, hedged, rich)
    buy(books, CALL, rich, hedged)
    books.wait(SOON - books.now - 31 * MINUTE)
    report(books, 100_000)
    books.wait(SOON - books.now + 1)
    report(books, 100_000)
    assert whats(books.step(Duty.EXPIRY)) == [f"fix the settlement of market {MARKET} at {SOON}"]

    done = books.step(Duty.EXPIRY)

    assert whats(done) == [
        f"price series {LATER_CALL}",
        f"settle series {CALL}: account {hedged.id}",
    ]
    (refused,) = done.refused
    assert refused.reason.startswith("JudgedWhenFresh")
    assert books.view("equity", hedged.id) > 0
    assert whats(books.step(Duty.EXPIRY)) == [f"settle series {CALL}: account {rich.id}"]
