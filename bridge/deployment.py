"""The deployment file: all that a node has to know of a rollup besides the URL of an L1.

It is written before the first transaction, as a plan with the addresses that follow from the
deployer's nonce, and completed after the last. L2's configuration and genesis are functions of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from bridge.boundary import genesis_boundary
from bridge.dispute.prover_set import ONE_STEP_PROVER, PROVERS
from bridge.l1.errors import InvalidDeployment
from execution.contracts.devnet import DEVNET_LIMITERS, devnet_strikes
from execution.contracts.genesis import ClearingHouseParameters, clearing_house_alloc
from execution.contracts.system import GovernanceParameters, devnet_governance, system_alloc
from genesis.accounts import dev_accounts, operator_accounts
from genesis.builder import GenesisAccount, build_genesis, total_balance
from genesis.config import ChainConfig, DerivationConfig
from genesis.networks import (
    L1_DEVNET_CHAIN_ID,
    L2_DEVNET_CHAIN_ID,
    devnet_l2,
    devnet_l2_alloc,
)
from state.blocks import SealedBlock
from state.files import write_atomically
from state.keccak import keccak
from state.rlp import encode, encode_uint
from state.types import Address, Hash32, Timestamp, Wei, address, hash32

VERSION: Final = 2
FILE_BYTES_MAX: Final = 64 * 1024
"""A deployment file has about 2 KB; a larger one is something else."""

PUBLIC_MODE: Final = 0o644
"""Nothing in the file is secret."""


@dataclass(frozen=True, slots=True)
class DeployParameters:
    """What the deployer chooses. Times in seconds, amounts in wei."""

    l1_chain_id: int = L1_DEVNET_CHAIN_ID
    l2_chain_id: int = L2_DEVNET_CHAIN_ID
    sequencer: Address = field(default_factory=lambda: operator_accounts().batcher.address)
    """Who may append batches."""
    matcher: Address = field(default_factory=lambda: operator_accounts().matcher.address)
    """Who may settle fills in the clearing house."""
    guardian: Address = field(default_factory=lambda: operator_accounts().guardian.address)
    """Who may pause markets."""
    oracle: Address = field(default_factory=lambda: operator_accounts().oracle.address)
    """Who signs prices at the start; governance adds more."""
    governors: tuple[Address, ...] = field(default_factory=lambda: devnet_governance().members)
    """Members of L2's governance."""
    governor_threshold: int = 2
    dev_accounts: bool = True
    """Whether the accounts of the test mnemonic, whose keys all know, own ether on L2. Without,
    no duty may be theirs either."""
    token: Address | None = None
    """The collateral token on L1; None deploys TestUSD, which anyone may mint: devnets only."""
    prover: Address | None = None
    """A one-step prover that is on L1 already; None deploys one, with all its verifiers. It knows
    no rollup, so that several may share it."""
    drift_seconds: int = 600
    window_seconds: int = 3600
    dispute_window_seconds: int = 20
    clock_extension_seconds: int = 2
    """What a side of a dispute has left at the least for its next answer: enough to see an answer,
    make the next one and get it into an L1 block, however full."""
    payout_delay_seconds: int = 5
    """How long bonds are held back after a dispute."""
    finality_delay_seconds: int = 5
    bond_wei: int = 10**17
    deposit_gas_price_wei: int = 10**9
    governance_delay_seconds: int = 48 * 3600
    confirmations: int = 0
    """L1 blocks on top of the Inbox's before L2's genesis is fixed; more where L1 reorganises."""

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise InvalidDeployment(f"{name} must be above zero, not {getattr(self, name)}")
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise InvalidDeployment(f"{name} can't be negative: {getattr(self, name)}")
        if 2 * self.clock_extension_seconds > self.dispute_window_seconds:
            raise InvalidDeployment(
                f"clock_extension_seconds is {self.clock_extension_seconds}: it must fit"
                f" dispute_window_seconds ({self.dispute_window_seconds}) twice"
            )
        if not self.dev_accounts:
            self._refuse_known_keys()

    def _refuse_known_keys(self) -> None:
        operators = operator_accounts()
        known = {getattr(operators, name).address for name in operators.__dataclass_fields__}
        known |= {account.address for account in dev_accounts()}
        duties = {role: getattr(self, role) for role in _ROLES}
        duties |= {f"governor {index}": member for index, member in enumerate(self.governors)}
        for duty, member in duties.items():
            if member in known:
                raise InvalidDeployment(
                    f"the {duty} would be 0x{member.hex()}, whose key everybody knows: name an"
                    " account of your own"
                )


