"""Limits of the machine: what keeps each step's witness within 96 KB (docs/machine.md)."""

TREE_DEPTH = 27
"""Levels of every tree of words: 2^27 words are 2^32 bytes, beyond any memory that gas can buy."""

RANGE_END_MAX = 2**32
"""No range of memory ends beyond it; asking for more is out of gas, which it costs 2^45 of."""

COPY_BYTES_MAX = 32_768
"""Most bytes that one step copies: source and edges of the destination are the witness."""

CODES_CACHED_MAX = 1_024
"""Codes that stay analysed: below 100 KB each, 100 MB in all."""

NONCE_END = 2**64 - 1
"""A nonce that no creation may go beyond (EIP-2681)."""

MOMENTS_KEPT_MAX = 4_096
"""Moments whose roots are kept while a transaction runs: all frames that can wait, four times."""

ANCESTORS_MAX = 256
"""How many blocks back BLOCKHASH sees (Yellow Paper, section 9.4.3)."""

ANCESTOR_TREE_DEPTH = 8
"""Levels of the ring of the last 256 block hashes."""
