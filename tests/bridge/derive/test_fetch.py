"""FETCH: one block from each reading position, whatever the bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.derive.batches import Fetched, Payloads, Verdict, fetch
from bridge.items import InboxItem
from bridge.limits import BATCH_TRANSACTION_BYTES_MAX
from genesis.config import DerivationConfig
from state.batch_codec import BatchBlock, encode_batch, encode_blocks
from state.types import Timestamp
from tests.bridge.derive.inbox import GENESIS_TIME, Inbox

RULES = DerivationConfig(drift_seconds=100, window_seconds=500)
PARENT_TIME = Timestamp(GENESIS_TIME + 10)
PARENT_ORIGIN = 1


def _read(item: InboxItem, offset: int = 0, parent_time: Timestamp = PARENT_TIME) -> Fetched:
    return fetch(
        item,
        offset,
        parent_time=parent_time,
        parent_origin=PARENT_ORIGIN,
        payloads=Payloads(),
        rules=RULES,
    )


def _inbox() -> Inbox:
    """Item 1 is the parent's origin; the next item is number 2, 24 seconds after genesis."""
    inbox = Inbox()
    inbox.mine()
    inbox.tick()
    inbox.mine()
    return inbox


def _block(**changes: object) -> BatchBlock:
    fields = {"timestamp": PARENT_TIME + 1, "origin": PARENT_ORIGIN, "transactions": (b"tx",)}
    return BatchBlock(**fields | changes)  # type: ignore[arg-type]


def test_fetch_good_block_is_taken_as_it_is() -> None:
    item = _inbox().batch([_block()])
    assert _read(item) == Fetched(
        verdict=Verdict.BLOCK,
        timestamp=Timestamp(PARENT_TIME + 1),
        origin=PARENT_ORIGIN,
        transactions=(b"tx",),
        next_batch=item.ordinal + 1,
        offset=0,
    )


def test_fetch_second_block_reads_on_from_the_first() -> None:
    item = _inbox().batch([_block(), _block(timestamp=PARENT_TIME + 2, transactions=())])
    first = _read(item)
    assert first.next_batch == item.ordinal
    assert first.offset > 0
    second = _read(item, first.offset, parent_time=first.timestamp)
    assert (second.verdict, second.timestamp) == (Verdict.BLOCK, PARENT_TIME + 2)
    assert (second.next_batch, second.offset) == (item.ordinal + 1, 0)


def test_fetch_tick_is_an_empty_block_with_itself_as_origin() -> None:
    tick = _inbox().tick()
    fetched = _read(tick)
    assert fetched == Fetched(
        verdict=Verdict.TICK,
        timestamp=tick.l1_time,
        origin=tick.index,
        transactions=(),
        next_batch=tick.ordinal + 1,
        offset=0,
    )


def test_fetch_tick_before_parent_time_is_one_second_after_it() -> None:
    parent_time = Timestamp(GENESIS_TIME + 1_000)
    assert _read(_inbox().tick(), parent_time=parent_time).timestamp == parent_time + 1


@pytest.mark.parametrize(
    "posted",
    [b"", b"\0", b"\1", b"\2abc", b"\xff" * 100, b"\0" + bytes(262_145), b"\0" + bytes(81_920)],
    ids=["nothing", "empty", "empty packed", "codec", "garbage", "too large", "one too many"],
)
def test_fetch_void_batch_is_an_empty_block_on_the_parents_origin(posted: bytes) -> None:
    item = _inbox().posted(posted)
    assert _read(item) == Fetched(
        verdict=Verdict.VOID,
        timestamp=item.l1_time,
        origin=PARENT_ORIGIN,
        transactions=(),
        next_batch=item.ordinal + 1,
        offset=0,
    )


@pytest.mark.parametrize(
    ("verdict", "changes"),
    [
        (Verdict.TIME_NOT_AFTER_PARENT, {"timestamp": PARENT_TIME}),
        (Verdict.TIME_NOT_AFTER_PARENT, {"timestamp": 0}),
        (Verdict.TIME_AHEAD, {"timestamp": GENESIS_TIME + 24 + 101}),
        (Verdict.TIME_AHEAD, {"timestamp": 2**64 - 1}),
        (Verdict.ORIGIN_BACKWARDS, {"origin": PARENT_ORIGIN - 1}),
        (Verdict.ORIGIN_AHEAD, {"origin": 3}),
        (Verdict.ORIGIN_AHEAD, {"origin": 2**64 - 1}),
        (
            Verdict.TRANSACTION_TOO_LARGE,
            {"transactions": (bytes(BATCH_TRANSACTION_BYTES_MAX + 1),)},
        ),
    ],
)
def test_fetch_broken_rule_drops_the_rest(verdict: Verdict, changes: dict[str, object]) -> None:
    item = _inbox().batch([_block(**changes), _block(timestamp=PARENT_TIME + 50)])
    fetched = _read(item)
    assert fetched.verdict is verdict
    assert (fetched.transactions, fetched.origin) == ((), PARENT_ORIGIN)
    assert (fetched.next_batch, fetched.offset) == (item.ordinal + 1, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": GENESIS_TIME + 24 + 100},
        {"origin": 2},
        {"transactions": (bytes(BATCH_TRANSACTION_BYTES_MAX),)},
        {"transactions": ()},
    ],
    ids=["drift", "own item", "size", "no transactions"],
)
def test_fetch_at_the_limit_is_good(changes: dict[str, object]) -> None:
    assert _read(_inbox().batch([_block(**changes)])).verdict is Verdict.BLOCK


def test_fetch_truncated_second_block_keeps_the_first() -> None:
    payload = encode_blocks((_block(), _block(timestamp=PARENT_TIME + 2)))
    item = _inbox().posted(encode_batch(payload[:-1]))
    first = _read(item)
    assert first.verdict is Verdict.BLOCK
    second = _read(item, first.offset, parent_time=first.timestamp)
    assert (second.verdict, second.next_batch) == (Verdict.MALFORMED, item.ordinal + 1)


@given(payload=st.binary(max_size=200), parent_time=st.integers(0, 2**40).map(Timestamp))
def test_fetch_any_payload_advances_and_keeps_the_rules(
    payload: bytes, parent_time: Timestamp
) -> None:
    item = _inbox().posted(b"\0" + payload)
    fetched = _read(item, parent_time=parent_time)
    assert fetched.timestamp > parent_time
    assert PARENT_ORIGIN <= fetched.origin <= item.index
    assert (fetched.next_batch, fetched.offset) > (item.ordinal, 0)
    assert fetched.offset < len(payload) or fetched.offset == 0


@given(st.binary(max_size=300))
def test_fetch_any_posted_bytes_makes_a_block(posted: bytes) -> None:
    assert _read(_inbox().posted(posted)).timestamp > PARENT_TIME


def test_payloads_keeps_only_the_last_few() -> None:
    inbox = _inbox()
    payloads = Payloads()
    items = [inbox.posted(b"\0" + bytes([n])) for n in range(5)]
    assert [payloads.of(item) for item in items] == [bytes([n]) for n in range(5)]
    assert payloads.of(items[0]) == b"\0"
