"""What was traded, for those who ask later: fills by market and by account, and candles.

    t  market, id    -> fill, and what became of it
    a  account, id   -> the market of the fill
    k  span, market, start -> candle

Ids are written as their complement, so that the newest fill comes first. All of it is written
together with the input of the order log that it follows from: after a crash the history is exactly
as long as the log. Nothing is ever deleted: a fill takes some 300 bytes, less than it takes in the
blocks of the chain that settles it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

import msgspec

from sequencer.candles import MINUTE, SPANS, Candle, joined, start_of
from sequencer.matching.events import (
    Event,
    Fill,
    FillState,
    Matched,
    Settled,
    Unwound,
    WaitsAgain,
)
from sequencer.matching.views import FillRecord
from state.kv import DatabaseDamaged, KeyValueReader, prefix_end
from state.types import UINT64_MAX

_TRADES: Final = b"t"
_ACCOUNTS: Final = b"a"
_CANDLES: Final = b"k"

_MARKET_BYTES: Final = 4
_NUMBER_BYTES: Final = 8

Changes = dict[bytes, bytes | None]

_encode = msgspec.msgpack.Encoder().encode
_decode_record = msgspec.msgpack.Decoder(FillRecord).decode
_decode_candle = msgspec.msgpack.Decoder(Candle).decode


class TradeHistory:
    """Reads and adds to the history in a store. Any thread may read while another writes."""

    def __init__(self, store: KeyValueReader) -> None:
        self._store = store

    def changes(self, events: Iterable[Event]) -> Changes:
        """What to write for these events of the log, which come after all that is stored."""
        page = _Page(self._store)
        for event in events:
            if isinstance(event, Matched):
                page.add(event.fill)
            elif isinstance(event, Settled | Unwound | WaitsAgain):
                page.decide(event)
        return page.changes()

    # Reading

    def trades(self, market: int, limit: int, before: int | None = None) -> list[FillRecord]:
        """The newest `limit` fills of a market, newest first; those before an id.

        Raises `DatabaseDamaged`.
        """
        prefix = _TRADES + market.to_bytes(_MARKET_BYTES)
        return [_record(value) for _, value in self._newest(prefix, limit, before)]

    def fills(self, account: int, limit: int, before: int | None = None) -> list[FillRecord]:
        """The newest `limit` fills of an account, likewise."""
        prefix = _ACCOUNTS + account.to_bytes(_NUMBER_BYTES)
        found = []
        for key, market in self._newest(prefix, limit, before):
            value = self._store.get(_TRADES + market + key[len(prefix) :])
            if value is None:
                raise DatabaseDamaged(f"a fill of account {account} is missing in the history")
            found.append(_record(value))
        return found

    def candles(self, market: int, interval: int, start: int, end: int) -> list[tuple[int, Candle]]:
        """Start and candle of each interval (s) in which something was traded, oldest first.

        Those that begin from `start` until before `end` (s). Refused fills are in none. Raises
        `DatabaseDamaged`.
        """
        span = max(each for each in SPANS if interval % each == 0)
        first = -(-start // interval) * interval
        last = -(-end // interval) * interval
        groups: dict[int, list[Candle]] = {}
        for moment, candle in _candles_between(self._store, span, market, first, last):
            groups.setdefault(start_of(moment, interval), []).append(candle)
        whole = ((moment, joined(group)) for moment, group in groups.items())
        return [(moment, candle) for moment, candle in whole if candle is not None]

    def _newest(
        self, prefix: bytes, limit: int, before: int | None
    ) -> Iterator[tuple[bytes, bytes]]:
        start = prefix + _newest_first(UINT64_MAX if before is None else before - 1)
        entries = self._store.iterate(start, prefix_end(prefix))
        return islice(entries, limit)


class _Page:
    """What a write adds to the history; the fills and candles before it are in the store."""

    def __init__(self, store: KeyValueReader) -> None:
        self._store = store
        self._changes: Changes = {}
        self._candles: dict[bytes, Candle | None] = {}
        self._spoiled: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        """Market and start of each minute that lost a fill or has one back, and which it has."""

    def add(self, fill: Fill) -> None:
        """A new fill, later than all others."""
        self._put(FillRecord(fill, FillState.MATCHED))
        for account in (fill.taker_account, fill.maker_account):
            key = _ACCOUNTS + account.to_bytes(_NUMBER_BYTES) + _newest_first(fill.id)
            self._changes[key] = fill.market.to_bytes(_MARKET_BYTES)
        for span in SPANS:
            key = _candle_key(span, fill.market, start_of(fill.time // 1_000, span))
            before, now = self._candle(key), Candle.of(fill)
            self._candles[key] = before.then(now) if before else now

    def decide(self, event: Settled | Unwound | WaitsAgain) -> None:
        """A block settled or refused a fill, or a reorg took that block back."""
        fill = event.fill
        minute = fill.market, start_of(fill.time // 1_000, MINUTE)
        if isinstance(event, Settled):
            if self._is_refused(fill):
                self._spoiled[minute].add(fill.id)
            self._put(FillRecord(fill, FillState.UNSAFE, event.block, event.transaction))
        elif isinstance(event, WaitsAgain):
            self._put(FillRecord(fill, FillState.MATCHED))
        else:
            self._put(
                FillRecord(fill, FillState.REFUSED, event.block, event.transaction, event.reason)
            )
            self._spoiled[minute].discard(fill.id)

    def changes(self) -> Changes:
        """All of it, with the candles that lost a fill, or have one back, made anew."""
        for (market, start), found in sorted(self._spoiled.items()):
            self._retell(market, start, found)
        for key, candle in self._candles.items():
            self._changes[key] = None if candle is None else _encode(candle)
        return self._changes

    def _retell(self, market: int, start: int, found: set[int]) -> None:
        """Make a minute's candle of its fills, and the longer ones of the shorter ones."""
        key = _candle_key(MINUTE, market, start)
        told = self._candle(key)
        ids = found | ({told.first, told.last} if told else set())
        if not ids:
            return
        fills = self._fills(market, min(ids), max(ids))
        stand = (record.fill for record in fills if record.state is not FillState.REFUSED)
        self._candles[key] = joined(map(Candle.of, stand))
        for shorter, longer in zip(SPANS, SPANS[1:]):
            first = start_of(start, longer)
            key = _candle_key(longer, market, first)
            kept = range(first, first + longer, shorter)
            parts = (self._candle(_candle_key(shorter, market, moment)) for moment in kept)
            self._candles[key] = joined(part for part in parts if part is not None)

    def _is_refused(self, fill: Fill) -> bool:
        """Whether a fill stands as refused, which a block may take back that is derived again."""
        key = _trade_key(fill)
        value = self._changes.get(key) or self._store.get(key)
        return value is not None and _record(value).state is FillState.REFUSED

    def _fills(self, market: int, oldest: int, newest: int) -> Iterator[FillRecord]:
        """A market's fills from an id to another, oldest first."""
        prefix = _TRADES + market.to_bytes(_MARKET_BYTES)
        first, end = prefix + _newest_first(newest), prefix + _newest_first(oldest - 1)
        found: Mapping[bytes, bytes | None] = dict(self._store.iterate(first, end)) | {
            key: value for key, value in self._changes.items() if first <= key < end
        }
        return (_record(value) for _, value in sorted(found.items(), reverse=True) if value)

    def _candle(self, key: bytes) -> Candle | None:
        if key not in self._candles:
            value = self._store.get(key)
            self._candles[key] = None if value is None else _candle(value)
        return self._candles[key]

    def _put(self, record: FillRecord) -> None:
        self._changes[_trade_key(record.fill)] = _encode(record)


