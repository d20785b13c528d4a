"""What markets and series are called, as exchanges call them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from execution.margin import StrikeState
from node.demo.shapes import BTC, ETH
from node.keepers.prices import price_text

MARKET_NAMES: Final[Mapping[int, str]] = {BTC: "BTC", ETH: "ETH"}
"""Of the devnet's markets."""


def holding_names(strikes: Mapping[int, StrikeState]) -> dict[int, str]:
    """Of markets and series by id; a series' is like BTC-27MAR20-60000-P."""
    names = dict(MARKET_NAMES)
    for id_, strike in strikes.items():
        underlying = MARKET_NAMES.get(strike.underlying, str(strike.underlying))
        day = f"{datetime.fromtimestamp(strike.expiry, UTC):%d%b%y}".upper()
        for side, letter in enumerate("CP"):
            names[id_ + side] = f"{underlying}-{day}-{price_text(strike.price)}-{letter}"
    return names
