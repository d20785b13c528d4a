"""Accounts that failed are closed, against orders or by the backstop, and debts are reported."""

import json

import pytest

from node.keepers.settings import Duty
from tests.node.keepers.world import BEGIN, MARKET, PRICE, SIZE, USD, Trader, World


@pytest.fixture
def long(books: World) -> Trader:
    """One BTC at 60,000 on 2,000 USD: fails at 58,700 and is bankrupt below 58,030."""
    trader, other = books.trader(1, 2_000 * USD), books.trader(2, 100_000 * USD)
    books.trade(trader, other, SIZE, BEGIN * PRICE)
    return trader


def test_healthy_account_is_left_alone(books: World, long: Trader) -> None:
    books.fill_vault(MARKET, 1_000_000 * USD)
    books.report({MARKET: 58_900})

    done = books.step(Duty.LIQUIDATOR)

    assert done.sent == done.refused == ()
    assert books.size(long) == SIZE


def test_failed_account_is_taken_over_by_the_backstop(books: World, long: Trader) -> None:
    books.fill_vault(MARKET, 1_000_000 * USD)
    books.report({MARKET: 58_600})

    done = books.step(Duty.LIQUIDATOR)

    assert [one.what for one in done.sent] == [f"let the backstop take over account {long.id}"]
    vault = books.view("getPosition", 1, MARKET)["size"]
    assert vault == SIZE - books.size(long) > 0
    standing = books.view("requirements", long.id)
    assert 4 * standing["equity"] >= 5 * standing["maintenance"]
    assert books.step(Duty.LIQUIDATOR).sent == ()


def test_failed_account_is_sold_to_a_signed_order_before_the_backstop(
    books: World, long: Trader
) -> None:
    books.fill_vault(MARKET, 1_000_000 * USD)
    books.report({MARKET: 58_600})
    buyer = books.trader(3, 100_000 * USD)
    bids = [books.order(buyer, True, SIZE, price * PRICE) for price in (58_400, 58_500)]
    file = books.folder / "orders.json"
    file.write_text(json.dumps({"orders": [f"0x{bid.packed.hex()}" for bid in bids]}))

    done = books.step(Duty.LIQUIDATOR, orders=file)

    assert [one.what for one in done.sent] == [f"liquidate account {long.id}"]
    assert books.size(buyer) == SIZE - books.size(long) > 0
    assert books.view("getPosition", 1, MARKET)["size"] == 0
    bought = books.view("getPosition", buyer.id, MARKET)
    assert bought["cost"] == bought["size"] * 58_500 * PRICE // 10**10


def test_orders_that_suit_nobody_leave_the_account_to_the_backstop(
    books: World, long: Trader
) -> None:
    books.fill_vault(MARKET, 1_000_000 * USD)
    books.report({MARKET: 58_600})
    far = books.order(books.trader(3, 100_000 * USD), True, SIZE, 50_000 * PRICE)
    file = books.folder / "orders.json"
    file.write_text(json.dumps({"orders": [f"0x{far.packed.hex()}"]}))

    done = books.step(Duty.LIQUIDATOR, orders=file)

    assert [one.what for one in done.sent] == [f"let the backstop take over account {long.id}"]
    assert [one.what for one in done.refused] == [f"liquidate account {long.id}"]


def test_account_below_zero_that_nobody_takes_is_reported_once(books: World, long: Trader) -> None:
    books.report({MARKET: 57_500})

    done = books.step(Duty.LIQUIDATOR)
    again = books.step(Duty.LIQUIDATOR)

    assert [one.what for one in done.sent] == [f"report the debt of account {long.id}"]
    assert books.view("getDebt", long.id)[1] > 0
    assert again.sent == ()


def test_debt_that_is_made_up_for_is_reported_away(books: World, long: Trader) -> None:
    books.report({MARKET: 57_500})
    books.step(Duty.LIQUIDATOR)
    books.deposit(long, 5_000 * USD)

    books.step(Duty.LIQUIDATOR)

    assert books.view("getDebt", long.id)[1] == 0
