"""Limits of margin proofs, each with its reason."""

from typing import Final

ACCOUNT_MAX: Final = 2**63 - 1
"""Account ids count from 1; what JSON readers take for a whole number."""

PROOF_ACCOUNTS_MAX: Final = 16
"""Accounts in a proof: the router, its ten modules and the caller are twelve."""

PROOF_SLOTS_MAX: Final = 2048
"""Slots in a proof. The largest account reads some 1,100: 64 positions, 64 markets of 11 slots,
32 series of 9."""

NODE_CHARACTERS_MAX: Final = 1_200
"""Hex digits of a trie node: a full branch has 532 bytes."""

HEADER_CHARACTERS_MAX: Final = 2_000
"""Hex digits of a header, which has some 600 bytes."""

PROOF_BYTES_MAX: Final = 24 * 2**20
"""A proof as JSON: the largest account's, with nine nodes a slot, has some 12 MB."""

VERIFY_GAS_MAX: Final = 2**24
"""Gas of one call of the contract: a node's eth_call allows as much, and 64 positions beside 32
series fit."""
