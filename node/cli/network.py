"""Which L2 node and which L1 a command talks to; options of most commands."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from bridge.deployment import Deployment, load_deployment
from bridge.l1 import wire
from bridge.l1.client import L1Client
from bridge.l1.contracts import l1_errors
from bridge.l1.rpc import RpcClient, connect
from node.cli.options import data_dir_option, rpc_option
from node.devnet import read_manifest
from node.known_contracts import l2_errors
from node.layer import Layer
from node.settings import InvalidSettings

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Network:
    """Endpoints of both layers. L1 and the deployment are unknown where only --rpc was given."""

    l2_url: str
    l1_url: str | None
    deployment_file: Path | None
    is_devnet: bool
    """Found as a running devnet, whose accounts everybody knows."""
    is_sandbox: bool = False

    def deployment(self) -> Deployment:
        """The rollup's contracts. Raises a usage error where nobody said which."""
        if self.deployment_file is None:
            raise click.UsageError("this needs L1: give --l1-rpc and --deployment besides --rpc")
        return load_deployment(self.deployment_file)


@dataclass(frozen=True, slots=True)
class Layers:
    """Both layers, connected."""

    l1: Layer
    l2: Layer
    deployment: Deployment


def network_options(command: Callable[..., R]) -> Callable[..., R]:
    """--data-dir, --rpc, --l1-rpc and --deployment, passed on as `network`."""

    @wraps(command)
    def with_network(
        data_dir: Path,
        rpc_url: str | None,
        l1_rpc: str | None,
        deployment: Path | None,
        **others: Any,
    ) -> R:
        return command(network=find_network(data_dir, rpc_url, l1_rpc, deployment), **others)

    decorated: Callable[..., R] = with_network
    l1_option = click.option("--l1-rpc", metavar="URL", help="An L1, instead of the devnet's.")
    file_option = click.option(
        "--deployment", type=click.Path(dir_okay=False, path_type=Path),
        help="Deployment file, instead of the devnet's.",
    )  # fmt: skip
    for option in (file_option, l1_option, rpc_option, data_dir_option):
        decorated = option(decorated)
    return decorated


def find_network(
    data_dir: Path, rpc_url: str | None, l1_rpc: str | None, deployment: Path | None
) -> Network:
    """The endpoints that options name, and a running devnet's for those they don't.

    Somebody else's node isn't mixed with a devnet. Raises `InvalidSettings` where none runs.
    """
    try:
        manifest = read_manifest(data_dir)
    except InvalidSettings:
        if rpc_url is None:
            raise
        manifest = {}
    own = {manifest.get("sequencer"), manifest.get("verifier"), *manifest.get("replicas", ())}
    if rpc_url is not None and rpc_url.rstrip("/") not in own:
        return Network(rpc_url, l1_rpc, deployment, is_devnet=False)
    return Network(
        l2_url=rpc_url or manifest["sequencer"],
        l1_url=l1_rpc or manifest["l1"],
        deployment_file=deployment or Path(manifest["deployment"]),
        is_devnet=True,
        is_sandbox=bool(manifest.get("sandbox")),
    )


@contextlib.asynccontextmanager
async def l2_of(network: Network) -> AsyncIterator[Layer]:
    """L2 alone; whichever chain the node serves."""
    async with connect(network.l2_url) as rpc:
        yield Layer(L1Client(rpc, chain_id=await _chain_id(rpc), errors=l2_errors()))


@contextlib.asynccontextmanager
async def both_of(network: Network) -> AsyncIterator[Layers]:
    """Both layers; each is checked to be the deployment's chain when something is sent."""
    deployment = network.deployment()
    if network.l1_url is None:
        raise click.UsageError("this needs L1: give --l1-rpc")
    async with connect(network.l1_url) as l1, connect(network.l2_url) as l2:
        yield Layers(
            Layer(L1Client(l1, chain_id=deployment.l1_chain_id, errors=l1_errors())),
            Layer(L1Client(l2, chain_id=deployment.l2_chain_id, errors=l2_errors())),
            deployment,
        )


async def _chain_id(rpc: RpcClient) -> int:
    return wire.quantity(await rpc.request("eth_chainId"), "eth_chainId")
