"""Headers: hashes and base fees as py-evm's Cancun rules have them."""

from dataclasses import replace

import pytest
from eth.vm.forks.cancun.blocks import CancunBlockHeader
from eth.vm.forks.london.headers import calculate_expected_base_fee_per_gas
from hypothesis import given
from hypothesis import strategies as st

from state.blocks import Header
from state.headers import decode_header, encode_header, header_hash, next_base_fee
from state.keccak import keccak
from state.rlp import InvalidRLP, decode, encode

HEADER = Header(
    parent_hash=keccak(b"parent"),
    state_root=keccak(b"state"),
    number=17,
    gas_limit=30_000_000,
    timestamp=1_700_000_000,
    base_fee_per_gas=10**9,
    coinbase=b"\x11" * 20,
    transactions_root=keccak(b"transactions"),
    receipts_root=keccak(b"receipts"),
    logs_bloom=b"\x01" * 256,
    gas_used=123_456,
    prev_randao=keccak(b"randao"),
    extra_data=b"extra",
    blob_gas_used=3,
    excess_blob_gas=4,
    parent_beacon_block_root=keccak(b"beacon"),
)


def reference_header(header: Header) -> CancunBlockHeader:
    """The same header as py-evm's class."""
    return CancunBlockHeader(
        difficulty=header.difficulty,
        block_number=header.number,
        gas_limit=header.gas_limit,
        timestamp=header.timestamp,
        coinbase=header.coinbase,
        parent_hash=header.parent_hash,
        uncles_hash=header.ommers_hash,
        state_root=header.state_root,
        transaction_root=header.transactions_root,
        receipt_root=header.receipts_root,
        bloom=int.from_bytes(header.logs_bloom, "big"),
        gas_used=header.gas_used,
        extra_data=header.extra_data,
        mix_hash=header.prev_randao,
        nonce=header.nonce,
        base_fee_per_gas=header.base_fee_per_gas,
        withdrawals_root=header.withdrawals_root,
        blob_gas_used=header.blob_gas_used,
        excess_blob_gas=header.excess_blob_gas,
        parent_beacon_block_root=header.parent_beacon_block_root,
    )


def test_header_hash_matches_py_evm():
    assert header_hash(HEADER) == reference_header(HEADER).hash


def test_decode_header_gives_the_header_back():
    assert decode_header(encode_header(HEADER)) == HEADER


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (0, b"\0" * 31),
        (2, b"\0" * 21),
        (6, b"\0" * 255),
        (8, b"\0\1"),
        (8, b"\1" * 9),
        (12, b"x" * 33),
        (13, []),
        (14, b""),
    ],
)
def test_decode_header_with_a_wrong_field_is_refused(field: int, value: object):
    fields = decode(encode_header(HEADER))
    fields[field] = value
    with pytest.raises(InvalidRLP):
        decode_header(encode(fields))


def test_decode_header_of_another_fork_is_refused():
    fields = decode(encode_header(HEADER))
    for other in (fields[:-1], [*fields, b"\0" * 32]):
        with pytest.raises(InvalidRLP, match="20 elements"):
            decode_header(encode(other))


@given(
    gas_limit=st.integers(10_000, 2**40),
    share=st.fractions(0, 1),
    base_fee=st.integers(0, 2**64),
)
def test_next_base_fee_matches_py_evm(gas_limit: int, share, base_fee: int):
    parent = replace(
        HEADER,
        gas_limit=gas_limit,
        gas_used=int(gas_limit * share),
        base_fee_per_gas=base_fee,
    )
    assert next_base_fee(parent) == calculate_expected_base_fee_per_gas(reference_header(parent))
