"""What a transaction costs before its first instruction (Yellow Paper section 6.2, g0)."""

from collections.abc import Sequence

from execution.transaction import AccessListEntry, Transaction
from state.types import Gas

TRANSACTION_GAS = 21_000
"""Base price of every transaction."""

CREATION_GAS = 32_000
"""Added when the transaction creates a contract (EIP-2)."""

INITCODE_WORD_GAS = 2
"""For each 32-byte word of creation code (EIP-3860)."""

ZERO_BYTE_GAS = 4
"""For each zero byte of calldata."""

NONZERO_BYTE_GAS = 16
"""For each other byte of calldata (EIP-2028)."""

ACCESS_LIST_ADDRESS_GAS = 2_400
"""For each address in the access list (EIP-2930)."""

ACCESS_LIST_SLOT_GAS = 1_900
"""For each storage slot in the access list (EIP-2930)."""

FLOOR_TOKEN_GAS = 10
"""Floor price of a calldata token: a zero byte is one token, any other byte four (EIP-7623)."""

TOKENS_PER_NONZERO_BYTE = 4


def intrinsic_gas(tx: Transaction) -> Gas:
    """The gas that `tx` uses before it runs, by Cancun's prices."""
    return Gas(
        TRANSACTION_GAS
        + calldata_gas(tx.data)
        + (creation_gas(tx.data) if tx.to is None else 0)
        + access_list_gas(tx.access_list)
    )


def calldata_floor(data: bytes) -> Gas:
    """The least gas that a transaction with this calldata pays (EIP-7623)."""
    zeros = data.count(0)
    tokens = zeros + TOKENS_PER_NONZERO_BYTE * (len(data) - zeros)
    return Gas(TRANSACTION_GAS + FLOOR_TOKEN_GAS * tokens)


def calldata_gas(data: bytes) -> int:
    zeros = data.count(0)
    return ZERO_BYTE_GAS * zeros + NONZERO_BYTE_GAS * (len(data) - zeros)


def creation_gas(initcode: bytes) -> int:
    words = (len(initcode) + 31) // 32
    return CREATION_GAS + INITCODE_WORD_GAS * words


def access_list_gas(access_list: Sequence[AccessListEntry]) -> int:
    slots = sum(len(entry.slots) for entry in access_list)
    return ACCESS_LIST_ADDRESS_GAS * len(access_list) + ACCESS_LIST_SLOT_GAS * slots
