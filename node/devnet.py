"""A whole rollup on one machine: an L1, its contracts, a sequencer and a verifier."""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bridge.deployment import Deployment, DeployParameters, Plan, read_file
from bridge.l1.deploy import deploy
from bridge.l1.dev import fund_operators
from bridge.l1.errors import L1ContractMissing
from bridge.l1.rpc import RpcClient
from genesis.accounts import operator_accounts
from genesis.config import Layer
from node.devnet_nodes import (
    DEPLOYMENT,
    HOST,
    PRICE_FILE,
    DevnetSettings,
    controlled_nodes,
    l1_child,
    l2_children,
    replica_children,
)
from node.limits import CHILD_START_SECONDS_MAX, DEVNET_REPLICAS_MAX
from node.p2p.settings import ADDRESS_FILE, require_libp2p
from node.powers.coordinator import Coordinator
from node.powers.foreign_l1 import ForeignL1
from node.powers.shared_clock import CLOCK_FILE
from node.powers.snapshots import FOLDER as SNAPSHOTS_FOLDER
from node.powers.snapshots import RESTORING
from node.probe import EndpointSilent, RpcProbe
from node.processes import Child, ChildFailed
from node.settings import InvalidSettings, Role, writable_folder
from state.clock import SystemClock
from state.files import write_atomically

POLL_SECONDS: Final = 0.1
"""Between two looks for a receipt while deploying: this L1 is near and quick."""
MANIFEST: Final = "devnet.json"
"""Written when the devnet is ready, so that other commands find it without flags."""
SANDBOX_MARK: Final = "sandbox"
"""In the folder of a devnet whose state may have been edited."""
DEFAULT_DATA_DIR: Final = Path(".tallystick")


class DevnetRunning(InvalidSettings):
    """Another devnet uses the data folder."""


@dataclass(frozen=True, slots=True)
class ReadyDevnet:
    """What a started devnet is, for the banner and the manifest."""

    settings: DevnetSettings
    deployment: Deployment


Progress = Callable[[str], None]
"""Told what is being done, one sentence a step."""


