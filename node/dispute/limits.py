"""Limits of what a node reads of disputes for those who look on, each with its reason."""

ROOTS_SECONDS = 3.0
"""Proposals are read from L1 no more often, however many ask: an L1 block takes a second at the
least, and most take twelve."""

DISPUTE_SECONDS = 2.0
"""A game's claims likewise. A side answers once an L1 block."""

PROPOSALS_MAX = 64
"""Proposals in one answer: two L1 calls each while they are in progress, none afterwards."""

DISPUTES_KEPT_MAX = 16
"""Games whose claims are remembered: some 100 KB each with the claims of one longest path."""

DISPUTE_READS = (2.0, 8.0)
"""Games read from L1 a second, and at once (node/p2p/buckets.py): who asks for more has to wait.
Each costs four calls, and one for 256 claims."""
