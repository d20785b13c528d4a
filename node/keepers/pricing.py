"""Pricing option series: which of them can be priced and are due, and the transactions for it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from execution.contracts.abi import clearing_house
from execution.contracts.parameters import PPM
from execution.margin import (
    AccountState,
    MarketState,
    MarketStatus,
    OptionInputsState,
    ScenarioArray,
    StrikeState,
    read_holdings,
    read_option_inputs,
    read_scenario_array,
    read_vault,
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
    held = await _held_by(books, accounts)
    known = await read_priceable(books, sorted({one for ids in held.values() for one in ids}))
    return {
        id_: tuple(pricing_deeds([one for one in ids if known[one].can_be_priced(moment)]))
        for id_, ids in held.items()
    }


async def _held_by(books: Books, accounts: Collection[int]) -> dict[int, list[int]]:
    readers = [partial(read_holdings, account=id_) for id_ in accounts]
    holdings = await books.read_each(readers)
    return {id_: [one.series for one in held] for id_, held in zip(accounts, holdings)}


@dataclass(frozen=True, slots=True)
class Judged:
    """How accounts stand once what they hold is priced, and what has to be sent to price it."""

    standings: Mapping[int, Standing]
    pricing: Mapping[int, Pricing]

    def before(self, account: int) -> Pricing:
        """What goes right before whatever asks the contract to close the account."""
        return self.pricing.get(account, ())


async def judge(
    books: Books,
    moment: Moment,
    standings: Mapping[int, Standing],
    accounts: Mapping[int, AccountState],
) -> Judged:
    """Judge accounts that hold options at prices of this block, where theirs are stale.

    An index that moves by half a percent between two reports leaves them stale whenever somebody
    looks; the contract judges them only with their series priced first. Those that it can't judge
    even then, because prices themselves are stale, keep the standing they have.
    """
    stale = [id_ for id_, one in standings.items() if one.stale and accounts[id_].options]
    stale.sort(key=lambda id_: standings[id_].equity - standings[id_].maintenance)
    pricing = await pricing_of(books, moment, stale[:ACCOUNTS_REJUDGED_MAX])
    calls = {id_: [deed.data for deed in deeds] for id_, deeds in pricing.items() if deeds}
    judged = {**standings, **await books.standings_after(calls)}
    failing = {
        id_: accounts[id_] for id_, one in judged.items() if one.is_liquidatable and not one.stale
    }
    return Judged(judged, await _pricing_to_close(books, moment, failing))


async def _pricing_to_close(
    books: Books, moment: Moment, accounts: Mapping[int, AccountState]
) -> dict[int, Pricing]:
    """What accounts hold, and what is due of what the backstops that could take them hold: a vault
    with a stale series takes nothing, be it a perpetual."""
    if not accounts:
        return {}
    own, held = await pricing_of(books, moment, accounts), await _held_by(books, accounts)
    strikes, due = await books.strikes(), await _due_of_vaults(books, moment)
    pricing = {}
    for id_, account in accounts.items():
        underlyings = (strikes[series & ~1].underlying for series in held[id_])
        touched = sorted({*account.markets, *underlyings})
        others = [one for market in touched for one in due[market] if one not in held[id_]]
        pricing[id_] = (*own[id_], *pricing_deeds(others))
    return pricing


async def _due_of_vaults(books: Books, moment: Moment) -> dict[int, list[int]]:
    """Series that each market's backstop holds and that are to be priced."""
    markets = list(await books.markets())
    vaults = await books.read_each([partial(read_vault, market=id_) for id_ in markets])
    accounts = {id_: vault.account for id_, vault in zip(markets, vaults) if vault is not None}
    held = await _held_by(books, list(accounts.values()))
    known = await read_priceable(books, sorted({one for ids in held.values() for one in ids}))
    return {
        market: [
            one
            for one in (held[accounts[market]] if market in accounts else ())
            if known[one].can_be_priced(moment) and known[one].is_due(moment)
        ]
        for market in markets
    }
