"""Keeps option series priced, so that whoever holds them can trade and be judged."""

from collections.abc import Collection
from dataclasses import dataclass

from node.keepers.books import Books
from node.keepers.keeper import Done
from node.keepers.lane import Lane
from node.keepers.limits import ARRAYS_SECONDS, SERIES_A_STEP_MAX
from node.keepers.pricing import pricing_deeds, read_priceable
from node.keepers.series import held_series


@dataclass(frozen=True, slots=True)
class ArrayKeeper:
    """Prices series that are held or watched, when their arrays are old or the index has moved."""

    books: Books
    lane: Lane
    watched: Collection[int] = ()
    """Series that nobody holds, and somebody is about to trade."""
    seconds: float = ARRAYS_SECONDS
    name: str = "arrays"

    async def step(self) -> Done:
        """Price what is due, the oldest first."""
        moment = await self.books.look()
        series = await held_series(self.books, await self.books.strikes(), self.watched)
        due = [
            (one.array.time if one.array else 0, id_)
            for id_, one in (await read_priceable(self.books, series)).items()
            if one.can_be_priced(moment) and one.is_due(moment)
        ]
        chosen = [id_ for _, id_ in sorted(due)[:SERIES_A_STEP_MAX]]
        return await self.lane.do(list(pricing_deeds(chosen)))
