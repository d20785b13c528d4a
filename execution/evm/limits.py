"""Limits of the engine: the L2 chain rules that bound inputs, and its own caches and stacks."""

# Chain rules (docs/chain-rules.md): each keeps one step of the dispute provable on L1.

HASH_INPUT_BYTES_MAX = 65_536
"""Longest input of KECCAK256, SHA-256 and RIPEMD-160: a step's witness carries it whole."""

LOGS_BYTES_MAX = 65_536
"""Most RLP-encoded bytes of a transaction's logs: its receipt is hashed in one step."""

MODEXP_OPERAND_BYTES_MAX = 1_024
"""Longest base, exponent or modulus of MODEXP (EIP-7823, which L1s have since Osaka)."""

MODEXP_OSAKA_GAS_MAX = 10_000_000
"""Highest price of a MODEXP by EIP-7883, because L1 charges that price for the proof."""

PAIRING_PAIRS_MAX = 256
"""Most pairs of one ecPairing: 8.8M gas on L1 and 48 KB of witness."""

BLAKE2F_ROUNDS_MAX = 8_000_000
"""Most rounds of one BLAKE2F, which costs L1 one gas a round."""

# The protocol's own limits

CALL_DEPTH_MAX = 1_024
"""Deepest nesting of calls and creations (Yellow Paper, section 8)."""

STACK_ITEMS_MAX = 1_024
"""Most words on a frame's stack (Yellow Paper, section 9.1)."""

INITCODE_BYTES_MAX = 49_152
"""Longest creation code (EIP-3860)."""

CODE_BYTES_MAX = 24_576
"""Longest deployed code (EIP-170)."""

# Resources

CODE_ANALYSES_MAX = 1_024
"""Codes whose jump targets stay indexed: below 100 KB each with the code, 100 MB in all."""

JUMP_TARGETS_REMEMBERED_MAX = 512
"""Targets of a code that need no second scan: more than a loop uses, 50 KB at most."""

NATIVE_CALLS_MAX = 10_000
"""Calls after which the native precompile engine is made anew, because its journal only grows."""

DEEP_STACK_BYTES = 512 * 1024 * 1024
"""Stack of a thread that may nest 1,024 calls; reserved address space, touched only as needed."""

RECURSION_LIMIT = 40_000
"""Python frames: 1,024 nested calls of up to eight frames each, with room for tracers."""

LANE_WAIT_SECONDS_MAX = 0.002
"""An execution gives way for so long at once: some four calls that the event loop answers."""

LANE_TURN_LOOKS = 256
"""And then goes on for so many JUMPDESTs, a millisecond of Solidity, before it gives way again: a
third of the time is its own at worst. To hand over to another execution takes some 0.03 ms."""
