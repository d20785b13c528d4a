"""Commitments: every structure is the hash of a tag of its own and of 32-byte words.

A tag keeps structures apart that happen to have equal words. There are no optional fields and no
lengths to get wrong: a structure has a fixed number of words, as `abi.encode` lays them out.
"""

from collections.abc import Iterable
from typing import TypeAlias

from state.keccak import keccak
from state.types import Hash32

Word: TypeAlias = int | bytes
"""A number below 2^256, or at most 32 bytes: a hash, or an address, padded on the left."""

WORD_BYTES = 32


def tag(noun: str) -> Hash32:
    """The tag of a structure: the hash of its name and version."""
    return keccak(f"tallystick.machine.{noun}.v1".encode())


def encode_word(value: Word) -> bytes:
    """One word. Raises `OverflowError` for a number that is none."""
    if isinstance(value, int):
        return value.to_bytes(WORD_BYTES, "big")
    if len(value) > WORD_BYTES:
        raise OverflowError(f"{len(value)} bytes are no word")
    return value.rjust(WORD_BYTES, b"\0")


def commit(structure: Hash32, words: Iterable[Word]) -> Hash32:
    """keccak(abi.encode(tag, words...))."""
    return keccak(structure + b"".join([encode_word(word) for word in words]))


def words_of(size: int) -> int:
    """How many words hold so many bytes."""
    return (size + 31) >> 5
