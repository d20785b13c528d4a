"""Accounts: collateral in and out, session keys, cancelling, and tokens that misbehave."""

import pytest

from execution.contracts.abi import clearing_house
from execution.contracts.genesis import BTC_USD, PRICE_ONE, SIZE_ONE
from execution.contracts.layout import Layout
from execution.margin import FILLED_CANCELLED, Match, Reason, read_account
from genesis.accounts import derive_account
from genesis.predeploys import CLEARING_HOUSE, COLLATERAL_TOKEN
from state.types import Address
from tests.contracts import artifact as artifact_of_tests
from tests.execution.contracts.desk import Desk
from tests.execution.contracts.house import (
    OPERATORS,
    START,
    TIMELOCK,
    USD,
    House,
    Reverted,
    Trader,
)

PRICE = 64_250 * PRICE_ONE
STRANGER = Address(b"\x55" * 20)


class HostileHouse(House):
    """A house whose collateral is the hostile token."""

    def __init__(self) -> None:
        super().__init__(token=artifact_of_tests("HostileToken"))

    def configure(self, fee_percent: int, answer: int, hook: bytes = bytes(20)) -> None:
        """`answer`: 0 true, 1 false without moving, 2 nothing."""
        layout = Layout.of(self.token)
        words: dict[int, int] = {}
        for label, value in (("feePercent", fee_percent), ("answer", answer), ("hook", hook)):
            layout.write(layout.place(label), value, words)
        for slot, value in words.items():
            self.evm.insert_account_storage("0x" + COLLATERAL_TOKEN.hex(), slot, value)


@pytest.fixture
def house() -> House:
    return House()


def test_accounts_are_numbered_and_listed_by_owner(house: House) -> None:
    first, other, second = (house.trader(i) for i in (0, 1, 0))
    assert [t.account for t in (first, other, second)] == [1, 2, 3]
    assert house.read("getAccountsOf", first.address) == (1, 3)
    assert read_account(house.word, 4) is None


def test_anyone_deposits_and_the_account_is_credited(house: House) -> None:
    trader = house.trader(0)
    receipt = house.deposit(STRANGER, trader.account, 7 * USD)
    assert clearing_house().result("deposit", receipt.output) == (7 * USD,)
    state = read_account(house.word, trader.account)
    assert state is not None
    assert state.cash == 7 * USD
    assert house.balance_of(CLEARING_HOUSE) == house.read("getCustody")[1] == 7 * USD


def test_deposit_into_no_account_reverts_and_takes_nothing(house: House) -> None:
    with pytest.raises(Reverted, match="UnknownAccount"):
        house.deposit(STRANGER, 9, USD)
    assert house.balance_of(STRANGER) == USD


def test_deposit_of_nothing_or_without_funds_reverts(house: House) -> None:
    trader = house.trader(0)
    with pytest.raises(Reverted, match="NothingMoved"):
        house.deposit(STRANGER, trader.account, 0)
    with pytest.raises(Reverted, match="TokenRefused"):
        house.send(STRANGER, "deposit", trader.account, USD)


def test_deposit_credits_what_arrived_of_a_token_with_a_fee() -> None:
    house = HostileHouse()
    house.configure(fee_percent=10, answer=0)
    trader = house.trader(0, 100 * USD)
    assert house.read("getAccount", trader.account)[1]["cash"] == 90 * USD
    assert house.read("getCustody")[1] == 90 * USD == house.balance_of(CLEARING_HOUSE)


def test_token_that_returns_false_is_refused_and_nothing_is_credited() -> None:
    house = HostileHouse()
    trader = house.trader(0, 100 * USD)
    house.configure(fee_percent=0, answer=1)
    with pytest.raises(Reverted, match="TokenRefused"):
        house.deposit(trader.address, trader.account, USD)
    with pytest.raises(Reverted, match="TokenRefused"):
        house.send(trader.address, "withdraw", trader.account, USD, STRANGER)
    assert house.read("getAccount", trader.account)[1]["cash"] == 100 * USD