_ROLES: Final = ("sequencer", "matcher", "guardian", "oracle")
_GIVEN: Final = ("token", "prover")
"""Contracts that may be on L1 already."""
_POSITIVE: Final = ("l1_chain_id", "l2_chain_id", "window_seconds", "dispute_window_seconds")
_NOT_NEGATIVE: Final = (
    "drift_seconds",
    "clock_extension_seconds",
    "payout_delay_seconds",
    "finality_delay_seconds",
    "bond_wei",
    "deposit_gas_price_wei",
    "governance_delay_seconds",
    "confirmations",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the contracts will be: fixed before the first transaction."""

    parameters: DeployParameters
    deployer: Address
    first_nonce: int
    planned_at_block: int
    """The L1 head when the plan was made; the contracts are in later blocks."""

    def nonce_of(self, contract: str) -> int:
        """The deployer's nonce with which a contract is created."""
        return self.first_nonce + self.creations.index(contract)

    @property
    def creations(self) -> tuple[str, ...]:
        """The contracts to create, in order; the escrow is funded after them."""
        token = ("TestUSD",) if self.parameters.token is None else ()
        provers = (*PROVERS, ONE_STEP_PROVER) if self.parameters.prover is None else ()
        return (*provers, "DisputeGame", *token, "Inbox", "Portal", "Rollup")

    def address_of(self, contract: str) -> Address:
        """The address that a contract will have (Yellow Paper, section 7)."""
        return created_address(self.deployer, self.nonce_of(contract))

    @property
    def token(self) -> Address:
        """The collateral token on L1."""
        return self.parameters.token or self.address_of("TestUSD")

    @property
    def prover(self) -> Address:
        """Who checks single steps of a dispute."""
        return self.parameters.prover or self.address_of(ONE_STEP_PROVER)


@dataclass(frozen=True, slots=True)
class Deployment:
    """A rollup on L1, complete."""

    plan: Plan
    start_block: int
    """The L1 block of the Inbox's creation, with item 0."""
    genesis_time: Timestamp
    """L1 time of that block."""
    genesis_hash: Hash32
    genesis_output_root: Hash32

    @property
    def parameters(self) -> DeployParameters:
        return self.plan.parameters

    @property
    def l1_chain_id(self) -> int:
        return self.parameters.l1_chain_id

    @property
    def l2_chain_id(self) -> int:
        return self.parameters.l2_chain_id

    @property
    def inbox(self) -> Address:
        return self.plan.address_of("Inbox")

    @property
    def portal(self) -> Address:
        return self.plan.address_of("Portal")

    @property
    def rollup(self) -> Address:
        return self.plan.address_of("Rollup")

    @property
    def game_implementation(self) -> Address:
        return self.plan.address_of("DisputeGame")

    @property
    def token(self) -> Address:
        return self.plan.token

    @property
    def contracts(self) -> Mapping[str, Address]:
        """Address by name, for people and for `rollup_config`."""
        return {
            "Inbox": self.inbox,
            "Portal": self.portal,
            "Rollup": self.rollup,
            "DisputeGame": self.game_implementation,
            "OneStepProver": self.plan.prover,
            "Token": self.token,
        }


def created_address(sender: Address, nonce: int) -> Address:
    """The address of a contract that `sender` creates with `nonce`."""
    return Address(keccak(encode([sender, encode_uint(nonce)]))[12:])


# L2 from the deployment


def l2_config(deployment: Deployment) -> ChainConfig:
    """L2's configuration."""
    return planned_config(deployment.plan, deployment.genesis_time)


def l2_alloc(plan: Plan, genesis_time: Timestamp) -> dict[Address, GenesisAccount]:
    """L2's first state: system contracts, the clearing house, and a devnet's prefunded accounts."""
    p = plan.parameters
    governance = GovernanceParameters(p.governors, p.governor_threshold, p.governance_delay_seconds)
    house = ClearingHouseParameters(
        matcher=p.matcher,
        guardian=p.guardian,
        oracle_signers={p.oracle: 1},
        genesis_time=genesis_time,
        limiters=DEVNET_LIMITERS,
        vaults=True,
        strikes=devnet_strikes(genesis_time),
    )
    return {
        **(devnet_l2_alloc() if p.dev_accounts else {}),
        **system_alloc(plan.address_of("Portal"), governance),
        **clearing_house_alloc(house),
    }


def l2_genesis(deployment: Deployment) -> SealedBlock:
    """L2's block 0. Raises `InvalidDeployment` when it isn't the one that was deployed."""
    config = l2_config(deployment)
    genesis = build_genesis(config, l2_alloc(deployment.plan, deployment.genesis_time))
    root = genesis_boundary(config, genesis).output_root
    if genesis.hash != deployment.genesis_hash or root != deployment.genesis_output_root:
        raise InvalidDeployment(
            "this version of tallystick builds another L2 genesis than the deployment file names:"
            " use the version that deployed, or deploy anew"
        )
    return genesis


def planned_config(plan: Plan, genesis_time: Timestamp) -> ChainConfig:
    """L2's configuration, given the L1 time of inbox item 0."""
    parameters = plan.parameters
    config = devnet_l2(
        genesis_time,
        plan.address_of("Inbox"),
        plan.address_of("Portal"),
        DerivationConfig(
            drift_seconds=parameters.drift_seconds, window_seconds=parameters.window_seconds
        ),
    )
    return replace(config, chain_id=parameters.l2_chain_id)


def complete(plan: Plan, start_block: int, genesis_time: Timestamp) -> Deployment:
    """The deployment that follows from a plan and the block of its Inbox."""
    config = planned_config(plan, genesis_time)
    genesis = build_genesis(config, l2_alloc(plan, genesis_time))
    return Deployment(
        plan=plan,
        start_block=start_block,
        genesis_time=genesis_time,
        genesis_hash=genesis.hash,
        genesis_output_root=genesis_boundary(config, genesis).output_root,
    )


def escrow_wei(plan: Plan) -> Wei:
    """All ether of L2's genesis, which the Portal holds from the start."""
    return total_balance(l2_alloc(plan, Timestamp(0)))


# The file


def load_deployment(path: Path) -> Deployment:
    """Read a complete deployment. Raises `InvalidDeployment`."""
    found = read_file(path)
    if isinstance(found, Plan):
        raise InvalidDeployment(
            f"{path} holds the plan of a deployment that was interrupted: run"
            " `tallystick l1 deploy` again with the same options to complete it"
        )
    return found


def read_file(path: Path) -> Plan | Deployment:
    """Read a plan or a complete deployment. Raises `InvalidDeployment`."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise InvalidDeployment(f"{path} is too large for a deployment file")
        return from_json(json.loads(path.read_bytes()))
    except OSError as error:
        raise InvalidDeployment(
            f"can't read the deployment file {path}: {error.strerror}; make one with"
            " `tallystick l1 deploy`"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidDeployment(
            f"{path} is no deployment file ({error}); get the original, or deploy anew"
        ) from None


def write_file(path: Path, content: Plan | Deployment) -> None:
    """Write atomically and synced: after a kill the file is the old or the new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(to_json(content), indent=2) + "\n"
    write_atomically(path, text.encode(), mode=PUBLIC_MODE)


def to_json(content: Plan | Deployment) -> dict[str, Any]:
    """The JSON form; addresses of the contracts are there for people and are derived anew."""
    plan = content if isinstance(content, Plan) else content.plan
    parameters = {name: _json_value(value) for name, value in asdict(plan.parameters).items()}
    fields: dict[str, Any] = {
        "version": VERSION,
        "status": "planned",
        "deployer": _hex(plan.deployer),
        "firstNonce": plan.first_nonce,
        "plannedAtBlock": plan.planned_at_block,
        "parameters": parameters,
        "contracts": {name: _hex(plan.address_of(name)) for name in plan.creations},
    }
    if isinstance(content, Deployment):
        fields |= {
            "status": "deployed",
            "startBlock": content.start_block,
            "genesisTime": content.genesis_time,
            "genesisHash": _hex(content.genesis_hash),
            "genesisOutputRoot": _hex(content.genesis_output_root),
        }
    return fields


def from_json(fields: Mapping[str, Any]) -> Plan | Deployment:
    """Read what `to_json` wrote. Raises `InvalidDeployment`, `ValueError`, `KeyError`..."""
    if fields["version"] != VERSION:
        raise InvalidDeployment(
            f"the deployment file has version {fields['version']!r}, this program reads"
            f" {VERSION}: use the matching version of tallystick"
        )
    parameters = dict(fields["parameters"])
    for role in _ROLES:
        parameters[role] = _address(parameters[role])
    parameters["governors"] = tuple(_address(member) for member in parameters["governors"])
    for contract in _GIVEN:
        if parameters[contract] is not None:
            parameters[contract] = _address(parameters[contract])
    plan = Plan(
        parameters=DeployParameters(**parameters),
        deployer=_address(fields["deployer"]),
        first_nonce=_count(fields["firstNonce"]),
        planned_at_block=_count(fields["plannedAtBlock"]),
    )
    if fields["contracts"] != {name: _hex(plan.address_of(name)) for name in plan.creations}:
        raise InvalidDeployment("the deployment file's addresses don't follow from its deployer")
    if fields["status"] == "planned":
        return plan
    return Deployment(
        plan=plan,
        start_block=_count(fields["startBlock"]),
        genesis_time=Timestamp(_count(fields["genesisTime"])),
        genesis_hash=hash32(_bytes(fields["genesisHash"])),
        genesis_output_root=hash32(_bytes(fields["genesisOutputRoot"])),
    )


def _json_value(value: object) -> object:
    if isinstance(value, tuple):
        return [_json_value(entry) for entry in value]
    return _hex(value) if isinstance(value, bytes) else value


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def _bytes(text: str) -> bytes:
    if not text.startswith("0x"):
        raise ValueError(f"{text[:20]!r} is no hex data")
    return bytes.fromhex(text[2:])


def _address(text: str) -> Address:
    return address(_bytes(text))


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value
