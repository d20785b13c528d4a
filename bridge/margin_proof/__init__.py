"""An account's margin, proven to whoever trusts L1 and nobody's node.

An output root on L1 commits to a block of L2, its header to the state, and the state to the storage
of the ClearingHouse. A margin proof holds every account and slot that the contract reads for one
sub-account's statement; who verifies it runs the contract's code, as this version of the program
has it, on exactly those.
"""

from bridge.margin_proof.commitment import Commitment, find_commitment, newest_commitment
from bridge.margin_proof.errors import InvalidMarginProof, NotCommitted, NotProven
from bridge.margin_proof.proof import MarginProof, gather, parse_proof, verify

__all__ = [
    "Commitment",
    "InvalidMarginProof",
    "MarginProof",
    "NotCommitted",
    "NotProven",
    "find_commitment",
    "gather",
    "newest_commitment",
    "parse_proof",
    "verify",
]
