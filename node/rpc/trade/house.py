"""What each block makes of accounts and markets, for those who subscribed: the contract's numbers.

Only what somebody listens to is asked for, once a block, and of the newest block alone: whoever is
slower than the blocks misses some, never the last one.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from execution.margin import read_account, read_market
from execution.margin.calls import HouseCalls
from execution.margin.statement import read_standing
from node.rpc.backend import Backend
from node.rpc.codec import data
from node.rpc.errors import LimitExceeded
from node.rpc.feed import BlockEvent
from node.rpc.format import Json
from node.rpc.margin.format import standing_json
from node.rpc.margin.funding import read_running
from node.rpc.margin.house import ask_house
from node.rpc.subscriptions import Stop, Tell
from node.rpc.trade.limits import HOUSE_LISTENED_MAX
from node.rpc.trade.listeners import Listeners
from state.blocks import Header
from state.errors import Invalid, Unavailable

log = logging.getLogger("tallystick.rpc")

Question = Callable[[int, HouseCalls], Json | None]


class HouseFeed:
    """Margin, marks and funding after each block."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._newest: Header | None = None
        self._moved = asyncio.Event()
        self._listeners: Listeners[tuple[str, int]] = Listeners()
        backend.feed.on_block(self._follow)

    def check_room(self, kind: str, number: int) -> None:
        """Raises `LimitExceeded` where no more are told."""
        key = (kind, number)
        if key not in self._listeners and len(self._listeners) >= HOUSE_LISTENED_MAX:
            raise LimitExceeded(
                f"at most {HOUSE_LISTENED_MAX} accounts and markets are told of after each block"
            )
        self._listeners.check_room(key)

    def listen(self, kind: str, number: int, tell: Tell) -> Stop:
        """Tell after each block; `kind` is one of `QUESTIONS`. Returns how to stop."""
        return self._listeners.add((kind, number), tell)

    async def run(self) -> None:
        """Tell of each block until cancelled; where blocks are faster, everybody in turn."""
        told: dict[tuple[str, int], Header | None] = {}
        while True:
            await self._moved.wait()
            self._moved.clear()
            told = {key: await self._tell(*key, told.get(key)) for key in self._listeners.wanted()}

    def _follow(self, event: BlockEvent) -> None:
        if not event.removed and len(self._listeners):
            self._newest = event.header
            self._moved.set()

    async def _tell(self, kind: str, number: int, told: Header | None) -> Header | None:
        """Tell of the newest block, unless that was done; returns the block."""
        header = self._newest
        if header is None or header is told:
            return header
        question = partial(QUESTIONS[kind], number)
        try:
            found = await ask_house(self._backend, header, question)
        except (Invalid, Unavailable) as error:
            log.info("no %s of %d after block %d: %s", kind, number, header.number, error)
            return header
        if found is not None:
            block = {"block": header.number, "timestamp": header.timestamp}
            self._listeners.tell((kind, number), {**found, **block})
        return header


def _margin(account: int, house: HouseCalls) -> Json | None:
    state = read_account(house.word, account)
    if state is None:
        return None
    return {
        "account": account,
        "owner": data(state.owner),
        "orderEpoch": state.order_epoch,
        "cashQ6": str(state.cash),
        "standing": standing_json(read_standing(house, account)),
    }


def _mark(market: int, house: HouseCalls) -> Json | None:
    state = read_market(house.word, market)
    return {"market": market, "markP8": str(state.mark), "indexP8": str(state.index)}


def _funding(market: int, house: HouseCalls) -> Json | None:
    running = read_running(house, market)
    return {
        "market": market,
        "fundingIndexF12": str(running.quote.funding_index),
        "runningRateR12": str(running.settled_rate),
        "predictedRateR12": str(running.predicted_rate),
        "predictedDeltaF12": str(running.predicted_delta),
    }


QUESTIONS: dict[str, Question] = {"margin": _margin, "mark": _mark, "funding": _funding}
"""What is asked, by kind of subscription; None where there is nothing to tell."""
