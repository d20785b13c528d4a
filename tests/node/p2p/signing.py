"""Signed blocks for tests, of a key that the tests' domain knows as the sequencer's."""

from bridge.derive.anchor import Anchor
from node.p2p.blocks import SignedBlock, SignedClaim, claim_of, packed_block
from state.batch_codec import BatchBlock
from state.types import BlockNumber, Hash32, Timestamp
from tests.node.p2p.rig import DOMAIN, SEQUENCER


def signed_block(
    number: int = 1,
    *,
    parent: bytes = b"\1" * 32,
    block_hash: bytes = b"\2" * 32,
    anchor: Anchor | None = None,
    transactions: tuple[bytes, ...] = (b"one", b"two"),
) -> SignedBlock:
    """A block whose signature is right, whatever its hash is."""
    content = BatchBlock(Timestamp(1000 + number), 1, transactions)
    claim = claim_of(
        BlockNumber(number),
        Hash32(parent),
        Hash32(block_hash),
        anchor or Anchor(1, Hash32(b"\3" * 32)),
        content,
    )
    signature = SEQUENCER.sign_digest(claim.digest(DOMAIN))
    return SignedBlock(SignedClaim(claim, signature), packed_block(content))
