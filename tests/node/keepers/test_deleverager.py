"""Nobody takes a bankrupt account: those who gained from it do, the highest score first."""

from dataclasses import dataclass

import pytest

from execution.contracts.abi import clearing_house
from node.keepers.settings import Duty
from tests.node.keepers.world import BEGIN, MARKET, PRICE, SIZE, USD, Trader, World

DELAY = 10


@dataclass
class Crowd:
    """One long against two shorts, the second with less behind it and hence the higher score."""

    long: Trader
    rich: Trader
    poor: Trader


@pytest.fixture
def crowd(books: World) -> Crowd:
    """Bankrupt at 57,500, with no backstop and no insurance."""
    long = books.trader(1, 2_000 * USD)
    rich, poor = books.trader(2, 100_000 * USD), books.trader(3, 1_500 * USD)
    books.trade(long, rich, SIZE // 2, BEGIN * PRICE)
    books.trade(long, poor, SIZE // 2, BEGIN * PRICE)
    books.report({MARKET: 57_500})
    return Crowd(long, rich, poor)


def test_counterparty_with_the_highest_score_is_proposed_then_executed(
    books: World, crowd: Crowd
) -> None:
    proposed = books.step(Duty.DELEVERAGER)
    early = books.step(Duty.DELEVERAGER)
    books.wait(DELAY)
    executed = books.step(Duty.DELEVERAGER)

    long, poor = crowd.long.id, crowd.poor.id
    assert [one.what for one in proposed.sent] == [
        f"report the debt of account {long}",
        f"propose {poor} against account {long} in market {MARKET}",
    ]
    assert early.sent == early.refused == ()
    assert [one.what for one in executed.sent] == [
        f"deleverage account {long} in market {MARKET} against {poor}"
    ]
    assert books.size(crowd.poor) == 0
    assert books.size(crowd.long) == SIZE // 2


def test_debt_is_known_before_anybody_is_proposed_and_is_reported_once(
    books: World, crowd: Crowd
) -> None:
    proposed = books.step(Duty.DELEVERAGER)
    debt, proposal = (one.block for one in proposed.sent)
    assert debt <= proposal
    assert books.view("getDebt", crowd.long.id)[1] > 0
    assert books.step(Duty.LIQUIDATOR).sent == ()


def test_debt_of_an_account_that_the_backstop_takes_is_not_reported(
    books: World, crowd: Crowd
) -> None:
    books.fill_vault(MARKET, 1_000_000 * USD)
    books.fund(MARKET, 10_000 * USD)

    books.step(Duty.DELEVERAGER)

    assert books.view("getDebt", crowd.long.id)[1] == 0


def test_bankrupt_account_ends_with_nothing_and_owes_nothing(books: World, crowd: Crowd) -> None:
    for _ in range(2):
        books.step(Duty.DELEVERAGER)
        books.wait(DELAY)
        books.step(Duty.DELEVERAGER)

    assert books.size(crowd.long) == books.size(crowd.rich) == books.size(crowd.poor) == 0
    assert books.view("equity", crowd.long.id) >= 0
    assert books.step(Duty.DELEVERAGER).sent == ()


def test_better_counterparty_replaces_the_one_that_stands(books: World, crowd: Crowd) -> None:
    call = clearing_house().call("proposeDeleverage", crowd.long.id, MARKET, crowd.rich.id)
    books.send(crowd.rich.key, call)

    done = books.step(Duty.DELEVERAGER)

    assert len(done.sent) == 2
    candidate = books.view("getCandidate", crowd.long.id, MARKET)
    assert candidate["counterparty"] == crowd.poor.id


def test_account_that_the_backstop_can_take_is_left_to_it(books: World, crowd: Crowd) -> None:
    books.fill_vault(MARKET, 1_000_000 * USD)
    books.fund(MARKET, 10_000 * USD)

    done = books.step(Duty.DELEVERAGER)

    assert done.sent == ()
    assert all(one.reason.startswith("BackstopFirst") for one in done.refused)
