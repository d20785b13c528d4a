"""Prices, Cancun's (Yellow Paper, appendix G, and the EIP named)."""

from execution.machine.words import words_of

COLD_ACCOUNT, COLD_SLOT, WARM_ACCESS = 2_600, 2_100, 100
"""EIP-2929."""

COPY_WORD, KECCAK_WORD = 3, 6
EXP_BYTE = 50
"""EIP-160."""

LOG_TOPIC, LOG_BYTE = 375, 8

SSTORE_SENTRY = 2_300
"""SSTORE fails with this much gas or less (EIP-2200)."""

SSTORE_SET, SSTORE_RESET = 20_000, 2_900
SSTORE_CLEAR_REFUND = 4_800
"""EIP-2929, EIP-3529."""

CALL_VALUE, CALL_NEW_ACCOUNT, CALL_STIPEND = 9_000, 25_000, 2_300
CREATE, INITCODE_WORD = 32_000, 2
"""EIP-3860 for the words."""

CODE_DEPOSIT_BYTE = 200
SELFDESTRUCT, SELFDESTRUCT_NEW_ACCOUNT = 5_000, 25_000

REFUND_QUOTIENT = 5
"""At most a fifth of the gas used is refunded (EIP-3529)."""


def memory_gas(size: int) -> int:
    """The price of a memory that holds `size` bytes."""
    words = words_of(size)
    return 3 * words + words * words // 512


def copy_gas(size: int) -> int:
    return COPY_WORD * words_of(size)


def all_but_64th(gas: int) -> int:
    """What a caller may pass on (EIP-150)."""
    return gas - gas // 64