def test_token_that_returns_nothing_is_taken_at_its_balance() -> None:
    house = HostileHouse()
    house.configure(fee_percent=0, answer=2)
    trader = house.trader(0, 100 * USD)
    house.send(trader.address, "withdraw", trader.account, USD, STRANGER)
    assert house.balance_of(STRANGER) == USD


def calling_code(target: bytes, data: bytes) -> bytes:
    """Code that calls `target` with `data` whatever it is asked, and keeps what came back.

    Slot 0 gets the length of the answer, slot 1 its first word.
    """
    size = bytes([len(data)])
    # CODECOPY(0, offset, size); the offset, the fourth byte, is filled in below.
    copy = bytes.fromhex("60") + size + bytes.fromhex("60ff600039")
    call = bytes.fromhex("60006000" + "60") + size + bytes.fromhex("6000600073") + target
    call += bytes.fromhex("5af150")
    keep = bytes.fromhex("3d600060003e" + "3d600055" + "600051600155" + "00")
    code = bytearray(copy + call + keep)
    code[3] = len(code)
    return bytes(code) + data


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("createAccount", ()),
        ("deposit", (1, 1)),
        ("accrueFunding", (0,)),
        ("getAccount", (1,)),
        ("requirements", (1,)),
        ("domainSeparator", ()),
        ("setMarginMode", (1, 1)),
        ("reportDebt", (1,)),
        ("fundInsurance", (0, 1)),
        ("takeOver", (1,)),
        ("perpScenarios", (1,)),
        ("getDebt", (1,)),
    ],
)
def test_nothing_gets_in_while_a_token_transfer_runs(name: str, arguments: tuple[int, ...]) -> None:
    """GMX v1, July 2025: a payout let its receiver in while the books were half written."""
    house = HostileHouse()
    trader = house.trader(0, 100 * USD)
    hook = Address(b"\x66" * 20)
    code = calling_code(CLEARING_HOUSE, clearing_house().call(name, *arguments))
    house.install(hook, code, {})
    house.configure(fee_percent=0, answer=0, hook=hook)
    house.send(trader.address, "withdraw", trader.account, USD, STRANGER)
    refused = clearing_house().error(house.word(1, hook).to_bytes(32, "big")[:4])
    assert house.word(0, hook) == 4
    assert refused.name == "Reentered"
    house.configure(fee_percent=0, answer=0)
    house.send(trader.address, "withdraw", trader.account, USD, STRANGER)


def test_only_the_owner_moves_collateral(house: House) -> None:
    trader = house.trader(0, 100 * USD)
    mine = house.trader(1, USD)
    key = derive_account(40).address
    house.send(trader.address, "setSessionKey", trader.account, key, START + 999, 1)
    account = trader.account
    for caller in (STRANGER, key, OPERATORS.matcher.address, TIMELOCK, mine.address):
        for name, arguments in (
            ("withdraw", (account, USD, caller)),
            ("moveCash", (account, mine.account, USD)),
            ("setSessionKey", (account, caller, START + 9, 1)),
            ("revokeSessionKeys", (account,)),
            ("cancelAllOrders", (account,)),
        ):
            with pytest.raises(Reverted, match="NotOwner"):
                house.send(caller, name, *arguments)
    with pytest.raises(Reverted, match="NotOwner"):
        house.send(trader.address, "moveCash", account, mine.account, USD)


def test_withdraw_pays_out_all_cash_of_a_flat_account_and_not_more(house: House) -> None:
    trader = house.trader(0, 100 * USD)
    with pytest.raises(Reverted, match="AboveWithdrawable"):
        house.send(trader.address, "withdraw", trader.account, 100 * USD + 1, STRANGER)
    house.send(trader.address, "withdraw", trader.account, 100 * USD, STRANGER)
    assert house.balance_of(STRANGER) == 100 * USD
    assert house.read("getCustody")[1] == 0
    for amount, to, error in ((0, STRANGER, "NothingMoved"), (1, bytes(20), "ZeroAddress")):
        with pytest.raises(Reverted, match=error):
            house.send(trader.address, "withdraw", trader.account, amount, to)


