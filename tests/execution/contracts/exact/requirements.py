"""What an account must keep: cross and portfolio margin (MARGIN.md, "Requirements")."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from tests.execution.contracts.exact.fills import notional
from tests.execution.contracts.exact.holdings import Account, PerpHolding, Underlying
from tests.execution.contracts.exact.rounding import ceil
from tests.execution.contracts.exact.scenarios import naked, worst
from tests.execution.contracts.exact.units import PPM

SHORT_INITIAL, SHORT_MAINTENANCE = 5_000, 3_000
"""ppm of the index for each naked short option."""

PERP_INITIAL, PERP_MAINTENANCE = 40_000, 30_000
"""ppm of the index for each perpetual, at least."""

INITIAL_IN_SCENARIOS, MAINTENANCE_IN_SCENARIOS = 160_000, 128_000
"""ppm of a perpetual's own fraction that the scenarios already ask for."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an account stands, q6."""

    equity: int
    initial: int
    maintenance: int
    withdrawable: int


def initial_fraction(base: int, interest: int, low: int, high: int) -> int:
    """ppm: from the base to the whole in a line, as open interest (s8) goes from low to high."""
    if interest <= low:
        return base
    if interest >= high:
        return PPM
    return ceil(base + Fraction((PPM - base) * (interest - low), high - low))


def cross(account: Account) -> Standing:
    """Each position on its own; the account holds no options."""
    assert not account.options
    initial = sum(ceil(p.notional * Fraction(p.initial_fraction, PPM)) for p in account.perps)
    return _standing(account, initial, sum(map(maintenance_of, account.perps)))


def portfolio(account: Account) -> Standing:
    """The worst scenario of each underlying and its contingencies, added over underlyings."""
    initial = sum(map(portfolio_initial, account.underlyings))
    maintenance = sum(map(portfolio_maintenance, account.underlyings))
    return _standing(account, initial, maintenance)


def standing(account: Account, is_portfolio: bool = False) -> Standing:
    """Under the account's mode; one with options is under portfolio margin whatever its mode."""
    return portfolio(account) if is_portfolio or account.options else cross(account)


def maintenance_of(perp: PerpHolding) -> int:
    """q6 of one perpetual under cross margin; it doesn't rise with open interest."""
    return ceil(perp.notional * Fraction(perp.maintenance_fraction, PPM))


def portfolio_initial(held: Underlying) -> int:
    """q6: the whole loss of the worst scenario, and the initial contingency."""
    shares = ((perp.size, initial_share(perp.initial_fraction)) for perp in held.perps)
    return -worst(held) + contingency(held, SHORT_INITIAL, shares)


def portfolio_maintenance(held: Underlying) -> int:
    """q6: four fifths of the loss of the worst scenario, and the maintenance contingency."""
    shares = ((perp.size, maintenance_share(perp.maintenance_fraction)) for perp in held.perps)
    return ceil(Fraction(-4 * worst(held), 5)) + contingency(held, SHORT_MAINTENANCE, shares)


def initial_share(fraction: int) -> int:
    """ppm of the index that a perpetual adds to the initial requirement."""
    return max(PERP_INITIAL, fraction - INITIAL_IN_SCENARIOS)


def maintenance_share(fraction: int) -> int:
    """ppm of the index that a perpetual adds to the maintenance requirement."""
    return max(PERP_MAINTENANCE, fraction - MAINTENANCE_IN_SCENARIOS)


def are_in_order(initial: int, maintenance: int) -> bool:
    """Whether a market's fractions (ppm) keep IM >= MM under either mode, whatever else is held.

    IMF >= MMF alone doesn't: where options hedge the scenarios away, only the shares remain.
    """
    return initial >= maintenance and initial_share(initial) >= maintenance_share(maintenance)


def contingency(held: Underlying, short_ppm: int, perps: Iterable[tuple[int, int]]) -> int:
    """q6: shares of the index, for naked shorts and each (size, ppm) perpetual; one rounding."""
    weighted = naked(held.options) * short_ppm + sum(abs(size) * ppm for size, ppm in perps)
    return ceil(notional(weighted, held.index) / PPM)


def equity(account: Account) -> int:
    """q6: cash, unrealised gains, unsettled funding of either sign, and the value of options."""
    perps = sum(perp.gain + perp.unsettled for perp in account.perps)
    return account.cash + perps + sum(option.worth for option in account.options)


def withdrawable(account: Account, initial: int) -> int:
    """q6: what may leave; unrealised gains never do.

    A tenth of the notional stays: that of perpetuals alone, rounded up once.
    """
    losses = sum(min(0, perp.gain) for perp in account.perps)
    unsettled = sum(perp.unsettled for perp in account.perps)
    options = min(0, sum(option.worth for option in account.options))
    tenth = ceil(sum((perp.notional for perp in account.perps), Fraction(0)) / 10)
    free = account.cash + unsettled + losses + options - max(initial, tenth)
    return max(0, min(account.cash, free))


def _standing(account: Account, initial: int, maintenance: int) -> Standing:
    return Standing(equity(account), initial, maintenance, withdrawable(account, initial))
