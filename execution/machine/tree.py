"""The Merkle tree over bytes: memory, code, calldata and return data are all committed by one kind.

Leaves are 32-byte words, an inner node is keccak(left, right), and the depth is always the same, so
that a leaf can't pass for a node. All beyond the data is zero: bytes have one root, however much
zeroed memory follows them.
"""

from execution.machine.limits import TREE_DEPTH
from execution.machine.words import WORD_BYTES, words_of
from state.keccak import keccak
from state.types import ZERO_HASH, Hash32


def _zero_roots(depth: int) -> tuple[Hash32, ...]:
    roots = [ZERO_HASH]
    for _ in range(depth):
        roots.append(keccak(roots[-1] + roots[-1]))
    return tuple(roots)


ZERO_ROOTS = _zero_roots(TREE_DEPTH)
"""By height: the root of a tree of zeros."""

EMPTY_ROOT = ZERO_ROOTS[TREE_DEPTH]
"""The root over no bytes, or over any number of zeros."""


def tree_root(data: bytes | bytearray, depth: int = TREE_DEPTH) -> Hash32:
    """The root over `data`, in time linear in it. Raises `ValueError` when it doesn't fit."""
    count = words_of(len(data))
    if count > 1 << depth:
        raise ValueError(f"{len(data)} bytes don't fit a tree of depth {depth}")
    padded = bytes(data).ljust(count * WORD_BYTES, b"\0")
    level = [Hash32(padded[at : at + WORD_BYTES]) for at in range(0, len(padded), WORD_BYTES)]
    for height in range(depth):
        level = _parents(level, ZERO_ROOTS[height])
    return level[0] if level else ZERO_ROOTS[depth]


def _parents(level: list[Hash32], zero: Hash32) -> list[Hash32]:
    if len(level) % 2:
        level.append(zero)
    return [keccak(level[at] + level[at + 1]) for at in range(0, len(level), 2)]
