"""Which option series somebody holds, or is about to."""

from collections.abc import Collection, Mapping
from functools import partial

from execution.margin import SeriesState, StrikeState, read_series
from node.keepers.books import Books


async def series_books(books: Books, strikes: Mapping[int, StrikeState]) -> dict[int, SeriesState]:
    """The contracts of every series, the call of a strike before its put."""
    ids = [strike + side for strike in strikes for side in (0, 1)]
    states = await books.read_each([partial(read_series, series=id_) for id_ in ids])
    return dict(zip(ids, states))


async def held_series(
    books: Books, strikes: Mapping[int, StrikeState], watched: Collection[int] = ()
) -> list[int]:
    """Series with open interest, and those that are watched because somebody will trade them."""
    found = await series_books(books, strikes)
    return [id_ for id_, state in found.items() if state.open_interest > 0 or id_ in watched]
