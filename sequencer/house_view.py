"""The clearing house's books after a block, as the exchange asks for them.

Everything is read from the contract's storage; nothing of margin is computed here. Units: prices p8
(1e-8 USD), sizes s8 (1e-8 base), rates ppm, times seconds.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property, partial
from typing import Final

from execution.margin import (
    FILL_LANES,
    SERIES_START,
    AccountState,
    HealthState,
    MarketState,
    MarketStatus,
    MarketTermsState,
    OptionRulesState,
    ScenarioArray,
    SessionKeyState,
    StrikeState,
    read_account,
    read_fill_lanes,
    read_health,
    read_holdings,
    read_is_paused,
    read_market,
    read_market_count,
    read_market_terms,
    read_option_rules,
    read_option_size,
    read_position,
    read_scenario_array,
    read_session_key,
    read_strike,
    read_strike_count,
    read_vault_market,
)
from execution.margin.storage import Word, read_value
from genesis.predeploys import CLEARING_HOUSE
from sequencer.exchange.limits import ORDER_VALUE_MIN_Q6
from sequencer.exchange.ports import Fees, Instrument
from sequencer.house_memory import HouseMemory, Piece
from state.accounts import StateDiff, StateReader
from state.blocks import Header
from state.types import Address, BlockNumber, Timestamp

_PPM: Final = 1_000_000
_FEE_TIERS: Final = 4

_S8_P8_OF_Q6: Final = 10**10
"""Sizes (1e-8) times prices (1e-8) in an amount of 1e-6."""


def strike_of(series: int) -> int:
    """A call's id names its strike; the put's is one higher."""
    return series & ~1


class HouseView:
    """The books after one block; `after` makes the next block's.

    Every piece is read from the state once, and goes on to later views until a block changes it.
    Not thread-safe.
    """

    def __init__(
        self,
        state: StateReader,
        header: Header,
        memory: HouseMemory | None = None,
        changed: frozenset[Piece] | None = None,
    ) -> None:
        """A view without a past; `state` must stay that of `header`'s block for good."""
        self.memory = memory or HouseMemory(state)
        self.header = header
        self._changed = changed
        self._instruments: dict[int, Instrument | None] = {}

    def after(
        self, state: StateReader, header: Header, diff: StateDiff | None = None
    ) -> "HouseView":
        """The view of a later block; `diff` None where it isn't known what differs."""
        if diff is None or self.memory.is_full or CLEARING_HOUSE in diff.cleared:
            return HouseView(state, header)
        memory, changed = self.memory.after(state, diff.storage.get(CLEARING_HOUSE, {}))
        return HouseView(state, header, memory, changed)

    @property
    def matcher(self) -> bytes:
        """Who may settle fills: an address."""
        found: bytes = self.memory.read(Piece("matcher"), partial(read_value, label="matcher"))
        return found

    @property
    def number(self) -> BlockNumber:
        """The block."""
        return self.header.number

    @property
    def timestamp(self) -> Timestamp:
        """The block's."""
        return self.header.timestamp

    @cached_property
    def touched(self) -> frozenset[int] | None:
        """Accounts of which the block changed what was read before; None: it may be any."""
        if self._changed is None:
            return None
        return frozenset(piece.account for piece in self._changed if piece.account is not None)

    @cached_property
    def touched_nonces(self) -> Mapping[int, frozenset[int]]:
        """By account: nonces whose fills the block may have changed, of those read before."""
        found: defaultdict[int, set[int]] = defaultdict(set)
        for piece in self._changed or ():
            match piece:
                case Piece(kind="fills", account=int(account), keys=(int(group),)):
                    found[account].update(range(FILL_LANES * group, FILL_LANES * (group + 1)))
        return {account: frozenset(nonces) for account, nonces in found.items()}

    # Accounts

    def account(self, account: int) -> AccountState | None:
        """A sub-account; None when nobody has made it."""
        return self.memory.read(Piece("account", account), partial(read_account, account=account))

    def read_whole(self, account: int) -> None:
        """Have an account in memory with all that it holds."""
        self.memory.read(Piece("held", account), partial(read_held, account=account))

    @property
    def moved(self) -> AbstractSet[int]:
        """Accounts of which the block after this one, while it is built, changes something."""
        return self.memory.moved

    def accounts_at(self, slot: int) -> frozenset[int]:
        """Accounts of which something was read that a slot has a part in."""
        return self.memory.accounts_at(slot)

    def word(self, slot: int) -> int:
        """A slot of the clearing house, as of the block."""
        return self.memory.word(slot)

    def position(self, account: int, market: int) -> int:
        """s8 held of a perpetual market or a series, negative when short."""
        piece = Piece("position", account, (market,))
        if market >= SERIES_START:
            return self.memory.read(
                piece, partial(read_option_size, account=account, series=market)
            )
        return self.memory.read(piece, partial(read_position, account=account, market=market)).size

    def filled(self, account: int, nonce: int) -> int:
        """s8 filled under a nonce, or `FILLED_CANCELLED`."""
        group, lane = divmod(nonce, FILL_LANES)
        piece = Piece("fills", account, (group,))
        lanes = self.memory.read(piece, partial(read_fill_lanes, account=account, group=group))
        return lanes[lane]

    def session_key_allows(
        self, account: int, signer: Address, market: int, now: Timestamp
    ) -> bool:
        """Whether `signer` is a session key of the account that may trade the market at `now`."""
        state, underlying = self.account(account), self.underlying(market)
        if state is None or underlying is None:
            return False
        return self._session_key(account, signer).allows(state, underlying, now)

    def _session_key(self, account: int, signer: Address) -> SessionKeyState:
        piece = Piece("session key", account, (signer,))
        return self.memory.read(piece, partial(read_session_key, account=account, key=signer))

    # Markets and series

    def underlying(self, market: int) -> int | None:
        """The perpetual market that prices a market or series; None when it isn't listed."""
        if market < SERIES_START:
            return market if market < self._market_count else None
        strike = self._strike(strike_of(market))
        return None if strike is None else strike.underlying

    def instrument(self, market: int) -> Instrument | None:
        """How a market or series trades in the next block; None when it isn't listed."""
        if market not in self._instruments:
            self._instruments[market] = self._instrument(market)
        return self._instruments[market]

    def _instrument(self, market: int) -> Instrument | None:
        underlying = self.underlying(market)
        if underlying is None:
            return None
        if market < SERIES_START:
            return self._perpetual(market)
        return self._series(market, underlying)

    def instruments(self) -> Mapping[int, Instrument]:
        """All markets, and the series that haven't expired, by id."""
        found = ((market, self.instrument(market)) for market in self._ids())
        return {market: instrument for market, instrument in found if instrument is not None}

    def fees(self, account: int, market: int) -> Fees:
        """What an account that exists pays in a market that exists."""
        state, underlying = self.account(account), self.underlying(market)
        if state is None or underlying is None:
            raise KeyError((account, market))
        lanes = self._terms(underlying).fees
        first = 2 * (state.fee_tier % _FEE_TIERS)
        return Fees(taker=lanes[first], maker=lanes[first + 1])

    def marks(self) -> Mapping[int, int]:
        """p8 by id: the mark of each market, and the value of each series that has one."""
        marks = {market: self.market(market).mark for market in range(self._market_count)}
        for series in self._live_series():
            array = self._array(series)
            marks[series] = array.value if array else 0
        return {market: mark for market, mark in marks.items() if mark}

    def market(self, market: int) -> MarketState:
        """The moving parts of a perpetual market."""
        return self.memory.read(
            Piece("market", None, (market,)), partial(read_market, market=market)
        )

    def _perpetual(self, market: int) -> Instrument:
        state, terms = self.market(market), self._terms(market)
        low, high = _band(state.mark, state.mark * terms.price_band)
        return Instrument(
            tick=terms.tick,
            lot=terms.lot,
            is_auction=terms.is_auction,
            is_open=state.status not in (MarketStatus.UNLISTED, MarketStatus.CLOSED),
            is_reduce_only=self._is_reduce_only(market),
            price_low=low,
            price_high=high,
            least_size=_least_size(state.mark),
        )

    def _series(self, series: int, underlying: int) -> Instrument | None:
        """An option trades at the maker's price in every market; its band is of the index."""
        rules, strike = self._option_rules(underlying), self._strike(strike_of(series))
        if rules is None or strike is None:
            return None
        state, array = self.market(underlying), self._array(series)
        low, high = _band(array.value if array else 0, state.index * rules.price_band)
        has_ended = state.status is MarketStatus.CLOSED or self.timestamp >= strike.expiry
        return Instrument(
            tick=rules.tick,
            lot=rules.lot,
            is_auction=False,
            is_open=not has_ended,
            is_reduce_only=self._is_reduce_only(underlying),
            price_low=low,
            price_high=high,
            least_size=_least_size(state.index),
        )

    def _is_reduce_only(self, market: int) -> bool:
        is_active = self.market(market).status is MarketStatus.ACTIVE
        is_paused = self.memory.read(Piece("paused"), read_is_paused)
        return not is_active or is_paused or self.timestamp < self._health(market).paused_until

    def _ids(self) -> Iterator[int]:
        yield from range(self._market_count)
        yield from self._live_series()

    def _live_series(self) -> Iterator[int]:
        count = self.memory.read(Piece("strike count"), read_strike_count)
        for strike in range(SERIES_START, SERIES_START + 2 * count, 2):
            found = self._strike(strike)
            if found is not None and self.timestamp < found.expiry:
                yield from (strike, strike + 1)

    @property
    def _market_count(self) -> int:
        return self.memory.read(Piece("market count"), read_market_count)

    def _terms(self, market: int) -> MarketTermsState:
        piece = Piece("terms", None, (market,))
        return self.memory.read(piece, partial(read_market_terms, market=market))

    def _health(self, market: int) -> HealthState:
        piece = Piece("health", None, (market,))
        return self.memory.read(piece, partial(read_health, market=market))

    def _strike(self, strike: int) -> StrikeState | None:
        piece = Piece("strike", None, (strike,))
        return self.memory.read(piece, partial(read_strike, strike=strike))

    def _option_rules(self, underlying: int) -> OptionRulesState | None:
        piece = Piece("option rules", None, (underlying,))
        return self.memory.read(piece, partial(read_option_rules, underlying=underlying))

    def _array(self, series: int) -> ScenarioArray | None:
        piece = Piece("array", None, (series,))
        return self.memory.read(piece, partial(read_scenario_array, series=series))


def read_held(word: Word, account: int) -> tuple[int, ...]:
    """An account with all that it holds; returns the markets and series."""
    state = read_account(word, account)
    if state is None:
        return ()
    if state.is_vault:
        read_vault_market(word, account)
    for market in state.markets:
        read_position(word, account, market)
    series = tuple(holding.series for holding in read_holdings(word, account))
    return state.markets + series


def _least_size(price: int) -> int:
    """s8 that is worth an order's least value at a price (p8); 0 without one.

    An option counts as what it is an option on: its own price may be next to nothing.
    """
    return -(-ORDER_VALUE_MIN_Q6 * _S8_P8_OF_Q6 // price) if price else 0


def _band(near: int, reach: int) -> tuple[int, int]:
    """The prices within `reach` (p8 * 1e6) of one; settlement's own comparison, solved."""
    return max(0, near - reach // _PPM), near + reach // _PPM
