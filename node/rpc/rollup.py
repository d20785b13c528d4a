"""`rollup_`: how L2 blocks follow from L1, and what commits to them."""

from bridge.boundary import Boundary
from bridge.derive.status import HeadStatus
from bridge.items import Cursor, InboxItem, Origin
from genesis.hashing import config_hash
from node.rpc.backend import Backend, HeaderNotFound, Rollup
from node.rpc.codec import BlockRef, data, parse_block, quantity
from node.rpc.dispatch import Param, method
from node.rpc.errors import CallFailed
from node.rpc.format import Json
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
            "unsafe": _head_json(status.unsafe),
            "safe": _head_json(status.safe),
            "finalized": _head_json(status.finalized),
            "cursor": _cursor_json(status.cursor),
            "items": quantity(status.items),
            "finalizedItems": quantity(status.final_items),
            "tip": _item_json(status.tip),
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
            **_head_json(head),
            "batch": _item_json(view.batch_of(number)),
            "cursor": None if derived is None else _cursor_json(derived.cursor),
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


def boundary_json(boundary: Boundary) -> Json:
    """A boundary, in the order of its words."""
    return {
        "version": quantity(boundary.version),
        "configHash": data(boundary.config_hash),
        "number": quantity(boundary.number),
        "headerHash": data(boundary.header_hash),
        "stateRoot": data(boundary.state_root),
        "messagePasserStorageRoot": data(boundary.message_passer_root),
        "blockHashRingRoot": data(boundary.ring_root),
        **_cursor_json(boundary.cursor),
        **_origin_json(boundary.origin),
    }


def _cursor_json(cursor: Cursor) -> Json:
    return {
        "nextBatch": quantity(cursor.next_batch),
        "offset": quantity(cursor.offset),
        "nextDeposit": quantity(cursor.next_deposit),
    }


def _origin_json(origin: Origin) -> Json:
    return {
        "originItem": quantity(origin.item),
        "sequenceNumber": quantity(origin.sequence_number),
    }


def _head_json(head: HeadStatus) -> Json:
    return {
        "number": quantity(head.block.number),
        "hash": data(head.block.hash),
        "origin": _origin_json(head.origin),
        "l1": _item_json(head.l1),
    }


def _item_json(item: InboxItem | None) -> Json | None:
    """An inbox item, its data aside, or null where this node doesn't have it."""
    if item is None:
        return None
    return {
        "index": quantity(item.index),
        "kind": item.kind.name.lower(),
        "sender": data(item.sender),
        "size": quantity(len(item.data)),
        "l1Number": quantity(item.l1_number),
        "l1Time": quantity(item.l1_time),
        "acc": data(item.acc),
    }
