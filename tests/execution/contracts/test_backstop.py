"""What the backstop vaults take, at what price, until when, and who pays what is missing."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest

from execution.contracts.genesis import BTC_USD
from tests.execution.contracts.cellar import FEE, RULES, SLIPPAGE, Cellar, Hedged
from tests.execution.contracts.desk import Inputs
from tests.execution.contracts.exact.failing import closed, liquidation_size
from tests.execution.contracts.exact.fills import fee, notional, trade
from tests.execution.contracts.exact.holdings import Account, OptionHolding, PerpHolding
from tests.execution.contracts.exact.requirements import equity, standing
from tests.execution.contracts.exact.rounding import ceil, multiple_above, multiple_below
from tests.execution.contracts.exact.units import PPM
from tests.execution.contracts.house import TRANSACTION_GAS, USD, Reverted
from tests.execution.contracts.pit import model_of
from tests.execution.contracts.wreck import ANYONE, BTC, ETH, coins, usd


@pytest.fixture
def cellar() -> Cellar:
    return Cellar()


def vault_price(size: int, mark: int, tick: int) -> int:
    """p8: the mark less the slippage, on the tick, against who fails."""
    slippage = -SLIPPAGE if size > 0 else SLIPPAGE
    exact = Fraction(mark * (PPM + slippage), PPM)
    return multiple_below(exact, tick) if size > 0 else multiple_above(exact, tick)


# One position after the other


@pytest.mark.parametrize("size", [coins(1), -coins(1)])
def test_vault_takes_the_fewest_lots_at_the_mark_less_the_slippage(
    cellar: Cellar, size: int
) -> None:
    vault = cellar.back(BTC)
    cellar.buy(size, usd(60_000))
    mark = usd(58_600) + 7 if size > 0 else usd(61_400) + 7
    cellar.crash(mark)
    before = model_of(cellar, cellar.failing.account)
    price = vault_price(size, mark, BTC_USD.tick)
    needed = liquidation_size(before, 0, 0, price, FEE)
    assert 0 < needed < abs(size)
    (taken,) = cellar.take_over()
    assert taken["size"] == (-needed if size > 0 else needed)
    assert (taken["price"], taken["counterparty"], taken["vault"]) == (price, vault.account, True)
    assert (
        model_of(cellar, cellar.failing.account) == closed(before, 0, 0, needed, price, FEE).account
    )
    assert cellar.size(vault) == -taken["size"]
    assert cellar.insured() == taken["fee"] == fee(needed, price, FEE)
    assert cellar.equity(vault) > 10**12


def test_positions_go_to_their_vaults_in_descending_maintenance(cellar: Cellar) -> None:
    vaults = cellar.back(BTC), cellar.back(ETH)
    cellar.deposit(ANYONE, cellar.failing.account, 2_000 * USD)
    cellar.buy(coins(1), usd(60_000))
    cellar.buy(coins(-30), usd(3_000), market=ETH)
    cellar.crash(usd(56_900))
    taken = cellar.take_over()
    assert [one["market"] for one in taken] == [ETH, BTC]
    assert cellar.size(cellar.failing, ETH) == 0
    assert cellar.size(vaults[1], ETH) == coins(-30)
    assert 0 < cellar.size(cellar.failing) == coins(1) - cellar.size(vaults[0])
    now, needed = cellar.stands()
    assert 4 * now >= 5 * needed


def test_what_can_be_taken_is_taken_though_a_later_vault_is_missing(cellar: Cellar) -> None:
    cellar.back(ETH)
    cellar.deposit(ANYONE, cellar.failing.account, 2_000 * USD)
    cellar.buy(coins(1), usd(60_000))
    cellar.buy(coins(-30), usd(3_000), market=ETH)
    cellar.crash(usd(56_900))
    assert [one["market"] for one in cellar.take_over()] == [ETH]
    now, needed = cellar.stands()
    if now < needed:
        with pytest.raises(Reverted, match="BackstopUnable"):
            cellar.take_over()


@pytest.mark.parametrize("off", [0, 1])
def test_vault_takes_nothing_once_its_loss_is_above_the_cap(cellar: Cellar, off: int) -> None:
    vault = cellar.back(BTC)
    assert cellar.trade(vault, cellar.winner, coins(1), usd(60_000)).rejections == []
    cellar.buy(coins(1), usd(60_000))
    cellar.crash(usd(58_600))
    lost = 10**12 - cellar.equity(vault)
    assert lost > 1_400 * USD
    cellar.send(cellar.timelock, "setLossCap", BTC, lost - off)
    if off:
        with pytest.raises(Reverted, match="BackstopUnable"):
            cellar.take_over()
    else:
        assert cellar.take_over()


def test_vault_keeps_its_initial_margin(cellar: Cellar) -> None:
    """Its discount counts, for it is judged after the trade."""
    vault = cellar.back(BTC, cash=0)
    cellar.buy(coins(1), usd(60_000))
    cellar.crash(usd(58_000) - 1)
    price = vault_price(coins(1), usd(58_000) - 1, BTC_USD.tick)
    initial = ceil(notional(coins(1), usd(58_000) - 1) * BTC_USD.imf / PPM)
    discount = notional(coins(1), usd(58_000) - 1 - price)
    least = ceil(initial - discount)
    cellar.insure(BTC, 10_000 * USD)
    cellar.deposit(ANYONE, vault.account, least - 1)
    with pytest.raises(Reverted, match="BackstopUnable"):
        cellar.take_over()
    cellar.deposit(ANYONE, vault.account, 1)
    assert cellar.take_over()
    now = cellar.read("requirements", vault.account)
    assert now["equity"] - now["initial"] in (0, 1)


def test_vault_cannot_back_itself_or_a_market_without_one(cellar: Cellar) -> None:
    cellar.buy(coins(1), usd(60_000))
    cellar.crash(usd(58_600))
    with pytest.raises(Reverted, match="BackstopUnable"):
        cellar.take_over()
    vault = cellar.back(BTC, cash=1_000 * USD)
    cellar.take_over()
    cellar.crash(usd(50_000))
    with pytest.raises(Reverted, match="BackstopUnable"):
        cellar.take_over(vault.account)


def test_insurance_pays_what_a_takeover_leaves_missing(cellar: Cellar) -> None:
    cellar.back(BTC)
    cellar.insure(BTC, 5_000 * USD)
    cellar.insure(ETH, 5_000 * USD)
    cellar.buy(coins(1), usd(60_000))
    cellar.crash(usd(57_000))
    before = model_of(cellar, cellar.failing.account)
    price = vault_price(coins(1), usd(57_000), BTC_USD.tick)
    missing = -equity(closed(before, 0, 0, coins(1), price, FEE).account)
    assert missing > 1_000 * USD
    (taken,) = cellar.take_over()
    assert (taken["size"], taken["fee"]) == (-coins(1), 0)
    assert cellar.equity(cellar.failing) == 0
    assert cellar.insured(BTC) == 5_000 * USD - missing
    assert cellar.insured(ETH) == 5_000 * USD


def test_takeover_that_insurance_cannot_cover_changes_nothing(cellar: Cellar) -> None:
    vault = cellar.back(BTC)
    cellar.insure(ETH, 5_000 * USD)
    cellar.buy(coins(1), usd(60_000))
    cellar.crash(usd(57_000))
    price = vault_price(coins(1), usd(57_000), BTC_USD.tick)
    before = model_of(cellar, cellar.failing.account)
    missing = -equity(closed(before, 0, 0, coins(1), price, FEE).account)
    cellar.insure(BTC, missing - 1)
    with pytest.raises(Reverted, match=r"InsuranceTooSmall\(market=0, missing=1\)"):
        cellar.take_over()
    assert model_of(cellar, cellar.failing.account) == before
    assert cellar.size(vault) == 0
    cellar.insure(BTC, 1)
    cellar.take_over()
    assert cellar.insured(BTC) == 0


def test_takeover_clears_what_was_reported_of_the_account(cellar: Cellar) -> None:
    cellar.back(BTC)
    cellar.buy(coins(1), usd(60_000))
    cellar.crash(usd(57_000))
    assert cellar.report_debt(cellar.failing.account) > 0
    cellar.insure(BTC, 5_000 * USD)
    cellar.take_over()
    assert cellar.reported() == 0


def test_loss_of_an_ended_market_is_registered_before_a_takeover(cellar: Cellar) -> None:
    cellar.back(BTC)
    cellar.insure(BTC, 10**12)
    cellar.deposit(ANYONE, cellar.failing.account, 2_000 * USD)
    cellar.buy(coins(1), usd(60_000))
    cellar.buy(coins(20), usd(3_000), market=ETH)
    for _ in range(31):
        cellar.advance(60)
        cellar.crash(usd(2_700), market=ETH)
    cellar.close(ETH)
    assert cellar.equity(cellar.failing) < 0
    with pytest.raises(
        Reverted, match=rf"ClosingFirst\(account={cellar.failing.account}, market=1"
    ):
        cellar.take_over()
    cellar.insure(ETH, 10**12)
    cellar.register([cellar.failing], ETH)
    assert cellar.insured(ETH) < 10**12
    assert cellar.insured(BTC) == 10**12


# A fraction of everything


def offered_price(held: PerpHolding | OptionHolding, tick: int) -> int:
    """p8: what a vault pays for a position, or for an option, which needs no grid."""
    if isinstance(held, PerpHolding):
        return vault_price(held.size, held.mark, tick)
    return vault_price(held.size, held.value + (held.size < 0), 1)


def taken_of(held: PerpHolding | OptionHolding, lot: int, ppm: int) -> int:
    """s8, signed as the account's change: a fraction in whole lots, rounded up."""
    size = min(abs(held.size), multiple_above(Fraction(abs(held.size) * ppm, PPM), lot))
    return -size if held.size > 0 else size


