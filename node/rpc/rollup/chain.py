"""`rollup_`: how L2 blocks follow from L1, and what commits to them."""

from genesis.hashing import config_hash
from node.rpc.backend import Backend, HeaderNotFound, Rollup
from node.rpc.codec import BlockRef, data, parse_block, quantity
from node.rpc.dispatch import Param, method
from node.rpc.errors import CallFailed
from node.rpc.format import Json
from node.rpc.rollup.format import boundary_json, cursor_json, head_json, item_json
from state.types import BlockNumber

_BLOCK = Param(parse_block)


class NotDerivedYet(CallFailed):
    """The block is unsafe: L1 doesn't hold what it follows from, so nothing commits to it."""

    def __init__(self, number: BlockNumber) -> None:
        super().__init__(f"block {number} is not derived from L1 yet: ask again when it is safe")


class RollupMethods:
    """Derivation, as seen by whoever checks it. Only on L2."""

    def __init__(self, backend: Backend, rollup: Rollup) -> None:
        self._backend = backend
        self._rollup = rollup

    @method("rollup_syncStatus")
    async def sync_status(self) -> Json:
        """The three heads with their origins, and how far the inbox is read."""
        status = self._rollup.status()
        return {
            "unsafe": head_json(status.unsafe),
            "safe": head_json(status.safe),
            "finalized": head_json(status.finalized),
            "cursor": cursor_json(status.cursor),
            "items": quantity(status.items),
            "finalizedItems": quantity(status.final_items),
            "tip": item_json(status.tip),
        }

    @method("rollup_outputAtBlock", _BLOCK)
    async def output_at_block(self, ref: BlockRef) -> Json:
        """The output root of a safe block, and the boundary it commits to."""
        number = self._number(ref)
        boundary = self._rollup.view.boundary(number)
        if boundary is None:
            raise NotDerivedYet(number)
        return {"outputRoot": data(boundary.output_root), "boundary": boundary_json(boundary)}

    @method("rollup_blockInfo", _BLOCK)
    async def block_info(self, ref: BlockRef) -> Json:
        """Where a block comes from: its origin, and once it is safe its batch or tick."""
        number = self._number(ref)
        view = self._rollup.view
        head = view.origin_of(number)
        if head is None:
            raise HeaderNotFound
        derived = view.derived(number)
        return {
            **head_json(head),
            "batch": item_json(view.batch_of(number)),
            "cursor": None if derived is None else cursor_json(derived.cursor),
            "outputRoot": None if derived is None else data(derived.output_root),
        }

    @method("rollup_config")
    async def rollup_config(self) -> Json:
        """The chain's configuration, the hash that roots commit to, and the L1 deployment."""
        config = self._backend.config
        return {
            "name": config.name,
            "chainId": quantity(config.chain_id),
            "configHash": data(config_hash(config)),
            "genesisTime": quantity(config.genesis_time),
            "blockGasLimit": quantity(config.block_gas_limit),
            "driftSeconds": quantity(config.derivation.drift_seconds),
            "windowSeconds": quantity(config.derivation.window_seconds),
            "inbox": data(config.inbox),
            "portal": data(config.portal),
            "deployment": dict(self._rollup.deployment),
        }

    def _number(self, ref: BlockRef) -> BlockNumber:
        number = self._backend.number_of(ref)
        if number is None:
            raise HeaderNotFound
        return number
