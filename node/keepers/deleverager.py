"""Closes what nobody takes: a bankrupt account's positions, against those who gained from them.

The order among counterparties is the contract's own function of figures that are read here; the
contract judges again when it is proposed to and when it executes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from execution.contracts.abi import clearing_house
from execution.margin import (
    SERIES_START,
    AccountState,
    CandidateState,
    MarketState,
    MarketStatus,
    read_candidate,
    read_holdings,
    read_option_size,
    read_position,
    read_safety_rules,
    read_scenario_array,
)
from node.keepers.books import Books, Moment
from node.keepers.census import Census
from node.keepers.debts import due_reports
from node.keepers.judging import judge_next
from node.keepers.keeper import Done
from node.keepers.lane import Deed, Lane
from node.keepers.limits import (
    CANDIDATES_MAX,
    DELEVERAGER_SECONDS,
    GAS_DELEVERAGE,
    PROPOSALS_TRIED_MAX,
)
from node.keepers.pricing import Pricing

_SIZE_PRICE = 10**10
"""s8 times p8 in q6."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What somebody holds of a perpetual or a series: s8, and q6."""

    account: int
    size: int
    cost: int
    gain: int
    """Unrealised, floored."""
    notional: int


@dataclass(frozen=True, slots=True)
class Stage:
    """Everybody who may be concerned, in the block that is looked at."""

    moment: Moment
    accounts: Mapping[int, AccountState]
    markets: Mapping[int, MarketState]

    def is_closed(self, market: int) -> bool:
        """Whether the market has ended, so that nobody gains from it any more."""
        return self.markets[market].status is MarketStatus.CLOSED