def without(account: Account, lots: Sequence[int], ppm: int) -> Account:
    """The account once the vaults have taken a fraction (ppm) of everything."""
    cash, charge, groups = account.cash, 0, []
    for market, group in enumerate(account.underlyings):
        perps = []
        for held in group.perps:
            price = offered_price(held, RULES[market].tick)
            change = taken_of(held, RULES[market].lot, ppm)
            after = trade(held.size, held.cost, change, price)
            cash += after.realised + held.unsettled
            charge += fee(change, price, FEE)
            perps.append(replace(held, size=after.size, cost=after.cost, funding_change=0))
        options = []
        for option in group.options:
            price = offered_price(option, 1)
            change = taken_of(option, lots[market], ppm)
            payment = ceil(notional(change, price))
            cash -= payment
            charge += ceil(Fraction(abs(payment) * FEE, PPM))
            options.append(replace(option, size=option.size + change))
        groups.append(replace(group, perps=tuple(perps), options=tuple(options)))
    filled = Account(cash, tuple(groups))
    return replace(filled, cash=cash - min(charge, max(0, equity(filled))))


def smallest_fraction(account: Account, lots: Sequence[int]) -> int:
    """ppm, by halving."""
    first, last = 1, PPM
    while first < last:
        middle = (first + last) // 2
        now = standing(without(account, lots, middle), is_portfolio=True)
        if 4 * now.equity >= 5 * now.maintenance:
            last = middle
        else:
            first = middle + 1
    return last


