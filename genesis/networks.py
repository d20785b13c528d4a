"""The chains of a devnet: the embedded L1, and the L2 on top of it or of any other L1."""

from typing import Final

from genesis.accounts import dev_accounts, operator_accounts
from genesis.builder import GenesisAccount
from genesis.config import L1_RULES, L2_RULES, ChainConfig, DerivationConfig, Layer
from state.types import Address, Timestamp, Wei

L1_DEVNET_CHAIN_ID: Final = 31337
"""What anvil and hardhat use; wallets know it as a local chain."""
L2_DEVNET_CHAIN_ID: Final = 424242

ETHER: Final = 10**18
L1_DEV_BALANCE: Final = Wei(10_000 * ETHER)
L1_OPERATOR_BALANCE: Final = Wei(100 * ETHER)
L1_DEPLOYER_BALANCE: Final = Wei(20_000 * ETHER)
"""The deployer also escrows all of L2's first ether in the Portal."""
L2_DEV_BALANCE: Final = Wei(500 * ETHER)
L2_OPERATOR_BALANCE: Final = Wei(10 * ETHER)


def embedded_l1(genesis_time: Timestamp) -> ChainConfig:
    """The L1 that comes with a devnet: plain Ethereum rules, no more than a convenience."""
    return ChainConfig(
        name="tallystick-devnet-l1",
        layer=Layer.L1,
        chain_id=L1_DEVNET_CHAIN_ID,
        genesis_time=genesis_time,
        rules=L1_RULES,
    )


def embedded_l1_alloc() -> dict[Address, GenesisAccount]:
    """Who owns ether on the embedded L1 at its start."""
    alloc = {a.address: GenesisAccount(L1_DEV_BALANCE) for a in dev_accounts()}
    alloc |= _operator_alloc(L1_OPERATOR_BALANCE)
    alloc[operator_accounts().deployer.address] = GenesisAccount(L1_DEPLOYER_BALANCE)
    return alloc


def devnet_l2(
    genesis_time: Timestamp,
    inbox: Address,
    portal: Address,
    derivation: DerivationConfig | None = None,
) -> ChainConfig:
    """The devnet's L2, bound to its L1 contracts; begins at the L1 time of inbox item 0."""
    return ChainConfig(
        name="tallystick-devnet",
        layer=Layer.L2,
        chain_id=L2_DEVNET_CHAIN_ID,
        genesis_time=genesis_time,
        coinbase=operator_accounts().batcher.address,
        rules=L2_RULES,
        derivation=derivation or DerivationConfig(),
        inbox=inbox,
        portal=portal,
    )


def devnet_l2_alloc() -> dict[Address, GenesisAccount]:
    """Who owns ether on L2 at its start; the system's contracts are added to it."""
    alloc = {a.address: GenesisAccount(L2_DEV_BALANCE) for a in dev_accounts()}
    return alloc | _operator_alloc(L2_OPERATOR_BALANCE)


def _operator_alloc(balance: Wei) -> dict[Address, GenesisAccount]:
    duties = operator_accounts()
    accounts = (getattr(duties, name) for name in duties.__dataclass_fields__)
    return {account.address: GenesisAccount(balance) for account in accounts}
