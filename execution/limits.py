"""Limits of execution, each with its reason."""

from typing import Final

from state.types import Gas

# Transactions

TRANSACTION_BYTES_MAX = 65_536
"""Most bytes of a transaction on L2: what a forced inbox item or a step's witness can carry."""

L1_TRANSACTION_BYTES_MAX = 131_072
"""Most bytes of a transaction anywhere: go-ethereum's txMaxSize, which bounds every decode."""

TRANSACTION_ITEMS_MAX = 20_000
"""Most RLP items: an access-list entry is 3 items in 23 bytes, so that no honest one is refused."""

TRANSACTION_DEPTH_MAX = 5
"""Deepest RLP nesting: transaction, access list, entry, slots, and the slot itself."""

INITCODE_BYTES_MAX = 49_152
"""Longest creation code (EIP-3860)."""

NONCE_MAX = 2**64 - 2
"""Highest nonce a transaction may have (EIP-2681)."""

# Simulation

SIMULATION_GAS_MAX: Final = Gas(50_000_000)
"""Most gas an eth_call may use, go-ethereum's RPC gas cap: a read must not hold the node."""

SIMULATED_BLOCKS_MAX = 256
"""Most blocks of one eth_simulateV1, those that fill gaps counted (execution-apis)."""

SIMULATED_BLOCK_SECONDS = 12
"""Between two simulated blocks unless the caller says otherwise; go-ethereum's."""

ESTIMATE_ERROR_PERMILLE = 15
"""An estimate may exceed the least working gas by this share (go-ethereum: 1.5%): saves runs."""

ACCESS_LIST_ROUNDS_MAX = 8
"""Most re-runs of eth_createAccessList until the list stands still."""

# Settlement

BATCH_ORDERS_MAX = 65_536
"""Most distinct orders in a settlement batch: fills name them by a 16-bit number."""

# Tracing

TRACE_STEPS_A_LOOK = 1_024
"""Instructions between two looks at the clock: some 5 ms of a traced run."""

TRACE_FRAME_BYTES = 400
"""JSON of a call in a trace, its input, output and logs aside."""

TRACE_LOG_BYTES = 500
"""JSON of a log in a trace, its data aside."""
