"""The system contracts as L2's genesis holds them: code, and what a constructor would store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from execution.contracts import artifact
from genesis.accounts import operator_accounts
from genesis.artifacts import Artifact
from genesis.builder import GenesisAccount
from genesis.predeploys import (
    COLLATERAL_TOKEN,
    GOVERNANCE,
    L1_BLOCK,
    L2_CROSS_DOMAIN_MESSENGER,
    L2_TO_L1_MESSAGE_PASSER,
)
from state.errors import Invalid
from state.keccak import keccak
from state.types import ZERO_ADDRESS, Address

CONTRACT_NONCE: Final = 1
"""The nonce that a contract is created with (EIP-161)."""

GOVERNANCE_DELAY_SECONDS: Final = 48 * 3600
"""The shortest delay that the Governance contract lets anyone set."""

GOVERNANCE_MEMBERS_MAX: Final = 16
"""As in Governance.sol."""


class InvalidGovernance(Invalid):
    """Members and threshold that would leave governance dead or in fewer hands than they say."""


@dataclass(frozen=True, slots=True)
class GovernanceParameters:
    """Who governs L2 at its start. A delay (seconds) below 48 hours is for devnets."""

    members: tuple[Address, ...]
    threshold: int
    delay_seconds: int = GOVERNANCE_DELAY_SECONDS

    def __post_init__(self) -> None:
        count = len(self.members)
        if len(set(self.members)) != count or ZERO_ADDRESS in self.members:
            raise InvalidGovernance("governance members are distinct and not the zero address")
        if not 1 <= self.threshold <= count <= GOVERNANCE_MEMBERS_MAX:
            raise InvalidGovernance(
                f"a threshold of {self.threshold} with {count} members: take 1 to {count}, of at"
                f" most {GOVERNANCE_MEMBERS_MAX}"
            )
        if self.delay_seconds < 0:
            raise InvalidGovernance(f"a delay of {self.delay_seconds} s is negative")


def devnet_governance(delay_seconds: int = GOVERNANCE_DELAY_SECONDS) -> GovernanceParameters:
    """Two of three of a devnet's operators."""
    operators = operator_accounts()
    members = (operators.deployer, operators.guardian, operators.keeper)
    return GovernanceParameters(tuple(m.address for m in members), 2, delay_seconds)


def system_alloc(
    portal: Address, governance: GovernanceParameters | None = None
) -> Mapping[Address, GenesisAccount]:
    """The system predeploys of an L2 whose bridge is the L1 contract `portal`."""
    bridge = int.from_bytes(portal, "big")
    messenger = artifact("L2CrossDomainMessenger")
    token = artifact("CollateralToken")
    return {
        L2_CROSS_DOMAIN_MESSENGER: _account(messenger, {messenger.slot("portal"): bridge}),
        L1_BLOCK: _account(artifact("L1Block")),
        L2_TO_L1_MESSAGE_PASSER: _account(artifact("L2ToL1MessagePasser")),
        COLLATERAL_TOKEN: _account(token, {token.slot("portal"): bridge}),
        GOVERNANCE: _governance(governance or devnet_governance()),
    }


def _governance(parameters: GovernanceParameters) -> GenesisAccount:
    code = artifact("Governance")
    members = code.slot("members")
    first = int.from_bytes(keccak(members.to_bytes(32, "big")), "big")
    storage = {
        code.slot("delay"): parameters.delay_seconds,
        code.slot("threshold"): parameters.threshold,
        members: len(parameters.members),
    }
    storage |= {
        first + i: int.from_bytes(member, "big") for i, member in enumerate(parameters.members)
    }
    return _account(code, storage)


def _account(code: Artifact, storage: Mapping[int, int] | None = None) -> GenesisAccount:
    return GenesisAccount(nonce=CONTRACT_NONCE, code=code.predeploy_code, storage=storage or {})
