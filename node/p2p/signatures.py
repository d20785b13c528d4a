"""The sequencer's signatures, kept beside the blocks: what a node can show others of its chain.

Only a block that its sequencer made has one. A block that came from L1 alone has none: it needs
none, and the sequencer must not sign it, for it may have signed another one in its place.
"""

from dataclasses import dataclass
from typing import Final

from bridge.derive.records import BlockInputs, RecordReader, RecordWriter, inputs_of
from bridge.derive.sequenced import batch_block_of
from bridge.l1.accounts import Operator
from node.p2p.blocks import (
    SIGNATURE_BYTES,
    BlockDomain,
    SignedBlock,
    SignedClaim,
    claim_of,
    packed_block,
)
from node.p2p.limits import SIGNATURES_KEPT_BLOCKS
from state.batch_codec import BatchBlock
from state.blocks import SealedBlock
from state.keccak import keccak
from state.store import ChainStore
from state.types import BlockNumber, Hash32

TABLE: Final = b"block-signatures"


@dataclass(frozen=True, slots=True)
class BlockSigner:
    """The sequencer's key, and the chain that it signs for."""

    operator: Operator
    domain: BlockDomain

    def sign(self, batch: RecordWriter, inputs: BlockInputs, sealed: SealedBlock) -> None:
        """Sign a block that was built, in the commit that writes it: it is never signed twice."""
        header = sealed.header
        content = BatchBlock(
            header.timestamp, inputs.origin.item, tuple(sealed.transactions[inputs.leading :])
        )
        claim = claim_of(header.number, header.parent_hash, sealed.hash, inputs.anchor, content)
        signature = self.operator.sign_digest(claim.digest(self.domain))
        put_signature(batch, header.number, sealed.hash, signature)

    def prove(self, peer: str) -> bytes:
        """Sign the id of our own peer, so that others know where the sequencer is."""
        return self.operator.sign_digest(peer_digest(self.domain, peer))


def peer_digest(domain: BlockDomain, peer: str) -> Hash32:
    """What the sequencer signs to say which peer it is."""
    return keccak(b"Tallystick peer" + domain.separator + peer.encode())


def put_signature(
    batch: RecordWriter, number: BlockNumber, block_hash: Hash32, signature: bytes
) -> None:
    """Write the signature of a block, and let go of one that nobody asks for any more."""
    batch.put_record(TABLE, _key(number), block_hash + signature)
    if number > SIGNATURES_KEPT_BLOCKS:
        batch.delete_record(TABLE, _key(number - SIGNATURES_KEPT_BLOCKS))


def read_signature(store: RecordReader, number: BlockNumber, block_hash: Hash32) -> bytes | None:
    """The signature of that very block, or None: another block may have been in its place."""
    value = store.record(TABLE, _key(number))
    if value is None or len(value) != len(block_hash) + SIGNATURE_BYTES:
        return None
    return value[len(block_hash) :] if value.startswith(block_hash) else None


def stored_block(store: ChainStore, number: BlockNumber) -> SignedBlock | None:
    """A block of the chain as the sequencer signed it; None for one that isn't there or has no
    signature."""
    header = store.header(number)
    block_id = store.block_id(number)
    if header is None or block_id is None:
        return None
    signature = read_signature(store, number, block_id.hash)
    if signature is None:
        return None
    content = batch_block_of(store, number)
    anchor = inputs_of(store, number).anchor
    claim = claim_of(number, header.parent_hash, block_id.hash, anchor, content)
    return SignedBlock(SignedClaim(claim, signature), packed_block(content))


def _key(number: int) -> bytes:
    return number.to_bytes(8)
