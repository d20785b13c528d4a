"""The L2's size rules: inputs that are too large whatever is paid (docs/chain-rules.md)."""

from enum import StrEnum
from typing import Final

from execution.evm.limits import (
    BLAKE2F_ROUNDS_MAX,
    HASH_INPUT_BYTES_MAX,
    LOGS_BYTES_MAX,
    MODEXP_OPERAND_BYTES_MAX,
    MODEXP_OSAKA_GAS_MAX,
    PAIRING_PAIRS_MAX,
)


class SizeRule(StrEnum):
    """A rule, by the words that reports name it with."""

    HASH_INPUT = "hash input <= 64 KB"
    LOGS = "logs of a transaction <= 64 KB"
    MODEXP_OPERAND = "MODEXP operand <= 1,024 B"
    MODEXP_PRICE = "MODEXP price by EIP-7883 <= 10M gas"
    PAIRING = "pairing <= 256 pairs"
    BLAKE2F = "BLAKE2F <= 8M rounds"


LIMITS: Final = {
    SizeRule.HASH_INPUT: HASH_INPUT_BYTES_MAX,
    SizeRule.LOGS: LOGS_BYTES_MAX,
    SizeRule.MODEXP_OPERAND: MODEXP_OPERAND_BYTES_MAX,
    SizeRule.MODEXP_PRICE: MODEXP_OSAKA_GAS_MAX,
    SizeRule.PAIRING: PAIRING_PAIRS_MAX,
    SizeRule.BLAKE2F: BLAKE2F_ROUNDS_MAX,
}
"""By rule: the largest amount it lets pass."""
