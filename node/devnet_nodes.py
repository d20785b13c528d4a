"""The nodes of a devnet: what the user chose, and the command line of each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.dispute.faults import Fault
from genesis.config import Layer
from genesis.networks import L1_DEVNET_CHAIN_ID
from node.logs import LogFormat
from node.powers.controlled import ControlledNode
from node.processes import Child
from node.settings import InvalidSettings, Role, writable_folder
from sequencer.ordering import Ordering
from state.types import BlockNumber

HOST: Final = "127.0.0.1"
DEPLOYMENT: Final = "deployment.json"
PRICE_FILE: Final = "feed.json"
"""While a devnet's folder holds this file, its prices take the place of the seeded process."""


@dataclass(frozen=True, slots=True)
class DevnetSettings:
    """What the user chose. Times in seconds."""

    data_dir: Path
    rpc_port: int = 9545
    verifier_port: int = 9546
    l1_port: int = 8545
    block_seconds: float = 1.0
    l1_block_seconds: float = 1.0
    l1_rpc: str | None = None
    """A real L1 instead of the embedded one."""
    l1_chain_id: int = L1_DEVNET_CHAIN_ID
    dispute_window_seconds: int = 20
    finality_delay_seconds: int = 5
    fault: Fault | None = None
    """What the sequencer lies about on L1, to try the dispute."""
    keepers: bool = True
    """Whether the sequencer's node runs all keepers."""
    price_seed: int = 1
    feed: str | None = None
    """Where prices come from instead of the seeded process."""
    accepted_violations: frozenset[BlockNumber] = frozenset()
    """Blocks that broke an invariant and that both nodes go on with."""
    replicas: int = 0
    """How many replicas follow the sequencer over libp2p."""
    replica_port: int = 9550
    """JSON-RPC port of the first replica; the others have those after it."""
    p2p_port: int = 9600
    """Where the sequencer's peers connect, if there are replicas."""
    ordering: Ordering = Ordering.PRIORITY_FEE
    """In which order the sequencer takes transactions into a block."""
    load_state: Path | None = None
    """A dump of a devnet to begin with."""
    is_sandbox: bool = False
    log_format: LogFormat = LogFormat.TEXT
    """Of the nodes' logs."""
    """Whether state may be edited; nothing is verified or proposed then."""

    def __post_init__(self) -> None:
        if not self.is_sandbox:
            return
        if self.replicas:
            raise InvalidSettings(
                "replicas execute what they hold, which an edited state has not come from: leave"
                " out --replicas or --sandbox"
            )
        if self.fault is not None:
            raise InvalidSettings(
                "a sandbox proposes nothing, so that there is nothing to lie about: leave out"
                " --fault or --sandbox"
            )

    @property
    def clock_extension_seconds(self) -> int:
        """What a side of a dispute has left for its next answer at the least: a few blocks of an L1
        here, and not more than the clock can give twice."""
        return self.dispute_window_seconds // 4

    @property
    def l1_url(self) -> str:
        return self.l1_rpc or f"http://{HOST}:{self.l1_port}"

    @property
    def sequencer_url(self) -> str:
        return f"http://{HOST}:{self.rpc_port}"

    @property
    def verifier_url(self) -> str:
        return f"http://{HOST}:{self.verifier_port}"

    @property
    def deployment_file(self) -> Path:
        return self.data_dir / DEPLOYMENT

    @property
    def replica_urls(self) -> tuple[str, ...]:
        ports = range(self.replica_port, self.replica_port + self.replicas)
        return tuple(f"http://{HOST}:{port}" for port in ports)

    def ports(self) -> dict[str, int]:
        """Port by the option that sets it."""
        ports = {"--rpc-port": self.rpc_port}
        if not self.is_sandbox:
            ports["--verifier-port"] = self.verifier_port
        if self.replicas:
            ports |= {"--p2p-port": self.p2p_port, "--replica-port": self.replica_port}
        for index in range(1, self.replicas):
            ports[f"--replica-port (+{index})"] = self.replica_port + index
        return ports if self.l1_rpc else {"--l1-port": self.l1_port, **ports}


def l1_child(settings: DevnetSettings) -> Child:
    """The embedded L1 in a process of its own."""
    return _child(
        settings, "l1", settings.l1_url, settings.l1_port, "--block-time",
        str(settings.l1_block_seconds),
    )  # fmt: skip


def controlled_nodes(settings: DevnetSettings) -> list[ControlledNode]:
    """The nodes that a devnet's powers reach; an L1 that is not its own is none of them."""
    names = {"l1": Layer.L1, "sequencer": Layer.L2, "verifier": Layer.L2}
    if settings.l1_rpc is not None:
        del names["l1"]
    if settings.is_sandbox:
        del names["verifier"]
    names |= {f"replica-{index}": Layer.L2 for index in range(settings.replicas)}
    return [
        ControlledNode(name, settings.data_dir / name, layer, name in ("l1", "sequencer"))
        for name, layer in names.items()
    ]


def l2_children(settings: DevnetSettings) -> list[Child]:
    """The sequencer and the verifier, which share no more than `both` says."""
    both = l2_arguments(settings)
    own = ["--block-time", str(settings.block_seconds), "--ordering", settings.ordering]
    if settings.fault is not None:
        own += ["--fault", str(settings.fault)]
    if settings.keepers:
        own += keeper_arguments(settings)
    if settings.replicas:
        own += ["--p2p-port", str(settings.p2p_port)]
    sequencer = _child(
        settings, "sequencer", settings.sequencer_url, settings.rpc_port, *both, *own
    )
    if settings.is_sandbox:
        return [sequencer]
    verifier = _child(settings, "verifier", settings.verifier_url, settings.verifier_port, *both)
    return [sequencer, verifier]


def l2_arguments(settings: DevnetSettings) -> list[str]:
    """What every node of L2 is told."""
    arguments = ["--l1-rpc", settings.l1_url, "--deployment", str(settings.deployment_file)]
    for block in sorted(settings.accepted_violations):
        arguments += ["--accept-violation", str(block)]
    return arguments


def replica_children(settings: DevnetSettings, address: str) -> list[Child]:
    """The replicas, which know the sequencer's address besides."""
    return [
        _child(
            settings, f"replica-{index}", url, settings.replica_port + index,
            *l2_arguments(settings), "--bootnode", address, role=Role.REPLICA,
        )
        for index, url in enumerate(settings.replica_urls)
    ]  # fmt: skip


def keeper_arguments(settings: DevnetSettings) -> list[str]:
    """How the sequencer's node is told to run all keepers."""
    prices = ["--price-seed", str(settings.price_seed)]
    if settings.feed is not None:
        prices += ["--feed", settings.feed]
    price_file = str(settings.data_dir / PRICE_FILE)
    return ["--keepers", "all", *prices, "--price-file", price_file]


def _child(
    settings: DevnetSettings,
    name: str,
    url: str,
    port: int,
    *arguments: str,
    role: str | None = None,
) -> Child:
    """A node in a folder of its own; its name is its role's, unless there are several."""
    folder = writable_folder(settings.data_dir / name)
    common = ("--role", role or name, "--data-dir", str(folder), "--rpc-port", str(port), "--dev")
    log_format = ("--log-format", settings.log_format.value)
    sandbox = ("--sandbox",) if settings.is_sandbox else ()
    return Child(
        name, (*common, *log_format, *sandbox, *arguments), url, settings.data_dir / f"{name}.log"
    )
