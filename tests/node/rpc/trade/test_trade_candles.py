"""Trades and candles over JSON-RPC; what they hold is tested with the history itself."""

from typing import Any

from execution.margin import Reason
from tests.node.rpc.trade.venue import Venue
from tests.sequencer.exchange.house import START


def candles(venue: Venue, interval: str, market: int = 0) -> list[Any]:
    return venue.node.call("trade_getCandles", market, interval, START - 86_400, START + 3_600)


def test_candles_show_what_was_traded_and_not_refused(venue: Venue) -> None:
    for price, size in ((1_000, 10), (1_020, 5)):
        venue.trade(price, size)
    venue.hall.clock.advance(60)
    last = venue.trade(990, 5)
    first = {
        "time": START - START % 60,
        "openP8": "1000",
        "highP8": "1020",
        "lowP8": "1000",
        "closeP8": "1020",
        "volumeS8": "15",
        "trades": 2,
    }
    assert candles(venue, "1m")[0] == first
    assert len(candles(venue, "1m")) == 2
    (hour,) = candles(venue, "1h")
    assert (hour["lowP8"], hour["closeP8"], hour["trades"]) == ("990", "990", 3)
    venue.refuse(1, last["id"], Reason.MAKER_MARGIN)
    assert candles(venue, "1m") == [first]
    (hour,) = candles(venue, "1h")
    assert (hour["volumeS8"], hour["trades"]) == ("15", 2)
    assert candles(venue, "1d", market=1) == []


def test_trades_and_fills_come_in_pages(venue: Venue) -> None:
    for price in (1_000, 1_010, 1_020):
        venue.trade(price)
    trades = venue.node.call("trade_getTrades", 0, {"limit": 2})
    assert [fill["id"] for fill in trades] == [3, 2]
    older = venue.node.call("trade_getTrades", 0, {"before": 2})
    assert [(fill["id"], fill["priceP8"]) for fill in older] == [(1, "1000")]
    assert venue.node.call("trade_getFills", 2, {"limit": 1, "before": 3}) == trades[1:]
    assert venue.node.call("trade_getFills", 3) == []
