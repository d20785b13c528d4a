"""The node that the examples of docs/trading.md were taken from."""

from collections.abc import Iterator
from contextlib import contextmanager

from execution.contracts.parameters import PRICE_ONE
from sequencer.exchange.ports import Instrument
from tests.node.rpc.trade.venue import Venue, open_venue

MARK = 64_250 * PRICE_ONE


@contextmanager
def doc_venue() -> Iterator[Venue]:
    """Market 0 is like a devnet's BTC-USD; the clock stands at 1,700,000,000 s."""
    with open_venue() as venue:
        venue.hall.house.listed = {
            0: Instrument(
                tick=10**7, lot=10**4, is_auction=False, is_open=True, is_reduce_only=False,
                price_low=MARK * 9 // 10, price_high=MARK * 11 // 10,
            )
        }  # fmt: skip
        venue.hall.house.prices = {0: MARK}
        venue.node.run(venue.hall.block)
        yield venue
