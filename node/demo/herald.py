"""What the clearing house announces that is news in a crash."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from bridge.l1 import wire
from execution.contracts.abi import clearing_house
from genesis.predeploys import CLEARING_HOUSE
from node.demo.crash_story import News
from node.demo.limits import NEWS_BLOCKS_MAX
from node.layer import Layer
from state.types import BlockNumber

TOLD: Final = frozenset(
    {
        "LiquidationStarted",
        "PositionLiquidated",
        "InsuranceMoved",
        "DebtReported",
        "DeleverageProposed",
        "Deleveraged",
        "VolatilityPaused",
    }
)
"""Events that are news here."""


class Herald:
    """Reads the events of one block after the other, each once."""

    def __init__(self, l2: Layer, heard: BlockNumber) -> None:
        """`heard` is the last block whose events aren't news any more."""
        self._l2 = l2
        self._heard = heard

    async def news(self, last: BlockNumber) -> AsyncIterator[News]:
        """What happened since, up to block `last`."""
        while self._heard < last:
            end = min(last, self._heard + NEWS_BLOCKS_MAX)
            criteria = {
                "address": wire.to_data(CLEARING_HOUSE),
                "fromBlock": wire.to_quantity(self._heard + 1),
                "toBlock": wire.to_quantity(end),
            }
            answer = await self._l2.client.rpc.request("eth_getLogs", criteria)
            for entry in wire.list_(answer, "eth_getLogs"):
                news = _news(wire.object_(entry, "a log"))
                if news.event.name in TOLD:
                    yield news
            self._heard = BlockNumber(end)


def _news(entry: Mapping[str, Any]) -> News:
    event = clearing_house().event(
        [wire.hash_(topic, "a topic") for topic in wire.list_(entry.get("topics"), "topics")],
        wire.data(entry.get("data"), "data"),
    )
    block = wire.quantity(entry.get("blockNumber"), "blockNumber")
    return News(BlockNumber(block), event)
