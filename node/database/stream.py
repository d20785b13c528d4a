"""Blocks as a stream of bytes, to move a chain from one machine to another.

    magic  frame*           all numbers big-endian
    magic  "tallystick blocks" and the version, 2 bytes
    frame  length, 4 bytes; kind, 1 byte; content, RLP
    kinds  1 chain   [layer, chain id, genesis hash, configuration hash, genesis time, newest block]
           2 item    an inbox item as the node keeps it; of L2, in order from item 0
           3 block   [number, hash, content]
           4 end     keccak256 of all bytes before this frame

What a block's content is depends on the layer and on how it is known. The embedded L1's: header
and transactions. An unsafe one of L2: its form in a batch. A safe one of L2: nothing, because it
follows from the items. Whoever imports executes every block and compares hashes, so that a stream
needs no trust; the end tells a whole stream from one that was cut off.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import BinaryIO, Final

import sha3

from genesis.config import Layer
from node.database.errors import InvalidStream
from node.database.limits import STREAM_FRAME_BYTES_MAX
from state.rlp import (
    Decoded,
    InvalidRLP,
    decode,
    decode_bytes,
    decode_list,
    decode_uint,
    encode,
    encode_uint,
)
from state.stored import ChainIdentity
from state.types import BlockNumber, Hash32, Timestamp

VERSION: Final = 1
"""Raised by every change to the form; a reader refuses another version."""

_MAGIC: Final = b"tallystick blocks" + VERSION.to_bytes(2)
_FRAME: Final = struct.Struct(">IB")
_RLP_ITEMS_MAX: Final = 2**20
"""More than a block of 64 MB has transactions."""


class Kind(IntEnum):
    """What a frame holds."""

    CHAIN = 1
    ITEM = 2
    BLOCK = 3
    END = 4


@dataclass(frozen=True, slots=True)
class StreamHead:
    """Which chain a stream is of."""

    layer: Layer
    identity: ChainIdentity
    genesis_time: Timestamp
    newest: BlockNumber

    def encode(self) -> bytes:
        """The content of its frame."""
        one = self.identity
        return encode(
            [
                str(self.layer).encode(),
                encode_uint(one.chain_id),
                one.genesis_hash,
                one.config_hash,
                encode_uint(self.genesis_time),
                encode_uint(self.newest),
            ]
        )


@dataclass(frozen=True, slots=True)
class StreamBlock:
    """One block."""

    number: BlockNumber
    hash: Hash32
    content: tuple[bytes, ...]

    def encode(self) -> bytes:
        """The content of its frame."""
        return encode([encode_uint(self.number), self.hash, list(self.content)])


class StreamWriter:
    """Writes a stream to a file; `end` makes it whole."""

    def __init__(self, file: BinaryIO, head: StreamHead) -> None:
        self._file = file
        self._digest = sha3.keccak_256()
        self._put(_MAGIC)
        self._frame(Kind.CHAIN, head.encode())

    def item(self, encoded: bytes) -> None:
        """The next inbox item."""
        self._frame(Kind.ITEM, encoded)

    def block(self, block: StreamBlock) -> None:
        """The next block."""
        self._frame(Kind.BLOCK, block.encode())

    def end(self) -> None:
        """Nothing follows."""
        self._frame(Kind.END, self._digest.digest())

    def _frame(self, kind: Kind, content: bytes) -> None:
        self._put(_FRAME.pack(len(content), kind) + content)

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)


class StreamReader:
    """Reads a stream from a file. Everything raises `InvalidStream`."""

    def __init__(self, file: BinaryIO) -> None:
        """Read as far as the chain."""
        self._file = file
        self._digest = sha3.keccak_256()
        magic = self._take(len(_MAGIC))
        if magic[:-2] != _MAGIC[:-2]:
            raise InvalidStream("this is no stream of blocks: `tallystick db export` makes one")
        if magic != _MAGIC:
            raise InvalidStream(
                f"the stream has version {int.from_bytes(magic[-2:])}, this program reads"
                f" {VERSION}: use the program that wrote it"
            )
        kind, content = self._frame()
        if kind is not Kind.CHAIN:
            raise InvalidStream("the stream doesn't begin with its chain")
        self.head = _parse_head(content)

    def __iter__(self) -> Iterator[bytes | StreamBlock]:
        """Inbox items as bytes, and blocks, up to the end."""
        while True:
            before = self._digest.digest()
            kind, content = self._frame()
            if kind is Kind.END:
                if content != before:
                    raise InvalidStream("the stream was altered: export it again")
                return
            if kind is Kind.ITEM:
                yield content
            elif kind is Kind.BLOCK:
                yield _parse_block(content)
            else:
                raise InvalidStream("the stream names its chain twice")

    def _frame(self) -> tuple[Kind, bytes]:
        size, kind = _FRAME.unpack(self._take(_FRAME.size))
        if size > STREAM_FRAME_BYTES_MAX or kind not in iter(Kind):
            raise InvalidStream("the stream is damaged: export it again")
        return Kind(kind), self._take(size)

    def _take(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise InvalidStream("the stream ends too early: it was cut off, export it again")
        self._digest.update(data)
        return data


def _parse_head(content: bytes) -> StreamHead:
    try:
        layer, chain_id, genesis, config, time, newest = _list(content, 6)
        return StreamHead(
            layer=Layer(decode_bytes(layer).decode("ascii")),
            identity=ChainIdentity(
                decode_uint(chain_id),
                Hash32(decode_bytes(genesis, 32)),
                Hash32(decode_bytes(config, 32)),
            ),
            genesis_time=Timestamp(decode_uint(time)),
            newest=BlockNumber(decode_uint(newest)),
        )
    except (InvalidRLP, ValueError) as error:
        raise InvalidStream(f"the stream's chain can't be read: {error}") from None


def _parse_block(content: bytes) -> StreamBlock:
    try:
        number, hash_, parts = _list(content, 3)
        return StreamBlock(
            number=BlockNumber(decode_uint(number)),
            hash=Hash32(decode_bytes(hash_, 32)),
            content=tuple(decode_bytes(part) for part in decode_list(parts)),
        )
    except InvalidRLP as error:
        raise InvalidStream(f"a block of the stream can't be read: {error}") from None


def _list(content: bytes, size: int) -> list[Decoded]:
    found = decode(content, max_bytes=STREAM_FRAME_BYTES_MAX, max_items=_RLP_ITEMS_MAX)
    return decode_list(found, size)
