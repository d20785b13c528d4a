"""Why a margin proof convinces nobody.

Invalid
└── InvalidMarginProof   it isn't one, or contradicts itself
    └── NotProven        the contract reads something that it doesn't hold
Unavailable
└── NotCommitted         no proposal on L1 stands behind it (yet)
"""

from state.errors import Invalid, Unavailable


class InvalidMarginProof(Invalid):
    """Not the form of a margin proof, or one part of it contradicts another."""


class NotProven(InvalidMarginProof):
    """The contract reads an account, a slot or code that the proof doesn't hold."""


class NotCommitted(Unavailable):
    """No proposed output root that still stands on L1 commits to the block."""
