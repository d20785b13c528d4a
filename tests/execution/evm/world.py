"""A small world for engine tests: accounts, one block, and transactions without signatures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from execution.evm.engine import BlockContext, Evm, Outcome
from execution.transaction import Transaction, TransactionType
from genesis.config import ExecutionRules
from state.accounts import Account
from state.memory_state import MemoryState
from state.types import ZERO_HASH, Address, BlockNumber, Gas, Hash32, Timestamp, Wei

CHAIN_ID = 424242
SENDER = Address(b"\xaa" * 20)
CONTRACT = Address(b"\xcc" * 20)
OTHER = Address(b"\xdd" * 20)
COINBASE = Address(b"\xfe" * 20)
BASE_FEE = Wei(7)
FUNDS = Wei(10**18)


@dataclass
class Allocated:
    balance: Wei = Wei(0)
    nonce: int = 0
    code: bytes = b""
    storage: Mapping[int, int] = field(default_factory=dict)


def contract(code: bytes | str, balance: int = 0, **storage: Any) -> Allocated:
    raw = bytes.fromhex(code) if isinstance(code, str) else code
    return Allocated(balance=Wei(balance), nonce=1, code=raw, **storage)


def transaction(**changes: Any) -> Transaction:
    """A call of CONTRACT by SENDER with a million gas, at the base fee plus one."""
    fields: dict[str, Any] = {
        "type": TransactionType.FEE_MARKET,
        "hash": ZERO_HASH,
        "sender": SENDER,
        "nonce": 0,
        "gas": Gas(1_000_000),
        "to": CONTRACT,
        "value": Wei(0),
        "data": b"",
        "max_fee_per_gas": Wei(100),
        "max_priority_fee_per_gas": Wei(1),
        "chain_id": CHAIN_ID,
    }
    return Transaction(**fields | changes)


def deposit(**changes: Any) -> Transaction:
    """A deposit by SENDER to CONTRACT."""
    fields: dict[str, Any] = {"type": TransactionType.DEPOSIT, "max_fee_per_gas": Wei(0)}
    return transaction(**fields | {"max_priority_fee_per_gas": Wei(0)} | changes)


def modexp_input(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    """MODEXP's encoding (EIP-198)."""
    sizes = b"".join(len(part).to_bytes(32, "big") for part in (base, exponent, modulus))
    return sizes + base + exponent + modulus


class World:
    """A state, an engine on it, and what the engine makes of the state."""

    def __init__(
        self,
        accounts: Mapping[Address, Allocated] | None = None,
        rules: ExecutionRules | None = None,
    ) -> None:
        alloc = {SENDER: Allocated(balance=FUNDS), **(accounts or {})}
        self.state = MemoryState.from_alloc(alloc)
        self.context = BlockContext(
            chain_id=CHAIN_ID,
            number=BlockNumber(1_000),
            timestamp=Timestamp(1_700_000_000),
            coinbase=COINBASE,
            gas_limit=Gas(30_000_000),
            base_fee=BASE_FEE,
            prev_randao=Hash32(b"\x5a" * 32),
            ancestor_hash=lambda number: Hash32(number.to_bytes(32, "big")),
        )
        self.evm = Evm(self.state, self.context, rules or ExecutionRules())

    def apply(self, **changes: Any) -> Outcome:
        return self.evm.apply(transaction(**changes), self.context.gas_limit)

    def run(self, code: bytes | str, **changes: Any) -> Outcome:
        """Run code as CONTRACT's, in a simulation."""
        raw = bytes.fromhex(code) if isinstance(code, str) else code
        self.evm.set_override(CONTRACT, code=raw)
        return self.evm.call(transaction(**changes))

    def after(self) -> MemoryState:
        return self.state.apply(self.state.update(self.evm.diff()))

    def account(self, address: Address) -> Account:
        return self.after().account(address) or Account()
