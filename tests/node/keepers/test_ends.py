"""Funding that has run, markets that died, and exits that were asked for."""

from execution.contracts.abi import clearing_house
from node.keepers.settings import Duty
from tests.node.keepers.world import BEGIN, MARKET, PRICE, SIZE, USD, World

WEEK = 7 * 86_400
HOUR = 3_600


def test_funding_is_accrued_once_an_interval_has_ended(books: World) -> None:
    early = books.step(Duty.FUNDING)
    books.wait(HOUR)
    due = books.step(Duty.FUNDING)
    again = books.step(Duty.FUNDING)

    assert early.sent == again.sent == ()
    assert [one.what for one in due.sent] == [
        "accrue the funding of market 0",
        "accrue the funding of market 1",
    ]


def test_dead_market_is_closed_registered_and_paid(books: World) -> None:
    long, short = books.trader(1, 10_000 * USD), books.trader(2, 10_000 * USD)
    books.trade(long, short, SIZE, BEGIN * PRICE)
    books.wait(60)
    books.report({MARKET: BEGIN + 1_000})

    alive = books.step(Duty.CLOSING)
    books.wait(WEEK)
    steps = [books.step(Duty.CLOSING) for _ in range(4)]

    assert alive.sent == ()
    assert [[one.what for one in done.sent] for done in steps] == [
        ["close market 0"],
        [f"register market 0: accounts {long.id}, {short.id}"],
        [f"pay market 0: account {long.id}"],
        [],
    ]
    assert books.size(long) == books.size(short) == 0


def test_exit_is_executed_at_the_first_mark_after_its_delay(books: World) -> None:
    books.fill_vault(MARKET, 1_000_000 * USD)
    long, short = books.trader(1, 10_000 * USD), books.trader(2, 10_000 * USD)
    books.trade(long, short, SIZE // 10, BEGIN * PRICE)
    books.send(long.key, clearing_house().call("requestExit", long.id, MARKET))

    early = books.step(Duty.EXITS)
    books.wait(HOUR)
    no_mark_yet = books.step(Duty.EXITS)
    books.wait(60)
    books.report({MARKET: BEGIN - 10})
    done = books.step(Duty.EXITS)

    assert early.sent == no_mark_yet.sent == ()
    assert [one.what for one in done.sent] == [f"let account {long.id} leave market {MARKET}"]
    assert books.size(long) == 0
