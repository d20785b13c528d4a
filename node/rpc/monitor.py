"""`rollup_getMonitor`: whether the clearing house's books are right, and what stands open or shut.

Numbers are written as `margin_` methods write them (`node/rpc/decimals.py`). What the monitor found
is of the block it checked last, everything else of the newest one.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from execution.margin import (
    CustodyState,
    HealthState,
    LimiterState,
    MarketStatus,
    read_closing,
    read_custody,
    read_health,
    read_insurance,
    read_is_paused,
    read_limiters,
    read_market,
    read_market_count,
    read_strike_count,
)
from execution.margin.storage import Word, read_value
from genesis.predeploys import CLEARING_HOUSE
from node.monitor.monitor import MonitorStatistics
from node.rpc.backend import Backend
from node.rpc.codec import Tag
from node.rpc.dispatch import method
from node.rpc.format import Json
from node.rpc.margin.format import block_json
from state.blocks import Header
from state.headers import header_hash
from state.types import Hash32


class MonitorMethods:
    """The monitor and the breakers, as seen by whoever looks on. Only on L2."""

    def __init__(self, backend: Backend, statistics: Callable[[], MonitorStatistics]) -> None:
        self._backend = backend
        self._statistics = statistics
        self._lock = asyncio.Lock()
        self._known: tuple[Hash32, Json] | None = None
        """What the newest block's state says, which is read once however many ask."""

    @method("rollup_getMonitor")
    async def monitor(self) -> Json:
        """What was checked, and the state of breakers, withdrawals, insurance and debts."""
        header = self._backend.header(Tag.LATEST)
        found = await self._house(header)
        return {"block": block_json(header), "checks": checks_json(self._statistics()), **found}

    async def _house(self, header: Header) -> Json:
        digest = header_hash(header)
        async with self._lock:
            if self._known is None or self._known[0] != digest:
                state = self._backend.store.state(header.number)
                word = partial(state.storage, CLEARING_HOUSE)
                found = await asyncio.to_thread(house_json, word, header.timestamp)
                self._known = digest, found
            return self._known[1]


def checks_json(now: MonitorStatistics) -> Json:
    """What the monitor has done; `balanceQ6` is the collateral that is there, if it knows."""
    books = now.books
    balance = None if books is None else books.house.balance
    return {
        "lastBlock": now.last,
        "blocks": now.checked,
        "scans": now.scans,
        "violations": now.violations,
        "accepted": now.accepted,
        "accounts": now.accounts,
        "cashQ6": None if books is None else str(now.cash),
        "balanceQ6": None if balance is None else str(balance),
    }


def house_json(word: Word, now: int) -> Json:
    """The clearing house's breakers at `now`, the time of a block in seconds."""
    return {
        "isPaused": read_is_paused(word),
        "strikes": read_strike_count(word),
        **_custody_json(read_custody(word)),
        "limiters": [
            None if limiter is None else _limiter_json(limiter) for limiter in read_limiters(word)
        ],
        "markets": [_market_json(word, market, now) for market in range(read_market_count(word))],
    }


def _custody_json(custody: CustodyState) -> Json:
    return {
        "custodyQ6": str(custody.held),
        "feesQ6": str(custody.fees),
        "insuranceQ6": str(custody.insurance),
        "reportedDebtQ6": str(custody.reported_debt),
        "withdrawalsOpen": not custody.is_gated,
    }


def _limiter_json(limiter: LimiterState) -> Json:
    return {
        "periodSeconds": limiter.period,
        "sharePpm": str(limiter.share),
        "minimumQ6": str(limiter.minimum),
        "capQ6": str(limiter.cap),
        "capacityQ6": str(limiter.capacity),
        "time": limiter.time,
    }


def _market_json(word: Word, market: int, now: int) -> Json:
    state, health = read_market(word, market), read_health(word, market)
    stale = int(read_value(word, "markets", market)["rules"]["staleSeconds"])
    closing = read_closing(word, market)
    return {
        "market": market,
        "status": state.status.name.lower(),
        "isStale": state.status is not MarketStatus.CLOSED and now > state.index_time + stale,
        "indexTime": state.index_time,
        "staleSeconds": stale,
        **_pause_json(health, now),
        "openInterestS8": str(state.open_interest),
        "insuranceQ6": str(read_insurance(word, market)),
        "closingPriceP8": None if closing is None else str(closing.price),
    }


def _pause_json(health: HealthState, now: int) -> Json:
    """The volatility pause, in which fills only reduce."""
    return {
        "isPaused": now < health.paused_until,
        "pausedUntil": health.paused_until or None,
    }
