"""The ClearingHouse's books in memory, as of one block, with what sums of accounts give.

Each account, market and series remembers the slots that it was read from. A block's undo record
names every slot that it changed, so that only what a block touched is read again, whatever the
contract told or kept to itself in its events. Units: sizes s8, amounts q6, prices p8, funding
indexes f12.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from execution.contracts import artifact
from execution.contracts.layout import Layout
from execution.margin import (
    SERIES_START,
    ClosingState,
    CustodyState,
    HoldingState,
    MarketState,
    MarketStatus,
    SeriesState,
    StrikeState,
    read_account,
    read_account_count,
    read_account_debt,
    read_claim,
    read_closing,
    read_custody,
    read_holdings,
    read_insurance,
    read_market,
    read_market_count,
    read_option_rules,
    read_position,
    read_series,
    read_settlement,
    read_strike,
    read_strike_count,
)
from execution.margin.storage import Word, read_value
from genesis.predeploys import CLEARING_HOUSE, COLLATERAL_TOKEN
from state.accounts import StateReader
from state.errors import InternalError
from state.types import Address
from state.world import slot_key

PERPS_END: Final = SERIES_START
"""Ids of perpetual markets are below this."""

DEBTORS_END: Final = 2**64 - 1
"""A closed market is a debtor under this less its id (Insolvency.sol)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PositionBook:
    """One perpetual position; `claim` is what a winner of a closed market is owed."""

    market: int
    size: int
    cost: int
    funding: int
    claim: int


@dataclass(frozen=True, slots=True)
class AccountBook:
    """One sub-account with all it holds."""

    owner: Address
    cash: int
    debt: int
    positions: tuple[PositionBook, ...]
    holdings: tuple[HoldingState, ...]

    @property
    def is_flat(self) -> bool:
        """Whether it holds neither a position nor a series."""
        return not self.positions and not self.holdings


Moved = Mapping[int, tuple[AccountBook | None, AccountBook]]
"""Accounts before a block, None for a new one, and after it."""


@dataclass(frozen=True, slots=True)
class MarketBook:
    """A perpetual market: what moves, its end, its insurance, its debt, and its bounds.

    `band` is ppm of the index, `funding_cap` r12, `oi_cap` s8.
    """

    state: MarketState
    closing: ClosingState | None
    insurance: int
    debt: int
    oi_cap: int
    band: int
    funding_cap: int

    @property
    def is_closed(self) -> bool:
        return self.state.status is MarketStatus.CLOSED


@dataclass(frozen=True, slots=True)
class SeriesBook:
    """An option series; `settlement` is None until its expiry is fixed."""

    state: SeriesState
    strike: StrikeState
    settlement: int | None
    oi_cap: int


@dataclass(frozen=True, slots=True)
class HouseBook:
    """The books as a whole. `balance` is the collateral held, None for a token not our own."""

    custody: CustodyState
    balance: int | None
    accounts: int
    markets: int
    strikes: int


@dataclass(slots=True)
class MarketSums:
    """Over the accounts with a position: `open_*` leaves out those with a claim."""

    longs: int = 0
    shorts: int = 0
    open_longs: int = 0
    open_shorts: int = 0
    claims: int = 0
    funded: int = 0
    """Size times the funding index that it was last settled at."""

    def add(self, position: PositionBook, sign: int) -> None:
        long, short = sign * max(position.size, 0), sign * max(-position.size, 0)
        self.longs += long
        self.shorts += short
        if not position.claim:
            self.open_longs += long
            self.open_shorts += short
        self.claims += sign * position.claim
        self.funded += sign * position.size * position.funding


@dataclass(slots=True)
class SeriesSums:
    """Over the accounts that hold a series."""

    longs: int = 0
    shorts: int = 0

    def add(self, size: int, sign: int) -> None:
        self.longs += sign * max(size, 0)
        self.shorts += sign * max(-size, 0)


@dataclass(slots=True)
class Sums:
    """What all accounts add up to, kept as they change."""

    cash: int = 0
    cost: int = 0
    """Of positions without a claim."""
    debt: int = 0
    markets: defaultdict[int, MarketSums] = field(default_factory=lambda: defaultdict(MarketSums))
    series: defaultdict[int, SeriesSums] = field(default_factory=lambda: defaultdict(SeriesSums))

    def add(self, book: AccountBook, sign: int) -> None:
        """Count an account in (1), or out (-1)."""
        self.cash += sign * book.cash
        self.debt += sign * book.debt
        for position in book.positions:
            self.cost += 0 if position.claim else sign * position.cost
            self.markets[position.market].add(position, sign)
        for holding in book.holdings:
            self.series[holding.series].add(holding.size, sign)


class Tracked(Generic[T]):
    """Values by number, and which of them a slot is part of. `read` takes a word and a number."""

    def __init__(self, read: Callable[[Word, int], T]) -> None:
        self.values: dict[int, T] = {}
        self._read = read
        self._slots: dict[int, set[bytes]] = {}
        self._users: dict[bytes, set[int]] = {}

    def read(self, number: int, word: Word) -> T:
        """Read one anew; what it was read from before is forgotten."""
        slots: set[bytes] = set()

        def recording(slot: int) -> int:
            slots.add(slot_key(slot))
            return word(slot)

        value = self._read(recording, number)
        for gone in self._slots.get(number, set()) - slots:
            self._users[gone].discard(number)
        for slot in slots:
            self._users.setdefault(slot, set()).add(number)
        self._slots[number] = slots
        self.values[number] = value
        return value

    def touched(self, changed: Iterable[bytes]) -> set[int]:
        """The numbers of what was read from one of these slots, by their hashes."""
        return {number for slot in changed for number in self._users.get(slot, ())}