def test_unrealised_gains_never_leave(house: House) -> None:
    a, b = house.trader(0, 10_000 * USD), house.trader(1, 10_000 * USD)
    house.report(0, PRICE)
    house.trade(a, b, SIZE_ONE, PRICE)
    before = house.read("requirements", a.account)["withdrawable"]
    house.advance(5)
    house.report(0, PRICE + 5_000 * PRICE_ONE)
    after = house.read("requirements", a.account)
    assert after["equity"] > 14_900 * USD
    assert after["withdrawable"] < before


def test_pumped_price_lends_nothing_to_who_pumped_it(house: House) -> None:
    """Mango, October 2022: both sides of a perpetual, a pump, and a loan against the gain."""
    long, short = house.trader(0, 10_000 * USD), house.trader(1, 10_000 * USD)
    house.report(0, PRICE)
    house.trade(long, short, SIZE_ONE, PRICE)
    before = house.read("requirements", long.account)["withdrawable"]
    buy, sell = house.trader(2, 50_000 * USD), house.trader(3, 50_000 * USD)
    assert house.trade(buy, sell, SIZE_ONE // 10, 2 * PRICE).rejections == [
        (0, Reason.OUTSIDE_PRICE_BAND)
    ]
    pumped = (2 * PRICE,) * 5
    for _ in range(20):
        house.advance(10)
        house.report(0, PRICE)
        house.send(OPERATORS.matcher.address, "postBookSample", 0, pumped)
    assert house.read("getMarket", 0)["price"]["mark"] <= PRICE * 101 // 100
    assert house.read("requirements", long.account)["withdrawable"] <= before
    # Even a pump of every spot market that the oracle watches lends nothing.
    house.advance(1)
    house.report(0, 5 * PRICE)
    standing = house.read("requirements", long.account)
    assert standing["equity"] > 200_000 * USD
    assert standing["withdrawable"] == 0


def test_withdrawing_between_match_and_settlement_fails_that_fill_alone(house: House) -> None:
    """Whoever pulls the collateral from under an order harms nobody else in the batch."""
    leaver, stayer, maker = (house.trader(i, 10_000 * USD) for i in range(3))
    house.report(0, PRICE)
    left, stayed = (
        Match(
            house.order(trader, True, SIZE_ONE, PRICE),
            house.order(maker, False, SIZE_ONE, PRICE),
            SIZE_ONE,
        )
        for trader in (leaver, stayer)
    )
    house.send(leaver.address, "withdraw", leaver.account, 10_000 * USD, leaver.address)
    receipt = house.settle(left, stayed)
    assert receipt.rejections == [(0, Reason.TAKER_MARGIN)]
    assert [fill["taker"] for fill in receipt.named("FillSettled")] == [stayer.account]


def test_withdraw_leaves_a_tenth_of_notional_at_least(house: House) -> None:
    a, b = house.trader(0, 10_000 * USD), house.trader(1, 10_000 * USD)
    house.report(0, PRICE)
    house.trade(a, b, SIZE_ONE, PRICE)
    may = house.read("requirements", a.account)["withdrawable"]
    assert may == 10_000 * USD - 32_125_000 - 6_425 * USD
    house.send(a.address, "withdraw", a.account, may, a.address)
    assert house.read("requirements", a.account)["withdrawable"] == 0


