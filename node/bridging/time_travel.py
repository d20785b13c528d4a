"""Moving a devnet's clock, where its nodes let themselves be told the time."""

from bridge.l1.errors import L1RequestRefused
from node.layer import Layer
from state.types import Timestamp


class TimeTravel:
    """`evm_increaseTime` of a devnet, which both layers follow; nothing on another chain."""

    def __init__(self, l1: Layer, l2: Layer) -> None:
        self._l1 = l1.client.rpc
        self._l2 = l2.client.rpc
        self._is_possible = True
        self._moved_to = 0

    async def forward(self, now: Timestamp, until: Timestamp) -> None:
        """Let the time from `now` until then pass at once, if the node can; once for each moment,
        because a block of that time has to be made first."""
        if not self._is_possible or until <= max(now, self._moved_to):
            return
        try:
            await self._l2.request("evm_increaseTime", until - now)
            self._moved_to = until
            await self._l1.request("evm_mine")
        except L1RequestRefused:
            self._is_possible = False
