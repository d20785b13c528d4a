"""An L1 that is not ours (`--l1-rpc`): the powers it has itself, as anvil and Hardhat have them."""

from typing import Any, Final

from node.powers.errors import PowerRefused, PowerUnavailable
from node.probe import EndpointRefused, EndpointSilent, RpcProbe

_METHOD_NOT_FOUND: Final = -32601


class ForeignL1:
    """Its clock and its snapshots, over its JSON-RPC."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def skip(self, seconds: int) -> None:
        """Skip time and make a block, so that contracts see it. Raises as `_call` does."""
        await self._call("evm_increaseTime", hex(seconds))
        await self._call("evm_mine")

    async def mine(self) -> int:
        """Make a block; the newest one's number."""
        await self._call("evm_mine")
        return int(await self._call("eth_blockNumber"), 16)

    async def snapshot(self) -> str:
        """Take a snapshot; its id."""
        return str(await self._call("evm_snapshot"))

    async def revert(self, identity: str) -> bool:
        """Go back to a snapshot; False where it has none of that id any more."""
        return bool(await self._call("evm_revert", identity))

    async def _call(self, method: str, *params: Any) -> Any:
        """Raises `PowerRefused` for an L1 without that power, `PowerUnavailable` for silence."""
        probe = RpcProbe()
        try:
            return await probe.call(self._url, method, *params)
        except EndpointRefused as error:
            lacks_it = error.code == _METHOD_NOT_FOUND
            why = "it has no such method; use anvil or the embedded L1" if lacks_it else str(error)
            raise PowerRefused(f"the L1 at {self._url} refused {method}: {why}") from error
        except EndpointSilent as error:
            raise PowerUnavailable(str(error)) from error
        finally:
            await probe.close()
