"""Pricing option series: which of them can be priced and are due, and the transactions for it."""

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
    read_holdings,
    read_option_inputs,
    read_scenario_array,
)
from node.keepers.books import Books, Moment
from node.keepers.lane import Deed
from node.keepers.limits import (
    ARRAY_MOVE_PPM,
    ARRAY_SECONDS_MAX,
    GAS_SERIES,
    SERIES_A_TRANSACTION_MAX,
)
from state.types import Gas

Pricing = tuple[Deed, ...]
"""What prices all the series that somebody holds."""


@dataclass(frozen=True, slots=True)
class Priceable:
    """A series, and what its price is made of."""

    strike: StrikeState
    market: MarketState
    inputs: OptionInputsState | None
    array: ScenarioArray | None

    def can_be_priced(self, moment: Moment) -> bool:
        """Whether it still lives, and the oracle has ever said what prices it."""
        lives = self.market.status is not MarketStatus.CLOSED and self.market.index > 0
        return lives and self.inputs is not None and self.strike.expiry > moment.time

    def is_due(self, moment: Moment) -> bool:
        """Whether its array is old, or of another index, before the contract calls it stale."""
        if self.array is None:
            return True
        age = moment.time - self.array.time
        distance = abs(self.market.index - self.array.spot)
        moved = distance * PPM > self.array.spot * ARRAY_MOVE_PPM
        return age > ARRAY_SECONDS_MAX or (moved and age > 0)


async def read_priceable(books: Books, series: Sequence[int]) -> dict[int, Priceable]:
    """What the books say of series, in the order given."""
    markets, strikes = await books.markets(), await books.strikes()
    arrays = await books.read_each([partial(read_scenario_array, series=i) for i in series])
    inputs = await books.read_each([partial(read_option_inputs, strike=i & ~1) for i in series])
    found = {}
    for id_, array, known in zip(series, arrays, inputs):
        strike = strikes[id_ & ~1]
        found[id_] = Priceable(strike, markets[strike.underlying], known, array)
    return found


def pricing_deeds(series: Sequence[int]) -> Iterator[Deed]:
    """Transactions that price series, some in each."""
    for start in range(0, len(series), SERIES_A_TRANSACTION_MAX):
        part = series[start : start + SERIES_A_TRANSACTION_MAX]
        what = f"price series {', '.join(map(str, part))}"
        yield Deed(what, clearing_house().call("priceSeries", part), Gas(GAS_SERIES * len(part)))


async def pricing_of(books: Books, moment: Moment, accounts: Collection[int]) -> dict[int, Pricing]:
    """What prices each account's series; empty for one without any that can be.

    All that it holds, however new their arrays are: the next report of the index may come in the
    same block as what is done to the account, and before it.
    """
    held = await series_held_by(books, accounts)
    known = await read_priceable(books, sorted({one for ids in held.values() for one in ids}))
    return {
        id_: tuple(pricing_deeds([one for one in ids if known[one].can_be_priced(moment)]))
        for id_, ids in held.items()
    }


async def series_held_by(books: Books, accounts: Collection[int]) -> dict[int, list[int]]:
    """The series of each account, in the order of its holdings."""
    readers = [partial(read_holdings, account=id_) for id_ in accounts]
    holdings = await books.read_each(readers)
    return {id_: [one.series for one in held] for id_, held in zip(accounts, holdings)}
