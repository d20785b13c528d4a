"""Where the mark of one perpetual makes an account fail, everything else held.

MARGIN.md, "Requirements", and the fourth of its worked examples.
"""

from collections.abc import Callable
from dataclasses import replace

from tests.execution.contracts.exact.holdings import Account, PerpHolding
from tests.execution.contracts.exact.requirements import standing

PRICE_MAX = 10**17
"""p8: index prices end at 1e9 USD."""


def is_liquidatable(account: Account, is_portfolio: bool = False) -> bool:
    """Whether equity is below maintenance."""
    now = standing(account, is_portfolio)
    return now.equity < now.maintenance


def liquidation_price(
    account: Account,
    underlying: int,
    perp: int,
    tick: int,
    is_portfolio: bool = False,
    price_max: int = PRICE_MAX,
) -> int | None:
    """p8: the last tick with E < MM, going up for a long and down for a short.

    The two numbers pick the position in the account. None where no tick fails, or for no size.
    """
    held = account.underlyings[underlying].perps[perp]

    def fails(ticks: int) -> bool:
        moved = with_perp(account, underlying, perp, replace(held, mark=ticks * tick))
        return is_liquidatable(moved, is_portfolio)

    if not held.size:
        return None
    last = _last(fails, price_max // tick, held.size > 0)
    return None if last is None else last * tick


def with_perp(account: Account, underlying: int, perp: int, held: PerpHolding) -> Account:
    """The account with one perpetual replaced."""
    group = account.underlyings[underlying]
    perps = (*group.perps[:perp], held, *group.perps[perp + 1 :])
    changed = replace(group, perps=perps)
    rest = account.underlyings
    return replace(account, underlyings=(*rest[:underlying], changed, *rest[underlying + 1 :]))


def _last(fails: Callable[[int], bool], highest: int, is_long: bool) -> int | None:
    """The failing number of ticks that is farthest from ruin, by halving.

    In whole lots equity moves a whole step with each tick and the requirement by less, so
    failing is one-sided.
    """
    failing, sound = (1, highest) if is_long else (highest, 1)
    if not fails(failing):
        return None
    if fails(sound):
        return sound
    while abs(sound - failing) > 1:
        middle = (failing + sound) // 2
        failing, sound = (middle, sound) if fails(middle) else (failing, middle)
    return failing
