"""The exact model of margin and of accounts that fail, on examples and as theorems."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.execution.contracts.exact import (
    deleveraging,
    failing,
    fills,
    liquidation_price,
    requirements,
    scenarios,
)
from tests.execution.contracts.exact.holdings import Account, OptionHolding, PerpHolding, Underlying
from tests.execution.contracts.exact.rounding import ceil, floor
from tests.execution.contracts.exact.strategies import (
    LOT,
    MMF_MAX,
    TICK,
    accounts,
    few,
    lots,
    options,
    perps,
    ticks,
)
from tests.execution.contracts.exact.units import PPM

USD, ONE, PRICE = 10**6, 10**8, 10**8


def test_scenarios_are_those_of_the_specification_in_order() -> None:
    expected = [(16, "up")]
    for move in (12, 8, 4, 0, -4, -8, -12):
        expected += [(move, "up"), (move, "down")]
    expected += [(-16, "up")]
    expected += [(move, "up") for move in (-66, -33, 50, 100, 200, 300, 400, 500)]
    found = [(s.move // 10**4, "up" if s.volatility_up else "down") for s in scenarios.SCENARIOS]
    assert found == expected


def test_tails_weigh_what_their_move_exceeds_sixteen_percent_truncated() -> None:
    weights = [s.weight for s in scenarios.SCENARIOS]
    assert weights[:16] == [PPM] * 16
    assert weights[16:] == [242_424, 484_848, 320_000, 160_000, 80_000, 53_333, 40_000, 32_000]


def test_perp_changes_floor_toward_a_loss() -> None:
    changes = scenarios.perp_changes(101)
    assert changes[0] == 16
    assert changes[15] == -17
    assert changes[16] == -17
    assert changes[19] == 16


def test_naked_nets_calls_and_puts_of_a_strike_and_expiry() -> None:
    def held(size: int, expires: int, strike: int, is_put: bool) -> OptionHolding:
        return OptionHolding(size, expires, strike, is_put, 0, (0,) * 24)

    assert scenarios.naked((held(-5, 1, 1, False), held(3, 1, 1, True))) == 2
    assert scenarios.naked((held(-5, 1, 1, False), held(9, 1, 2, False))) == 5
    assert scenarios.naked((held(-5, 1, 1, False), held(-1, 2, 1, True))) == 6


def test_initial_fraction_rises_to_the_whole_rounded_up() -> None:
    found = [requirements.initial_fraction(20_000, oi, 10, 13) for oi in (10, 11, 12, 13, 14)]
    assert found == [20_000, 346_667, 673_334, PPM, PPM]


def test_cross_standing_of_a_long_and_a_short_rounds_each_for_the_system() -> None:
    long = PerpHolding(3 * ONE // 2, 150 * USD, 100 * PRICE + 1, 50_000, 25_000, 10**12 + 1)
    short = PerpHolding(-ONE, -90 * USD, 100 * PRICE, 50_000, 25_000, 10**12)
    found = requirements.cross(Account.of_perps(40 * USD, long, short))
    gains, dues = (0, -10 * USD), (-1_500_001, 1_000_000)
    assert found.equity == 40 * USD + sum(gains) + sum(dues)
    assert found.initial == 7_500_001 + 5_000_000
    assert found.maintenance == 3_750_001 + 2_500_000
    kept = 25_000_001
    assert found.withdrawable == 40 * USD + sum(dues) - 10 * USD - kept


def test_portfolio_of_a_hedged_short_call_asks_for_the_worst_scenario() -> None:
    changes = (8 * PRICE, *(0,) * 8, *(-3 * PRICE,) * 15)
    call = OptionHolding(-ONE, 1, 100 * PRICE, False, 5 * PRICE, changes)
    perp = PerpHolding(ONE // 2, 50 * USD, 100 * PRICE, 200_000, 150_000)
    account = Account(100 * USD, (Underlying(100 * PRICE, (perp,), (call,)),))
    worst = 50 * USD * 16 // 100 - (3 * USD - 1)
    found = requirements.standing(account)
    assert scenarios.worst(account.underlyings[0]) == -worst
    assert found.equity == 100 * USD - 5 * USD - 1
    assert found.initial == worst + 500_000 + 2_000_000
    assert found.maintenance == worst * 4 // 5 + 1 + 300_000 + 1_500_000
    assert found.withdrawable == 95 * USD - 1 - found.initial


@few
@given(accounts)
def test_portfolio_initial_covers_maintenance_and_every_scenario(account: Account) -> None:
    found = requirements.portfolio(account)
    losses = sum(-min(scenarios.gains(held)) for held in account.underlyings)
    assert found.initial >= found.maintenance >= 0
    assert found.initial >= losses


def test_fractions_close_to_each_other_break_the_order_of_a_hedged_account() -> None:
    perp = PerpHolding(ONE, 100 * USD, 100 * PRICE, 210_000, 200_000)
    hedge = tuple(-a for a in scenarios.perp_changes(perp.mark))
    option = OptionHolding(ONE, 1, 100 * PRICE, True, 0, hedge)
    account = Account(0, (Underlying(100 * PRICE, (perp,), (option,)),))
    found = requirements.standing(account)
    assert found.initial < found.maintenance
    assert not requirements.are_in_order(perp.initial_fraction, perp.maintenance_fraction)


@few
@given(st.integers(1, PPM), st.integers(1, MMF_MAX))
def test_fractions_within_the_scenarios_stay_in_order(initial: int, maintenance: int) -> None:
    assert requirements.are_in_order(max(initial, maintenance), maintenance)


@few
@given(accounts)
def test_withdrawal_of_all_that_may_leave_keeps_cash_and_initial_margin(account: Account) -> None:
    amount = requirements.portfolio(account).withdrawable
    after = replace(account, cash=account.cash - amount)
    found = requirements.portfolio(after)
    assert amount == 0 or (after.cash >= 0 and found.equity >= found.initial)


@few
@given(st.integers(0, 10**15), lots, ticks, st.integers(0, 10**12), st.integers(0, 10**12))
def test_unrealised_gain_adds_nothing_to_what_may_leave(
    cash: int, size: int, bought: int, rise: int, further: int
) -> None:
    cost = int(fills.notional(size, bought))
    perp = PerpHolding(size, cost, bought + rise, 50_000, 25_000)
    moved = replace(perp, mark=perp.mark + further)
    before = requirements.cross(Account.of_perps(cash, perp)).withdrawable
    assert requirements.cross(Account.of_perps(cash, moved)).withdrawable <= before


@few
@given(options(), lots)
def test_option_written_and_bought_is_worth_no_more_than_nothing(
    option: OptionHolding, size: int
) -> None:
    long, short = replace(option, size=size), replace(option, size=-size)
    assert long.worth + short.worth <= 0
    both = Underlying(PRICE, options=(long, short))
    assert max(scenarios.gains(both)) <= 0


def test_long_of_the_worked_example_fails_last_at_its_tick() -> None:
    long = PerpHolding(150_000_000, 96_375_450_000, 64_000 * PRICE, 20_000, 12_000)
    account = Account.of_perps(5_000 * USD, long)
    tick = PRICE // 10
    assert liquidation_price.liquidation_price(account, 0, 0, tick) == 616_568 * tick


@few
@given(st.integers(0, 10**13), perps(), perps(), st.booleans())
def test_account_fails_at_the_last_tick_and_not_one_further(
    cash: int, perp: PerpHolding, other: PerpHolding, is_portfolio: bool
) -> None:
    account = Account(cash, (Underlying(perp.mark, (perp,)), Underlying(other.mark, (other,))))
    found = liquidation_price.liquidation_price(account, 0, 0, TICK, is_portfolio)
    assume(found is not None and TICK < found < liquidation_price.PRICE_MAX)
    assert found is not None
    further = found + (TICK if perp.size > 0 else -TICK)
    fails = [
        liquidation_price.is_liquidatable(
            liquidation_price.with_perp(account, 0, 0, replace(perp, mark=mark)), is_portfolio
        )
        for mark in (found, further)
    ]
    assert fails == [True, False]


def test_account_that_no_price_ruins_has_no_liquidation_price() -> None:
    long = PerpHolding(ONE, 100 * USD, 100 * PRICE, 50_000, 25_000)
    account = Account.of_perps(100 * USD, long)
    assert liquidation_price.liquidation_price(account, 0, 0, TICK) is None
    none = Account.of_perps(0, replace(long, size=0, cost=0))
    assert liquidation_price.liquidation_price(none, 0, 0, TICK) is None


@st.composite
def failing_accounts(draw: st.DrawFn) -> tuple[Account, int, int]:
    """An account below maintenance, a fill price and a fee with a solution."""
    mmf = draw(st.integers(10_000, 100_000))
    fee = draw(st.integers(0, mmf // 2))
    slippage = draw(st.integers(0, mmf // 2))
    size = draw(st.integers(1, 60)) * LOT * draw(st.sampled_from((-1, 1)))
    mark = draw(st.integers(10**3, 10**6)) * TICK
    perp = PerpHolding(size, int(fills.notional(size, mark)), mark, mmf, mmf, lot=LOT)
    other = draw(perps())
    need = sum(requirements.maintenance_of(p) for p in (perp, other))
    lift = other.gain + other.unsettled
    equity = draw(st.integers(-need, need - 1))
    move = Fraction(mark * slippage, PPM) * (-1 if size > 0 else 1)
    price = (ceil if size > 0 else floor)((mark + move) / TICK) * TICK
    return Account.of_perps(equity - lift, perp, other), price, fee


def test_configuration_is_solvable_only_below_the_target_ratio() -> None:
    assert failing.is_solvable(5_000, 9_999, 12_000)
    assert not failing.is_solvable(5_000, 10_000, 12_000)


def test_positions_close_in_descending_maintenance_and_ties_by_id() -> None:
    small = PerpHolding(ONE, 100 * USD, 100 * PRICE, 50_000, 25_000)
    large = replace(small, size=-2 * ONE, cost=-200 * USD)
    assert failing.closing_order([(9, small), (4, large), (2, small)]) == [4, 2, 9]


def test_liquidation_closes_the_smallest_part_that_a_line_gives() -> None:
    perp = PerpHolding(ONE, 100 * USD, 100 * PRICE, 50_000, 40_000, lot=LOT)
    account = Account.of_perps(3 * USD, perp)
    assert failing.liquidation_size(account, 0, 0, 100 * PRICE, 10_000) == ONE // 2


@few
@given(failing_accounts())
def test_liquidation_size_is_the_first_that_reaches_the_target(
    case: tuple[Account, int, int],
) -> None:
    account, price, fee = case
    size = abs(account.perps[0].size)
    reaching = [
        part
        for part in range(LOT, size + LOT, LOT)
        if failing.reaches_target(failing.closed(account, 0, 0, part, price, fee).account)
    ]
    found = failing.liquidation_size(account, 0, 0, price, fee)
    assert found == (reaching[0] if reaching else size)


@few
@given(failing_accounts(), st.integers(1, 60))
def test_liquidation_above_bankruptcy_leaves_no_debt_and_asks_for_less(
    case: tuple[Account, int, int], part: int
) -> None:
    account, price, fee = case
    before = requirements.cross(account)
    perp = account.perps[0]
    size = min(part * LOT, abs(perp.size))
    own = requirements.maintenance_of(perp)
    stop = deleveraging.exact_bankruptcy_price(
        perp.size, perp.mark, before.equity, own, before.maintenance
    )
    assume(before.equity >= 0 and (price - stop) * perp.size >= 0)
    after = requirements.cross(failing.closed(account, 0, 0, size, price, fee).account)
    assert after.equity >= 0
    assert after.maintenance <= before.maintenance


@few
@given(failing_accounts(), st.integers(1, 60))
def test_liquidation_fee_moves_from_the_account_and_never_makes_a_debt(
    case: tuple[Account, int, int], part: int
) -> None:
    account, price, ppm = case
    size = min(part * LOT, abs(account.perps[0].size))
    free = failing.closed(account, 0, 0, size, price, 0).account
    charged = failing.closed(account, 0, 0, size, price, ppm)
    assert charged.account.cash == free.cash - charged.fee
    assert 0 <= charged.fee <= max(0, requirements.equity(free))


def test_option_account_gives_the_fraction_that_reaches_the_target() -> None:
    change = (-10 * PRICE, *(0,) * 23)
    long = OptionHolding(10 * ONE, 1, 100 * PRICE, False, 20 * PRICE, change)
    account = Account(-150 * USD, (Underlying(100 * PRICE, options=(long,)),))
    now = requirements.standing(account)
    assert (now.equity, now.maintenance) == (50 * USD, 80 * USD)
    terms = failing.Terms(fee_ppm=10_000)
    exact = failing.unrounded_fraction(now.equity, now.maintenance, 2 * USD)
    found = failing.smallest_fraction(account, terms)
    assert exact == Fraction(50, 98)
    assert found == ceil(exact * PPM)
    assert failing.reaches_target(failing.surrendered(account, found, terms).account)
    assert not failing.reaches_target(failing.surrendered(account, found - 1, terms).account)


@few
@given(accounts, st.integers(1, PPM), st.integers(0, 10_000), st.integers(0, 10_000))
def test_surrender_pays_no_more_than_the_mark_and_leaves_no_side_turned(
    account: Account, ppm: int, fee: int, slippage: int
) -> None:
    after = failing.surrendered(account, ppm, failing.Terms(fee, slippage)).account
    assert requirements.equity(after) <= requirements.equity(account) + len(account.perps)
    sizes = [one.size for one in account.perps] + [one.size for one in account.options]
    left = [one.size for one in after.perps] + [one.size for one in after.options]
    assert all(0 <= new * (1 if old > 0 else -1) <= abs(old) for old, new in zip(sizes, left))
    assert not any(new % LOT for new in left)
    everything = failing.surrendered(account, PPM, failing.Terms(fee, slippage)).account
    assert not any(one.size for one in everything.perps)
    assert not any(one.size for one in everything.options)


def test_bankruptcy_price_of_one_position_takes_all_of_the_equity() -> None:
    assert deleveraging.bankruptcy_price(2 * ONE, 100 * PRICE, 3 * USD, 5, 5, TICK) == (
        98 * PRICE + PRICE // 2
    )
    assert deleveraging.bankruptcy_price(-2 * ONE, 100 * PRICE, -3 * USD, 5, 5, TICK) == (
        98 * PRICE + PRICE // 2
    )


@few
@given(perps(), perps(), st.integers(-(10**14), 10**14))
def test_bankrupt_closed_out_at_its_prices_is_left_without_debt(
    first: PerpHolding, second: PerpHolding, cash: int
) -> None:
    assume(first.size and second.size)
    account = Account.of_perps(cash, first, second)
    now = requirements.cross(account)
    after = account
    for number, perp in enumerate(account.perps):
        own = requirements.maintenance_of(perp)
        stop = deleveraging.bankruptcy_price(
            perp.size, perp.mark, now.equity, own, now.maintenance, TICK
        )
        after = failing.closed(after, 0, number, abs(perp.size), stop, 0).account
    assert after.cash == requirements.equity(after)
    assert after.cash >= 0


def test_queue_goes_by_profit_times_leverage_and_ties_to_the_lower_id() -> None:
    rich = deleveraging.Candidate(1, -ONE, -120 * USD, 100 * PRICE, 80 * USD)
    same = replace(rich, account=5)
    tight = replace(rich, account=7, equity=40 * USD)
    losing = replace(rich, account=2, cost=-90 * USD)
    wrong_side = deleveraging.Candidate(3, ONE, 80 * USD, 100 * PRICE, 10 * USD)
    broke = replace(rich, account=4, equity=0)
    found = deleveraging.queue([same, losing, wrong_side, rich, broke, tight], ONE)
    assert [one.account for one in found] == [7, 1, 5]
    assert rich.score == Fraction(20, 120) * Fraction(100, 80)
    assert tight.outranks(rich)
    assert rich.outranks(same)
    assert not same.outranks(rich)


@few
@given(perps(), ticks, st.integers(1, 10**9), st.integers(1, 10**15))
def test_equity_of_a_counterparty_moves_by_the_distance_from_the_mark(
    perp: PerpHolding, price: int, part: int, equity: int
) -> None:
    assume(perp.size)
    closed = min(abs(perp.size), part * LOT)
    one = deleveraging.Candidate(1, perp.size, perp.cost, perp.mark, equity)
    signed = closed if perp.size > 0 else -closed
    moved = fills.notional(signed, price - perp.mark)
    assert abs(one.equity_after(closed, price) - equity - moved) < 1
