"""A chain in memory for tests: real genesis, real blocks, nothing written."""

from collections.abc import Iterable, Mapping
from typing import Any

from execution.attributes import BlockAttributes, InclusionRule
from execution.transaction import Transaction
from execution.transition import BlockResult, Candidate, execute_block
from genesis.builder import GenesisAccount, build_genesis
from genesis.config import ChainConfig
from state.accounts import Account
from state.blocks import SealedBlock
from state.memory_state import MemoryState
from state.types import Address, Hash32, Timestamp, Wei
from tests.execution.wallet import ETHER, Wallet, config

COINBASE = Address(b"\xc0" * 20)
BLOCK_SECONDS = 2


def contract(code: bytes, balance: int = 0) -> GenesisAccount:
    return GenesisAccount(balance=Wei(balance), nonce=1, code=code)


def funded(*wallets: Wallet, balance: int = 100 * ETHER) -> dict[Address, GenesisAccount]:
    return {wallet.address: GenesisAccount(balance=Wei(balance)) for wallet in wallets}


def skip(*given: Transaction | bytes) -> list[Candidate]:
    return [Candidate(one) for one in given]


def carry(*given: Transaction | bytes) -> list[Candidate]:
    return [Candidate(one, InclusionRule.CARRY) for one in given]


class MemoryChain:
    """Blocks one after the other; `head` is the newest, `state` its state."""

    def __init__(
        self, alloc: Mapping[Address, GenesisAccount], chain_config: ChainConfig | None = None
    ) -> None:
        self.config = chain_config or config()
        genesis = build_genesis(self.config, alloc)
        self.blocks: list[SealedBlock] = [genesis]
        self.state = MemoryState().apply(genesis.update)

    @property
    def head(self) -> SealedBlock:
        return self.blocks[-1]

    def attributes(self, **changes: Any) -> BlockAttributes:
        settings: dict[str, Any] = {
            "timestamp": Timestamp(self.head.header.timestamp + BLOCK_SECONDS),
            "prev_randao": Hash32(b"\x5a" * 32),
            "coinbase": COINBASE,
            "gas_limit": self.config.block_gas_limit,
        }
        return BlockAttributes(**settings | changes)

    def execute(self, candidates: Iterable[Candidate], **changes: Any) -> BlockResult:
        """The next block, not appended."""
        return execute_block(
            self.head.header,
            self.state,
            self.attributes(**changes),
            candidates,
            self.config,
            self.hash_of,
        )

    def extend(self, candidates: Iterable[Candidate] = (), **changes: Any) -> BlockResult:
        """The next block, appended."""
        result = self.execute(candidates, **changes)
        self.blocks.append(result.sealed)
        self.state = self.state.apply(result.sealed.update)
        return result

    def hash_of(self, number: int) -> Hash32 | None:
        return self.blocks[number].hash if number < len(self.blocks) else None

    def account(self, address: Address) -> Account:
        return self.state.account(address) or Account()

    def balance(self, address: Address) -> int:
        return self.account(address).balance
