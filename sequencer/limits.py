"""Limits of the sequencer, each with its reason."""

# Mempool

POOL_TRANSACTIONS_MAX = 8_192
"""Most transactions that wait: some ten full blocks of transfers, and a quick walk over them."""

POOL_BYTES_MAX = 32 * 1024 * 1024
"""Most bytes of waiting transactions; memory is a small multiple of it."""

POOL_FILE_BYTES_MAX = 2 * POOL_BYTES_MAX
"""Most that is read of the file in which a pool lasts over a restart: it holds one pool, and some
bytes for each transaction."""

POOL_QUEUED_MAX = 1_024
"""Most transactions behind a missing nonce: nobody pays for those, so they get a small share."""

ACCOUNT_TRANSACTIONS_MAX = 1_024
"""Most transactions of one sender, an eighth of the pool; also how far ahead a nonce may be."""

ACCOUNT_QUEUED_MAX = 64
"""Most transactions of one sender behind a missing nonce (go-ethereum's AccountQueue)."""

REPLACEMENT_BUMP_PERCENT = 10
"""How much more a replacement pays (go-ethereum's PriceBump): bounds free re-broadcasting."""

EVICTIONS_MAX = 16
"""Most transactions that one newcomer may push out: keeps each addition quick."""

QUEUED_SECONDS_MAX = 3 * 3_600
"""How long a transaction may wait for a missing nonce (go-ethereum's Lifetime)."""

EXPIRY_INTERVAL_SECONDS = 60
"""How often waiting times are looked at."""

# Builder

TRANSACTION_LENGTH_BYTES = 4
"""Batch bytes before each transaction, which count towards `bridge.limits.SEQUENCED_BYTES_MAX`."""

MEASURED_MARGIN_BYTES = 2_048
"""Room left in a batch beyond what its compression was measured to need: heads, and the encoder
choosing otherwise as more comes. A new measurement has to be worth as many bytes."""

# Clearing house

HOUSE_PIECES_MAX = 200_000
"""Accounts, positions, fill lanes and markets that are remembered decoded, some 100 MB, of which
each block copies the index; whoever opens accounts to fill it makes the next block's readings start
anew, no more."""

LENS_CALLS_MAX = 10_000
"""Margin checks after which the machine is made anew, because revm's journal only grows."""

LENS_GAS = 2**40
"""Gas of a margin check, which costs nobody anything; what an account may hold bounds it."""

# Order log

SNAPSHOT_INPUTS = 50_000
"""Inputs between two snapshots of the book: replaying as many takes about a second."""

PRUNED_INPUTS_MAX = 64
"""Inputs behind the older snapshot that a write deletes besides as many as it adds: the log stays
bounded, and no write has to wait for one long clean-up."""

# Settlement

SETTLEMENT_GAS_PERCENT = 50
"""Most of a block's gas that settlements are planned for: the other half is the pool's."""

SETTLEMENT_BYTES_MAX = 60_000
"""Most bytes of orders and fills in one transaction, below what an L2 transaction may have."""

SETTLEMENT_FILLS_MAX = 192
"""Most fills in one transaction: each logs 320 bytes, and a transaction that logs more than 64 KB
fails as a whole (docs/chain-rules.md)."""

SETTLEMENT_FILL_GAS = 62_000
"""Gas that a fill between accounts already in the batch needs: 44,000 measured on two of them, and
what the clearing house keeps back of it."""

SETTLEMENT_ACCOUNT_GAS = 66_000
"""Gas that one more account in a batch needs: 88 fills of 176 new accounts fit 2^24 gas, as its
slots are written at the end and the clearing house keeps 26,000 back for each."""

SETTLEMENT_HOLDING_GAS = 50_000
"""Gas that each position or series of an account adds: GAS_HOLDING of Settlement.sol."""

SETTLEMENT_RESERVE_GAS = 420_000
"""Gas that has to be left before the last fill of a batch is begun: GAS_LOOK and GAS_TRADE of
Settlement.sol, and two accounts' first positions."""

SETTLEMENT_TIP_WEI = 1
"""The matcher's tip for one gas: the sequencer's own transactions come first without one."""

SETTLEMENT_RETRY_BLOCKS_MAX = 64
"""Most blocks between two tries of what fails, each of which costs gas."""

SETTLEMENT_SLACK_MAX = 16
"""How many times the gas that it should need a batch gets after it stopped before its first fill;
if that doesn't help either, the next try waits."""

GUARDED_MS = 60_000
"""How long after a match nothing of the pool may void it: five blocks settle all that may wait, and
a batch that stops early is tried again. When settlement takes longer, it is in trouble, and nobody
is kept from leaving, or from being liquidated, for that."""

SETTLED_BEHIND_SECONDS = 3_600
"""How far a block's time may be behind that of the matches it settles, if a clock was set back."""
