"""The accumulator against an independent ABI encoder, and what it refuses."""

from dataclasses import replace

import pytest
from eth_abi import encode
from hypothesis import given
from hypothesis import strategies as st

from bridge.derive.accumulator import accumulate, follows, next_item, with_acc
from bridge.items import InboxItem, ItemKind
from state.keccak import keccak
from state.types import ZERO_HASH, Address, Hash32, Timestamp, Wei
from tests.bridge.derive.inbox import Inbox

WORDS = st.binary(min_size=32, max_size=32).map(Hash32)
UINT64 = st.integers(0, 2**64 - 1)

ABI = [
    *("bytes32", "uint8", "uint256", "uint256", "address", "bytes32", "uint256"),
    *("uint256", "uint256", "uint256", "bytes32", "bytes32"),
]


@given(
    previous=WORDS,
    kind=st.sampled_from(ItemKind),
    index=UINT64,
    deposits=UINT64,
    sender=st.binary(min_size=20, max_size=20).map(Address),
    data=st.binary(max_size=300),
    l1=st.tuples(UINT64, UINT64, st.integers(0, 2**256 - 1), WORDS, WORDS),
)
def test_acc_any_item_equals_abi_encoding(
    previous: Hash32,
    kind: ItemKind,
    index: int,
    deposits: int,
    sender: Address,
    data: bytes,
    l1: tuple[int, int, int, Hash32, Hash32],
) -> None:
    number, time, base_fee, randao, parent = l1
    item = InboxItem(
        index=index,
        kind=kind,
        deposits=deposits,
        sender=sender,
        data=data,
        l1_number=number,
        l1_time=Timestamp(time),
        l1_base_fee=Wei(base_fee),
        prev_randao=randao,
        l1_hash=parent,
        acc=ZERO_HASH,
    )
    values = [previous, kind, index, deposits, sender, keccak(data), len(data), *l1]
    assert accumulate(previous, item) == keccak(encode(ABI, values))


def test_next_item_counts_both_walks() -> None:
    inbox = Inbox()
    inbox.deposit()
    inbox.posted(b"\0")
    inbox.forced(b"\1")
    inbox.tick()
    assert [item.index for item in inbox.items] == [0, 1, 2, 3, 4]
    assert [item.deposits for item in inbox.items] == [0, 1, 1, 2, 2]
    assert [item.ordinal for item in inbox.items] == [0, 0, 1, 1, 2]


def test_follows_honest_log_succeeds() -> None:
    items = _some_log()
    assert follows(None, items[0])
    assert all(follows(before, item) for before, item in zip(items, items[1:], strict=False))


@pytest.mark.parametrize(
    "change",
    [
        {"index": 3},
        {"deposits": 2},
        {"kind": ItemKind.FORCED},
        {"sender": Address(bytes(20))},
        {"data": b"other"},
        {"l1_number": 1},
        {"l1_time": Timestamp(1)},
        {"l1_base_fee": Wei(0)},
        {"prev_randao": ZERO_HASH},
        {"l1_hash": ZERO_HASH},
        {"acc": ZERO_HASH},
    ],
    ids=lambda change: next(iter(change)),
)
def test_follows_changed_field_fails(change: dict[str, object]) -> None:
    items = _some_log()
    assert not follows(items[1], replace(items[2], **change))


@pytest.mark.parametrize(
    "change",
    [{"index": 7}, {"deposits": 5}, {"l1_number": 1}, {"l1_time": Timestamp(1)}],
    ids=lambda change: next(iter(change)),
)
def test_follows_wrong_sequence_with_fitting_acc_fails(change: dict[str, object]) -> None:
    items = _some_log()
    forged = with_acc(items[1].acc, replace(items[2], **change))
    assert not follows(items[1], forged)


def test_first_item_must_have_index_zero() -> None:
    assert not follows(None, _some_log()[1])


def test_next_item_equals_what_follows_accepts() -> None:
    tip = _some_log()[-1]
    item = next_item(
        tip,
        kind=ItemKind.TICK,
        sender=Address(bytes(20)),
        data=b"",
        l1_number=tip.l1_number,
        l1_time=tip.l1_time,
        l1_base_fee=Wei(2**256 - 1),
        prev_randao=ZERO_HASH,
        l1_hash=ZERO_HASH,
    )
    assert follows(tip, item)


def _some_log() -> list[InboxItem]:
    inbox = Inbox()
    inbox.mine()
    inbox.posted(b"batch")
    inbox.mine()
    inbox.deposit()
    return inbox.items
