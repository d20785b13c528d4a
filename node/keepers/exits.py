"""Executes exits that owners asked for, at the first mark after their delay."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from execution.contracts.abi import clearing_house
from execution.margin import SafetyRulesState, read_exit, read_index_sample, read_safety_rules
from node.keepers.books import Books, Moment
from node.keepers.census import Census
from node.keepers.expiry import BUCKET_SECONDS
from node.keepers.keeper import Done
from node.keepers.lane import Deed, Lane
from node.keepers.limits import BUCKETS_TRIED, EXPIRY_SECONDS, GAS_LIQUIDATION
from state.types import Timestamp


@dataclass(frozen=True, slots=True)
class Request:
    """An exit that was asked for."""

    account: int
    market: int
    time: Timestamp


@dataclass(slots=True)
class ExitKeeper:
    """Looks at every open position for a request whose time has come."""

    books: Books
    lane: Lane
    seconds: float = EXPIRY_SECONDS
    name: str = "exits"
    _census: Census = field(init=False)

    def __post_init__(self) -> None:
        self._census = Census(self.books)

    async def step(self) -> Done:
        """Execute what can be executed now."""
        moment = await self.books.look()
        rules = await self._rules()
        requests = [one for one in await self._requests() if _is_open(one, rules, moment)]
        deeds = [await self._execute(one, rules[one.market], moment) for one in requests]
        return await self.lane.do([deed for deed in deeds if deed is not None])

    async def _rules(self) -> dict[int, SafetyRulesState]:
        ids = list(await self.books.markets())
        found = await self.books.read_each([partial(read_safety_rules, market=id_) for id_ in ids])
        return dict(zip(ids, found))

    async def _requests(self) -> list[Request]:
        accounts = await self._census.next()
        places = [(id_, market) for id_, one in accounts.items() for market in one.markets]
        readers = [partial(read_exit, account=id_, market=market) for id_, market in places]
        times = await self.books.read_each(readers)
        return [Request(*place, time) for place, time in zip(places, times) if time is not None]

    async def _execute(
        self, request: Request, rules: SafetyRulesState, moment: Moment
    ) -> Deed | None:
        """At the first minute with a mark that begins after the delay; None before there is one."""
        buckets = list(_buckets(request, rules, moment))
        readers = [
            partial(read_index_sample, market=request.market, bucket=each) for each in buckets
        ]
        for bucket, sample in zip(buckets, await self.books.read_each(readers)):
            if sample is not None:
                call = clearing_house().call
                data = call("executeExit", request.account, request.market, bucket)
                what = f"let account {request.account} leave market {request.market}"
                return Deed(what, data, GAS_LIQUIDATION)
        return None


def _is_open(request: Request, rules: Mapping[int, SafetyRulesState], moment: Moment) -> bool:
    delay, window = rules[request.market].exit_delay, rules[request.market].exit_window
    return request.time + delay <= moment.time <= request.time + delay + window


def _buckets(request: Request, rules: SafetyRulesState, moment: Moment) -> Iterator[int]:
    first = -(-(request.time + rules.exit_delay) // BUCKET_SECONDS)
    last = min(moment.time // BUCKET_SECONDS, first + BUCKETS_TRIED)
    yield from range(first, last + 1)
