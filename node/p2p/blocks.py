"""A block as the sequencer signs it and peers pass it on.

The signature is over the claim alone, an EIP-712 structure in a domain of the chain, so that a
forged block costs one recovery and no decompression, and two claims are evidence without the
transactions. The anchor says on which view of L1 the block stands: a sequencer whose L1 has
reorganised may sign another block in the same place, one on the same L1 may not.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import msgspec

from bridge.derive.anchor import Anchor
from execution.errors import InvalidSignature
from execution.margin.typed_data import typed_digest, word
from execution.transactions import recover
from node.p2p.errors import InvalidMessage, MessageTooLarge, WrongSignature
from node.p2p.limits import (
    BLOCK_MESSAGE_BYTES_MAX,
    BLOCK_PACKED_BYTES_MAX,
)
from state.batch_codec import (
    BatchBlock,
    InvalidBatch,
    InvalidBatchBlock,
    decode_batch,
    encode_batch,
    encode_block,
    read_block,
)
from state.keccak import keccak
from state.types import UINT64_MAX, Address, BlockNumber, Hash32

SIGNATURE_BYTES: Final = 65
"""r, s and the parity."""

_DOMAIN_TYPE: Final = keccak(
    b"EIP712Domain(string name,string version,uint256 chainId,bytes32 salt)"
)
_CLAIM_TYPE: Final = keccak(
    b"Block(uint64 number,bytes32 parent,bytes32 hash,uint64 anchor,bytes32 accumulator,"
    b"bytes32 payload)"
)


@dataclass(frozen=True, slots=True)
class BlockDomain:
    """The chain whose blocks are signed, and the address that may sign them."""

    chain_id: int
    genesis: Hash32
    sequencer: Address
    separator: Hash32 = field(init=False)
    """EIP-712's domain separator; the genesis hash is its salt."""

    def __post_init__(self) -> None:
        words = (keccak(b"Tallystick blocks"), keccak(b"1"), word(self.chain_id), self.genesis)
        object.__setattr__(self, "separator", keccak(_DOMAIN_TYPE + b"".join(words)))


class BlockClaim(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What the sequencer says of a block."""

    number: int
    parent: bytes
    """Hash of the block before it."""
    hash: bytes
    anchor: int
    """Index of the newest inbox item that it or an ancestor depends on, and that item's `acc`."""
    accumulator: bytes
    payload: bytes
    """keccak256 of the block in a batch's form: time, origin and transactions."""

    @property
    def stands_on(self) -> Anchor:
        return Anchor(self.anchor, Hash32(self.accumulator))

    def digest(self, domain: BlockDomain) -> Hash32:
        """What is signed (EIP-712)."""
        numbers = (self.parent, self.hash, self.accumulator, self.payload)
        parent, block_hash, accumulator, payload = (int.from_bytes(one) for one in numbers)
        members = (self.number, parent, block_hash, self.anchor, accumulator, payload)
        return typed_digest(domain.separator, _CLAIM_TYPE, members)

    def check(self) -> None:
        """Raises `InvalidMessage` for members that are out of their types."""
        hashes = (self.parent, self.hash, self.accumulator, self.payload)
        if any(len(one) != 32 for one in hashes):
            raise InvalidMessage("a hash has 32 bytes")
        if not (0 < self.number <= UINT64_MAX and 0 <= self.anchor <= UINT64_MAX):
            raise InvalidMessage("a number is out of range")


class SignedClaim(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A claim and its signature: all that is needed to hold somebody to it."""

    claim: BlockClaim
    signature: bytes

    def check(self, domain: BlockDomain) -> None:
        """Raises `WrongSignature` where it isn't the sequencer's, or `InvalidMessage`."""
        self.claim.check()
        if len(self.signature) != SIGNATURE_BYTES:
            raise InvalidMessage(f"a signature has {SIGNATURE_BYTES} bytes")
        r, s = (int.from_bytes(self.signature[at : at + 32]) for at in (0, 32))
        try:
            signer = recover(self.claim.digest(domain), self.signature[64], r, s)
        except InvalidSignature as error:
            raise WrongSignature(f"block {self.claim.number}: {error}") from error
        if signer != domain.sequencer:
            raise WrongSignature(
                f"block {self.claim.number} is signed by 0x{signer.hex()}, not the sequencer"
            )


class SignedBlock(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, dict=True
):
    """A signed claim and the block that it is of, packed."""

    signed: SignedClaim
    packed: bytes

    @property
    def claim(self) -> BlockClaim:
        return self.signed.claim

    @property
    def number(self) -> BlockNumber:
        return BlockNumber(self.signed.claim.number)

    @cached_property
    def content(self) -> BatchBlock:
        """The block. Raises `InvalidMessage` where the packed bytes aren't what was signed."""
        if len(self.packed) > BLOCK_PACKED_BYTES_MAX:
            raise MessageTooLarge(len(self.packed), BLOCK_PACKED_BYTES_MAX)
        try:
            payload = decode_batch(self.packed)
        except InvalidBatch as error:
            raise InvalidMessage(f"block {self.claim.number}: {error}") from error
        if keccak(payload) != self.claim.payload:
            raise WrongSignature(f"the content of block {self.claim.number} isn't what was signed")
        try:
            block, end = read_block(payload, 0)
        except InvalidBatchBlock as error:
            raise InvalidMessage(str(error)) from error
        if end != len(payload):
            raise InvalidMessage(f"{len(payload) - end} bytes follow the block")
        return block


def claim_of(
    number: BlockNumber, parent: Hash32, block_hash: Hash32, anchor: Anchor, block: BatchBlock
) -> BlockClaim:
    """The claim for a block that is stored."""
    payload = keccak(encode_block(block))
    return BlockClaim(number, parent, block_hash, anchor.index, anchor.acc, payload)


def packed_block(block: BatchBlock) -> bytes:
    """The content of a `SignedBlock`. Raises `BatchTooLarge` for what no batch could hold."""
    return encode_batch(encode_block(block))


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(SignedBlock)


def encode_signed_block(block: SignedBlock) -> bytes:
    """The bytes that are gossiped."""
    return _encoder.encode(block)


def decode_signed_block(data: bytes, domain: BlockDomain) -> SignedBlock:
    """Read a gossiped block: size, shape, signature, and only then its content.

    Raises `InvalidMessage` or one of its kinds.
    """
    if len(data) > BLOCK_MESSAGE_BYTES_MAX:
        raise MessageTooLarge(len(data), BLOCK_MESSAGE_BYTES_MAX)
    try:
        block = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise InvalidMessage(f"no signed block: {error}") from error
    block.signed.check(domain)
    _ = block.content
    return block
