"""Ends markets that have died: closes them, registers their positions, pays what winners claim."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from execution.contracts.abi import clearing_house
from execution.margin import (
    AccountState,
    ClosingState,
    MarketState,
    MarketStatus,
    read_claim,
    read_closing,
    read_health,
)
from node.keepers.books import Books, Moment
from node.keepers.census import Census
from node.keepers.expiry import settle_deeds
from node.keepers.keeper import Done
from node.keepers.lane import Deed, Lane
from node.keepers.limits import EXPIRY_SECONDS, GAS_SETTLEMENT

DEAD_SECONDS: Final = 7 * 86_400
"""Without an index for so long anybody may close a market (MARGIN.md, "Oracle and mark")."""


@dataclass(slots=True)
class ClosingKeeper:
    """First the price, then every position, then the claims: each in a step of its own."""

    books: Books
    lane: Lane
    seconds: float = EXPIRY_SECONDS
    name: str = "closing"
    _census: Census = field(init=False)

    def __post_init__(self) -> None:
        self._census = Census(self.books)

    async def step(self) -> Done:
        """Move every market that ends one step on."""
        moment = await self.books.look()
        markets = await self.books.markets()
        deeds = [await self._close(id_) for id_, one in markets.items() if _is_dead(one, moment)]
        closed = [id_ for id_, one in markets.items() if one.status is MarketStatus.CLOSED]
        states = await self.books.read_each([partial(read_closing, market=id_) for id_ in closed])
        for id_, state in zip(closed, states):
            if state is not None:
                deeds += await self._end(id_, state)
        return await self.lane.do(deeds)

    async def _close(self, market: int) -> Deed:
        health = await self.books.read(partial(read_health, market=market))
        data = clearing_house().call("closeMarket", market, health.newest_bucket)
        return Deed(f"close market {market}", data, GAS_SETTLEMENT)

    async def _end(self, market: int, closing: ClosingState) -> list[Deed]:
        if not (closing.longs_left or closing.shorts_left or closing.claims):
            return []
        accounts = await self._census.next()
        claims = await self._claims(market, accounts)
        if closing.longs_left or closing.shorts_left:
            holders = [
                id_ for id_, one in accounts.items() if one.perps >> market & 1 and not claims[id_]
            ]
            return settle_deeds(f"register market {market}", "registerClosing", market, holders)
        winners = [id_ for id_, claim in claims.items() if claim]
        return settle_deeds(f"pay market {market}", "payClaims", market, winners)

    async def _claims(self, market: int, accounts: Mapping[int, AccountState]) -> dict[int, int]:
        readers = [partial(read_claim, account=id_, market=market) for id_ in accounts]
        return dict(zip(accounts, await self.books.read_each(readers)))


def _is_dead(market: MarketState, moment: Moment) -> bool:
    lives = market.status not in (MarketStatus.UNLISTED, MarketStatus.CLOSED)
    return lives and market.index > 0 and moment.time >= market.index_time + DEAD_SECONDS