def test_withdraw_waits_for_a_fresh_index_only_with_open_positions(house: House) -> None:
    a, b = house.trader(0, 10_000 * USD), house.trader(1, 10_000 * USD)
    flat = house.trader(2, 10 * USD)
    house.report(0, PRICE)
    house.trade(a, b, SIZE_ONE // 10, PRICE)
    house.advance(BTC_USD.stale_seconds + 1)
    with pytest.raises(Reverted, match="OracleStale"):
        house.send(a.address, "withdraw", a.account, 1, a.address)
    house.send(flat.address, "withdraw", flat.account, 10 * USD, flat.address)


def test_pause_stops_no_deposit_withdrawal_or_cancel(house: House) -> None:
    trader = house.trader(0, 100 * USD)
    house.send(OPERATORS.guardian.address, "pause")
    house.deposit(trader.address, trader.account, USD)
    house.send(trader.address, "cancelAllOrders", trader.account)
    house.send(trader.address, "withdraw", trader.account, 101 * USD, trader.address)


def test_cash_moves_between_own_accounts_within_withdrawable(house: House) -> None:
    first, second = house.trader(0, 100 * USD), house.trader(0)
    house.send(first.address, "moveCash", first.account, second.account, 60 * USD)
    cash = [house.read("getAccount", t.account)[1]["cash"] for t in (first, second)]
    assert cash == [40 * USD, 60 * USD]
    assert house.read("getCustody")[1] == 100 * USD
    with pytest.raises(Reverted, match="AboveWithdrawable"):
        house.send(first.address, "moveCash", first.account, second.account, 41 * USD)
    with pytest.raises(Reverted, match="SameAccount"):
        house.send(first.address, "moveCash", first.account, first.account, 1)


def test_session_key_cancels_until_it_ends(house: House) -> None:
    trader = house.trader(0)
    key = derive_account(40).address
    with pytest.raises(Reverted, match="NotOwner"):
        house.send(key, "cancelOrders", trader.account, [1])
    house.send(trader.address, "setSessionKey", trader.account, key, START + 5, 1)
    house.send(key, "cancelOrders", trader.account, [1, 2**64 - 1])
    assert house.read("getFilled", trader.account, 1) == FILLED_CANCELLED
    assert house.read("getFilled", trader.account, 2**64 - 1) == FILLED_CANCELLED
    assert house.read("getFilled", trader.account, 2) == 0
    house.advance(6)
    with pytest.raises(Reverted, match="NotOwner"):
        house.send(key, "cancelOrders", trader.account, [2])


def test_session_key_and_stranger_choose_no_margin_mode(house: House) -> None:
    trader = house.trader(0)
    key = derive_account(40).address
    house.send(trader.address, "setSessionKey", trader.account, key, START + 999, 1)
    for caller in (key, STRANGER, TIMELOCK):
        with pytest.raises(Reverted, match="NotOwner"):
            house.send(caller, "setMarginMode", trader.account, 1)


def test_margin_mode_needs_equity_for_its_requirement(house: House) -> None:
    a, b = house.trader(0, 10_000 * USD), house.trader(1, 10_000 * USD)
    house.report(0, PRICE)
    house.trade(a, b, SIZE_ONE, PRICE)
    with pytest.raises(Reverted, match="BelowInitial"):
        house.send(a.address, "setMarginMode", a.account, 1)
    house.deposit(a.address, a.account, 5_000 * USD)
    cross = house.read("requirements", a.account)
    house.send(a.address, "setMarginMode", a.account, 1)
    portfolio = house.read("requirements", a.account)
    # 16% of the notional by the scenarios and 4% beside them, against 2%.
    assert (cross["initial"], portfolio["initial"]) == (1_285 * USD, 12_850 * USD)
    assert house.read("getAccount", a.account)[1]["marginMode"] == 1
    house.send(a.address, "setMarginMode", a.account, 0)
    assert house.read("requirements", a.account) == cross
    with pytest.raises(Reverted, match="BadMode"):
        house.send(a.address, "setMarginMode", a.account, 2)


def test_margin_mode_waits_for_a_fresh_index(house: House) -> None:
    a, b = house.trader(0, 20_000 * USD), house.trader(1, 20_000 * USD)
    house.report(0, PRICE)
    house.trade(a, b, SIZE_ONE, PRICE)
    house.advance(BTC_USD.stale_seconds + 1)
    with pytest.raises(Reverted, match="OracleStale"):
        house.send(a.address, "setMarginMode", a.account, 1)


def bankrupt(house: House) -> Trader:
    """A trader whose long lost more than it had; the winner is account 2."""
    a, b = house.trader(0, 2_000 * USD), house.trader(1, 50_000 * USD)
    house.report(0, PRICE)
    house.trade(a, b, SIZE_ONE, PRICE)
    house.advance(1)
    house.report(0, PRICE - 4_000 * PRICE_ONE)
    house.send(STRANGER, "reportDebt", a.account)
    return a


def test_reported_debt_above_insurance_closes_withdrawals_and_nothing_else(house: House) -> None:
    failed = bankrupt(house)
    debt = -house.read("equity", failed.account)
    saver, other = house.trader(2, 100 * USD), house.trader(2)
    with pytest.raises(Reverted, match=rf"DebtGate\(debt={debt}, insurance=0\)"):
        house.send(saver.address, "withdraw", saver.account, USD, STRANGER)
    house.send(saver.address, "moveCash", saver.account, other.account, USD)
    house.deposit(STRANGER, saver.account, USD)
    house.give(STRANGER, debt)
    house.send(STRANGER, "fundInsurance", 1, debt - 1)
    with pytest.raises(Reverted, match="DebtGate"):
        house.send(saver.address, "withdraw", saver.account, USD, STRANGER)
    house.send(STRANGER, "fundInsurance", 1, 1)
    house.send(saver.address, "withdraw", saver.account, 100 * USD, STRANGER)


def test_deposit_to_a_negative_account_reopens_withdrawals_once_it_is_reported(
    house: House,
) -> None:
    failed = bankrupt(house)
    saver = house.trader(2, 100 * USD)
    debt = -house.read("equity", failed.account)
    house.deposit(STRANGER, failed.account, debt)
    house.send(STRANGER, "reportDebt", failed.account)
    house.send(saver.address, "withdraw", saver.account, 100 * USD, STRANGER)


def test_deposit_is_credited_while_everything_is_paused_halted_or_closed(house: House) -> None:
    trader = house.trader(0)
    house.report(0, PRICE)
    house.send(OPERATORS.guardian.address, "pause")
    house.send(OPERATORS.guardian.address, "tightenMarket", 0, 3, 0, BTC_USD.price_band)
    house.deposit(STRANGER, trader.account, USD)
    house.send(OPERATORS.guardian.address, "closeMarket", 0, START // 60)
    house.deposit(STRANGER, trader.account, USD)
    assert house.read("getAccount", trader.account)[1]["cash"] == 2 * USD
    house.send(trader.address, "withdraw", trader.account, 2 * USD, STRANGER)


def test_deposit_that_does_not_fit_reverts_and_takes_nothing(house: House) -> None:
    trader = house.trader(0)
    house.deposit(STRANGER, trader.account, 2**95 - 1)
    for amount in (1, 2**96, 2**128):
        held = house.balance_of(STRANGER)
        with pytest.raises(Reverted, match="AmountTooLarge"):
            house.deposit(STRANGER, trader.account, amount)
        assert house.balance_of(STRANGER) == held + amount


def test_withdraw_waits_for_fresh_arrays_and_for_the_settlement_of_what_expired() -> None:
    desk = Desk()
    a, b = desk.trader(0, 50_000 * USD), desk.trader(1, 50_000 * USD)
    desk.report(0, PRICE)
    expiry = desk.on_the_minute(3_600)
    call = desk.list_strike(expiry, 64_000 * PRICE_ONE)
    desk.quote(call, PRICE)
    value = desk.read("getSeries", call)[2] // PRICE_ONE * PRICE_ONE
    assert desk.trade(a, b, SIZE_ONE, value, market=call).rejections == []
    for trader in (a, b):
        desk.send(trader.address, "withdraw", trader.account, USD, STRANGER)
    desk.advance(61)
    desk.report(0, PRICE)
    for trader in (a, b):
        with pytest.raises(Reverted, match="OracleStale"):
            desk.send(trader.address, "withdraw", trader.account, USD, STRANGER)
    desk.expire(expiry, 65_000 * PRICE_ONE)
    desk.report(0, PRICE)
    with pytest.raises(Reverted, match="OracleStale"):
        desk.send(a.address, "withdraw", a.account, USD, STRANGER)
    desk.settle_holders(call, [b])
    desk.settle_holders(call, [a])
    for trader in (a, b):
        may = desk.read("requirements", trader.account)["withdrawable"]
        desk.send(trader.address, "withdraw", trader.account, may, STRANGER)
    assert desk.read("getAccount", a.account)[1]["cash"] == 0
