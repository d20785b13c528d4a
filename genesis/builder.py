"""The first block of a chain, from its configuration and its allocation."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from genesis.config import ChainConfig
from state.blocks import Header, SealedBlock
from state.errors import Invalid
from state.headers import header_hash
from state.memory_state import allocation_update
from state.types import UINT64_MAX, UINT256_MAX, ZERO_HASH, Address, BlockNumber, Wei


class InvalidGenesisAccount(Invalid):
    """An account that no Ethereum state can hold."""


@dataclass(frozen=True, slots=True)
class GenesisAccount:
    """What an account holds before the first block. Balance in wei; slots and values are words."""

    balance: Wei = Wei(0)
    nonce: int = 0
    code: bytes = b""
    storage: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.balance <= UINT256_MAX:
            raise InvalidGenesisAccount(f"balance {self.balance} is no 256-bit word")
        if not 0 <= self.nonce < UINT64_MAX:
            raise InvalidGenesisAccount(f"nonce {self.nonce} is not below 2^64-1 (EIP-2681)")
        for slot, value in self.storage.items():
            if not (0 <= slot <= UINT256_MAX and 0 <= value <= UINT256_MAX):
                raise InvalidGenesisAccount(f"storage {slot:#x} = {value:#x} is not of words")


def build_genesis(config: ChainConfig, alloc: Mapping[Address, GenesisAccount]) -> SealedBlock:
    """Block 0 with the state of `alloc`, stamped with the configuration's time (seconds).

    Its header follows the chain rules like any other: gas limit, coinbase and first base fee (wei)
    from the configuration, no transactions, prevRandao and parent hash zero.
    """
    update = allocation_update({a: c for a, c in sorted(alloc.items()) if not _is_empty(c)})
    header = Header(
        parent_hash=ZERO_HASH,
        state_root=update.root,
        number=BlockNumber(0),
        gas_limit=config.block_gas_limit,
        timestamp=config.genesis_time,
        base_fee_per_gas=config.initial_base_fee,
        coinbase=config.coinbase,
    )
    return SealedBlock(
        hash=header_hash(header),
        header=header,
        transactions=(),
        senders=(),
        contracts=(),
        receipts=(),
        update=update,
    )


def total_balance(alloc: Mapping[Address, GenesisAccount]) -> Wei:
    """All wei of an allocation: what the Portal must hold on L1 before L2 starts."""
    return Wei(sum(account.balance for account in alloc.values()))


def _is_empty(account: GenesisAccount) -> bool:
    """Whether EIP-161 lets no trace of the account into the state."""
    return not (account.balance or account.nonce or account.code)
