"""The configuration of a chain: frozen, validated once, hashed into every output root."""

from dataclasses import dataclass
from enum import StrEnum

from state.errors import Invalid
from state.types import ZERO_ADDRESS, Address, Gas, Timestamp, Wei

TRANSACTION_GAS_CAP = Gas(2**24)
"""The most gas one transaction may ask for (EIP-7825)."""

WORST_SECONDS_PER_GAS = 1e-6
"""Upper bound of the time that one gas may take; `./scripts/bench gas-time` measures it."""


class InvalidChainConfig(Invalid):
    """A chain configuration that contradicts itself or can't be kept up with."""


class Layer(StrEnum):
    """Which of the two chains this is; L1 is the embedded devnet L1."""

    L1 = "l1"
    L2 = "l2"


@dataclass(frozen=True, slots=True)
class ExecutionRules:
    """The rules that differ between the chains and the official tests; docs/chain-rules.md.

    `bounded_inputs` turns on the L2 size rules (hash input, logs, MODEXP, pairing, BLAKE2F), which
    keep every step provable. `calldata_floor` is EIP-7623's floor price, which Osaka-era L1s have.
    """

    transaction_gas_cap: Gas | None = TRANSACTION_GAS_CAP
    bounded_inputs: bool = True
    calldata_floor: bool = False
    deposits: bool = True
    """Whether transactions of type 0x7E exist."""


L2_RULES = ExecutionRules()
L1_RULES = ExecutionRules(bounded_inputs=False, calldata_floor=True, deposits=False)
STATETEST_RULES = ExecutionRules(transaction_gas_cap=None, bounded_inputs=True, deposits=False)


@dataclass(frozen=True, slots=True)
class DerivationConfig:
    """How L2 blocks follow from the inbox; meaningless on L1. Times in seconds."""

    drift_seconds: int = 600
    """How far a block's timestamp may be ahead of the L1 time of the item that carries it."""
    window_seconds: int = 3600
    """How long the sequencer may leave a deposit or forced transaction out, or stay silent."""


@dataclass(frozen=True, slots=True)
class ChainConfig:
    """One chain, whole. Equal configurations hash equally on every machine."""

    name: str
    layer: Layer
    chain_id: int
    genesis_time: Timestamp
    block_gas_limit: Gas = Gas(30_000_000)
    initial_base_fee: Wei = Wei(10**9)
    coinbase: Address = ZERO_ADDRESS
    rules: ExecutionRules = L2_RULES
    derivation: DerivationConfig = DerivationConfig()
    inbox: Address = ZERO_ADDRESS
    portal: Address = ZERO_ADDRESS
    minimum_block_seconds: int = 1
    public: bool = False
    """A public chain must let every verifier keep up; a devnet need not."""

    def __post_init__(self) -> None:
        if not 0 < self.chain_id < 2**53:
            raise InvalidChainConfig(f"chain id {self.chain_id} is not in 1..2^53-1")
        cap = self.rules.transaction_gas_cap
        if cap is not None and self.block_gas_limit < cap:
            raise InvalidChainConfig(
                f"block gas limit {self.block_gas_limit} is below the transaction cap {cap}"
            )
        worst_seconds = self.block_gas_limit * WORST_SECONDS_PER_GAS
        if self.public and worst_seconds > self.minimum_block_seconds:
            raise InvalidChainConfig(
                f"a block of {self.block_gas_limit} gas may take {worst_seconds:.1f} s, longer than"
                f" the minimum block time of {self.minimum_block_seconds} s: verifiers would fall"
                " behind; lower block_gas_limit or raise minimum_block_seconds"
            )
