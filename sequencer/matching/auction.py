"""Frequent batch auctions: orders gather, and once a block those that can trade do, at one price.

Budish, Cramton, Shim: The High-Frequency Trading Arms Race (QJE 2015): orders of an interval are
treated as simultaneous, and clear at the uniform price where supply meets demand. Which price,
where several would do, follows the rules of call auctions (Xetra Market Model, price
determination): most volume, then least surplus, then nearest to a reference, here the last mark.
Supply and demand at the price are rationed by price and then time, so that an order that stays from
one auction to the next keeps its place.

Price and volume are found from the orders' limits alone. Who trades with whom then heeds what the
clearing house checks of a pair: post-only orders are makers, immediate ones takers, owners differ.
"""

from sequencer.matching.book import MarketBook
from sequencer.matching.clearing import clearing_price
from sequencer.matching.desk import Desk
from sequencer.matching.entry import Entry
from sequencer.matching.inputs import CancelReason
from sequencer.matching.limits import AUCTION_ROUNDS_MAX
from sequencer.matching.orders import BookOrder
from sequencer.matching.pairing import Pair, pair_off
from sequencer.matching.views import Hit


class BatchAuction:
    """The auction policy."""

    name = "batch-auction"

    def arrive(self, desk: Desk, book: MarketBook, entry: Entry) -> None:
        """Gather it, immediate orders too: at once means in the next auction."""
        reason = self.refusal(book, entry.order, entry.left, desk.time)
        if reason is None:
            desk.rest(entry)
        else:
            desk.cancel(entry, reason)

    def preview(self, book: MarketBook, order: BookOrder, left: int, now: int) -> list[Hit]:
        """Nobody: who trades with whom isn't known before the auction."""
        return []

    def meets_more_than(
        self, count: int, book: MarketBook, order: BookOrder, left: int, now: int
    ) -> bool:
        """Nobody is met before the auction."""
        return False

    def refusal(
        self, book: MarketBook, order: BookOrder, left: int, now: int
    ) -> CancelReason | None:
        """Nothing stands against gathering, except an order that must fill more than it may."""
        if order.is_all_or_nothing and left < order.size:
            return CancelReason.FOK_UNFILLED
        return None

    def clear(self, desk: Desk, book: MarketBook) -> None:
        """Trade what can be traded at the clearing price; immediate orders leave after it."""
        price, pairs = run_auction(book)
        for pair in pairs:
            desk.match(pair.taker, pair.maker, pair.size, price, is_auction=True)
        for entry in book.entries():
            if entry.rests and entry.order.is_immediate:
                whole = entry.order.is_all_or_nothing
                desk.cancel(
                    entry, CancelReason.FOK_UNFILLED if whole else CancelReason.IMMEDIATE_REST
                )

    def may_rest_again(self, book: MarketBook, order: BookOrder) -> bool:
        """Always: orders on both sides may gather at any price."""
        return True


def run_auction(book: MarketBook) -> tuple[int, list[Pair]]:
    """The clearing price (p8) and who trades with whom; no pairs when nobody meets.

    Fill-or-kill orders that the price reaches and that don't fill whole drop out, the last to come
    first, and the auction is worked out anew without them, price included.
    """
    bids, asks = list(book.bids), list(book.asks)
    for rounds in range(AUCTION_ROUNDS_MAX + 1):
        price = clearing_price(bids, asks, book.rules.tick, book.mark)
        if price is None:
            break
        pairs = pair_off(
            [bid for bid in bids if bid.order.price >= price],
            [ask for ask in asks if ask.order.price <= price],
        )
        dropped = _broken(bids, asks, pairs, price)
        if not dropped:
            return price, pairs
        if rounds < AUCTION_ROUNDS_MAX - 1:
            dropped = {max(dropped)}
        elif rounds == AUCTION_ROUNDS_MAX - 1:
            dropped = {one.rank for one in (*bids, *asks) if one.order.is_all_or_nothing}
        bids = [bid for bid in bids if bid.rank not in dropped]
        asks = [ask for ask in asks if ask.rank not in dropped]
    return 0, []


def _broken(bids: list[Entry], asks: list[Entry], pairs: list[Pair], price: int) -> set[int]:
    """Ranks of fill-or-kill orders within the price that don't fill whole."""
    whole = {
        entry.rank: entry.order.size
        for side in (bids, asks)
        for entry in side
        if entry.order.is_all_or_nothing and _accepts(entry.order, price)
    }
    for pair in pairs if whole else ():
        for entry in (pair.taker, pair.maker):
            if entry.rank in whole:
                whole[entry.rank] -= pair.size
    return {rank for rank, missing in whole.items() if missing}


def _accepts(order: BookOrder, price: int) -> bool:
    return order.price >= price if order.is_buy else order.price <= price
