"""Senders for tests, with real keys and real signatures."""

from dataclasses import dataclass, field
from typing import Any

from execution.signing import UnsignedTransaction, address_of, sign
from execution.transaction import Transaction
from execution.transactions import decode
from genesis.config import L2_RULES, ChainConfig, ExecutionRules, Layer
from state.types import Address, Gas, Timestamp, Wei

GWEI = 10**9
ETHER = 10**18
CHAIN_ID = 424242


def config(rules: ExecutionRules = L2_RULES, **changes: Any) -> ChainConfig:
    settings: dict[str, Any] = {
        "name": "test",
        "layer": Layer.L2 if rules.deposits else Layer.L1,
        "chain_id": CHAIN_ID,
        "genesis_time": Timestamp(1_700_000_000),
        "rules": rules,
    }
    return ChainConfig(**settings | changes)


@dataclass
class Wallet:
    """An account of its own, numbered; `raw` signs with defaults that a test may change."""

    number: int
    nonce: int = 0
    key: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.key = (0x7A11 + self.number).to_bytes(32, "big")

    @property
    def address(self) -> Address:
        return address_of(self.key)

    def raw(self, chain_id: int | None = CHAIN_ID, **changes: Any) -> bytes:
        fields: dict[str, Any] = {
            "nonce": self.nonce,
            "gas": Gas(21_000),
            "to": Address(b"\x11" * 20),
            "value": Wei(1),
            "max_fee_per_gas": Wei(2 * GWEI),
            "max_priority_fee_per_gas": Wei(GWEI),
        }
        return sign(UnsignedTransaction(**fields | changes), self.key, chain_id)

    def tx(self, chain_id: int = CHAIN_ID, **changes: Any) -> Transaction:
        return decode(self.raw(chain_id, **changes), chain_id=chain_id)
