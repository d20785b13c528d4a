"""What a node is told at its start, checked once.

Values come from click: default < TOML file < environment < flag. The TOML file is read by
`load_toml` into click's default map (`node/cli/options.py`), so that click itself knows where each
value came from.
"""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from bridge.dispute.faults import Fault
from node.keepers.settings import CrewSettings
from node.p2p.settings import P2PSettings
from sequencer.ordering import Ordering
from state.errors import Invalid
from state.types import BlockNumber


class InvalidSettings(Invalid):
    """A setting that can't be used; the message names it and the remedy."""


class Role(StrEnum):
    """What a node does."""

    L1 = "l1"
    """The embedded devnet L1: orders and executes transactions under plain Ethereum rules."""
    SEQUENCER = "sequencer"
    """Orders L2 transactions, and posts batches and output roots to L1."""
    VERIFIER = "verifier"
    """Derives the L2 chain from L1 alone and executes it again."""
    REPLICA = "replica"
    """Follows the sequencer's signed blocks ahead of L1, executes them, and serves reads."""


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """One node's settings. Times in seconds."""

    role: Role
    data_dir: Path
    rpc_port: int
    rpc_host: str = "127.0.0.1"
    block_seconds: float = 1.0
    """Time between two blocks that this node makes itself."""
    l1_rpc: str | None = None
    deployment: Path | None = None
    """The deployment file of the L1 contracts; every L2 role needs it."""
    batch_seconds: float = 4.0
    """How long unsafe blocks are collected before they are posted."""
    proposal_seconds: float = 10.0
    """Time between two proposals of an output root."""
    mnemonic_accounts: bool = False
    """Sign with the well-known operator accounts of a devnet."""
    batcher_key: Path | None = None
    proposer_key: Path | None = None
    """Key files of the L1 accounts that post batches and propose roots."""
    matcher_key: Path | None = None
    """Key file of the L2 account that settles fills; with it, or a devnet's accounts, the sequencer
    runs an exchange."""
    ordering: Ordering = Ordering.PRIORITY_FEE
    """In which order a sequencer takes ordinary transactions into a block."""
    sandbox: bool = False
    """Whether this devnet's state may be edited; a sequencer of one proposes nothing."""
    fault: Fault | None = None
    """What a sequencer lies about, to try the dispute; with a devnet's accounts only."""
    machine_check: int = 0
    """Every so many safe blocks one is executed by the machine too; 0 for none."""
    machine_results: frozenset[BlockNumber] = frozenset()
    """Blocks that the machine executes instead of the engine."""
    accepted_violations: frozenset[BlockNumber] = frozenset()
    """Blocks whose broken invariants the operator goes on with."""
    keepers: CrewSettings | None = None
    """The keepers that run as services of this node, and talk to it like anybody else."""
    p2p: P2PSettings | None = None
    """The node's network; a replica can't do without."""

    def __post_init__(self) -> None:
        if not 0 < self.rpc_port < 65536:
            raise InvalidSettings(f"rpc port {self.rpc_port} is not in 1..65535; choose another")
        if not 1 <= self.block_seconds <= 3600:
            raise InvalidSettings(
                f"a block time of {self.block_seconds} s is not in 1..3600 (timestamps are whole"
                " seconds); choose another with --block-time"
            )
        may_lie = self.role is Role.SEQUENCER and self.mnemonic_accounts
        if self.fault is not None and not may_lie:
            raise InvalidSettings(
                "only the sequencer of a devnet can be told to lie: leave out --fault, or add"
                " --role sequencer and --dev"
            )
        if self.matcher_key is not None and self.role is not Role.SEQUENCER:
            raise InvalidSettings(
                f"only a sequencer settles fills, not a {self.role}: leave out --matcher-key-file"
            )
        if self.keepers is not None and self.role is not Role.SEQUENCER:
            raise InvalidSettings(
                f"keepers send transactions, which a {self.role} doesn't take: leave out --keepers,"
                " or run `tallystick keeper` against a sequencer"
            )
        if self.role is Role.L1:
            if self.p2p is not None:
                raise InvalidSettings(
                    "the embedded L1 has no peers: leave out --bootnode and --p2p-port"
                )
            return
        if self.role is Role.REPLICA and (self.p2p is None or not self.p2p.bootnodes):
            raise InvalidSettings(
                "a replica follows the sequencer by its peers: name one with --bootnode, for"
                " example the address that the sequencer prints at its start"
            )
        if self.l1_rpc is None:
            raise InvalidSettings(f"a {self.role} follows an L1; give its URL with --l1-rpc")
        if self.deployment is None:
            raise InvalidSettings(
                f"a {self.role} needs to know the L1 contracts; give the file that"
                " `tallystick l1 deploy` wrote with --deployment"
            )


def load_toml(path: Path) -> dict[str, Any]:
    """Read a configuration file into click's default map. Raises `InvalidSettings`.

    Keys are options with underscores: `rpc_port = 9545`.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSettings(f"can't read {path}: {error.strerror}; check --config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{path} is no valid TOML: {error}; correct the file") from error


def writable_folder(path: Path) -> Path:
    """Make `path` a folder we can write to. Raises `InvalidSettings` with the remedy."""
    probe = path / ".writable"
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InvalidSettings(
            f"can't write to the data folder {path}: {error.strerror};"
            " give another with --data-dir or change its permissions"
        ) from error
    return path
