"""`tallystick devnet`: a whole rollup on this machine."""

import asyncio
import contextlib
import shlex
import sys
from pathlib import Path
from typing import Final

import click
from eth_utils.address import to_checksum_address
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.dispute.faults import Fault
from genesis.accounts import TEST_MNEMONIC, dev_accounts
from genesis.networks import L1_DEVNET_CHAIN_ID, L2_DEVNET_CHAIN_ID
from genesis.predeploys import (
    CLEARING_HOUSE,
    COLLATERAL_TOKEN,
    GOVERNANCE,
    L1_BLOCK,
    L2_CROSS_DOMAIN_MESSENGER,
    L2_TO_L1_MESSAGE_PASSER,
)
from node.cli import output
from node.cli.invocation import typed_program
from node.cli.options import (
    FAULT_HELP,
    FaultType,
    accept_violation_option,
    config_option,
    log_format_option,
)
from node.devnet import (
    DEFAULT_DATA_DIR,
    MANIFEST,
    ReadyDevnet,
    data_folder,
    running_devnet,
    stop_on_signals,
)
from node.devnet_nodes import PRICE_FILE, DevnetSettings
from node.limits import DEVNET_REPLICAS_MAX
from node.logs import LogFormat
from sequencer.ordering import Ordering
from state.types import BlockNumber

L1_PORT: Final = 8545

SANDBOX: Final = (
    "This is a sandbox: state may be edited and accounts impersonated, which L1 can't verify; no"
    " verifier, proposer or challenger runs, and nothing can be withdrawn."
)

L2_CONTRACTS: Final = {
    "ClearingHouse": CLEARING_HOUSE,
    "CollateralToken": COLLATERAL_TOKEN,
    "Governance": GOVERNANCE,
    "L1Block": L1_BLOCK,
    "L2CrossDomainMessenger": L2_CROSS_DOMAIN_MESSENGER,
    "L2ToL1MessagePasser": L2_TO_L1_MESSAGE_PASSER,
}


@click.command(short_help="Start a whole rollup here.", context_settings={"show_default": True})
@config_option
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DATA_DIR,
    help="Where databases and logs live.",
)
@click.option("--rpc-port", default=9545, help="JSON-RPC port of the sequencer (L2).")
@click.option(
    "--verifier-port", type=int, show_default="the one after --rpc-port",
    help="JSON-RPC port of the verifier (L2).",
)  # fmt: skip
@click.option(
    "--l1-port", type=int, show_default="8545, or the second after --rpc-port where L2 has that",
    help="JSON-RPC port of the embedded L1.",
)  # fmt: skip
@click.option("--block-time", default=1.0, help="Seconds between two L2 blocks.")
@click.option("--l1-block-time", default=1.0, help="Seconds between two blocks of the embedded L1.")
@click.option("--l1-rpc", metavar="URL", help="Use this L1 (for example anvil) instead.")
@click.option("--l1-chain-id", default=L1_DEVNET_CHAIN_ID, help="Chain id expected of the L1.")
@click.option(
    "--dispute-window", type=int, show_default="20, or 60 with --fault",
    help="Seconds until a proposed root resolves, and of either side's clock in a dispute.",
)  # fmt: skip
@click.option("--fault", type=FaultType(), help=FAULT_HELP)
@click.option(
    "--ordering", type=click.Choice([policy.value for policy in Ordering]),
    default=Ordering.PRIORITY_FEE.value,
    help="In which order the sequencer takes transactions: by what they pay, or as they came.",
)  # fmt: skip
@click.option(
    "--sandbox", is_flag=True,
    help="Let state be edited and accounts be impersonated; nothing is verified or proposed then.",
)  # fmt: skip
@click.option("--price-seed", type=int, default=1, help="Seed of the price process.")
@click.option(
    "--feed", metavar="FEED", show_default="the seeded process",
    help="Where prices come from: a URL, exec:COMMAND, or a JSON file (docs/keepers.md).",
)  # fmt: skip
@click.option(
    "--keepers/--no-keepers", default=True,
    help="Report prices, accrue funding, price options, liquidate, deleverage and settle.",
)  # fmt: skip
@accept_violation_option
@click.option(
    "--replicas", type=click.IntRange(0, DEVNET_REPLICAS_MAX), default=0,
    help="Replicas that follow the sequencer over libp2p.",
)  # fmt: skip
@click.option("--replica-port", default=9550, help="JSON-RPC port of the first replica (L2).")
@click.option("--p2p-port", default=9600, help="Where replicas connect to the sequencer.")
@click.option(
    "--load-state", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Begin with what `anvil_dumpState` wrote, instead of this folder's chains.",
)  # fmt: skip
@log_format_option
@click.option("--reset", is_flag=True, help="Forget the chains of earlier runs and begin anew.")
def devnet(
    data_dir: Path,
    rpc_port: int,
    verifier_port: int | None,
    l1_port: int | None,
    block_time: float,
    l1_block_time: float,
    l1_rpc: str | None,
    l1_chain_id: int,
    dispute_window: int | None,
    fault: Fault | None,
    ordering: str,
    sandbox: bool,
    price_seed: int,
    feed: str | None,
    keepers: bool,
    accept_violation: tuple[int, ...],
    replicas: int,
    replica_port: int,
    p2p_port: int,
    load_state: Path | None,
    log_format: str,
    reset: bool,
) -> None:
    """Start an L1, its contracts, a sequencer and a verifier; stop them with Ctrl-C.

    Starting again resumes the same chains; --reset begins anew.
    """
    verifier_port = verifier_port or rpc_port + 1
    settings = DevnetSettings(
        data_dir=data_dir,
        rpc_port=rpc_port,
        verifier_port=verifier_port,
        l1_port=l1_port or free_l1_port(rpc_port, verifier_port),
        block_seconds=block_time,
        l1_block_seconds=l1_block_time,
        l1_rpc=l1_rpc,
        l1_chain_id=l1_chain_id,
        dispute_window_seconds=dispute_window or dispute_window_of(fault),
        fault=fault,
        ordering=Ordering(ordering),
        is_sandbox=sandbox,
        log_format=LogFormat(log_format),
        keepers=keepers,
        price_seed=price_seed,
        feed=feed,
        accepted_violations=frozenset(map(BlockNumber, accept_violation)),
        replicas=replicas,
        replica_port=replica_port,
        p2p_port=p2p_port,
        load_state=load_state,
    )
    with data_folder(data_dir, reset=reset):
        asyncio.run(_run(settings))
    click.echo("Stopped. Start again to resume the same chains.")


