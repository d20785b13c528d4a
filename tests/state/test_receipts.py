"""Receipts and blooms against the reference libraries."""

from dataclasses import replace

import pytest
from eth_bloom import BloomFilter
from hypothesis import given
from hypothesis import strategies as st

from state.blocks import EMPTY_BLOOM, Log, Receipt
from state.receipts import (
    bloom_may_contain,
    bloom_of,
    decode_receipt,
    encode_receipt,
    merge_blooms,
)
from state.rlp import InvalidRLP, encode

logs = st.lists(
    st.builds(
        Log,
        address=st.binary(min_size=20, max_size=20),
        topics=st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(tuple),
        data=st.binary(max_size=100),
    ),
    max_size=5,
).map(tuple)
receipts = st.builds(
    lambda kind, succeeded, gas, entries: Receipt(kind, succeeded, gas, entries, bloom_of(entries)),
    st.sampled_from([0, 1, 2, 0x7E]),
    st.booleans(),
    st.integers(0, 2**40),
    logs,
)


@given(receipts)
def test_decode_receipt_gives_the_receipt_back(receipt: Receipt):
    assert decode_receipt(encode_receipt(receipt)) == receipt


@given(receipts)
def test_bloom_matches_reference_and_contains_every_entry(receipt: Receipt):
    reference = BloomFilter()
    for log in receipt.logs:
        reference.add(log.address)
        reference.extend(log.topics)
    assert int.from_bytes(receipt.logs_bloom, "big") == int(reference)
    for log in receipt.logs:
        assert all(bloom_may_contain(receipt.logs_bloom, e) for e in (log.address, *log.topics))


def test_bloom_does_not_contain_what_was_not_added():
    assert not bloom_may_contain(EMPTY_BLOOM, b"\1" * 20)


@given(logs, logs)
def test_merge_blooms_is_the_bloom_of_all(first: tuple, second: tuple):
    assert merge_blooms([bloom_of(first), bloom_of(second)]) == bloom_of(first + second)


def test_encode_receipt_of_type_0_has_no_type_byte():
    receipt = Receipt(0, True, 21_000, (), EMPTY_BLOOM)
    assert encode_receipt(receipt) == encode([b"\1", b"\x52\x08", EMPTY_BLOOM, []])
    assert encode_receipt(replace(receipt, type=2)) == b"\2" + encode_receipt(receipt)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" + encode([b"\1", b"", EMPTY_BLOOM, []]),
        encode([b"\2", b"", EMPTY_BLOOM, []]),
        encode([b"\1", b"", EMPTY_BLOOM[1:], []]),
        encode([b"\1", b"", EMPTY_BLOOM, [[bytes(20), [bytes(32)] * 5, b""]]]),
        encode([b"\1", b"", EMPTY_BLOOM, [[bytes(19), [], b""]]]),
        encode([b"\1", b"", EMPTY_BLOOM]),
    ],
)
def test_decode_receipt_malformed_is_refused(data: bytes):
    with pytest.raises(InvalidRLP):
        decode_receipt(data)
