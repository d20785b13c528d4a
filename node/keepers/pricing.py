"""Pricing option series: which of them can be priced and are due, and the transactions for it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
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
from node.keepers.books import Books, Moment, Standing
from node.keepers.lane import Deed
from node.keepers.limits import (
    ACCOUNTS_REJUDGED_MAX,
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
    readers = [partial(read_holdings, account=id_) for id_ in accounts]
    held = {
        id_: [holding.series for holding in holdings]
        for id_, holdings in zip(accounts, await books.read_each(readers))
    }
    known = await read_priceable(books, sorted({one for ids in held.values() for one in ids}))
    return {
        id_: tuple(pricing_deeds([one for one in ids if known[one].can_be_priced(moment)]))
        for id_, ids in held.items()
    }


@dataclass(frozen=True, slots=True)
class Judged:
    """How accounts stand once what they hold is priced, and what has to be sent to price it."""

    standings: Mapping[int, Standing]
    pricing: Mapping[int, Pricing]

    def before(self, account: int) -> Pricing:
        """What goes right before whatever asks the contract to judge the account."""
        return self.pricing.get(account, ())


async def judge(
    books: Books, moment: Moment, standings: Mapping[int, Standing], holders: Collection[int]
) -> Judged:
    """Judge accounts that hold options at prices of this block, where theirs are stale.

    An index that moves by half a percent between two reports leaves them stale whenever somebody
    looks; the contract judges them only with their series priced first. Those that it can't judge
    even then, because prices themselves are stale, keep the standing they have.
    """
    worst = sorted(
        (id_ for id_ in holders if id_ in standings),
        key=lambda id_: standings[id_].equity - standings[id_].maintenance,
    )
    asked = [id_ for id_ in worst if standings[id_].stale or standings[id_].is_liquidatable][
        :ACCOUNTS_REJUDGED_MAX
    ]
    pricing = {id_: one for id_, one in (await pricing_of(books, moment, asked)).items() if one}
    stale = {
        id_: [deed.data for deed in deeds] for id_, deeds in pricing.items() if standings[id_].stale
    }
    return Judged({**standings, **await books.standings_after(stale)}, pricing)
