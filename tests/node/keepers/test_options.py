"""Series that are held are kept priced, and settled when they expire."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from execution.contracts.parameters import StrikeParameters
from node.keepers.settings import Duty
from state.types import Timestamp
from tests.node.keepers.world import BEGIN, MARKET, PRICE, SIZE, USD, World, world
from tests.node.rpc.harness import GENESIS_TIME

MINUTE = 60
EXPIRY = Timestamp((GENESIS_TIME // MINUTE + 60) * MINUTE)
STRIKES = tuple(
    StrikeParameters(MARKET, EXPIRY, price * PRICE) for price in (58_000, 60_000, 62_000)
)
CALL, PUT = 64, 65


@pytest.fixture
def books(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, strikes=STRIKES) as made:
        made.report({MARKET: BEGIN}, volatility="0.6")
        made.wait(1)
        yield made


def priced_at(books: World, series: int) -> int:
    return books.view("getSeries", series)[3]


def open_calls(books: World) -> tuple[int, int]:
    """Two traders, one long and one short of a tenth of a call; their account ids."""
    long, short = books.trader(1, 50_000 * USD), books.trader(2, 50_000 * USD)
    books.step(Duty.ARRAYS, watched=frozenset({CALL}))
    value = books.view("getSeries", CALL)[2]
    books.trade(long, short, SIZE // 10, value // PRICE * PRICE, market=CALL)
    return long.id, short.id


def test_inputs_of_every_strike_are_reported(books: World) -> None:
    for strike in (64, 66, 68):
        _, inputs = books.view("getStrike", strike)
        assert inputs["forward"] == BEGIN * PRICE
        assert inputs["volatility"] == 6 * 10**17


def test_only_held_and_watched_series_are_priced(books: World) -> None:
    nothing = books.step(Duty.ARRAYS)
    done = books.step(Duty.ARRAYS, watched=frozenset({CALL}))

    assert nothing.sent == ()
    assert [one.what for one in done.sent] == [f"price series {CALL}"]
    assert priced_at(books, PUT) == 0


def test_held_series_is_priced_again_when_old_or_when_the_index_moved(books: World) -> None:
    open_calls(books)

    fresh = books.step(Duty.ARRAYS)
    books.wait(31)
    old = books.step(Duty.ARRAYS)
    books.report({MARKET: BEGIN + 100}, volatility="0.6")
    little = books.step(Duty.ARRAYS)
    books.report({MARKET: BEGIN + 300}, volatility="0.6")
    moved = books.step(Duty.ARRAYS)

    assert fresh.sent == little.sent == ()
    assert len(old.sent) == len(moved.sent) == 1


def test_inputs_of_a_held_strike_are_reported_more_often(books: World) -> None:
    open_calls(books)
    books.wait(25)

    done = books.step(Duty.ORACLE)

    assert [one.what.split(":")[0] for one in done.sent] == ["report option of strike 64, round 2"]


def test_expired_series_is_fixed_and_shorts_pay_before_longs(books: World) -> None:
    long, short = open_calls(books)
    while books.now < EXPIRY - 300:
        books.wait(240)
        books.report({MARKET: BEGIN}, volatility="0.6")
    books.wait(301)
    before = {id_: books.view("getAccount", id_)[1]["cash"] for id_ in (long, short)}

    steps = [books.step(Duty.EXPIRY) for _ in range(4)]

    assert [[one.what for one in done.sent] for done in steps] == [
        [f"fix the settlement of market {MARKET} at {EXPIRY}"],
        [f"settle series {CALL}: account {short}"],
        [f"settle series {CALL}: account {long}"],
        [],
    ]
    after = {id_: books.view("getAccount", id_)[1]["cash"] for id_ in (long, short)}
    payoff = 2_000 * USD // 10
    assert after[long] - before[long] == payoff
    assert before[short] - after[short] == payoff


def test_settlement_is_found_through_the_links_after_a_long_outage(books: World) -> None:
    open_calls(books)
    books.wait(EXPIRY - books.now + 3 * 3600)
    books.report({MARKET: BEGIN + 5_000}, volatility="0.6")

    done = books.step(Duty.EXPIRY)

    assert len(done.sent) == 1
    assert books.view("getSettlement", MARKET, EXPIRY) == BEGIN * PRICE
