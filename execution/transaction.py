"""The transaction as the rest of the node sees it, whatever its type."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from state.types import ZERO_HASH, Address, Gas, Hash32, Wei

IMPERSONATED_S: Final = int.from_bytes(b"impersonated")
"""In place of a signature's s, where r is the sender."""


class TransactionType(IntEnum):
    """EIP-2718 type bytes."""

    LEGACY = 0
    ACCESS_LIST = 1
    FEE_MARKET = 2
    BLOB = 3
    DEPOSIT = 0x7E


@dataclass(frozen=True, slots=True)
class AccessListEntry:
    """An address and the slots of it that a transaction declares (EIP-2930)."""

    address: Address
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Transaction:
    """A decoded transaction with its sender known; made by `execution.transactions.decode`.

    A legacy or access-list transaction has its gas price as both fees. A deposit (type 0x7E) has
    no nonce, fees or signature; `mint` is in wei, and `sender` is the depositor.
    """

    type: TransactionType
    hash: Hash32
    sender: Address
    nonce: int
    gas: Gas
    to: Address | None
    """None creates a contract."""
    value: Wei
    data: bytes
    max_fee_per_gas: Wei = Wei(0)
    max_priority_fee_per_gas: Wei = Wei(0)
    access_list: tuple[AccessListEntry, ...] = ()
    chain_id: int | None = None
    """None for a legacy transaction without EIP-155 protection."""
    v: int = 0
    """As on the wire: 27/28 or EIP-155's for legacy transactions, the y parity otherwise."""
    r: int = 0
    s: int = 0
    mint: Wei = Wei(0)
    source_hash: Hash32 = ZERO_HASH
    is_system: bool = False
    raw: bytes = b""
    """The EIP-2718 envelope."""

    @property
    def is_deposit(self) -> bool:
        return self.type is TransactionType.DEPOSIT

    @property
    def is_impersonated(self) -> bool:
        """Whether nobody signed it (`execution/impersonation.py`), so that a contract may send it.

        No signature looks like that: a key whose address is its r is as hard to find as any key.
        """
        return self.s == IMPERSONATED_S and self.r == int.from_bytes(self.sender)

    def effective_gas_price(self, base_fee: Wei) -> Wei:
        """What the sender pays for one gas, in wei (EIP-1559); zero for a deposit."""
        if self.is_deposit:
            return Wei(0)
        return Wei(min(self.max_fee_per_gas, base_fee + self.max_priority_fee_per_gas))
