"""BOUNDARY, DECODE and SCAN: which block the next batch or tick orders (docs/derivation.md, 4)."""

from dataclasses import replace
from typing import Final

from bridge.items import InboxItem, ItemKind
from bridge.limits import BATCH_TRANSACTION_BYTES_MAX
from bridge.machine.ground import Ground
from bridge.machine.inputs import Inputs
from execution.machine.memory import FrozenMemory
from execution.machine.status import Status
from state.batch_codec import InvalidBatch, decode_batch
from state.errors import InternalError

HEAD_BYTES: Final = 20
"""Timestamp (8), origin (8) and number of transactions (4)."""

LENGTH_BYTES: Final = 4
"""Before each transaction."""


def leave_boundary(ground: Ground) -> tuple[Status, Inputs | None]:
    """BOUNDARY: the next batch or tick, if the prefix has one."""
    cursor = ground.parent.cursor
    item = ground.prefix.batch(cursor.next_batch)
    if item is None:
        return Status.EXHAUSTED, None
    inputs = Inputs(
        item=item.index,
        time=item.l1_time,
        next_batch=cursor.next_batch,
        next_offset=cursor.offset,
        next_deposit=cursor.next_deposit,
    )
    if item.kind is ItemKind.BATCH:
        return Status.DECODE, inputs
    return Status.ORIGIN, replace(
        inputs, origin=item.index, next_batch=cursor.next_batch + 1, next_offset=0
    )


def decode(ground: Ground, inputs: Inputs) -> tuple[Status, Inputs]:
    """DECODE: decode the batch, and judge the head of the block at the offset."""
    payload = _payload(opened(ground, inputs.item))
    start = inputs.next_offset + HEAD_BYTES
    head = payload[inputs.next_offset : start]
    if not payload or len(head) < HEAD_BYTES:
        return Status.ORIGIN, inputs.without_transactions(ground.parent)
    timestamp, origin, count = (
        int.from_bytes(part, "big") for part in (head[:8], head[8:16], head[16:])
    )
    latest = inputs.time + ground.config.derivation.drift_seconds
    in_time = ground.header.timestamp < timestamp <= latest
    if not in_time or not ground.parent.origin.item <= origin <= inputs.item:
        return Status.ORIGIN, inputs.without_transactions(ground.parent)
    return Status.SCAN, replace(
        inputs,
        payload=FrozenMemory(payload),
        at=start,
        left=count,
        start=start,
        count=count,
        timestamp=timestamp,
        origin=origin,
    )


def scan(ground: Ground, inputs: Inputs) -> tuple[Status, Inputs]:
    """SCAN: one length field, or what follows from having seen all of them."""
    if inputs.left == 0:
        return Status.ORIGIN, _scanned(inputs)
    end = _end_of_transaction(inputs)
    if end is None:
        return Status.ORIGIN, inputs.without_transactions(ground.parent)
    return Status.SCAN, replace(inputs, at=end, left=inputs.left - 1)


def next_transaction(inputs: Inputs) -> tuple[Inputs, bytes]:
    """The transaction at `at`, which SCAN has been over, and the inputs without it."""
    end = _end_of_transaction(inputs)
    if inputs.payload is None or end is None:
        raise InternalError(f"no transaction at {inputs.at} of the payload, though it was scanned")
    raw = bytes(inputs.payload.data[inputs.at + LENGTH_BYTES : end])
    return replace(inputs, at=end, left=inputs.left - 1), raw


def opened(ground: Ground, index: int) -> InboxItem:
    """An item that the inputs name, so that the prefix has it."""
    item = ground.prefix.item(index)
    if item is None:
        raise InternalError(f"item {index} is gone from the prefix")
    return item


def _scanned(inputs: Inputs) -> Inputs:
    """The block is whole: move the cursor past it, and go back to its first transaction."""
    is_last = inputs.at == _size(inputs)
    return replace(
        inputs,
        at=inputs.start,
        left=inputs.count,
        next_batch=inputs.next_batch + is_last,
        next_offset=0 if is_last else inputs.at,
    )


def _end_of_transaction(inputs: Inputs) -> int | None:
    """Where the transaction whose length is at `at` ends; None where there can't be one."""
    start = inputs.at + LENGTH_BYTES
    if inputs.payload is None or start > _size(inputs):
        return None
    length = int.from_bytes(inputs.payload.data[inputs.at : start], "big")
    if length > BATCH_TRANSACTION_BYTES_MAX or start + length > _size(inputs):
        return None
    return start + length


def _size(inputs: Inputs) -> int:
    return 0 if inputs.payload is None else len(inputs.payload.data)


def _payload(item: InboxItem) -> bytes:
    try:
        return decode_batch(item.data)
    except InvalidBatch:
        return b""