def sizes(account: Account) -> list[int]:
    perps = [held.size for held in account.perps]
    return perps + [held.size for held in account.options]


@pytest.mark.parametrize("rise", [26, 34, 40, 80])
def test_hedged_account_gives_the_smallest_fraction_of_everything(rise: int) -> None:
    house = Hedged()
    vaults = {market: house.back(market, cash=10**13) for market in (BTC, ETH)}
    house.deposit(ANYONE, house.failing.account, 20_000 * USD)
    rules = [house.read("getOptionRules", market)["lot"] for market in (BTC, ETH)]
    house.buy(coins(0.5), usd(60_000))
    house.buy(coins(5), usd(3_000), market=ETH)
    house.sell_call(BTC, coins(1.3) // rules[0])
    house.sell_call(ETH, coins(12) // rules[1])
    for percent in range(2, rise + 1, 2):
        house.quote_all({BTC: usd(60_000 + 600 * percent), ETH: usd(3_000 + 30 * percent)})
    now, needed = house.stands()
    assert now < needed
    for market in (BTC, ETH):
        house.insure(market, 10**11)
    before = model_of(house, house.failing.account)
    fraction = smallest_fraction(before, rules)
    after = without(before, rules, fraction)
    taken = house.take_over()
    left = model_of(house, house.failing.account)
    if fraction < PPM:
        assert sizes(left) == sizes(after)
        assert left.cash == after.cash
        assert 4 * equity(left) >= 5 * standing(left, is_portfolio=True).maintenance
    else:
        assert sizes(left) == []
        assert equity(left) == max(0, equity(after))
    assert {one["counterparty"] for one in taken} == {v.account for v in vaults.values()}
    assert all(house.equity(vault) > 0 for vault in vaults.values())


def test_stale_array_of_the_account_stops_a_takeover() -> None:
    house = Hedged()
    house.back(BTC)
    house.deposit(ANYONE, house.failing.account, 20_000 * USD)
    lot = house.read("getOptionRules", BTC)["lot"]
    house.sell_call(BTC, coins(1) // lot)
    house.crash(usd(80_000))
    with pytest.raises(Reverted, match="NoLiquidationNow"):
        house.take_over()
    house.quote_all({BTC: usd(80_000), ETH: usd(3_000)})
    house.insure(BTC, 10**11)
    assert house.take_over()


def test_stale_array_of_a_vault_is_no_reason_to_deleverage() -> None:
    house = Hedged()
    vault = house.back(BTC, cash=10**13)
    tick, lot = (house.read("getOptionRules", BTC)[name] for name in ("tick", "lot"))
    value = int(house.read("getSeries", house.calls[BTC])[2])
    sold = house.trade(vault, house.winner, lot, value // tick * tick, market=house.calls[BTC])
    assert sold.rejections == []
    house.buy(coins(1), usd(60_000))
    for price in (usd(58_600), usd(57_000)):
        house.crash(price)
        with pytest.raises(Reverted, match="NoLiquidationNow"):
            house.take_over()
    with pytest.raises(Reverted, match="NoLiquidationNow"):
        house.propose(house.failing, house.winner)
    house.quote_all({BTC: usd(57_000), ETH: usd(3_000)})
    house.insure(BTC, 10**12)
    assert house.take_over()


def test_largest_account_is_taken_over_within_a_transaction() -> None:
    """32 series and a perpetual in each market: the search for the fraction is what costs."""
    house = Hedged()
    house.back(BTC, cash=10**13)
    house.back(ETH, cash=10**13)
    house.deposit(ANYONE, house.failing.account, 50_000 * USD)
    lot, tick = (house.read("getOptionRules", BTC)[name] for name in ("lot", "tick"))
    strikes = [house.list_strike(house.expiry, usd(52_000 + n * 1_000)) for n in range(16)]
    series = [s for strike in strikes for s in (strike, strike + 1)]
    for strike in strikes:
        house.report_inputs(strike, Inputs(usd(60_000)))
    house.price(*series)
    for one in series:
        value = int(house.read("getSeries", one)[2])
        receipt = house.trade(
            house.winner, house.failing, 10 * lot, value // tick * tick, market=one
        )
        assert receipt.rejections == []
    house.buy(coins(0.1), usd(60_000))
    house.buy(coins(1), usd(3_000), market=ETH)
    now, needed = house.stands()
    cash = int(house.read("getAccount", house.failing.account)[1]["cash"])
    spare = now - needed
    assert 0 < spare < cash
    house.insure(BTC, 10**12)
    for percent in range(1, 60, 1):
        index = usd(60_000 + 600 * percent)
        house.advance(1)
        house.report(BTC, index)
        house.report(ETH, usd(3_000))
        for strike in strikes:
            house.report_inputs(strike, Inputs(index))
        house.price(*series)
        now, needed = house.stands()
        if now < needed:
            break
    taken = house.take_over()
    result = house.evm.result
    assert result is not None
    print(f"takeOver of 32 series and 2 perpetuals: {result.gas_used:,} gas")
    assert len(taken) == 34
    assert result.gas_used < TRANSACTION_GAS
