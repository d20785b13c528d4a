"""Where the example of a market maker quotes."""

from node.client import BUY, SELL, MarketTerms, p8, s8
from scripts.examples.market_maker import Strategy

MARK = p8("64000.05")
STRATEGY = Strategy(size=s8("0.01"), half_spread_ppm=200, skew_ppm=100, position_max=s8("0.03"))
TERMS = MarketTerms(
    market=0, status="active", mark=MARK, index=MARK, tick=p8("0.1"), lot=s8("0.0001"),
    is_auction=False,
)  # fmt: skip


def test_quotes_without_position_are_around_the_mark_on_the_tick() -> None:
    quotes = STRATEGY.quotes(TERMS, MARK, 0)

    assert quotes[BUY].price == p8("63987.2")
    assert quotes[SELL].price == p8("64012.9")
    assert all(one.price % TERMS.tick == 0 for one in quotes.values())


def test_quotes_of_a_long_position_are_lower() -> None:
    flat, long = (STRATEGY.quotes(TERMS, MARK, held) for held in (0, s8("0.02")))

    assert long[BUY].price < flat[BUY].price
    assert long[SELL].price < flat[SELL].price


def test_side_that_the_position_is_full_on_is_not_quoted() -> None:
    assert set(STRATEGY.quotes(TERMS, MARK, s8("0.03"))) == {SELL}
    assert set(STRATEGY.quotes(TERMS, MARK, -s8("0.03"))) == {BUY}
