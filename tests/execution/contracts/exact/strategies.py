"""Random positions and accounts such as fills in lots and at ticks leave them."""

from hypothesis import settings
from hypothesis import strategies as st

from tests.execution.contracts.exact.fills import notional
from tests.execution.contracts.exact.holdings import Account, OptionHolding, PerpHolding, Underlying
from tests.execution.contracts.exact.scenarios import SCENARIOS
from tests.execution.contracts.exact.units import PPM, R12

TICK, LOT = 10**6, 10**4
"""p8 and s8; their product is one unit of quote."""

PRICE = 10**8

MMF_MAX = 168_000
"""ppm: up to here any larger initial fraction keeps portfolio margin in order."""

few = settings(max_examples=100, deadline=None)
lots = st.integers(1, 10**9).map(lambda n: n * LOT)
signed_lots = st.integers(-(10**9), 10**9).map(lambda n: n * LOT)
ticks = st.integers(1, 10**8).map(lambda n: n * TICK)
marks = st.integers(10**6, 10**14)
rates = st.integers(-R12, R12)
changes = st.tuples(*[st.integers(-(10**13), 10**13)] * len(SCENARIOS))


@st.composite
def perps(draw: st.DrawFn) -> PerpHolding:
    """A position that fills could have made, at any mark."""
    mmf = draw(st.integers(1_000, MMF_MAX))
    size, bought = draw(signed_lots), draw(ticks)
    return PerpHolding(
        size=size,
        cost=int(notional(size, bought)),
        mark=draw(marks),
        initial_fraction=draw(st.integers(mmf, PPM)),
        maintenance_fraction=mmf,
        funding_change=draw(rates),
        lot=LOT,
    )


@st.composite
def options(draw: st.DrawFn) -> OptionHolding:
    strike = draw(st.sampled_from((2_000 * PRICE, 3_000 * PRICE)))
    expires = draw(st.sampled_from((86_400, 172_800)))
    value = draw(st.integers(0, 10**13))
    is_put = draw(st.booleans())
    return OptionHolding(draw(signed_lots), expires, strike, is_put, value, draw(changes), LOT)


groups = st.builds(
    Underlying,
    marks,
    st.lists(perps(), max_size=2).map(tuple),
    st.lists(options(), max_size=3).map(tuple),
)
accounts = st.builds(Account, st.integers(-(10**14), 10**15), st.tuples(groups, groups))
