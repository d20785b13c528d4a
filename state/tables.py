"""Where each thing lies in the key-value store: one key prefix a table.

    m  the layout's version, the chain's identity, the heads
    h  block number -> block hash + header            n  block hash -> number
    b  block number -> transactions, senders, contracts
    r  block number -> receipts                       t  transaction hash -> number + index
    a  account hash -> account                        s  account hash + slot hash -> value
    c  code hash -> code                              y  node hash -> trie node
    u  block number -> undo record
    x  records of other folders, by the name of their table

Numbers are big-endian, so that keys are in block order.
"""

from typing import Final

from state.types import BlockNumber, Hash32

LAYOUT_VERSION: Final = 1
"""Raised by every change to keys or values; a folder of another version is refused."""

VERSION_KEY: Final = b"mversion"
IDENTITY_KEY: Final = b"midentity"
HEADS_KEY: Final = b"mheads"

TABLE_NAME_BYTES_MAX: Final = 32


def header_key(number: BlockNumber) -> bytes:
    return b"h" + number.to_bytes(8, "big")


def number_key(block_hash: Hash32) -> bytes:
    return b"n" + block_hash


def body_key(number: BlockNumber) -> bytes:
    return b"b" + number.to_bytes(8, "big")


def receipts_key(number: BlockNumber) -> bytes:
    return b"r" + number.to_bytes(8, "big")


def transaction_key(transaction_hash: Hash32) -> bytes:
    return b"t" + transaction_hash


def account_key(address_hash: Hash32) -> bytes:
    return b"a" + address_hash


def storage_key(address_hash: Hash32, slot_hash: bytes = b"") -> bytes:
    """The key of a slot; without a slot hash, the prefix of all slots of the account."""
    return b"s" + address_hash + slot_hash


def code_key(code_hash: Hash32) -> bytes:
    return b"c" + code_hash


def node_key(node_hash: Hash32) -> bytes:
    return b"y" + node_hash


def undo_key(number: BlockNumber) -> bytes:
    return b"u" + number.to_bytes(8, "big")


def record_key(table: bytes, key: bytes) -> bytes:
    """The key of another folder's record. The name's length keeps tables apart."""
    if not 0 < len(table) <= TABLE_NAME_BYTES_MAX:
        raise ValueError(f"a table name has 1 to {TABLE_NAME_BYTES_MAX} bytes, not {len(table)}")
    return b"x" + bytes([len(table)]) + table + key