def free_l1_port(rpc_port: int, verifier_port: int) -> int:
    """The usual port of an L1, unless L2 was given it."""
    return L1_PORT if L1_PORT not in (rpc_port, verifier_port) else rpc_port + 2


def dispute_window_of(fault: Fault | None) -> int:
    """Seconds. With a liar each side of a game has some 23 moves to make, one an L1 block."""
    return 20 if fault is None else 60


async def _run(settings: DevnetSettings) -> None:
    """Run until a signal; one that comes while starting ends the start."""
    stopping = asyncio.Event()
    running = asyncio.create_task(_start_and_wait(settings, stopping))
    stop_on_signals(stopping)
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait((running, stop), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not running.done() and not (settings.data_dir / MANIFEST).exists():
        running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def _start_and_wait(settings: DevnetSettings, stopping: asyncio.Event) -> None:
    console = output.console()

    def progress(step: str) -> None:
        console.print(f"[dim]…[/dim] {step}")

    async with running_devnet(settings, stopping, progress) as ready:
        print_banner(console, ready)
        await stopping.wait()
        progress("Stopping")


def print_banner(console: Console, ready: ReadyDevnet) -> None:
    """Everything a user needs to begin: endpoints, accounts, contracts."""
    settings = ready.settings
    console.print()
    console.print("[bold green]The devnet is ready.[/bold green] Ctrl-C stops it.")
    console.print()
    console.print(_endpoints(settings))
    console.print(_accounts())
    console.print(f"Mnemonic  {TEST_MNEMONIC}   (path m/44'/60'/0'/0/n)")
    console.print()
    console.print(_contracts(ready))
    console.print(_keepers(settings))
    if settings.is_sandbox:
        console.print(f"[bold yellow]{SANDBOX}[/bold yellow]")
    console.print(f"Logs and databases are in {settings.data_dir}/")
    if settings.fault is not None:
        console.print(f"[bold red]Its proposer lies on L1:[/bold red] {settings.fault}")
        console.print(f"Prove it: [bold]{_command('challenge', settings)}[/bold]")
    console.print(f"Try it: [bold]{_command('demo trade', settings)}[/bold]")


def _command(words: str, settings: DevnetSettings) -> str:
    """How this devnet's user calls another command on it."""
    is_default = settings.data_dir == DEFAULT_DATA_DIR
    folder = "" if is_default else f" --data-dir {shlex.quote(str(settings.data_dir))}"
    return escape(f"{typed_program(sys.argv, sys.orig_argv)} {words}{folder}")


def _endpoints(settings: DevnetSettings) -> Table:
    table = output.table("Node", "Chain id", "JSON-RPC (HTTP and websocket)")
    table.add_row("L1", str(settings.l1_chain_id), settings.l1_url)
    table.add_row("L2 sequencer", str(L2_DEVNET_CHAIN_ID), settings.sequencer_url)
    if not settings.is_sandbox:
        table.add_row("L2 verifier", str(L2_DEVNET_CHAIN_ID), settings.verifier_url)
    for url in settings.replica_urls:
        table.add_row("L2 replica", str(L2_DEVNET_CHAIN_ID), url)
    return table


def _keepers(settings: DevnetSettings) -> str:
    if not settings.keepers:
        return "No keepers run: prices come when somebody reports them (`tallystick keeper`)"
    source = settings.feed or f"a random process, seed {settings.price_seed}"
    return (
        f"Keepers run; prices from {source}, or from {settings.data_dir / PRICE_FILE} if it's there"
    )


def _accounts() -> Table:
    table = output.table("", "Account (10,000 ETH on L1, 500 ETH on L2)", "Private key")
    for index, account in enumerate(dev_accounts()):
        table.add_row(f"({index})", to_checksum_address(account.address), f"0x{account.key.hex()}")
    return table


def _contracts(ready: ReadyDevnet) -> Table:
    table = output.table("Layer", "Contract", "Address")
    for name, address in ready.deployment.contracts.items():
        table.add_row("L1", name, to_checksum_address(address))
    for name, address in L2_CONTRACTS.items():
        table.add_row("L2", name, to_checksum_address(address))
    return table
