"""Moving a devnet's clock, where its nodes let themselves be told the time."""

from bridge.l1.errors import L1RequestRefused
from node.layer import Layer


class TimeTravel:
    """`evm_increaseTime` of a devnet, which both layers follow; nothing on another chain."""

    def __init__(self, layer: Layer) -> None:
        self._rpc = layer.client.rpc
        self._is_possible = True

    async def forward(self, seconds: int) -> bool:
        """Let that much time pass at once; False where the node can't or won't."""
        if not self._is_possible or seconds <= 0:
            return False
        try:
            await self._rpc.request("evm_increaseTime", seconds)
            await self._rpc.request("evm_mine")
        except L1RequestRefused:
            self._is_possible = False
        return self._is_possible
