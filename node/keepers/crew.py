"""Which keepers run, and everything that they share: one view of the books, one account."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from node.keepers.arrays import ArrayKeeper
from node.keepers.batches import BatchClient
from node.keepers.books import Books
from node.keepers.closing import ClosingKeeper
from node.keepers.deleverager import Deleverager
from node.keepers.exits import ExitKeeper
from node.keepers.expiry import ExpiryKeeper
from node.keepers.feed import Feed, FileInPlaceOf, UrlFeed, make_feed
from node.keepers.funding import FundingKeeper
from node.keepers.keeper import Keeper
from node.keepers.lane import Lane
from node.keepers.liquidator import Liquidator
from node.keepers.oracle import OracleReporter
from node.keepers.process import PriceProcess
from node.keepers.settings import CrewSettings, Duty


@contextlib.asynccontextmanager
async def crew(settings: CrewSettings) -> AsyncIterator[tuple[Keeper, ...]]:
    """The keepers, ready for their first step; their connections are closed on leaving."""
    feed = _feed(settings)
    async with contextlib.AsyncExitStack() as stack:
        rpc = BatchClient(settings.rpc_url)
        stack.push_async_callback(rpc.aclose)
        if isinstance(feed, UrlFeed):
            stack.push_async_callback(feed.aclose)
        books = Books.over(rpc, settings.chain_id)
        lane = None if settings.account is None else Lane(books, settings.account)
        yield tuple(_keepers(settings, books, lane, _overruled(feed, settings.price_file)))


def _feed(settings: CrewSettings) -> Feed:
    return PriceProcess(settings.price_seed) if settings.feed is None else make_feed(settings.feed)


def _overruled(feed: Feed, by: Path | None) -> Feed:
    return feed if by is None else FileInPlaceOf(by, feed)


def _keepers(
    settings: CrewSettings, books: Books, lane: Lane | None, feed: Feed
) -> Iterable[Keeper]:
    if Duty.ORACLE in settings.duties:
        yield OracleReporter(
            books, feed, settings.signers, lane, settings.peers, settings.publish, settings.watched
        )
    if lane is None:
        return
    makers: dict[Duty, Callable[[Lane], Keeper]] = {
        Duty.FUNDING: lambda lane: FundingKeeper(books, lane),
        Duty.ARRAYS: lambda lane: ArrayKeeper(books, lane, settings.watched),
        Duty.LIQUIDATOR: lambda lane: Liquidator(books, lane, settings.orders),
        Duty.DELEVERAGER: lambda lane: Deleverager(books, lane),
        Duty.EXPIRY: lambda lane: ExpiryKeeper(books, lane),
        Duty.CLOSING: lambda lane: ClosingKeeper(books, lane),
        Duty.EXITS: lambda lane: ExitKeeper(books, lane),
    }
    for duty, make in makers.items():
        if duty in settings.duties:
            yield make(lane)
