"""Settles what has expired: fixes the price of an expiry, then ends its series' holdings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from execution.contracts.abi import clearing_house
from execution.margin import (
    AccountState,
    SeriesState,
    StrikeState,
    read_health,
    read_index_sample,
    read_option_size,
    read_settlement,
)
from node.keepers.books import Books
from node.keepers.census import Census
from node.keepers.errors import SamplesOutOfReach
from node.keepers.keeper import Done
from node.keepers.lane import Deed, Lane
from node.keepers.limits import (
    ACCOUNTS_AT_ONCE_MAX,
    BUCKETS_TRIED,
    EXPIRY_SECONDS,
    GAS_HOLDER,
    GAS_SETTLEMENT,
    HOLDERS_A_TRANSACTION_MAX,
    LINKS_WALKED_MAX,
)
from node.keepers.pricing import pricing_of
from node.keepers.series import series_books
from state.types import Gas, Timestamp

BUCKET_SECONDS = 60
"""Of the index samples (IndexTwap.STEP)."""


@dataclass(slots=True)
class ExpiryKeeper:
    """First the price, then the shorts, then the longs: each in a step of its own."""

    books: Books
    lane: Lane
    seconds: float = EXPIRY_SECONDS
    name: str = "expiry"
    _census: Census = field(init=False)

    def __post_init__(self) -> None:
        self._census = Census(self.books)

    async def step(self) -> Done:
        """Move every expired series that somebody holds one step on."""
        moment = await self.books.look()
        strikes = await self.books.strikes()
        ended = {id_: one for id_, one in strikes.items() if one.expiry <= moment.time}
        states = await series_books(self.books, ended)
        left = {id_: one for id_, one in states.items() if one.open_interest or one.shorts_left}
        if not left:
            return Done()
        fixed = await self._settlements({_expiry(ended, id_) for id_ in left})
        ready = {id_: one for id_, one in left.items() if fixed[_expiry(ended, id_)]}
        fixing = [await self._fix(*expiry) for expiry, price in fixed.items() if not price]
        accounts = await self._census.next() if ready else {}
        done = await self.lane.do([*fixing, *await self._settle(ready, accounts)])
        if not _lacks_prices(done):
            return done
        return Done.of((done, await self._settle_priced(ready, accounts)))

    async def _settlements(
        self, expiries: set[tuple[int, Timestamp]]
    ) -> dict[tuple[int, Timestamp], int | None]:
        wanted = sorted(expiries)
        readers = [
            partial(read_settlement, underlying=market, expiry=time) for market, time in wanted
        ]
        return dict(zip(wanted, await self.books.read_each(readers)))

    async def _fix(self, underlying: int, expiry: Timestamp) -> Deed:
        bucket = await newest_bucket_before(self.books, underlying, expiry)
        data = clearing_house().call("fixSettlement", underlying, expiry, bucket)
        what = f"fix the settlement of market {underlying} at {expiry}"
        return Deed(what, data, GAS_SETTLEMENT)

    async def _settle(
        self, series: Mapping[int, SeriesState], accounts: Mapping[int, AccountState]
    ) -> list[Deed]:
        deeds: list[Deed] = []
        for id_, state in series.items():
            holders = await self._holders(id_, accounts, shorts=state.shorts_left > 0)
            deeds += settle_deeds(f"settle series {id_}", "settleOptions", id_, holders)
        return deeds

    async def _settle_priced(
        self, series: Mapping[int, SeriesState], accounts: Mapping[int, AccountState]
    ) -> Done:
        """Shorts that are still there, each right after what else it holds is priced: who can't
        pay in full is settled only once it is known what the rest is worth."""
        moment = await self.books.look()
        deeds: list[Deed] = []
        for id_, state in series.items():
            if not state.shorts_left:
                continue
            shorts = await self._holders(id_, accounts, shorts=True)
            pricing = await pricing_of(self.books, moment, shorts)
            for short in shorts:
                first = pricing[short]
                deeds += settle_deeds(f"settle series {id_}", "settleOptions", id_, [short], first)
        return await self.lane.do(deeds[:ACCOUNTS_AT_ONCE_MAX])

    async def _holders(
        self, series: int, accounts: Mapping[int, AccountState], *, shorts: bool
    ) -> list[int]:
        ids = [id_ for id_, one in accounts.items() if one.options]
        readers = [partial(read_option_size, account=id_, series=series) for id_ in ids]
        sizes = await self.books.read_each(readers)
        return [id_ for id_, size in zip(ids, sizes) if (size < 0 if shorts else size > 0)]


def settle_deeds(
    what: str, function: str, subject: int, accounts: Sequence[int], first: tuple[Deed, ...] = ()
) -> list[Deed]:
    """Calls of a function that takes a market or series and its holders, some at a time.

    `first` goes right before each.
    """
    deeds = []
    for start in range(0, len(accounts), HOLDERS_A_TRANSACTION_MAX):
        part = accounts[start : start + HOLDERS_A_TRANSACTION_MAX]
        data = clearing_house().call(function, subject, part)
        words = f"{what}: account{'s' * (len(part) > 1)} {', '.join(map(str, part))}"
        deeds.append(Deed(words, data, Gas(GAS_SETTLEMENT + GAS_HOLDER * len(part)), first))
    return deeds


def _lacks_prices(done: Done) -> bool:
    """Whether the contract refused somebody because what else he holds isn't priced."""
    return any(one.reason.startswith("JudgedWhenFresh") for one in done.refused)


async def newest_bucket_before(books: Books, market: int, time: Timestamp) -> int:
    """The newest minute with an index report that ended by `time`.

    Most often it is the last one. After an outage the links from the newest report lead back to it.
    Raises `SamplesOutOfReach`.
    """
    last = time // BUCKET_SECONDS - 1
    tried = range(last, max(0, last - BUCKETS_TRIED), -1)
    readers = [partial(read_index_sample, market=market, bucket=each) for each in tried]
    for bucket, sample in zip(tried, await books.read_each(readers)):
        if sample is not None:
            return bucket
    bucket = (await books.read(partial(read_health, market=market))).newest_bucket
    for _ in range(LINKS_WALKED_MAX):
        if bucket <= last:
            return bucket
        sample = await books.read(partial(read_index_sample, market=market, bucket=bucket))
        bucket = sample.previous if sample is not None else 0
    raise SamplesOutOfReach(f"market {market}: reports in {LINKS_WALKED_MAX} minutes since {time}")


def _expiry(strikes: Mapping[int, StrikeState], series: int) -> tuple[int, Timestamp]:
    strike = strikes[series & ~1]
    return strike.underlying, strike.expiry
