"""What a takeover does with what no vault takes, and who owes for it then."""

import pytest

from tests.execution.contracts.cellar import Cellar, Hedged
from tests.execution.contracts.desk import Inputs
from tests.execution.contracts.exact.failing import closed, debt_left
from tests.execution.contracts.exact.requirements import standing
from tests.execution.contracts.house import USD, Reverted
from tests.execution.contracts.pit import model_of
from tests.execution.contracts.wreck import ANYONE, BTC, ETH, GUARDIAN, coins, usd


def hedged(cash: int = 20_000 * USD) -> Hedged:
    """A house in which BTC's vault is rich and insured, and the account has more to lose."""
    house = Hedged()
    house.back(BTC, cash=10**13)
    house.insure(BTC, 10**12)
    house.deposit(ANYONE, house.failing.account, cash)
    return house


def sell_btc_call(house: Hedged) -> None:
    house.sell_call(BTC, coins(1) // house.read("getOptionRules", BTC)["lot"])


def test_insurance_pays_nothing_for_what_no_vault_takes() -> None:
    """The loss is ETH's, whose market has neither vault nor insurance: BTC pays its slippage."""
    cellar = Cellar()
    vault = cellar.back(BTC)
    cellar.insure(BTC, 10**12)
    cellar.deposit(ANYONE, cellar.failing.account, 2_000 * USD)
    cellar.buy(coins(1.5), usd(60_000))
    cellar.buy(coins(20), usd(3_000), market=ETH)
    cellar.crash(usd(2_700), market=ETH)
    debt, _ = cellar.stands()
    assert debt < 0
    (taken,) = cellar.take_over()
    assert (taken["market"], taken["fee"]) == (BTC, 0)
    slippage = 10**12 - cellar.insured(BTC)
    assert slippage == cellar.equity(vault) - 10**12
    assert cellar.stands()[0] == debt
    with pytest.raises(Reverted, match=r"BackstopUnable\(market=1\)"):
        cellar.take_over()
    cellar.deleverage_against(cellar.failing, cellar.winner, ETH)
    assert cellar.equity(cellar.failing) >= 0
    assert cellar.insured(BTC) == 10**12 - slippage


def test_insurance_pays_what_the_account_owed_apart_from_what_no_vault_takes() -> None:
    """The loss is BTC's: it isn't left to those who gained from ETH."""
    cellar = Cellar()
    cellar.back(BTC)
    cellar.insure(BTC, 10**12)
    cellar.deposit(ANYONE, cellar.failing.account, 2_000 * USD)
    cellar.buy(coins(1.5), usd(60_000))
    cellar.buy(coins(1), usd(3_000), market=ETH)
    cellar.crash(usd(2_990), market=ETH)
    cellar.crash(usd(55_000))
    before = model_of(cellar, cellar.failing.account)
    was = standing(before)
    assert was.equity < 0
    (taken,) = cellar.take_over()
    rest = closed(before, 0, 0, coins(1.5), taken["price"], 0).account
    left = debt_left(was, standing(rest), rest.cash)
    assert was.equity < left < 0
    assert cellar.stands()[0] == left
    assert 10**12 - cellar.insured(BTC) == left - standing(rest).equity


def test_takeover_leaves_funding_owed_in_an_ended_market_to_its_registration() -> None:
    """No vault takes what has ended, and its price lost nothing that would be registered first."""
    cellar = Cellar()
    cellar.back(BTC)
    cellar.insure(BTC, 10**12)
    cellar.deposit(ANYONE, cellar.failing.account, 4_000 * USD)
    cellar.buy(coins(1.5), usd(60_000))
    cellar.buy(coins(20), usd(3_000), market=ETH)
    for _ in range(20):
        cellar.advance(200)
        cellar.crash(usd(60_000))
    assert cellar.close(ETH, GUARDIAN) == usd(3_000)
    cellar.crash(usd(55_000))
    ended = model_of(cellar, cellar.failing.account).perps[1]
    assert (ended.gain, ended.unsettled < 0) == (0, True)
    assert {one["market"] for one in cellar.take_over()} == {BTC}
    assert cellar.stands() == (ended.unsettled, 0)
    insured = cellar.insured(BTC)
    cellar.register([cellar.failing], ETH)
    assert cellar.stands() == (0, 0)
    assert cellar.insured(BTC) == insured + ended.unsettled


@pytest.mark.parametrize("bankrupt", [False, True])
@pytest.mark.parametrize("vault", ["none", "empty"])
@pytest.mark.parametrize("is_long", [False, True])
def test_dust_option_that_no_vault_takes_does_not_stop_a_takeover(
    *, bankrupt: bool, vault: str, is_long: bool
) -> None:
    """Else it would keep a whole account from liquidation, or leave it to deleveraging."""
    house = hedged()
    if vault == "empty":
        house.back(ETH, cash=0)
    sell_btc_call(house)
    pair = (house.failing, house.winner) if is_long else (house.winner, house.failing)
    house.sell_option(*pair, house.calls[ETH], 1, underlying=ETH)
    house.fail(bankrupt=bankrupt)
    assert house.calls[BTC] in {one["market"] for one in house.take_over()}
    now, needed = house.stands()
    if not bankrupt:
        assert now >= needed
        return
    lot, value = house.read("getOptionRules", ETH)["lot"], house.read("getSeries", house.calls[ETH])
    assert 0 >= now >= -lot * value[2] // 10**10 - 1


def test_deleveraging_waits_for_the_takeover_that_leaves_dust() -> None:
    house = hedged()
    sell_btc_call(house)
    house.sell_call(ETH, 1)
    house.fail(bankrupt=True)
    with pytest.raises(Reverted, match="BackstopFirst"):
        house.propose(house.failing, house.winner, house.calls[BTC])
    house.take_over()
    with pytest.raises(Reverted, match=r"BackstopUnable\(market=1\)"):
        house.take_over()


@pytest.mark.parametrize("bankrupt", [False, True])
def test_vault_whose_margin_refuses_leaves_its_market_as_it_was(*, bankrupt: bool) -> None:
    """It is short, so that buying closes what it has, and owes funding: both are taken back."""
    house = hedged(40_000 * USD)
    poor = house.back(ETH, cash=121 * USD)
    house.buy(coins(2), usd(3_000), market=ETH)
    assert house.trade(house.winner, poor, coins(1), usd(3_000), market=ETH).rejections == []
    sell_btc_call(house)
    house.sell_call(ETH, 1)
    for _ in range(20):
        house.advance(200)
        house.quote_all({BTC: usd(60_000), ETH: usd(3_060)})
    house.fail(bankrupt=bankrupt, eth=usd(3_110))
    before, held = model_of(house, poor.account), house.read("getMarket", ETH)
    assert standing(before).equity < standing(before).initial
    assert before.perps[0].unsettled != 0
    assert {one["market"] for one in house.take_over()} == {house.calls[BTC]}
    after = house.read("getMarket", ETH)
    assert after["flow"]["openInterest"] == held["flow"]["openInterest"]
    assert after["funding"]["pool"] == held["funding"]["pool"]
    assert model_of(house, poor.account) == before
    assert house.size(house.failing, ETH) == coins(2)


@pytest.mark.parametrize("hedge", [0, coins(0.01), -coins(0.01)])
def test_full_vault_takes_what_it_has_a_place_for_unless_that_was_a_hedge(hedge: int) -> None:
    house = Hedged()
    vault = house.back(BTC)
    house.deposit(ANYONE, house.failing.account, 20_000 * USD)
    strikes = [house.list_strike(house.expiry, usd(50_000 + n * 1_000)) for n in range(16)]
    series = [s for strike in strikes for s in (strike, strike + 1)]
    for strike in strikes:
        house.report_inputs(strike, Inputs(usd(60_000)))
    house.price(*series)
    for one in series:
        house.sell_option(vault, house.winner, one, 1)
    seller = house.trader(6, 10**12)
    lot = house.read("getOptionRules", BTC)["lot"]
    house.sell_option(seller, house.failing, house.calls[BTC], coins(1) // lot)
    if hedge:
        house.buy(hedge, usd(60_000))
    house.fail(bankrupt=False)
    for strike in strikes:
        house.report_inputs(strike, Inputs(house.index(BTC)))
    house.price(*series)
    now, needed = house.stands()
    assert 0 <= now < needed
    if hedge < 0:
        assert {one["market"] for one in house.take_over()} == {BTC}
        assert house.stands()[1] < needed
    else:
        with pytest.raises(Reverted, match=r"BackstopUnable\(market=0\)"):
            house.take_over()
