"""The oracle's reporter: signs what a feed says, adds what other signers publish, relays rounds."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from execution.contracts.parameters import PPM
from execution.margin import (
    MarketState,
    MarketStatus,
    OptionInputsState,
    StrikeState,
    domain_separator,
    read_option_inputs,
)
from execution.margin.storage import Word, read_value
from node.keepers.books import Books, Moment
from node.keepers.feed import Feed, Listing
from node.keepers.keeper import Done, Refused
from node.keepers.lane import Deed, Lane
from node.keepers.limits import (
    GAS_REPORT,
    HEARTBEAT_SHARE,
    INPUTS_MOVE_PPM,
    INPUTS_SECONDS_MAX,
    ORACLE_SECONDS,
    STRIKES_A_STEP_MAX,
)
from node.keepers.prices import OptionInputs, Prices, price_text
from node.keepers.reports import (
    Kind,
    OracleKey,
    Report,
    Subject,
    read_reports,
    reports_json,
    round_call,
)
from node.keepers.series import held_series
from state.files import write_atomically
from state.types import Address, Hash32, Timestamp


@dataclass(frozen=True, slots=True)
class Quote:
    """What a feed says of a subject that is due; reports on it must be later than `after`."""

    subject: Subject
    values: tuple[int, ...]
    after: Timestamp


@dataclass(frozen=True, slots=True)
class Weights:
    """Which signers count, and how much of the whole there has to be."""

    of: dict[Address, int]
    total: int

    def suffice(self, reports: dict[Address, Report]) -> bool:
        """Whether they weigh more than half of all (MARGIN.md, "Oracle and mark")."""
        return 2 * sum(self.of[signer] for signer in reports) > self.total


@dataclass(frozen=True, slots=True)
class OracleReporter:
    """Keeps index, external prices and option inputs fresh.

    A round needs more than half of all weight: from keys at hand, and from files in which other
    signers publish their reports (`peers`). With `publish` the own reports are written to such a
    file; without a `lane` nothing is relayed.
    """

    books: Books
    feed: Feed
    keys: Sequence[OracleKey]
    lane: Lane | None
    peers: Sequence[Path] = ()
    publish: Path | None = None
    watched: Collection[int] = ()
    """Series whose inputs are kept as fresh as those of series that are held."""
    seconds: float = ORACLE_SECONDS
    name: str = "oracle"

    async def step(self) -> Done:
        """Report what is due, one round a subject."""
        moment = await self.books.look()
        markets, strikes = await self.books.markets(), await self.books.strikes()
        listing = Listing(moment.time, await self.books.origin(), markets, strikes)
        prices = await self.feed.read(listing)
        quotes = [
            *self._index_quotes(markets, prices, await self._rules(markets), moment),
            *await self._external_quotes(markets, prices, moment),
            *await self._option_quotes(markets, strikes, prices, moment),
        ]
        own = [self._sign(quote, moment) for quote in quotes]
        if self.publish is not None:
            reports = [report for signed in own for report in signed]
            write_atomically(self.publish, reports_json(reports))
        if self.lane is None:
            return Done()
        return await self._relay(self.lane, quotes, own, moment)

    # What is due

    async def _rules(self, markets: Collection[int]) -> dict[int, int]:
        """Seconds after which each market is stale."""
        states = await self.books.market_members(markets)
        return {id_: state["rules"]["staleSeconds"] for id_, state in states.items()}

    def _index_quotes(
        self,
        markets: dict[int, MarketState],
        prices: Prices,
        stale_seconds: dict[int, int],
        moment: Moment,
    ) -> Iterator[Quote]:
        for id_, market in markets.items():
            price = prices.index.get(id_)
            if price is None or not _lives(market):
                continue
            age = moment.time - market.index_time
            heartbeat = stale_seconds[id_] // HEARTBEAT_SHARE
            if age > 0 and (price != market.index or age >= heartbeat):
                subject = Subject(Kind.INDEX, id_, market.round + 1)
                yield Quote(subject, (price,), market.index_time)

    async def _external_quotes(
        self, markets: dict[int, MarketState], prices: Prices, moment: Moment
    ) -> list[Quote]:
        ids = [id_ for id_ in prices.external if id_ in markets and _lives(markets[id_])]
        quotes = []
        for id_, members in (await self.books.market_members(ids)).items():
            book = members["book"]
            age = moment.time - book["externalTime"]
            heartbeat = members["rules"]["staleSeconds"] // HEARTBEAT_SHARE
            if age > 0 and (prices.external[id_] != book["external_"] or age >= heartbeat):
                subject = Subject(Kind.EXTERNAL, id_, book["externalRound"] + 1)
                quotes.append(Quote(subject, (prices.external[id_],), book["externalTime"]))
        return quotes

    async def _option_quotes(
        self,
        markets: dict[int, MarketState],
        strikes: dict[int, StrikeState],
        prices: Prices,
        moment: Moment,
    ) -> list[Quote]:
        """Held strikes often, the others before they go stale; the oldest first, a few a step."""
        live = [
            id_
            for id_, strike in strikes.items()
            if id_ in prices.options
            and strike.expiry > moment.time
            and _lives(markets[strike.underlying])
        ]
        stale_seconds = await self._rules({strikes[id_].underlying for id_ in live})
        held = {id_ & ~1 for id_ in await held_series(self.books, strikes, self.watched)}
        known = await self.books.read_each([partial(read_option_inputs, strike=i) for i in live])
        due = []
        for id_, inputs in zip(live, known):
            patience = stale_seconds[strikes[id_].underlying] // 2
            if _inputs_due(inputs, prices.options[id_], moment, id_ in held, patience):
                due.append((inputs.time if inputs else Timestamp(0), id_ not in held, id_))
        return [
            _option_quote(id_, strikes[id_], prices.options[id_], time)
            for time, _, id_ in sorted(due, key=lambda one: (one[1], one[0]))[:STRIKES_A_STEP_MAX]
        ]

    # Rounds

    @property
    def _domain(self) -> Hash32:
        return domain_separator(self.books.client.chain_id)

    def _sign(self, quote: Quote, moment: Moment) -> list[Report]:
        return [
            key.sign_report(quote.subject, quote.values, moment.time, self._domain)
            for key in self.keys
        ]

    async def _relay(
        self,
        lane: Lane,
        quotes: Sequence[Quote],
        own: Sequence[Sequence[Report]],
        moment: Moment,
    ) -> Done:
        published = [report for path in self.peers for report in read_reports(path)]
        weights = await self._weights([*published, *(one for signed in own for one in signed)])
        deeds, lacking = [], []
        for quote, signed in zip(quotes, own):
            fitting = (one for one in published if _fits(one, quote, moment))
            present = self._by_signer([*signed, *fitting], weights)
            if not weights.suffice(present):
                lacking.append(Refused(str(quote.subject), "too few of the signers are present"))
                continue
            data = round_call(quote.subject, list(present.values()))
            deeds.append(Deed(_words(quote), data, GAS_REPORT))
        return Done.of((Done(refused=tuple(lacking)), await lane.do(deeds)))

    async def _weights(self, reports: Iterable[Report]) -> Weights:
        signers = {one.signer(self._domain) for one in reports}
        known = [signer for signer in signers if signer is not None]
        weights = await self.books.read_each([partial(_read_weight, signer=one) for one in known])
        return Weights(dict(zip(known, weights)), await self.books.read(_read_total_weight))

    def _by_signer(self, reports: Iterable[Report], weights: Weights) -> dict[Address, Report]:
        """One report a signer, the first; of those whose word counts."""
        present: dict[Address, Report] = {}
        for report in reports:
            signer = report.signer(self._domain)
            if signer is not None and weights.of.get(signer, 0) > 0:
                present.setdefault(signer, report)
        return present


def _lives(market: MarketState) -> bool:
    return market.status not in (MarketStatus.UNLISTED, MarketStatus.CLOSED)


def _inputs_due(
    inputs: OptionInputsState | None,
    now: OptionInputs,
    moment: Moment,
    is_held: bool,
    patience: int,
) -> bool:
    if inputs is None:
        return True
    age = moment.time - inputs.time
    if not is_held or age <= 0:
        return age >= patience
    moved = abs(now.forward - inputs.forward) * PPM > inputs.forward * INPUTS_MOVE_PPM
    return moved or age >= min(INPUTS_SECONDS_MAX, patience)


def _option_quote(id_: int, strike: StrikeState, inputs: OptionInputs, after: Timestamp) -> Quote:
    values = (inputs.forward, inputs.discount, inputs.volatility)
    return Quote(Subject(Kind.OPTION, id_, strike.round + 1), values, after)


def _fits(report: Report, quote: Quote, moment: Moment) -> bool:
    """Whether a published report can go into the round; one of the future would spoil it."""
    return report.subject == quote.subject and quote.after < report.timestamp <= moment.time


def _words(quote: Quote) -> str:
    return f"report {quote.subject}: {price_text(quote.values[0])}"


def _read_weight(word: Word, signer: Address) -> int:
    return int(read_value(word, "oracleSigners", signer)["weight"])


def _read_total_weight(word: Word) -> int:
    return int(read_value(word, "oracleWeight"))
