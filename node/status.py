"""A rollup at one moment, asked of one of its L2 nodes."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.l1 import wire
from bridge.l1.errors import L1RequestRefused, L1Unavailable
from bridge.l1.rpc import RpcClient, connect

PROPOSALS_SHOWN: Final = 5
"""The newest output roots; older ones change no more as a rule."""

_IN_PROGRESS: Final = "in_progress"
_HEADS: Final = ("unsafe", "safe", "finalized")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """One of the three heads; `age` in seconds."""

    number: int
    hash: str
    age: int


@dataclass(frozen=True, slots=True)
class MarketView:
    """A market and its book; prices p8, open interest s8, insurance q6, None where unknown."""

    market: int
    status: str
    mark: int
    index: int
    bid: int | None
    ask: int | None
    open_interest: int
    insurance: int
    trouble: str | None
    """Why nobody may open positions there."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything on the screen; None or empty where the node doesn't know."""

    url: str
    client: str
    chain_id: int
    now: int
    """The rollup's time: ours, or its own where that is ahead, as after time travel."""
    heads: Mapping[str, Head]
    l1: Json | None
    batch: Json | None
    roots: Json | None
    peers: int
    pool: Json | None
    markets: tuple[MarketView, ...]
    monitor: Json | None
    is_sandbox: bool = False
    """A devnet whose state may be edited, and that nobody verifies."""

    @property
    def lag(self) -> int:
        """Blocks that L1 doesn't hold yet."""
        return self.heads["unsafe"].number - self.heads["safe"].number

    @property
    def disputes(self) -> list[Json]:
        """Proposals that somebody has answered and that aren't decided."""
        return [
            one
            for one in (self.roots or {}).get("proposals", ())
            if one["status"] == _IN_PROGRESS and int(one["claims"], 16) > 1
        ]

    def age(self, timestamp: str) -> int:
        """Seconds since a time that the node gave as a quantity."""
        return max(0, self.now - int(timestamp, 16))

    def json(self) -> dict[str, Any]:
        """For programs: numbers in decimal, amounts as text; the node's own answers as they are."""
        return {
            "rpc": self.url,
            "client": self.client,
            "chainId": self.chain_id,
            "sandbox": self.is_sandbox,
            "time": self.now,
            "heads": {
                name: {"number": head.number, "hash": head.hash, "ageSeconds": head.age}
                for name, head in self.heads.items()
            },
            "blocksNotOnL1": self.lag,
            "l1": self.l1,
            "lastBatch": self.batch,
            "roots": self.roots,
            "disputes": self.disputes,
            "peers": self.peers,
            "pool": self.pool,
            "markets": [_market_json(one) for one in self.markets],
            "monitor": self.monitor,
        }


class StatusReader:
    """Asks one node. `async with`."""

    def __init__(
        self, url: str, *, is_sandbox: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        self._url = url
        self._is_sandbox = is_sandbox
        self._clock = clock
        self._rpc: RpcClient = connect(url)

    async def __aenter__(self) -> "StatusReader":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._rpc.aclose()

    async def read(self) -> Snapshot:
        """The rollup now. Raises `L1Unavailable` where the node doesn't answer."""
        client, chain_id, sync, peers = await asyncio.gather(
            self._rpc.request("web3_clientVersion"),
            self._rpc.request("eth_chainId"),
            self._rpc.request("rollup_syncStatus"),
            self._rpc.request("net_peerCount"),
        )
        l1, batch, roots, pool, monitor, markets = await asyncio.gather(
            self._object("rollup_l1Status"),
            self._object("rollup_getBatch", "latest"),
            self._object("rollup_getProposals"),
            self._object("txpool_status"),
            self._object("rollup_getMonitor"),
            self._object("margin_getMarkets"),
        )
        blocks = await self._blocks(wire.object_(sync, "rollup_syncStatus"))
        times = [int(block["timestamp"], 16) for block in blocks.values()]
        now = max(int(self._clock()), *times)
        return Snapshot(
            url=self._url,
            client=str(client),
            chain_id=wire.quantity(chain_id, "eth_chainId"),
            now=now,
            heads={name: _head(block, now) for name, block in blocks.items()},
            l1=l1,
            batch=batch,
            roots=roots and {**roots, "proposals": roots["proposals"][:PROPOSALS_SHOWN]},
            peers=wire.quantity(peers, "net_peerCount"),
            pool=pool,
            markets=await self._markets(markets, monitor),
            monitor=monitor,
            is_sandbox=self._is_sandbox,
        )

    async def _blocks(self, sync: Json) -> dict[str, dict[str, Any]]:
        """The headers of the three heads."""
        numbers = [wire.object_(sync.get(name), name).get("number") for name in _HEADS]
        blocks = await asyncio.gather(
            *(self._object("eth_getBlockByNumber", number, False) for number in numbers)
        )
        found = {name: block for name, block in zip(_HEADS, blocks) if block is not None}
        if len(found) != len(_HEADS):
            raise L1Unavailable(f"{self._rpc.name} lost a head between two questions")
        return found

    async def _markets(self, markets: Json | None, monitor: Json | None) -> tuple[MarketView, ...]:
        if markets is None:
            return ()
        found = markets["markets"]
        books = await asyncio.gather(
            *(self._object("trade_getBook", one["market"], 1) for one in found)
        )
        health = {one["market"]: one for one in (monitor or {}).get("markets", ())}
        return tuple(
            _market(one, book, health.get(one["market"])) for one, book in zip(found, books)
        )

    async def _object(self, method: str, *params: object) -> dict[str, Any] | None:
        """An answer; None where this node doesn't have it, as a verifier has no book."""
        try:
            answer = await self._rpc.request(method, *params)
        except (L1RequestRefused, L1Unavailable):
            return None
        return None if answer is None else dict(wire.object_(answer, method))


def _head(block: Json, now: int) -> Head:
    age = now - int(block["timestamp"], 16)
    return Head(int(block["number"], 16), str(block["hash"]), age)


def _market(facts: Json, book: Json | None, health: Json | None) -> MarketView:
    bids, asks = (book or {}).get("bids", ()), (book or {}).get("asks", ())
    return MarketView(
        market=facts["market"],
        status=facts["status"],
        mark=int(facts["markP8"]),
        index=int(facts["indexP8"]),
        bid=_price(bids),
        ask=_price(asks),
        open_interest=int(facts["openInterestS8"]),
        insurance=int((health or {}).get("insuranceQ6", 0)),
        trouble=_trouble(facts, health),
    )


def _price(levels: Any) -> int | None:
    """The best price of one side of a book."""
    return int(levels[0][0]) if levels else None


def _trouble(facts: Json, health: Json | None) -> str | None:
    if facts["status"] != "active":
        return str(facts["status"])
    if health is not None and health["isPaused"]:
        return "volatility pause"
    if health is not None and health["isStale"]:
        return "stale prices"
    return None


def _market_json(view: MarketView) -> dict[str, Any]:
    return {
        "market": view.market,
        "status": view.status,
        "markP8": str(view.mark),
        "indexP8": str(view.index),
        "bestBidP8": None if view.bid is None else str(view.bid),
        "bestAskP8": None if view.ask is None else str(view.ask),
        "openInterestS8": str(view.open_interest),
        "insuranceQ6": str(view.insurance),
        "trouble": view.trouble,
    }
