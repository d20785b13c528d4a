"""`eth_`: trying transactions without sending them."""

from execution.overrides import NO_BLOCK_OVERRIDES, BlockOverrides, Overrides
from execution.simulate import CallRequest, call, checked, create_access_list, estimate_gas
from node import limits
from node.rpc.backend import Backend
from node.rpc.codec import BlockRef, Tag, data, parse_block, quantity
from node.rpc.dispatch import Param, method
from node.rpc.eth.requests import parse_block_overrides, parse_call, parse_overrides
from node.rpc.format import Json, access_list_json
from state.types import Gas

_CALL_GAS_MAX = Gas(limits.RPC_CALL_GAS_MAX)

_CALL = Param(parse_call)
_LATEST = Param(parse_block, Tag.LATEST)
_OVERRIDES = Param(parse_overrides, {})
_BLOCK = Param(parse_block_overrides, NO_BLOCK_OVERRIDES)


class CallMethods:
    """Simulations on any block's state."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @method("eth_call", _CALL, _LATEST, _OVERRIDES, _BLOCK)
    async def call(
        self, request: CallRequest, ref: BlockRef, overrides: Overrides, block: BlockOverrides
    ) -> str:
        """What a call returns. A revert is error 3 with its data."""
        world = await self._backend.world_at(ref, overrides, block)
        return data(
            await self._backend.evm.run(lambda: checked(call(world, request, _CALL_GAS_MAX)).output)
        )

    @method("eth_estimateGas", _CALL, _LATEST, _OVERRIDES, _BLOCK)
    async def estimate(
        self, request: CallRequest, ref: BlockRef, overrides: Overrides, block: BlockOverrides
    ) -> str:
        """A gas limit that suffices."""
        world = await self._backend.world_at(ref, overrides, block)
        return quantity(await self._backend.evm.run(estimate_gas, world, request, _CALL_GAS_MAX))

    @method("eth_createAccessList", _CALL, _LATEST, _OVERRIDES, _BLOCK)
    async def access_list(
        self, request: CallRequest, ref: BlockRef, overrides: Overrides, block: BlockOverrides
    ) -> Json:
        """What a call accesses, and the gas it uses with that list."""
        world = await self._backend.world_at(ref, overrides, block)
        result = await self._backend.evm.run(create_access_list, world, request, _CALL_GAS_MAX)
        found: Json = {
            "accessList": access_list_json(result.access_list),
            "gasUsed": quantity(result.gas_used),
        }
        if result.error is not None:
            found["error"] = result.error
        return found
