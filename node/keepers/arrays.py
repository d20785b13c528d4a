"""Keeps option series priced, so that whoever holds them can trade and be judged."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from execution.contracts.abi import clearing_house
from execution.contracts.parameters import PPM
from execution.margin import (
    MarketState,
    MarketStatus,
    OptionInputsState,
    ScenarioArray,
    StrikeState,
    read_option_inputs,
    read_scenario_array,
)
from node.keepers.books import Books, Moment
from node.keepers.keeper import Done
from node.keepers.lane import Deed, Lane
from node.keepers.limits import (
    ARRAY_MOVE_PPM,
    ARRAY_SECONDS_MAX,
    ARRAYS_SECONDS,
    GAS_SERIES,
    SERIES_A_STEP_MAX,
    SERIES_A_TRANSACTION_MAX,
)
from node.keepers.series import held_series
from state.types import Gas


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
        markets, strikes = await self.books.markets(), await self.books.strikes()
        series = await held_series(self.books, strikes, self.watched)
        arrays = await self.books.read_each(
            [partial(read_scenario_array, series=i) for i in series]
        )
        inputs = await self.books.read_each(
            [partial(read_option_inputs, strike=i & ~1) for i in series]
        )
        due = []
        for id_, array, known in zip(series, arrays, inputs):
            strike = strikes[id_ & ~1]
            market = markets[strike.underlying]
            if _can_be_priced(strike, market, known, moment) and _is_due(array, market, moment):
                due.append((array.time if array else 0, id_))
        chosen = [id_ for _, id_ in sorted(due)[:SERIES_A_STEP_MAX]]
        return await self.lane.do(list(_deeds(chosen)))


def _can_be_priced(
    strike: StrikeState, market: MarketState, inputs: OptionInputsState | None, moment: Moment
) -> bool:
    lives = market.status is not MarketStatus.CLOSED and market.index > 0
    return lives and inputs is not None and strike.expiry > moment.time


def _is_due(array: ScenarioArray | None, market: MarketState, moment: Moment) -> bool:
    if array is None:
        return True
    age = moment.time - array.time
    moved = abs(market.index - array.spot) * PPM > array.spot * ARRAY_MOVE_PPM
    return age > ARRAY_SECONDS_MAX or (moved and age > 0)


def _deeds(series: Sequence[int]) -> Iterator[Deed]:
    for start in range(0, len(series), SERIES_A_TRANSACTION_MAX):
        part = series[start : start + SERIES_A_TRANSACTION_MAX]
        what = f"price series {', '.join(map(str, part))}"
        yield Deed(what, clearing_house().call("priceSeries", part), Gas(GAS_SERIES * len(part)))