def read_account_book(word: Word, account: int) -> AccountBook:
    """A sub-account. Raises `InternalError` for a number within the count that has no owner."""
    state = read_account(word, account)
    if state is None:
        raise InternalError(f"account {account} has no owner")
    return AccountBook(
        owner=state.owner,
        cash=state.cash,
        debt=read_account_debt(word, account),
        positions=tuple(read_position_book(word, account, market) for market in state.markets),
        holdings=read_holdings(word, account),
    )


def read_position_book(word: Word, account: int, market: int) -> PositionBook:
    """A position, whether or not the account's mask has it."""
    position = read_position(word, account, market)
    claim = read_claim(word, account, market)
    return PositionBook(market, position.size, position.cost, position.funding, claim)


def read_market_book(word: Word, market: int) -> MarketBook:
    """A perpetual market."""
    rules = read_value(word, "markets", market)
    return MarketBook(
        state=read_market(word, market),
        closing=read_closing(word, market),
        insurance=read_insurance(word, market),
        debt=read_account_debt(word, DEBTORS_END - market),
        oi_cap=rules["caps"]["oiCap"],
        band=rules["caps"]["markBand"],
        funding_cap=rules["fundingRules"]["cap"],
    )


def read_series_book(word: Word, series: int) -> SeriesBook:
    """An option series. Raises `InternalError` for one within the count that has no strike."""
    strike = read_strike(word, series & ~1)
    if strike is None:
        raise InternalError(f"series {series} has no strike")
    rules = read_option_rules(word, strike.underlying)
    return SeriesBook(
        state=read_series(word, series),
        strike=strike,
        settlement=read_settlement(word, strike.underlying, strike.expiry),
        oi_cap=rules.oi_cap if rules else 0,
    )


def read_house_book(state: StateReader) -> HouseBook:
    """The books as a whole, few enough to be read each block."""
    word = word_of(state)
    return HouseBook(
        custody=read_custody(word),
        balance=_token_balance(state, Address(read_value(word, "collateral"))),
        accounts=read_account_count(word),
        markets=read_market_count(word),
        strikes=read_strike_count(word),
    )


def word_of(state: StateReader) -> Word:
    """The ClearingHouse's slots in a state, each read once."""
    known: dict[int, int] = {}

    def word(slot: int) -> int:
        if slot not in known:
            known[slot] = state.storage(CLEARING_HOUSE, slot)
        return known[slot]

    return word


def _token_balance(state: StateReader, token: Address) -> int | None:
    """Where another token keeps its balances is not ours to know."""
    if token != COLLATERAL_TOKEN:
        return None
    layout = Layout.of(artifact("CollateralToken"))
    place = layout.place("balanceOf", CLEARING_HOUSE)
    return int(layout.read(place, lambda slot: state.storage(token, slot)))


@dataclass(frozen=True, slots=True)
class Globals:
    """All but the accounts, at one moment."""

    house: HouseBook
    markets: dict[int, MarketBook]
    series: dict[int, SeriesBook]


class Books:
    """Everything the invariants speak of, as of one block."""

    def __init__(self, state: StateReader) -> None:
        """Without accounts at first; `load` adds them."""
        self.accounts = Tracked(read_account_book)
        self.sums = Sums()
        self._markets = Tracked(read_market_book)
        self._series = Tracked(read_series_book)
        self.globals = self._read_globals(state, ())

    def load(self, state: StateReader, numbers: Iterable[int]) -> None:
        """Read these accounts, in the state that the books are of."""
        word = word_of(state)
        for number in numbers:
            self._read_account(number, word)

    def move(self, state: StateReader, changed: Collection[bytes]) -> Moved:
        """Go on to the next block, which changed these slots; what that did to accounts."""
        before = self.globals.house.accounts
        self.globals = self._read_globals(state, changed)
        touched = self.accounts.touched(changed)
        touched.update(range(before + 1, self.globals.house.accounts + 1))
        known = {number: self.accounts.values.get(number) for number in sorted(touched)}
        self.load(state, known)
        return {number: (was, self.accounts.values[number]) for number, was in known.items()}

    def _read_account(self, number: int, word: Word) -> None:
        known = self.accounts.values.get(number)
        if known is not None:
            self.sums.add(known, -1)
        self.sums.add(self.accounts.read(number, word), 1)

    def _read_globals(self, state: StateReader, changed: Collection[bytes]) -> Globals:
        house, word = read_house_book(state), word_of(state)
        series = range(SERIES_START, SERIES_START + 2 * house.strikes)
        _refresh(self._markets, range(house.markets), changed, word)
        _refresh(self._series, series, changed, word)
        return Globals(house, dict(self._markets.values), dict(self._series.values))


def _refresh(
    tracked: Tracked[T], numbers: Iterable[int], changed: Collection[bytes], word: Word
) -> None:
    touched = tracked.touched(changed)
    for number in numbers:
        if number in touched or number not in tracked.values:
            tracked.read(number, word)
