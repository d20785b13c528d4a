"""How `rollup_` writes what derivation knows: boundaries, heads and inbox items."""

from bridge.boundary import Boundary
from bridge.derive.status import HeadStatus
from bridge.items import Cursor, InboxItem, Origin
from node.rpc.codec import data, quantity
from node.rpc.format import Json


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
        **cursor_json(boundary.cursor),
        **origin_json(boundary.origin),
    }


def cursor_json(cursor: Cursor) -> Json:
    """How far the chain has read the inbox."""
    return {
        "nextBatch": quantity(cursor.next_batch),
        "offset": quantity(cursor.offset),
        "nextDeposit": quantity(cursor.next_deposit),
    }


def origin_json(origin: Origin) -> Json:
    """Where a block takes its L1 attributes from."""
    return {
        "originItem": quantity(origin.item),
        "sequenceNumber": quantity(origin.sequence_number),
    }


def head_json(head: HeadStatus) -> Json:
    """A head, its origin, and the inbox item of that origin."""
    return {
        "number": quantity(head.block.number),
        "hash": data(head.block.hash),
        "origin": origin_json(head.origin),
        "l1": item_json(head.l1),
    }


def item_json(item: InboxItem | None) -> Json | None:
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
