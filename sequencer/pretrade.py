"""Whether a fill would settle as far as one side's account decides it, before it is made.

Margin is the clearing house's to compute, so its own code answers: `MarginLens.sol` inherits the
trade and the verdict of settlement, and runs on revm over a copy of the few slots that it reads.
What isn't asked is what other accounts do to open interest meanwhile: the other side of a fill
counts as if it opened all of it, unless it is named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from pyrevm import EVM, AccountInfo, BlockEnv, CfgEnv, Env

from execution.contracts import artifact
from execution.contracts.abi import Interface
from execution.margin import (
    SERIES_START,
    Reason,
    read_health,
    read_is_paused,
    read_market_count,
    read_scenario_array,
    read_series,
    read_strike,
)
from execution.margin.storage import Word, read_value
from execution.margin.typed_data import word as abi_word
from genesis.predeploys import CLEARING_HOUSE
from sequencer.house_memory import Piece
from sequencer.house_view import HouseView, read_held, strike_of
from sequencer.limits import LENS_CALLS_MAX, LENS_GAS
from sequencer.matching.events import Fill
from state.clock import Clock
from state.errors import InternalError

T = TypeVar("T")

_CALLER: Final = "0x" + "0" * 40
_HOUSE: Final = "0x" + CLEARING_HOUSE.hex()


class MarginLensFailed(InternalError):
    """The contract's code did not answer: a slot is missing, or the code isn't the books'."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A side of a fill, as MarginLens.sol has it; `grown` is the other side's, s8."""

    market: int
    delta: int
    price: int
    fee_ppm: int
    grown: int

    @property
    def words(self) -> bytes:
        members = (self.market, self.delta, self.price, self.fee_ppm, self.grown)
        return b"".join(map(abi_word, members))


class PretradeMargin:
    """The contract's margin check on the newest view. Not thread-safe."""

    def __init__(self, view: HouseView, clock: Clock) -> None:
        self._clock = clock
        self._selector = Interface(tuple(artifact("MarginLens").abi)).selector("check")
        self._view = view
        self._begin()

    def renew(self, view: HouseView) -> None:
        """Judge on a later block from now on."""
        self._view = view
        if view.touched is None:
            self._begin()

    def check(
        self,
        account: int,
        market: int,
        delta: int,
        price: int,
        max_fee_ppm: int,
        pending: Sequence[Fill],
        *,
        against: int | None = None,
    ) -> Reason | None:
        """Why a fill of `delta` (s8, negative for a sale) would be refused; None when it settles.

        Price p8. `pending` are the account's fills before it, in order, that the view doesn't hold
        yet. `against` is the account of the other side, where it is known. Raises
        `MarginLensFailed`.
        """
        parts = [self._past(account, fill) for fill in pending]
        parts.append(_Part(market, delta, price, max_fee_ppm, self._grown(against, market, -delta)))
        self._load(account, {part.market for part in parts})
        self._set_time()
        reason = Reason(self._ask(account, parts))
        return reason or None

    def _past(self, account: int, fill: Fill) -> _Part:
        """A matched fill from the account's side, at the fee that settlement will take."""
        is_taker = fill.taker_account == account
        delta = fill.size if fill.taker_is_buy == is_taker else -fill.size
        other = fill.maker_account if is_taker else fill.taker_account
        fee_ppm = 0  # Of a market that a reorg took back: the lens leaves the fill out.
        if self._view.underlying(fill.market) is not None:
            fees = self._view.fees(account, fill.market)
            fee_ppm = fees.taker if is_taker else fees.maker
        grown = self._grown(other, fill.market, -delta)
        return _Part(fill.market, delta, fill.price, fee_ppm, grown)

    def _grown(self, account: int | None, market: int, delta: int) -> int:
        """By how much an account's long size grows with `delta`; at most, when nobody is named."""
        if account is None:
            return max(0, delta)
        held = self._view.position(account, market)
        return max(0, held + delta) - max(0, held)

    # The copy of the books

    def _begin(self) -> None:
        """A fresh machine, whose journal is short, with nothing in it but the code."""
        self._calls = 0
        self._generation = object()
        self._time = 0
        self._evm = EVM(env=Env(cfg=CfgEnv()), gas_limit=LENS_GAS, spec_id="CANCUN")
        code = artifact("MarginLens").deployed_bytecode
        self._evm.insert_account_info(_HOUSE, AccountInfo(nonce=1, code=code))

    def _set_time(self) -> None:
        """The next block's time, by which funding runs and prices go stale."""
        time = max(self._view.timestamp + 1, self._clock.now())
        if time != self._time:
            self._time = time
            self._evm.set_block_env(BlockEnv(number=1, timestamp=time, gas_limit=LENS_GAS))

    def _load(self, account: int, traded: set[int]) -> None:
        """Make sure that the machine holds what the lens reads, as it is in the view."""
        if self._calls >= LENS_CALLS_MAX:
            self._begin()
        self._copy(Piece("lens globals"), _read_globals)
        held: tuple[int, ...] = self._copy(
            Piece("lens account", account), partial(read_held, account=account)
        )
        for market in {*held, *traded}:
            self._load_market(market)

    def _load_market(self, market: int) -> None:
        underlying: int | None = market
        if market >= SERIES_START:
            underlying = self._copy(
                Piece("lens series", None, (market,)), partial(_read_series, series=market)
            )
        if underlying is not None:
            self._copy(
                Piece("lens market", None, (underlying,)),
                partial(_read_market, market=underlying),
            )

    def _copy(self, piece: Piece, read: Callable[[Word], T]) -> T:
        """Read a piece with everything that it reads going into the machine, once a change."""
        evm = self._evm

        def copied(word: Word) -> T:
            def copying(slot: int) -> int:
                value = word(slot)
                evm.insert_account_storage(_HOUSE, slot, value)
                return value

            return read(copying)

        return self._view.memory.read(piece._replace(keys=(*piece.keys, self._generation)), copied)

    def _ask(self, account: int, parts: Sequence[_Part]) -> int:
        self._calls += 1
        head = (account, 64, len(parts))
        data = self._selector + b"".join(map(abi_word, head))
        data += b"".join(part.words for part in parts)
        try:
            answer = self._evm.message_call(
                _CALLER, _HOUSE, calldata=data, gas=LENS_GAS, is_static=True
            )
        except RuntimeError as error:
            raise MarginLensFailed(f"the margin lens halted: {str(error)[:200]}") from error
        return int.from_bytes(bytes(answer), "big")


def _read_globals(word: Word) -> None:
    """What holds for every market."""
    read_market_count(word)
    read_is_paused(word)


def _read_series(word: Word, series: int) -> int | None:
    """A series; returns its underlying, None when it isn't listed."""
    strike = read_strike(word, strike_of(series))
    if strike is None:
        return None
    read_scenario_array(word, series)
    read_series(word, series)
    return strike.underlying


def _read_market(word: Word, market: int) -> None:
    """A market, whole: prices, funding, rules and caps."""
    read_value(word, "markets", market)
    read_health(word, market)
