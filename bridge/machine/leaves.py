"""The tries of transactions and receipts, built from leaf nodes that are hashed one a step.

A step can hold one transaction, and not a trie of them. As the number of items is known when the
first is hashed, so is every leaf's place in the finished trie, and a leaf node is hashed once, at
its final path. What is above the leaves is small enough for one step.
"""

from collections.abc import Sequence
from os.path import commonprefix

from state.accounts import EMPTY_TRIE_ROOT
from state.errors import InternalError
from state.keccak import keccak
from state.rlp import encode, encode_bytes, encode_uint
from state.types import Hash32

ONE_BYTE_KEYS = 128
"""Indexes below it are one byte of RLP; 0 is 0x80, and comes after 0x7f."""


def leaf_hash(index: int, count: int, item: bytes) -> Hash32:
    """The hash of the node that holds `item` in the trie of `count` items."""
    if not 0 <= index < count:
        raise InternalError(f"no leaf {index} in a trie of {count}")
    node = encode([_hex_prefix(_leaf_path(index, count), is_leaf=True), item])
    if len(node) < len(EMPTY_TRIE_ROOT):
        raise InternalError(f"an item of {len(item)} bytes would be in its parent node")
    return keccak(node)


def root_above(leaves: Sequence[Hash32]) -> Hash32:
    """The root of the trie with these leaf nodes, given by index."""
    if not leaves:
        return EMPTY_TRIE_ROOT
    return _node([(_key(index), leaves[index]) for index in _in_key_order(len(leaves))], 0)


def _node(entries: list[tuple[str, Hash32]], depth: int) -> Hash32:
    """The hash of the node over `entries`, whose keys share `depth` digits."""
    if len(entries) == 1:
        return entries[0][1]
    path = commonprefix((entries[0][0], entries[-1][0]))[depth:]
    fork = depth + len(path)
    children: list[list[tuple[str, Hash32]]] = [[] for _ in range(16)]
    for entry in entries:
        children[int(entry[0][fork], 16)].append(entry)
    below = [_node(child, fork + 1) if child else b"" for child in children]
    branch = keccak(encode([*below, b""]))
    return keccak(encode([_hex_prefix(path, is_leaf=False), branch])) if path else branch


def _leaf_path(index: int, count: int) -> str:
    """The digits of the key below the branch that the leaf hangs from."""
    key = _key(index)
    shared = [commonprefix((key, _key(other))) for other in _neighbours(index, count)]
    return key[max(map(len, shared)) + 1 :] if shared else key


def _in_key_order(count: int) -> list[int]:
    low = min(count, ONE_BYTE_KEYS)
    return [*range(1, low), 0, *range(low, count)]


def _neighbours(index: int, count: int) -> list[int]:
    """The indexes next to `index` in the order of their keys."""
    low = min(count, ONE_BYTE_KEYS)
    if index == 0:
        around = [low - 1, low]
    elif index == low - 1:
        around = [index - 1, 0]
    elif index == low:
        around = [0, index + 1]
    else:
        around = [index - 1, index + 1]
    first = index == 1
    return [other for other in around[first:] if other != index and 0 <= other < count]


def _key(index: int) -> str:
    """The key of an item as hex digits: RLP of its index (Yellow Paper, section 4.3.2)."""
    return encode_bytes(encode_uint(index)).hex()


def _hex_prefix(path: str, *, is_leaf: bool) -> bytes:
    """Digits as bytes, with kind and parity before them (Yellow Paper, appendix C)."""
    flag = 2 * is_leaf + len(path) % 2
    return bytes.fromhex(f"{flag}{path}" if len(path) % 2 else f"{flag}0{path}")