def _trade_key(fill: Fill) -> bytes:
    return _TRADES + fill.market.to_bytes(_MARKET_BYTES) + _newest_first(fill.id)


def _candles_between(
    store: KeyValueReader, span: int, market: int, first: int, end: int
) -> Iterator[tuple[int, Candle]]:
    keys = _candle_key(span, market, first), _candle_key(span, market, end)
    for key, value in store.iterate(*keys):
        yield int.from_bytes(key[-_NUMBER_BYTES:]), _candle(value)


def _candle_key(span: int, market: int, start: int) -> bytes:
    where = span.to_bytes(_MARKET_BYTES) + market.to_bytes(_MARKET_BYTES)
    return _CANDLES + where + start.to_bytes(_NUMBER_BYTES)


def _newest_first(fill: int) -> bytes:
    """An id in an order in which later ones come first."""
    return (UINT64_MAX - fill).to_bytes(_NUMBER_BYTES)


def _record(value: bytes) -> FillRecord:
    try:
        return _decode_record(value)
    except msgspec.MsgspecError as error:
        raise DatabaseDamaged(f"the trade history is damaged: {error}") from error


def _candle(value: bytes) -> Candle:
    try:
        return _decode_candle(value)
    except msgspec.MsgspecError as error:
        raise DatabaseDamaged(f"the candles are damaged: {error}") from error
