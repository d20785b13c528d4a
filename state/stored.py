"""The values the store keeps, and their encodings; each is checked as it is read back."""

from collections.abc import Sequence
from dataclasses import dataclass

from state.blocks import BlockId, Header, Heads, Receipt, SealedBlock
from state.kv import REMEDY, DatabaseDamaged
from state.limits import RLP_STORED_BYTES_MAX, RLP_STORED_ITEMS_MAX
from state.receipts import decode_receipt, encode_receipt
from state.rlp import (
    Decoded,
    Encodable,
    InvalidRLP,
    decode,
    decode_bytes,
    decode_list,
    decode_uint,
    encode,
    encode_uint,
)
from state.types import Address, BlockNumber, Hash32

_BLOCK_ID_SIZE = 40
_HEAD_OFFSETS = range(0, 3 * _BLOCK_ID_SIZE, _BLOCK_ID_SIZE)


@dataclass(frozen=True, slots=True)
class ChainIdentity:
    """Which chain a database holds: compared when it is opened."""

    chain_id: int
    genesis_hash: Hash32
    config_hash: Hash32

    def __str__(self) -> str:
        return (
            f"chain {self.chain_id}, genesis 0x{self.genesis_hash.hex()[:16]}...,"
            f" configuration 0x{self.config_hash.hex()[:16]}..."
        )


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A block as it was sealed, its state update aside."""

    hash: Hash32
    header: Header
    transactions: tuple[bytes, ...]
    senders: tuple[Address, ...]
    contracts: tuple[Address | None, ...]
    receipts: tuple[Receipt, ...]

    @property
    def id(self) -> BlockId:
        return BlockId(self.header.number, self.hash)


@dataclass(frozen=True, slots=True)
class Body:
    """What a block holds besides its header and receipts."""

    transactions: tuple[bytes, ...]
    senders: tuple[Address, ...]
    contracts: tuple[Address | None, ...]


Undo = Sequence[tuple[bytes, bytes | None]]
"""Keys of the flat state and the values they had before a block, in the order they were set."""


def encode_identity(identity: ChainIdentity) -> bytes:
    return encode([encode_uint(identity.chain_id), identity.genesis_hash, identity.config_hash])


def decode_identity(data: bytes) -> ChainIdentity:
    chain_id, genesis_hash, config_hash = _stored_list(data, "chain identity", 3)
    return ChainIdentity(
        decode_uint(chain_id),
        Hash32(decode_bytes(genesis_hash, 32)),
        Hash32(decode_bytes(config_hash, 32)),
    )


def encode_heads(heads: Heads) -> bytes:
    return b"".join(
        block.number.to_bytes(8, "big") + block.hash
        for block in (heads.unsafe, heads.safe, heads.finalized)
    )


def decode_heads(data: bytes) -> Heads:
    if len(data) != 3 * _BLOCK_ID_SIZE:
        raise damaged(f"the stored heads have {len(data)} bytes")
    return Heads(*(_decode_block_id(data[at : at + _BLOCK_ID_SIZE]) for at in _HEAD_OFFSETS))


def _decode_block_id(data: bytes) -> BlockId:
    return BlockId(BlockNumber(int.from_bytes(data[:8], "big")), Hash32(data[8:]))


def encode_body(sealed: SealedBlock) -> bytes:
    contracts = [contract or b"" for contract in sealed.contracts]
    return encode([sealed.transactions, sealed.senders, contracts])


def decode_body(data: bytes) -> Body:
    transactions, senders, contracts = _stored_list(data, "block body", 3)
    return Body(
        tuple(decode_bytes(raw) for raw in decode_list(transactions)),
        tuple(Address(decode_bytes(sender, 20)) for sender in decode_list(senders)),
        tuple(
            Address(decode_bytes(contract, 20)) if contract else None
            for contract in decode_list(contracts)
        ),
    )


def encode_receipts(receipts: Sequence[Receipt]) -> bytes:
    return encode([encode_receipt(receipt) for receipt in receipts])


def decode_receipts(data: bytes) -> tuple[Receipt, ...]:
    return tuple(decode_receipt(decode_bytes(item)) for item in _stored_list(data, "receipts"))


def encode_undo(undo: Undo) -> bytes:
    flat: list[Encodable] = []
    for key, value in undo:
        flat += (key, value or b"")
    return encode(flat)


def decode_undo(data: bytes) -> Undo:
    flat = [decode_bytes(item) for item in _stored_list(data, "undo record")]
    return [(key, value or None) for key, value in zip(flat[::2], flat[1::2], strict=True)]


def encode_transaction_place(number: BlockNumber, index: int) -> bytes:
    return number.to_bytes(8, "big") + index.to_bytes(4, "big")


def decode_transaction_place(data: bytes) -> tuple[BlockNumber, int]:
    return BlockNumber(int.from_bytes(data[:8], "big")), int.from_bytes(data[8:], "big")


def damaged(what: str) -> DatabaseDamaged:
    """The error for something stored that can't be right, with what to do."""
    return DatabaseDamaged(f"the database is damaged: {what}; {REMEDY}")


def _stored_list(data: bytes, what: str, size: int | None = None) -> list[Decoded]:
    try:
        value = decode(data, max_bytes=RLP_STORED_BYTES_MAX, max_items=RLP_STORED_ITEMS_MAX)
        return decode_list(value, size)
    except InvalidRLP as error:
        raise damaged(f"a stored {what} is malformed ({error})") from error
