"""Who takes part in a crash: their first trades, and the price file they play with."""

from pathlib import Path

import pytest

from execution.margin import StrikeState
from node.demo.cast import DEALS, PARTS, PUT_BUYER, PUT_WRITER, put_series
from node.demo.shapes import BTC, ETH
from node.demo.stage import Stage
from node.demo.trade import DemoFailed
from state.types import Timestamp

USD = 10**8
SOON, LATER = Timestamp(100), Timestamp(200)


def test_put_of_cast_is_latest_and_nearest_below_the_index() -> None:
    strikes = {
        64: StrikeState(BTC, SOON, 60_000 * USD, 0),
        66: StrikeState(BTC, LATER, 65_000 * USD, 0),
        68: StrikeState(BTC, LATER, 60_000 * USD, 0),
        70: StrikeState(ETH, LATER, 60_800 * USD, 0),
    }

    assert put_series(strikes, BTC, 64_000 * USD) == 69


def test_cast_has_one_key_each_and_nobody_trades_with_himself() -> None:
    names = {part.name for part in PARTS}

    assert len({part.key for part in PARTS}) == len(PARTS) == len(names)
    pairs = [(deal.buyer, deal.seller) for deal in DEALS] + [(PUT_BUYER, PUT_WRITER)]
    assert all(buyer != seller and {buyer, seller} <= names for buyer, seller in pairs)


def test_deal_is_as_large_as_its_notional_allows_in_whole_lots() -> None:
    deal = DEALS[0]
    price, lot = 64_250 * USD, 10_000

    size = deal.size(price, lot)

    assert size % lot == 0
    assert size * price // 10**10 <= deal.notional < (size + lot) * price // 10**10


def test_stage_is_cleared_whatever_happens_on_it(tmp_path: Path) -> None:
    path = tmp_path / "feed.json"

    def play() -> None:
        with Stage(path).held():
            path.write_text("{}")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play()

    assert not path.exists()


def test_stage_that_somebody_else_holds_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "feed.json"
    path.write_text("{}")

    with pytest.raises(DemoFailed, match="remove it first"), Stage(path).held():
        pytest.fail("the stage was taken")

    assert path.exists()