@contextlib.contextmanager
def data_folder(path: Path, *, reset: bool) -> Iterator[None]:
    """Hold the data folder for this process. Raises `DevnetRunning` or `InvalidSettings`."""
    writable_folder(path)
    with (path / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DevnetRunning(
                f"a devnet is already running on {path}; stop it, or give another --data-dir"
            ) from error
        if reset:
            _empty(path)
        yield


@contextlib.asynccontextmanager
async def running_devnet(
    settings: DevnetSettings, stopping: asyncio.Event, progress: Progress
) -> AsyncIterator[ReadyDevnet]:
    """Start everything; stop it in order on leaving. `stopping` is set when a node gives up."""
    check_ports(settings)
    check_sandbox(settings)
    if settings.replicas:
        require_libp2p()
    probe = RpcProbe()
    children: list[Child] = []
    watchers: list[asyncio.Task[None]] = []
    ending = asyncio.Event()
    powers = coordinator(settings)

    async def launch(child: Child) -> None:
        child.control = powers.connect
        await child.start()
        children.append(child)

    try:
        if settings.load_state is not None:
            progress(f"Loading {settings.load_state}")
            await powers.copies.begin_with(settings.load_state)
        await powers.copies.finish_restoring()
        if settings.l1_rpc is None:
            progress("Starting the embedded L1")
            l1 = l1_child(settings)
            await launch(l1)
            await l1.wait_ready(probe)
            await wait_first_block(settings, probe)
        await check_l1(settings, probe)
        deployment = await deploy_contracts(settings, progress)
        progress(f"Starting the sequencer{'' if settings.is_sandbox else ' and the verifier'}")
        # An earlier run's: who finds the file then finds the sequencer of this one.
        address_file(settings).unlink(missing_ok=True)
        for child in l2_children(settings):
            await launch(child)
        if settings.replicas:
            progress("Starting the replicas")
            for child in replica_children(settings, await bootnode(settings)):
                await launch(child)
        await asyncio.gather(*(child.wait_ready(probe) for child in children))
        watchers = [asyncio.create_task(child.keep_running(ending)) for child in children]
        for watcher in watchers:
            watcher.add_done_callback(lambda _: stopping.set())
        await powers.copies.keep_start()
        ready = ReadyDevnet(settings, deployment)
        write_manifest(ready)
        yield ready
        _raise_first_failure(watchers)
    finally:
        ending.set()
        for child in reversed(children):
            await child.stop()
        for watcher in watchers:
            watcher.cancel()
        await powers.close()
        await probe.close()
        with contextlib.suppress(FileNotFoundError):
            (settings.data_dir / MANIFEST).unlink()


def coordinator(settings: DevnetSettings) -> Coordinator:
    """The powers of the devnet."""
    return Coordinator(
        settings.data_dir,
        controlled_nodes(settings),
        SystemClock(),
        block_seconds={Layer.L1: settings.l1_block_seconds, Layer.L2: settings.block_seconds},
        foreign_l1=None if settings.l1_rpc is None else ForeignL1(settings.l1_rpc),
        is_sandbox=settings.is_sandbox,
    )


def check_ports(settings: DevnetSettings) -> None:
    """Refuse a port that is in use or named twice, with the option that changes it."""
    seen: dict[int, str] = {}
    for option, port in settings.ports().items():
        if port in seen:
            raise InvalidSettings(f"{option} and {seen[port]} are both {port}; choose another")
        seen[port] = option
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                raise InvalidSettings(
                    f"port {port} can't be used: {os.strerror(error.errno or 0)};"
                    f" stop what uses it, or choose another with {option}"
                ) from error


def check_sandbox(settings: DevnetSettings) -> None:
    """Refuse to go on proving a chain that was a sandbox's; remember that this is one."""
    mark = settings.data_dir / SANDBOX_MARK
    if settings.is_sandbox:
        mark.touch()
    elif mark.exists():
        raise InvalidSettings(
            f"the devnet in {settings.data_dir} was a sandbox, whose state L1 can't verify: go on"
            " with --sandbox, or begin anew with --reset"
        )


async def wait_first_block(settings: DevnetSettings, probe: RpcProbe) -> None:
    """Wait until the embedded L1 has a block after genesis: the Inbox asks for a parent's hash."""
    async with asyncio.timeout(CHILD_START_SECONDS_MAX + settings.l1_block_seconds):
        while int(await probe.call(settings.l1_url, "eth_blockNumber"), 16) == 0:
            await asyncio.sleep(POLL_SECONDS)


async def check_l1(settings: DevnetSettings, probe: RpcProbe) -> None:
    """Refuse an L1 that is silent or another chain than expected."""
    try:
        chain_id = int(await probe.call(settings.l1_url, "eth_chainId"), 16)
    except EndpointSilent as error:
        raise InvalidSettings(
            f"no L1 answers at {settings.l1_url}; start one there (for example `anvil`),"
            " correct --l1-rpc, or leave it out to use the embedded L1"
        ) from error
    if chain_id != settings.l1_chain_id:
        raise InvalidSettings(
            f"the L1 at {settings.l1_url} has chain id {chain_id}, not {settings.l1_chain_id};"
            f" correct --l1-rpc, or accept that chain with --l1-chain-id {chain_id}"
        )


async def deploy_contracts(settings: DevnetSettings, progress: Progress) -> Deployment:
    """Deploy the L1 contracts, or find those of an earlier run.

    Raises what `deploy` does, and `InvalidSettings` for an L1 that has lost them.
    """
    path = settings.deployment_file
    parameters = DeployParameters(
        l1_chain_id=settings.l1_chain_id,
        dispute_window_seconds=settings.dispute_window_seconds,
        clock_extension_seconds=settings.clock_extension_seconds,
        finality_delay_seconds=settings.finality_delay_seconds,
    )
    check_options(path, parameters)
    deployer = operator_accounts().deployer
    async with RpcClient(settings.l1_url) as rpc:
        if settings.l1_rpc is not None and not is_deployed(path):
            progress("Funding the operators from dev account 0")
            await fund_operators(rpc, path)
        progress("Deploying the L1 contracts")
        try:
            deployment = await deploy(
                rpc, deployer.key, parameters, path, poll_seconds=POLL_SECONDS
            )
        except L1ContractMissing as error:
            raise InvalidSettings(
                f"{error}: start that L1 with its state, correct --l1-rpc, or begin anew with"
                " --reset"
            ) from error
        if settings.l1_rpc is not None:
            await fund_operators(rpc, path)
        return deployment


def check_options(path: Path, parameters: DeployParameters) -> None:
    """Refuse options that an earlier run, whose chains would be resumed, was not started with."""
    if not path.exists():
        return
    found = read_file(path)
    before = (found if isinstance(found, Plan) else found.plan).parameters
    changed = sorted(
        f"{name} was {getattr(before, name)}"
        for name in _CHOSEN
        if getattr(before, name) != getattr(parameters, name)
    )
    if changed:
        raise InvalidSettings(
            f"this devnet was started with other options ({', '.join(changed)}): repeat them, or"
            " begin anew with --reset"
        )


_CHOSEN: Final = (
    "l1_chain_id",
    "dispute_window_seconds",
    "clock_extension_seconds",
    "finality_delay_seconds",
)
"""The parameters of a deployment that a devnet's options decide."""


def is_deployed(path: Path) -> bool:
    """Whether an earlier run has completed the deployment."""
    return path.exists() and isinstance(read_file(path), Deployment)


def address_file(settings: DevnetSettings) -> Path:
    """Where the sequencer writes the address that its peers connect to."""
    return settings.data_dir / Role.SEQUENCER / ADDRESS_FILE


async def bootnode(settings: DevnetSettings) -> str:
    """The sequencer's multiaddress, which it writes down once its peers can connect.

    Raises `ChildFailed`.
    """
    path = address_file(settings)
    try:
        async with asyncio.timeout(CHILD_START_SECONDS_MAX):
            while not path.exists():
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise ChildFailed(
            f"the sequencer takes no peers at port {settings.p2p_port} after"
            f" {CHILD_START_SECONDS_MAX} s; its log is {settings.data_dir / 'sequencer.log'}"
        ) from None
    return path.read_text(encoding="ascii").splitlines()[0]


def write_manifest(ready: ReadyDevnet) -> None:
    """Tell other commands where the devnet is."""
    settings = ready.settings
    manifest = {
        "l1": settings.l1_url,
        "sequencer": settings.sequencer_url,
        "verifier": None if settings.is_sandbox else settings.verifier_url,
        "sandbox": settings.is_sandbox,
        "replicas": list(settings.replica_urls),
        "deployment": str(settings.deployment_file),
    }
    write_atomically(settings.data_dir / MANIFEST, json.dumps(manifest, indent=2).encode())


def read_manifest(data_dir: Path) -> dict[str, Any]:
    """Where the running devnet is. Raises `InvalidSettings` when none runs on `data_dir`."""
    try:
        manifest: dict[str, Any] = json.loads((data_dir / MANIFEST).read_bytes())
        return manifest
    except (OSError, ValueError) as error:
        raise InvalidSettings(
            f"no devnet runs on {data_dir}; start one with ./scripts/devnet,"
            " or name its folder with --data-dir"
        ) from error


def stop_on_signals(stopping: asyncio.Event) -> None:
    """Ctrl-C, SIGTERM and a closed terminal all mean: stop in order."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopping.set)


def _empty(path: Path) -> None:
    """Remove what a devnet made, and nothing else: --data-dir may name any folder."""
    for name in (*Role, *(f"{Role.REPLICA}-{index}" for index in range(DEVNET_REPLICAS_MAX))):
        shutil.rmtree(path / name, ignore_errors=True)
        (path / f"{name}.log").unlink(missing_ok=True)
    shutil.rmtree(path / SNAPSHOTS_FOLDER, ignore_errors=True)
    for name in (DEPLOYMENT, MANIFEST, PRICE_FILE, CLOCK_FILE, RESTORING, SANDBOX_MARK):
        (path / name).unlink(missing_ok=True)


def _raise_first_failure(watchers: list[asyncio.Task[None]]) -> None:
    for watcher in watchers:
        if watcher.done() and not watcher.cancelled():
            error = watcher.exception()
            if error is not None:
                raise error
