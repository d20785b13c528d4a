"""Books the funding of every market when an interval has ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from execution.contracts.abi import clearing_house
from execution.margin import MarketStatus
from node.keepers.books import Books, Moment
from node.keepers.keeper import Done
from node.keepers.lane import Deed, Lane
from node.keepers.limits import FUNDING_SECONDS, GAS_FUNDING


@dataclass(frozen=True, slots=True)
class FundingKeeper:
    """Accrues funding. Reports accrue it too; this is for markets whose reports are rare."""

    books: Books
    lane: Lane
    seconds: float = FUNDING_SECONDS
    name: str = "funding"

    async def step(self) -> Done:
        """Accrue every interval that has ended by the newest block."""
        moment = await self.books.look()
        markets = await self.books.market_members(await self.books.markets())
        return await self.lane.do(list(self._deeds(markets, moment)))

    def _deeds(self, markets: dict[int, dict[str, Any]], moment: Moment) -> Iterator[Deed]:
        call = clearing_house().call
        for id_, market in markets.items():
            end = market["flow"]["fundingTime"] + market["fundingRules"]["interval"]
            runs = market["price"]["status"] in (MarketStatus.ACTIVE, MarketStatus.REDUCE_ONLY)
            if runs and end <= moment.time:
                what = f"accrue the funding of market {id_}"
                yield Deed(what, call("accrueFunding", id_), GAS_FUNDING)
