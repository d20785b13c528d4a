"""Limits of the bridge, each with its reason."""

# Derivation

DEPOSITS_PER_BLOCK_MAX = 64
"""Most deposits and forced transactions a block consumes: bounds the steps of one dispute block."""

BATCH_TRANSACTION_BYTES_MAX = 65_536
"""Most bytes of a transaction in a batch or a forced item: what one proof step can carry."""

DEPOSIT_DATA_BYTES_MAX = 65_536
"""Most calldata of a deposit; the Portal refuses more."""

DEPOSIT_MINT_BITS_MAX = 128
"""Most bits of what a deposit mints, in wei: no number of deposits overflows a balance."""

DECODED_BATCHES_KEPT_MAX = 2
"""Decoded batches kept in memory: the one being read and, after a small rewind, the one before."""

BLOCKS_PER_ADVANCE_MAX = 16
"""Blocks that one call of `Pipeline.advance` derives, so that sequencing is never held up long."""

DROPPED_BYTES_MAX = 16 * 2**20
"""Transactions kept of blocks that a reorg dropped, for the pool to take back; half of what it
holds."""

TIMESTAMP_LEAD_SECONDS_MAX = 60
"""How far ahead of the clock the sequencer lets block time run when blocks come faster than one a
second; far below the drift, so that L1 and we may disagree about the time by minutes."""

SEQUENCED_BYTES_MAX = 81_920 - 1 - 20
"""Most batch bytes of one block's transactions, with 4 bytes of length each: a posted batch (80 KB)
holds it even if nothing compresses (1 codec byte, 20 bytes of block head)."""

# Posting

BATCH_BLOCKS_MAX = 4_096
"""Blocks looked at for one batch: empty ones of a whole night on a devnet, in a few batches."""

TICK_MARGIN_SHARE = 2
"""A batch names its index once 1/2 of the window has passed since the last batch: the other half is
time for a transaction that is stuck in the pool."""

INDEXED_TRIES_MAX = 2
"""Tries with a named index before posting without: deposits alone must not silence us."""

# Proposing

GAMES_SCANNED_MAX = 512
"""Games looked at in one step: three weeks of hourly proposals, should none be resolved."""

DECIDED_GAMES_MAX = 2_048
"""Ended games remembered, so that none is read twice: four times what is scanned, 300 B each."""
