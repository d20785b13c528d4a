"""FETCH: what the next batch or tick says the next block is. One fetch makes exactly one block.

Total: every item, whatever its bytes, yields one block or one more reading position. What breaks a
rule yields an empty block and drops the rest of its batch, so that a bad batch costs the chain one
block and never its liveness.
"""

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from bridge.items import InboxItem, ItemKind
from bridge.limits import BATCH_TRANSACTION_BYTES_MAX, DECODED_BATCHES_KEPT_MAX
from genesis.config import DerivationConfig
from state.batch_codec import (
    BatchBlock,
    InvalidBatch,
    InvalidBatchBlock,
    decode_batch,
    read_block,
)
from state.types import Hash32, Timestamp


class Verdict(StrEnum):
    """What became of the item at the reading position."""

    BLOCK = "block"
    TICK = "tick"
    VOID = "void batch"
    """The posted bytes don't decode, or hold nothing."""
    MALFORMED = "malformed block"
    TIME_NOT_AFTER_PARENT = "timestamp not after the parent's"
    TIME_AHEAD = "timestamp ahead of L1 by more than the drift"
    ORIGIN_BACKWARDS = "origin before the parent's"
    ORIGIN_AHEAD = "origin after the batch"
    TRANSACTION_TOO_LARGE = "transaction too large"


@dataclass(frozen=True, slots=True)
class Fetched:
    """One block as the inbox orders it, and where reading goes on."""

    verdict: Verdict
    timestamp: Timestamp
    origin: int
    transactions: tuple[bytes, ...]
    next_batch: int
    offset: int


class Payloads:
    """Decoded batches, the last few kept: a batch of many blocks is decoded once."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: OrderedDict[Hash32, bytes] = OrderedDict()

    def of(self, item: InboxItem) -> bytes:
        """The payload of a batch item; empty where the batch is void."""
        if item.acc not in self._kept:
            self._kept[item.acc] = _decode(item.data)
            while len(self._kept) > DECODED_BATCHES_KEPT_MAX:
                self._kept.popitem(last=False)
        return self._kept[item.acc]


def fetch(
    item: InboxItem,
    offset: int,
    *,
    parent_time: Timestamp,
    parent_origin: int,
    payloads: Payloads,
    rules: DerivationConfig,
) -> Fetched:
    """The block that the batch or tick `item` orders when read from `offset`.

    `parent_origin` is the item index of the parent's origin.
    """
    if item.kind is ItemKind.TICK:
        return _without_transactions(item, Verdict.TICK, parent_time, item.index)
    payload = payloads.of(item)
    if not payload:
        return _without_transactions(item, Verdict.VOID, parent_time, parent_origin)
    try:
        block, end = read_block(payload, offset)
    except InvalidBatchBlock:
        return _without_transactions(item, Verdict.MALFORMED, parent_time, parent_origin)
    verdict = judge(block, item, parent_time=parent_time, parent_origin=parent_origin, rules=rules)
    if verdict is not Verdict.BLOCK:
        return _without_transactions(item, verdict, parent_time, parent_origin)
    is_last = end == len(payload)
    return Fetched(
        verdict=verdict,
        timestamp=block.timestamp,
        origin=block.origin,
        transactions=block.transactions,
        next_batch=item.ordinal + is_last,
        offset=0 if is_last else end,
    )


def judge(
    block: BatchBlock,
    item: InboxItem,
    *,
    parent_time: Timestamp,
    parent_origin: int,
    rules: DerivationConfig,
) -> Verdict:
    """The first rule that a block in the batch `item` breaks, or `BLOCK`."""
    if block.timestamp <= parent_time:
        return Verdict.TIME_NOT_AFTER_PARENT
    if block.timestamp > item.l1_time + rules.drift_seconds:
        return Verdict.TIME_AHEAD
    if block.origin < parent_origin:
        return Verdict.ORIGIN_BACKWARDS
    if block.origin > item.index:
        return Verdict.ORIGIN_AHEAD
    if any(len(raw) > BATCH_TRANSACTION_BYTES_MAX for raw in block.transactions):
        return Verdict.TRANSACTION_TOO_LARGE
    return Verdict.BLOCK


def _without_transactions(
    item: InboxItem, verdict: Verdict, parent_time: Timestamp, origin: int
) -> Fetched:
    """The empty block of a tick or of a batch that broke a rule; the item is used up."""
    return Fetched(
        verdict=verdict,
        timestamp=Timestamp(max(parent_time + 1, item.l1_time)),
        origin=origin,
        transactions=(),
        next_batch=item.ordinal + 1,
        offset=0,
    )


def _decode(posted: bytes) -> bytes:
    try:
        return decode_batch(posted)
    except InvalidBatch:
        return b""