@dataclass(slots=True)
class Deleverager:
    """Proposes the counterparty with the highest score, and executes once its delay is over.

    What is still to be reported of the bankrupt account's debt goes before the proposal, so that
    withdrawals are closed first, and before that what prices its series.
    """

    books: Books
    lane: Lane
    seconds: float = DELEVERAGER_SECONDS
    name: str = "deleverager"
    _census: Census = field(init=False)

    def __post_init__(self) -> None:
        self._census = Census(self.books)

    async def step(self) -> Done:
        """Move every bankrupt account's positions one step on."""
        judged = await judge_next(self.books, await self.books.look(), self._census)
        accounts, standings = judged.accounts, judged.standings
        stage = Stage(judged.moment, accounts, await self.books.markets())
        parts = []
        for id_ in judged.bankrupt:
            report = await due_reports(self.books, {id_: accounts[id_]}, {id_: standings[id_]})
            parts.append(await self._end(id_, stage, judged.before(id_), tuple(report)))
        return Done.of(parts)

    async def _end(
        self, id_: int, stage: Stage, pricing: Pricing, report: tuple[Deed, ...]
    ) -> Done:
        """Each position of an account, whose debt is known before anybody has to take a part."""
        parts = []
        for market in await self._positions(id_, stage):
            done = await self._close(id_, market, stage, (*pricing, *report))
            report = () if done.sent else report
            parts.append(done)
        return Done.of(parts)

    async def _positions(self, id_: int, stage: Stage) -> list[int]:
        """What others may have gained from: perpetuals, and options that it is short of."""
        perps = [one for one in stage.accounts[id_].markets if not stage.is_closed(one)]
        held = await self.books.read(partial(read_holdings, account=id_))
        return perps + [one.series for one in held if one.size < 0]

    async def _close(self, id_: int, market: int, stage: Stage, first: tuple[Deed, ...]) -> Done:
        """Execute a candidate whose time has come; propose one where none fits, or a better."""
        standing = await self.books.read(partial(read_candidate, account=id_, market=market))
        if standing is not None and await self._is_old_enough(standing, market, stage.moment):
            data = clearing_house().call("deleverage", id_, market)
            what = f"deleverage account {id_} in {_name(market)} against {standing.counterparty}"
            done = await self.lane.do([Deed(what, data, GAS_DELEVERAGE, first)])
            if not _no_counterparty(done):
                return done
        ranked = await self._ranked(id_, market, stage)
        if standing is not None and ranked[:1] == [standing.counterparty]:
            return Done()
        return await self._propose(id_, market, ranked, first)

    async def _is_old_enough(self, candidate: CandidateState, market: int, moment: Moment) -> bool:
        underlying = await self._underlying(market)
        rules = await self.books.read(partial(read_safety_rules, market=underlying))
        return moment.time >= candidate.time + rules.deleverage_delay

    async def _underlying(self, market: int) -> int:
        if market < SERIES_START:
            return market
        return (await self.books.strikes())[market & ~1].underlying

    async def _propose(
        self, id_: int, market: int, ranked: list[int], first: tuple[Deed, ...]
    ) -> Done:
        """The first in the order that the contract takes: the best may be left with nothing."""
        refused = []
        for counterparty in ranked[:PROPOSALS_TRIED_MAX]:
            data = clearing_house().call("proposeDeleverage", id_, market, counterparty)
            what = f"propose {counterparty} against account {id_} in {_name(market)}"
            done = await self.lane.do([Deed(what, data, GAS_DELEVERAGE, first)])
            refused.append(done)
            if not _no_counterparty(done):
                return done
        return Done.of(refused)

    # The order

    async def _ranked(self, id_: int, market: int, stage: Stage) -> list[int]:
        """Counterparties by the contract's score, the highest first, ties to the lower id."""
        held = await self._held(market, stage)
        failing = next((one for one in held if one.account == id_), None)
        if failing is None:
            return []
        winners = [one for one in held if one.size * failing.size < 0 and one.gain > 0]
        winners.sort(key=lambda one: (-one.gain * _SIZE_PRICE // abs(one.cost), one.account))
        winners = winners[:CANDIDATES_MAX]
        standings = await self.books.standings([one.account for one in winners])
        solvent = [
            one for one in winners if one.account in standings and standings[one.account].equity > 0
        ]
        arguments = [
            (one.gain, one.cost, one.notional, standings[one.account].equity) for one in solvent
        ]
        scores = await self.books.view_each("deleverageScore", arguments)
        scored = [(-score[0], one.account) for score, one in zip(scores, solvent) if score]
        return [account for score, account in sorted(scored) if score < 0]

    async def _held(self, market: int, stage: Stage) -> list[Holding]:
        if market >= SERIES_START:
            return await self._held_options(market, stage.accounts)
        ids = [id_ for id_, one in stage.accounts.items() if one.perps >> market & 1]
        readers = [partial(read_position, account=id_, market=market) for id_ in ids]
        mark = stage.markets[market].mark
        return [
            Holding(
                account=id_,
                size=one.size,
                cost=one.cost,
                gain=one.size * mark // _SIZE_PRICE - one.cost,
                notional=abs(one.size) * mark // _SIZE_PRICE,
            )
            for id_, one in zip(ids, await self.books.read_each(readers))
            if one.size
        ]

    async def _held_options(
        self, series: int, accounts: Mapping[int, AccountState]
    ) -> list[Holding]:
        """A long option's gain and cost are what it is worth: its premium went through cash."""
        array = await self.books.read(partial(read_scenario_array, series=series))
        if array is None:
            return []
        ids = [id_ for id_, one in accounts.items() if one.options]
        readers = [partial(read_option_size, account=id_, series=series) for id_ in ids]
        found = []
        for id_, size in zip(ids, await self.books.read_each(readers)):
            worth = size * (array.value + (size < 0)) // _SIZE_PRICE
            if size:
                found.append(Holding(id_, size, worth, worth, abs(worth)))
        return found


def _no_counterparty(done: Done) -> bool:
    """Whether the contract refused because of whom the position would go to."""
    return any(one.reason.startswith("NotACounterparty") for one in done.refused)


def _name(market: int) -> str:
    return f"market {market}" if market < SERIES_START else f"series {market}"
