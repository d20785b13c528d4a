"""The codec and hash of block headers, and the base fee that follows from a parent."""

from state.blocks import Header
from state.keccak import keccak
from state.rlp import (
    Encodable,
    InvalidRLP,
    decode,
    decode_bytes,
    decode_list,
    decode_uint,
    encode,
    encode_uint,
)
from state.types import Address, BlockNumber, Gas, Hash32, Timestamp, Wei

HEADER_FIELDS = 20
"""Of a Cancun header."""

EXTRA_DATA_BYTES_MAX = 32
"""Yellow Paper, section 4.3."""

ELASTICITY_MULTIPLIER = 2
"""Gas limit over gas target (EIP-1559)."""

BASE_FEE_MAX_CHANGE_DENOMINATOR = 8
"""The base fee moves at most one part in eight a block (EIP-1559)."""


def encode_header(header: Header) -> bytes:
    """The RLP of a header in Cancun's field order (EIP-4844, EIP-4788)."""
    fields: list[Encodable] = [
        header.parent_hash,
        header.ommers_hash,
        header.coinbase,
        header.state_root,
        header.transactions_root,
        header.receipts_root,
        header.logs_bloom,
        encode_uint(header.difficulty),
        encode_uint(header.number),
        encode_uint(header.gas_limit),
        encode_uint(header.gas_used),
        encode_uint(header.timestamp),
        header.extra_data,
        header.prev_randao,
        header.nonce,
        encode_uint(header.base_fee_per_gas),
        header.withdrawals_root,
        encode_uint(header.blob_gas_used),
        encode_uint(header.excess_blob_gas),
        header.parent_beacon_block_root,
    ]
    return encode(fields)


def decode_header(data: bytes) -> Header:
    """Parse a Cancun header. Raises `InvalidRLP`."""
    field = decode_list(decode(data), HEADER_FIELDS)
    extra_data = decode_bytes(field[12])
    if len(extra_data) > EXTRA_DATA_BYTES_MAX:
        raise InvalidRLP(f"extra data of {len(extra_data)} bytes exceeds {EXTRA_DATA_BYTES_MAX}")
    return Header(
        parent_hash=Hash32(decode_bytes(field[0], 32)),
        ommers_hash=Hash32(decode_bytes(field[1], 32)),
        coinbase=Address(decode_bytes(field[2], 20)),
        state_root=Hash32(decode_bytes(field[3], 32)),
        transactions_root=Hash32(decode_bytes(field[4], 32)),
        receipts_root=Hash32(decode_bytes(field[5], 32)),
        logs_bloom=decode_bytes(field[6], 256),
        difficulty=decode_uint(field[7]),
        number=BlockNumber(decode_uint(field[8], 64)),
        gas_limit=Gas(decode_uint(field[9], 64)),
        gas_used=Gas(decode_uint(field[10], 64)),
        timestamp=Timestamp(decode_uint(field[11], 64)),
        extra_data=extra_data,
        prev_randao=Hash32(decode_bytes(field[13], 32)),
        nonce=decode_bytes(field[14], 8),
        base_fee_per_gas=Wei(decode_uint(field[15])),
        withdrawals_root=Hash32(decode_bytes(field[16], 32)),
        blob_gas_used=decode_uint(field[17], 64),
        excess_blob_gas=decode_uint(field[18], 64),
        parent_beacon_block_root=Hash32(decode_bytes(field[19], 32)),
    )


def header_hash(header: Header) -> Hash32:
    """The hash that names the block."""
    return keccak(encode_header(header))


def next_base_fee(parent: Header) -> Wei:
    """The base fee of the block after `parent`, in wei a gas (EIP-1559, `calc_base_fee`)."""
    base_fee = parent.base_fee_per_gas
    target = parent.gas_limit // ELASTICITY_MULTIPLIER
    if parent.gas_used == target:
        return base_fee
    distance = abs(parent.gas_used - target)
    change = base_fee * distance // target // BASE_FEE_MAX_CHANGE_DENOMINATOR
    if parent.gas_used > target:
        return Wei(base_fee + max(change, 1))
    return Wei(base_fee - change)
