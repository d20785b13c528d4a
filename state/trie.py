"""The hexary Merkle-Patricia trie (Yellow Paper, appendix D), changed in batches.

A block changes thousands of keys at once. `update_trie` sorts them and walks the trie once, so
that each node on the way is read, encoded and hashed once, whatever lies below it. Nodes keep
their children as the RLP they were read with: 33 bytes for a hash, the node itself where its
encoding has fewer than 32 bytes, `0x80` for none. What did not change is copied, never re-encoded.

Paths are strings of hex digits: slicing, comparing and prefixes then run in C.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from os.path import commonprefix
from struct import Struct
from typing import NamedTuple, TypeAlias

from state.accounts import EMPTY_TRIE_ROOT
from state.errors import InternalError, Invalid
from state.keccak import keccak
from state.limits import TRIE_KEY_BYTES_MAX
from state.rlp import InvalidRLP, encode_bytes, encode_joined, encode_uint, item_span
from state.types import Hash32

NodeReader: TypeAlias = Callable[[Hash32], bytes]
"""Gives the encoding of a node by its hash; raises where the store has lost it."""

_EMPTY = b"\x80"
"""The RLP of no bytes: no child, or no value."""
_DIGITS = "0123456789abcdef"
_NO_CHILDREN = [_EMPTY] * 17
_HASH_PREFIX = 0xA0
_LIST_PREFIX = 0xC0
"""RLP lists start with this byte or a higher one."""
_SHORT_STRING_MAX = 0xB7
"""Up to here one byte precedes a string; two, up to 255 bytes, which no path exceeds."""
_HASH_REFERENCE_SIZE = 33
_UNSEALED = b""
"""Stands for a child whose encoding is still to come."""
_PLAIN_CHILDREN = re.compile(rb"\x80|\xa0[\x00-\xff]{32}")
"""Nothing, or a hash: the elements of all branches but those with nodes or values in place."""
_FULL_BRANCH = Struct("3x" + 16 * "33s" + "s")
"""Sixteen hashes and no value, as most branches near the root of a large trie."""
_FULL_BRANCH_MARKS = b"\xa0" * 16 + b"\x80"


class InvalidTrieNode(Invalid):
    """Bytes that are not the encoding of a trie node."""


class TrieUpdate(NamedTuple):
    """The root after a batch of changes, and the nodes that are new with it, by their hash."""

    root: Hash32
    nodes: dict[Hash32, bytes]


class Leaf(NamedTuple):
    """The end of a path. Both are RLP strings, as encoded in the node; see `_leaf_path`."""

    packed_path: bytes
    value: bytes

    @property
    def path(self) -> str:
        """The hex digits."""
        return _unpack_path(self.packed_path)[0]


class Extension(NamedTuple):
    """Hex digits that all keys below share. `child` refers to a branch."""

    path: str
    child: bytes


class Branch(NamedTuple):
    """Sixteen children by the next hex digit, and the value of the key that ends here."""

    children: list[bytes]


Node: TypeAlias = Leaf | Extension | Branch
Change: TypeAlias = tuple[str, bytes]
"""A key as hex digits, and its new value: an encoded RLP string, or no bytes to delete."""


def update_trie(root: Hash32, changes: Mapping[bytes, bytes], node: NodeReader) -> TrieUpdate:
    """Set or (where the value is empty) delete keys, all in one pass over the trie.

    Keys are used as they are: a secure trie's caller hashes them. Raises what `node` raises, and
    `InternalError` where a node read is malformed or a key is too long.
    """
    batch = []
    for key, value in sorted(changes.items()):
        if len(key) > TRIE_KEY_BYTES_MAX:
            raise InternalError(f"a trie key of {len(key)} bytes exceeds {TRIE_KEY_BYTES_MAX}")
        batch.append((key.hex(), encode_bytes(value) if value else b""))
    if not batch:
        return TrieUpdate(root, {})
    update = _Update(node)
    changed = update.change(_root_reference(root), batch, 0, len(batch), 0)
    return update.seal(changed)


class _Update:
    """One pass over one trie: reads nodes as it descends, encodes and hashes on the way up."""

    __slots__ = ("_node", "_nodes")

    def __init__(self, node: NodeReader) -> None:
        self._node = node
        self._nodes: dict[Hash32, bytes] = {}

    def seal(self, root: Node | None) -> TrieUpdate:
        """Hash the root node, which is hashed whatever its size."""
        if root is None:
            return TrieUpdate(EMPTY_TRIE_ROOT, {})
        encoded = self._encode(root)
        root_hash = keccak(encoded)
        self._nodes[root_hash] = encoded
        return TrieUpdate(root_hash, self._nodes)

    def change(
        self, at: bytes | Node, batch: list[Change], low: int, high: int, depth: int
    ) -> Node | None:
        """The node that takes the place of `at` after `batch[low:high]`.

        All these changes share the `depth` hex digits that led to `at`. The result is not yet
        encoded, because its parent may have to merge with it.
        """
        node = self._load(at) if isinstance(at, bytes) else at
        if node is None:
            return self._build([change for change in batch[low:high] if change[1]], depth)
        if isinstance(node, Branch):
            return self._change_branch(node.children, {}, batch, low, high, depth)
        if isinstance(node, Leaf):
            return self._change_leaf(node, batch[low:high], depth)
        return self._change_extension(node, batch, low, high, depth)

    def _change_leaf(self, leaf: Leaf, changes: list[Change], depth: int) -> Node | None:
        first_key, first_value = changes[0]
        if len(changes) == 1 and _leaf_path(first_key[depth:]) == leaf.packed_path:
            return Leaf(leaf.packed_path, first_value) if first_value else None
        key = first_key[:depth] + leaf.path
        if all(change[0] != key for change in changes):
            changes.append((key, leaf.value))
            changes.sort()
        return self._build([c for c in changes if c[1]], depth)

    def _change_extension(
        self, extension: Extension, batch: list[Change], low: int, high: int, depth: int
    ) -> Node | None:
        path = extension.path
        end = depth + len(path)
        first, last = batch[low][0][depth:end], batch[high - 1][0][depth:end]
        shared = len(commonprefix((path, first, last)))
        if shared == len(path):
            return self._prefixed(path, self.change(extension.child, batch, low, high, end))
        # The changes part from the path: a branch takes the place of one of its digits.
        fork, rest = int(path[shared], 16), path[shared + 1 :]
        children = list(_NO_CHILDREN)
        unsealed: dict[int, Node] = {}
        if rest:
            unsealed[fork] = Extension(rest, extension.child)
        children[fork] = _UNSEALED if rest else extension.child
        changed = self._change_branch(children, unsealed, batch, low, high, depth + shared)
        return self._prefixed(path[:shared], changed)

    def _change_branch(
        self,
        children: list[bytes],
        unsealed: dict[int, Node],
        batch: list[Change],
        low: int,
        high: int,
        depth: int,
    ) -> Node | None:
        """Change below a branch; `unsealed` holds the children that have no encoding yet."""
        if len(batch[low][0]) == depth:
            children[16] = batch[low][1] or _EMPTY
            low += 1
        while low < high:
            digit = batch[low][0][depth]
            stop = low + 1
            while stop < high and batch[stop][0][depth] == digit:
                stop += 1
            index = int(digit, 16)
            at = unsealed.pop(index, None) or children[index]
            changed = self.change(at, batch, low, stop, depth + 1)
            if changed is None:
                children[index] = _EMPTY
            else:
                children[index] = _UNSEALED
                unsealed[index] = changed
            low = stop
        if 17 - children.count(_EMPTY) < 2:
            return self._collapsed(children, unsealed)
        for index, node in unsealed.items():
            children[index] = self._refer(node)
        return Branch(children)

    def _collapsed(self, children: list[bytes], unsealed: dict[int, Node]) -> Node | None:
        """What is left of a branch with fewer than two entries: nothing, or a shorter node."""
        if children == _NO_CHILDREN:
            return None
        index = next(i for i, child in enumerate(children) if child != _EMPTY)
        child = children[index]
        if index == 16:
            return Leaf(_leaf_path(""), child)
        node = unsealed.get(index) or self._load(child)
        if isinstance(node, Branch) and child != _UNSEALED:
            # By its reference: the branch itself did not change.
            return Extension(_DIGITS[index], child)
        return self._prefixed(_DIGITS[index], node)

    def _build(self, changes: list[Change], depth: int) -> Node | None:
        """A trie of nothing but `changes`, which are sorted and delete nothing."""
        if not changes:
            return None
        if len(changes) == 1:
            return Leaf(_leaf_path(changes[0][0][depth:]), changes[0][1])
        first, last = changes[0][0], changes[-1][0]
        fork = depth
        limit = min(len(first), len(last))
        while fork < limit and first[fork] == last[fork]:
            fork += 1
        children = list(_NO_CHILDREN)
        low = 0
        if len(first) == fork:
            children[16] = changes[0][1]
            low = 1
        while low < len(changes):
            digit = changes[low][0][fork]
            stop = low + 1
            while stop < len(changes) and changes[stop][0][fork] == digit:
                stop += 1
            below = self._build(changes[low:stop], fork + 1)
            children[int(digit, 16)] = _EMPTY if below is None else self._refer(below)
            low = stop
        return self._prefixed(first[depth:fork], Branch(children))

    def _prefixed(self, path: str, node: Node | None) -> Node | None:
        """Put hex digits before a node, merging with a path it already has."""
        if node is None or not path:
            return node
        if isinstance(node, Leaf):
            return Leaf(_leaf_path(path + node.path), node.value)
        if isinstance(node, Extension):
            return Extension(path + node.path, node.child)
        return Extension(path, self._refer(node))

    def _load(self, reference: bytes) -> Node | None:
        if reference == _EMPTY:
            return None
        if len(reference) == _HASH_REFERENCE_SIZE:
            reference = self._node(Hash32(reference[1:]))
        try:
            return parse_node(reference)
        except InvalidTrieNode as error:
            raise InternalError(f"the trie of this node is damaged: {error}") from error

    def _refer(self, node: Node) -> bytes:
        """Encode a node for its parent: by hash, or in place where that is shorter."""
        encoded = self._encode(node)
        if len(encoded) < 32:
            return encoded
        node_hash = keccak(encoded)
        self._nodes[node_hash] = encoded
        return b"\xa0" + node_hash

    @staticmethod
    def _encode(node: Node) -> bytes:
        if isinstance(node, Branch):
            return encode_joined(b"".join(node.children))
        if isinstance(node, Leaf):
            return encode_joined(node.packed_path + node.value)
        return encode_joined(_extension_path(node.path) + node.child)


def get(root: Hash32, key: bytes, node: NodeReader) -> bytes | None:
    """The value under a key, or None. Raises what `node` raises, and `InvalidTrieNode`."""
    path = key.hex()
    reference = _root_reference(root)
    while reference != _EMPTY:
        if len(reference) == _HASH_REFERENCE_SIZE:
            reference = node(Hash32(reference[1:]))
        at = parse_node(reference)
        if isinstance(at, Leaf):
            return _decode_value(at.value) if at.path == path else None
        if isinstance(at, Extension):
            if not path.startswith(at.path):
                return None
            path, reference = path[len(at.path) :], at.child
        elif path:
            path, reference = path[1:], at.children[int(path[0], 16)]
        else:
            return _decode_value(at.children[16])
    return None


def prove(root: Hash32, key: bytes, node: NodeReader) -> tuple[bytes, ...]:
    """The nodes from the root to the key, or to where its absence shows; none of an empty trie."""
    path: list[bytes] = []

    def record(node_hash: Hash32) -> bytes:
        encoded = node(node_hash)
        path.append(encoded)
        return encoded

    get(root, key, record)
    return tuple(path)


def trie_entries(root: Hash32, node: NodeReader) -> Iterator[tuple[bytes, bytes]]:
    """All keys and values in key order. Raises what `node` raises, and `InvalidTrieNode`."""
    waiting = [("", _root_reference(root))]
    while waiting:
        path, reference = waiting.pop()
        if reference == _EMPTY:
            continue
        if len(reference) == _HASH_REFERENCE_SIZE:
            reference = node(Hash32(reference[1:]))
        at = parse_node(reference)
        if isinstance(at, Leaf):
            yield bytes.fromhex(path + at.path), _decode_value(at.value) or b""
        elif isinstance(at, Extension):
            waiting.append((path + at.path, at.child))
        else:
            value = _decode_value(at.children[16])
            if value is not None:
                yield bytes.fromhex(path), value
            waiting.extend((path + _DIGITS[i], at.children[i]) for i in range(15, -1, -1))


def list_root(items: Sequence[bytes]) -> Hash32:
    """The root of a trie from `rlp(index)` to item, as headers commit to transactions."""
    changes = {encode_bytes(encode_uint(index)): item for index, item in enumerate(items)}
    return update_trie(EMPTY_TRIE_ROOT, changes, no_nodes).root


def no_nodes(node_hash: Hash32) -> bytes:
    """The reader of a trie that starts empty: asking it for a node is an error."""
    raise InternalError(f"no trie node {node_hash.hex()} in an empty trie")


def parse_node(encoded: bytes) -> Node:
    """Parse one node. Raises `InvalidTrieNode`."""
    try:
        is_list, start, end = item_span(encoded, 0, len(encoded))
        if not is_list or end != len(encoded):
            raise InvalidTrieNode("a trie node is one RLP list")
        children = _plain_children(encoded, start)
        if children is not None:
            return Branch(children)
        elements = _elements(encoded, start, end)
    except InvalidRLP as error:
        raise InvalidTrieNode(f"a trie node is no RLP list: {error}") from error
    if len(elements) == 2:
        return _parse_short_node(*elements)
    if len(elements) == 17:
        return _parse_branch(elements)
    raise InvalidTrieNode(f"a trie node has 2 or 17 elements, not {len(elements)}")


def _plain_children(encoded: bytes, start: int) -> list[bytes] | None:
    """The elements of a branch of nothing but hashes, in one step; None for any other node."""
    size = len(encoded)
    if size == _FULL_BRANCH.size and encoded[start::33] == _FULL_BRANCH_MARKS:
        return list(_FULL_BRANCH.unpack(encoded))
    if start < size and encoded[start] in (_EMPTY[0], _HASH_PREFIX):
        children: list[bytes] = _PLAIN_CHILDREN.findall(encoded, start)
        # `findall` passes over what doesn't match; then the lengths don't add up.
        if len(children) == 17 and len(b"".join(children)) == size - start:
            return children
    return None


def _elements(encoded: bytes, position: int, end: int) -> list[bytes]:
    """The elements of a list, each still encoded: a child goes back as the bytes it came from."""
    elements = []
    while position < end:
        stop = item_span(encoded, position, end)[2]
        elements.append(encoded[position:stop])
        position = stop
    return elements


def _parse_branch(elements: list[bytes]) -> Branch:
    for child in elements[:16]:
        if child != _EMPTY and not _is_hash(child):
            _check_embedded(child)
    if elements[16][0] >= _LIST_PREFIX:
        raise InvalidTrieNode("the value of a branch is bytes, not a list")
    return Branch(elements)


def _parse_short_node(packed_path: bytes, below: bytes) -> Leaf | Extension:
    flag = _path_flag(packed_path)
    if flag >= 2:
        if below[0] >= _LIST_PREFIX or below == _EMPTY:
            raise InvalidTrieNode("the value of a leaf is some bytes, not a list")
        return Leaf(packed_path, below)
    path, _ = _unpack_path(packed_path)
    if not path:
        raise InvalidTrieNode("an extension has at least one hex digit")
    if not _is_hash(below):
        _check_embedded(below)
    return Extension(path, below)


def _path_flag(element: bytes) -> int:
    """The flag that starts a path, checked: 0 or 1 an extension's, 2 or 3 a leaf's."""
    if element[0] > _SHORT_STRING_MAX + 1 or element == _EMPTY:
        raise InvalidTrieNode("a path is some bytes, fewer than 256, and not a list")
    first = element[0]
    if first >= _EMPTY[0]:
        first = element[1] if first <= _SHORT_STRING_MAX else element[2]
    flag = first >> 4
    # An even number of digits leaves half a byte, which is zero.
    if flag > 3 or (not flag & 1 and first & 0x0F):
        raise InvalidTrieNode(f"a path does not start with {first:#04x}")
    return flag


def _is_hash(child: bytes) -> bool:
    return child[0] == _HASH_PREFIX


def _check_embedded(child: bytes) -> None:
    if child[0] < _LIST_PREFIX or len(child) >= 32:
        raise InvalidTrieNode("a child is a hash, or a node of fewer than 32 bytes")


def _leaf_path(path: str) -> bytes:
    """The encoded hex-prefix form of a leaf's path (Yellow Paper, appendix C)."""
    return encode_bytes(bytes.fromhex(f"3{path}" if len(path) % 2 else f"20{path}"))


def _extension_path(path: str) -> bytes:
    """The same for an extension."""
    return encode_bytes(bytes.fromhex(f"1{path}" if len(path) % 2 else f"00{path}"))


def _unpack_path(element: bytes) -> tuple[str, bool]:
    """Undo `_leaf_path` (then the second result is true) or `_extension_path`."""
    start = 0 if element[0] < _EMPTY[0] else item_span(element, 0, len(element))[1]
    digits = element[start:].hex()
    flag = element[start] >> 4
    return digits[1 if flag & 1 else 2 :], flag >= 2


def _decode_value(element: bytes) -> bytes | None:
    if element == _EMPTY:
        return None
    _, start, stop = item_span(element, 0, len(element))
    return element[start:stop]


def _root_reference(root: Hash32) -> bytes:
    return _EMPTY if root == EMPTY_TRIE_ROOT else b"\xa0" + root
