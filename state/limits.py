"""The limits of `state/`: one named constant each, with its reason."""

from typing import Final

# RLP

RLP_BYTES_MAX: Final = 256 * 1024
"""Untrusted RLP: a transaction has 64 KB at most, a proof node 10 KB; the rest is headroom."""

RLP_ITEMS_MAX: Final = 16_384
"""Items in one untrusted RLP value: an access list that 2^24 gas can pay for has under 9,000."""

RLP_DEPTH_MAX: Final = 16
"""Lists inside lists: a transaction with an access list has 4 levels, a trie node under 8."""

RLP_STORED_BYTES_MAX: Final = 2**30
"""RLP that this node wrote itself: an undo record holds everything a block wiped."""

RLP_STORED_ITEMS_MAX: Final = 2**26
"""Items in RLP that this node wrote itself, for the same reason."""

# Tries

TRIE_KEY_BYTES_MAX: Final = 64
"""Keys are hashes or RLP indexes; bounds the recursion of a trie walk to two levels a byte."""

# LevelDB

LEVELDB_BLOOM_BITS: Final = 10
"""Bits a key of the filter that spares a disk read for absent keys: 1% false positives."""

LEVELDB_CACHE_BYTES: Final = 64 * 2**20
"""Uncompressed blocks kept in memory."""

LEVELDB_WRITE_BUFFER_BYTES: Final = 32 * 2**20
"""Log and memory table before they become a file; some dozen large blocks."""

LEVELDB_OPEN_FILES_MAX: Final = 256
"""File descriptors: two databases and their sockets fit the usual limit of 1,024."""

# Caches of the store (each keeps up to twice its figure; see `generations.py`)

NODE_CACHE_NODES: Final = 65_536
"""Trie nodes of some 200 bytes: the upper levels of a large trie, at 25 MB."""

CODE_CACHE_CODES: Final = 512
"""Contracts in use, up to 24 KB each."""

BLOCK_CACHE_BLOCKS: Final = 64
"""Whole blocks: clients ask for the receipts of one block again and again."""

ADDRESS_HASH_CACHE: Final = 16_384
"""Hashes of addresses: those of the accounts that trade."""

# Recovery

RECOVERY_LINKS_CHECKED: Final = 64
"""Headers followed back on every start: those that could have been in a lost part of the log."""

RECOVERY_KEYS_CHECKED_MAX: Final = 1_000
"""Flat values compared with the trie on every start: tens of milliseconds."""

RECOVERY_BLOCKS_MAX: Final = 4_096
"""Blocks without a whole state that recovery passes over; beyond, deriving again is safer."""

# Proofs

PROOF_NODES_MAX: Final = 65
"""Nodes of a proof: one a hex digit of a hashed key, and the leaf."""

# Batches (DESIGN.md, Derivation: the dispute decodes one in one step within L1's gas cap)

BATCH_POSTED_BYTES_MAX: Final = 80 * 1024
"""Bytes of a batch on L1, codec byte included."""

BATCH_DECODED_BYTES_MAX: Final = 256 * 1024
"""Bytes of its payload."""

BATCH_SEQUENCES_MAX: Final = 16_384
"""Sequences of a compressed batch: each costs the decoder a fixed amount."""
