"""Whether a fill would settle as far as one side's account decides it, before it is made.

Margin is the clearing house's to compute, so its own code answers: `MarginLens.sol` inherits the
trade and the verdict of settlement, and runs on revm over a copy of the few slots that it reads.
In that copy an account has traded what it has matched since: the lens writes each fill into it
once, by settlement's own code, and the next check goes on from there. Open interest is what all
that is matched makes it; who nobody knows yet counts as if he opened all of his part.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from pyrevm import EVM, AccountInfo, BlockEnv, CfgEnv, Env

from execution.contracts import artifact
from execution.contracts.abi import Interface
from execution.margin import (
    SERIES_START,
    Reason,
    read_health,
    read_is_paused,
    read_market_count,
    read_option_rules,
    read_scenario_array,
    read_series,
    read_strike,
)
from execution.margin.storage import Word, moved_member, read_value
from execution.margin.typed_data import word as abi_word
from genesis.predeploys import CLEARING_HOUSE
from sequencer.exchange.ports import MatchedFills
from sequencer.exchange.unseen import delta_of, long_growth
from sequencer.house_memory import Piece
from sequencer.house_view import HouseView, read_held, strike_of
from sequencer.limits import LENS_CALLS_MAX, LENS_GAS
from sequencer.matching.events import Fill
from state.clock import Clock
from state.errors import InternalError

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
    grown: int = 0
    is_met: bool = True

    @property
    def words(self) -> bytes:
        members = (self.market, self.delta, self.price, self.fee_ppm, self.grown, self.is_met)
        return b"".join(map(abi_word, members))


@dataclass(frozen=True, slots=True)
class _Image:
    """Slots that belong together, as a view has them, and what they name that is read besides."""

    slots: Mapping[int, int]
    names: tuple[int, ...]

    @classmethod
    def of(cls, read: Callable[[Word], tuple[int, ...]], word: Word) -> "_Image":
        slots: dict[int, int] = {}

        def noted(slot: int) -> int:
            slots[slot] = value = word(slot)
            return value

        names = read(noted)
        return cls(slots, names)


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
        unseen: MatchedFills,
        steps: Sequence[Fill] = (),
        *,
        against: int | None = None,
    ) -> Reason | None:
        """Why a fill of `delta` (s8, negative for a sale) would be refused; None when it settles.

        Price p8. `unseen` are all fills that the view doesn't hold yet, and `steps` what the
        account would trade after those and before this one. `against` is the account of the other
        side, where it is known. Raises `MarginLensFailed`.
        """
        if self._calls >= LENS_CALLS_MAX:
            self._begin()
        if unseen is not self._unseen:
            self._forget_trades(unseen)
        grown = self._grown(against, market, -delta)
        last = _Part(market, delta, price, max_fee_ppm, grown, against is not None)
        parts = [*(self._step(account, fill) for fill in steps), last]
        done = self._written.get(account, 0)
        matched = unseen.of(account)[done:]
        past = [self._past(account, fill) for fill in matched]
        self._load(account, {part.market for part in (*past, *parts)})
        self._set_time()
        reason = Reason(self._ask(account, past, parts))
        if past:
            self._written[account] = done + len(past)
        return reason or None

    def _past(self, account: int, fill: Fill) -> _Part:
        """A matched fill from the account's side, at the fee that settlement will take."""
        fee_ppm = 0  # Of a market that a reorg took back: the lens leaves the fill out.
        if self._view.underlying(fill.market) is not None:
            fees = self._view.fees(account, fill.market)
            fee_ppm = fees.taker if fill.taker_account == account else fees.maker
        return _Part(fill.market, delta_of(fill, account), fill.price, fee_ppm)

    def _step(self, account: int, fill: Fill) -> _Part:
        """A fill that hasn't happened; of what would rest, the account is on both sides."""
        part = self._past(account, fill)
        other = fill.maker_account if fill.taker_account == account else fill.taker_account
        is_met = other != account
        grown = self._grown(other if is_met else None, fill.market, -part.delta)
        return replace(part, grown=grown, is_met=is_met)

    def _grown(self, account: int | None, market: int, delta: int) -> int:
        """By how much an account's long size grows with `delta`; at most, when nobody is named."""
        if account is None or self._unseen is None:
            return max(0, delta)
        return long_growth(self._unseen.position(account, market), delta)

    # The copy of the books

    def _begin(self) -> None:
        """A fresh machine, whose journal is short, with nothing in it but the code."""
        self._calls = 0
        self._time = 0
        self._unseen: MatchedFills | None = None
        self._written: dict[int, int] = {}
        """Of how many of its unseen fills each account's copy has the trades."""
        self._installed: dict[Piece, _Image] = {}
        self._interest: dict[Piece, int] = {}
        """s8 by which each market's open interest in the copy is beyond the view's."""
        self._evm = EVM(env=Env(cfg=CfgEnv()), gas_limit=LENS_GAS, spec_id="CANCUN")
        code = artifact("MarginLens").deployed_bytecode
        self._evm.insert_account_info(_HOUSE, AccountInfo(nonce=1, code=code))

    def _forget_trades(self, unseen: MatchedFills) -> None:
        """Other fills are unseen now: accounts are to be copied again before they are looked at."""
        for account in self._written:
            self._installed.pop(_of_account(account), None)
        self._written.clear()
        self._unseen = unseen

    def _set_time(self) -> None:
        """The next block's time, by which funding runs and prices go stale."""
        time = max(self._view.timestamp + 1, self._clock.now())
        if time != self._time:
            self._time = time
            self._evm.set_block_env(BlockEnv(number=1, timestamp=time, gas_limit=LENS_GAS))

    def _load(self, account: int, traded: set[int]) -> None:
        """Make sure that the machine holds what the lens reads, as it is in the view."""
        self._install(Piece("lens globals"), _read_globals)
        held = self._install(_of_account(account), partial(read_held, account=account))
        for market in {*held, *traded}:
            self._load_market(market)

    def _load_market(self, market: int) -> None:
        perpetual: tuple[int, ...] = (market,)
        if market >= SERIES_START:
            piece = Piece("lens series", None, (market,))
            perpetual = self._install(piece, partial(_read_series, series=market))
            if perpetual:
                self._move_interest(piece, market, "seriesBooks", ("openInterest",))
        for underlying in perpetual:
            piece = Piece("lens market", None, (underlying,))
            self._install(piece, partial(_read_market, market=underlying))
            self._move_interest(piece, underlying, "markets", ("flow", "openInterest"))

    def _install(self, piece: Piece, read: Callable[[Word], tuple[int, ...]]) -> tuple[int, ...]:
        """Copy a piece with everything that it reads into the machine, once a change."""
        image = self._view.memory.read(piece, partial(_Image.of, read))
        if self._installed.get(piece) is not image:
            for slot, value in image.slots.items():
                self._evm.insert_account_storage(_HOUSE, slot, value)
            self._installed[piece] = image
            self._interest.pop(piece, None)
        return image.names

    def _move_interest(self, piece: Piece, market: int, label: str, members: Sequence[str]) -> None:
        """Let a market's or series' open interest be what the unseen fills make of it."""
        grown = self._unseen.grown(market) if self._unseen is not None else 0
        if grown == self._interest.get(piece, 0):
            return
        self._interest[piece] = grown
        slots = self._installed[piece].slots
        slot, value = moved_member(
            slots.__getitem__, label, market, members=members, by=grown, least=0
        )
        self._evm.insert_account_storage(_HOUSE, slot, value)

    def _ask(self, account: int, past: Sequence[_Part], parts: Sequence[_Part]) -> int:
        self._calls += 1
        behind_past = 4 * _WORD_BYTES + len(past) * _PART_BYTES
        data = self._selector + b"".join(
            (
                *map(abi_word, (account, 3 * _WORD_BYTES, behind_past, len(past))),
                *(part.words for part in past),
                abi_word(len(parts)),
                *(part.words for part in parts),
            )
        )
        try:
            answer = self._evm.message_call(
                _CALLER, _HOUSE, calldata=data, gas=LENS_GAS, is_static=not past
            )
        except RuntimeError as error:
            raise MarginLensFailed(f"the margin lens halted: {str(error)[:200]}") from error
        return int.from_bytes(bytes(answer), "big")


_WORD_BYTES: Final = 32
_PART_BYTES: Final = 6 * _WORD_BYTES


def _of_account(account: int) -> Piece:
    return Piece("lens account", account)


def _read_globals(word: Word) -> tuple[int, ...]:
    """What holds for every market."""
    read_market_count(word)
    read_is_paused(word)
    return ()


def _read_series(word: Word, series: int) -> tuple[int, ...]:
    """A series; names its underlying, if it is listed."""
    strike = read_strike(word, strike_of(series))
    if strike is None:
        return ()
    read_scenario_array(word, series)
    read_series(word, series)
    read_option_rules(word, strike.underlying)
    return (strike.underlying,)


def _read_market(word: Word, market: int) -> tuple[int, ...]:
    """A market, whole: prices, funding, rules and caps."""
    read_value(word, "markets", market)
    read_health(word, market)
    return ()
