"""Limits of a block's trace, each with its reason (docs/machine.md, "The trace")."""

from typing import Final

from state.types import Gas

BLOCK_STEPS_BITS: Final = 26
"""Bits of a trace index that count steps within a block."""

BLOCK_STEPS: Final = 1 << BLOCK_STEPS_BITS
"""Steps that a block has in the trace; it idles through those that it doesn't need."""

BLOCK_GAS_MAX: Final = Gas(2**25)
"""Highest gas limit of a block: transactions that use it take fewer than 42 million steps."""

BLOCK_TRANSACTIONS_MAX: Final = 1_700
"""Most transactions of a block: 2^25 gas pay for 1,597, and 65 deposits may use none. The hashes of
their leaf nodes, 54 KB, are the witness of one step."""
