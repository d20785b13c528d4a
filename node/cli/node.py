"""`tallystick node`: one node in one role."""

from pathlib import Path
from typing import Final

import click
import uvloop

from bridge.deployment import load_deployment
from bridge.dispute.faults import Fault
from bridge.l1.accounts import Operator
from node.cli.keeper_options import KeeperOptions, keeper_options
from node.cli.options import FaultType, accept_violation_option, config_option, log_format_option
from node.cli.p2p_options import P2POptions, p2p_options
from node.interpreter import prepare_interpreter
from node.keepers.settings import CrewSettings, parse_duties
from node.logs import LogFormat, configure_logging
from node.run import run_node
from node.settings import NodeSettings, Role, writable_folder
from sequencer.ordering import Ordering
from state.types import BlockNumber

LOOPBACK: Final = "127.0.0.1"


@click.command(context_settings={"show_default": True})
@config_option
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), required=True,
    help="What it does: an embedded L1, the sequencer, a verifier, or a replica.",
)  # fmt: skip
@click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), required=True,
    help="Where the database lives.",
)  # fmt: skip
@click.option("--rpc-host", default="127.0.0.1", help="Address to serve JSON-RPC on.")
@click.option("--rpc-port", type=int, default=8545, help="JSON-RPC port (HTTP and websocket).")
@click.option("--block-time", type=float, default=1.0, help="Seconds between two own blocks.")
@click.option("--l1-rpc", metavar="URL", help="The L1 to follow.")
@click.option(
    "--deployment", type=click.Path(dir_okay=False, path_type=Path),
    help="Deployment file written by `tallystick l1 deploy`.",
)  # fmt: skip
@click.option("--batch-time", type=float, default=4.0, help="Seconds between two batches.")
@click.option("--proposal-time", type=float, default=10.0, help="Seconds between two proposals.")
@click.option(
    "--batcher-key-file", type=click.Path(dir_okay=False, path_type=Path),
    help="Key of the L1 account that posts batches.",
)  # fmt: skip
@click.option(
    "--proposer-key-file", type=click.Path(dir_okay=False, path_type=Path),
    help="Key of the L1 account that proposes output roots.",
)  # fmt: skip
@click.option(
    "--matcher-key-file", type=click.Path(dir_okay=False, path_type=Path),
    help="Key of the L2 account that settles fills; with it the sequencer runs an exchange.",
)  # fmt: skip
@click.option(
    "--ordering", type=click.Choice([policy.value for policy in Ordering]),
    default=Ordering.PRIORITY_FEE.value,
    help="In which order a sequencer takes transactions: by what they pay, or as they came.",
)  # fmt: skip
@click.option("--dev", is_flag=True, help="Sign with the well-known operator accounts of a devnet.")
@click.option("--fault", type=FaultType(), hidden=True)
@click.option(
    "--machine-check", type=click.IntRange(0), metavar="N",
    show_default="1 on a verifier, 0 elsewhere",
    help="Execute every N-th safe block on the provable machine too, and halt if it disagrees;"
    " 0 for none.",
)  # fmt: skip
@click.option(
    "--machine-result", type=click.IntRange(1), multiple=True, metavar="BLOCK",
    help="Go on with the machine's result for this block, after a disagreement; may be repeated.",
)  # fmt: skip
@accept_violation_option
@click.option(
    "--keepers", metavar="LIST",
    help="Keepers to run in this node, separated by commas: see `tallystick keeper`.",
)  # fmt: skip
@click.option(
    "--keeper-key-file", type=click.Path(dir_okay=False, path_type=Path),
    help="Key of the L2 account that pays for what keepers send.",
)  # fmt: skip
@p2p_options
@keeper_options
@log_format_option
@click.option("--stop-with-parent", is_flag=True, hidden=True)
@click.option("--powers", is_flag=True, hidden=True)
@click.option("--sandbox", is_flag=True, hidden=True)
def node(
    role: str,
    data_dir: Path,
    rpc_host: str,
    rpc_port: int,
    block_time: float,
    l1_rpc: str | None,
    deployment: Path | None,
    batch_time: float,
    proposal_time: float,
    batcher_key_file: Path | None,
    proposer_key_file: Path | None,
    matcher_key_file: Path | None,
    ordering: str,
    dev: bool,
    fault: Fault | None,
    machine_check: int | None,
    machine_result: tuple[int, ...],
    accept_violation: tuple[int, ...],
    keepers: str | None,
    keeper_key_file: Path | None,
    keeper: KeeperOptions,
    p2p: P2POptions,
    log_format: str,
    stop_with_parent: bool,
    powers: bool,
    sandbox: bool,
) -> None:
    """Run one node: an embedded L1, a sequencer, a verifier, or a replica."""
    settings = NodeSettings(
        role=Role(role),
        data_dir=writable_folder(data_dir),
        rpc_port=rpc_port,
        rpc_host=rpc_host,
        block_seconds=block_time,
        l1_rpc=l1_rpc,
        deployment=deployment,
        batch_seconds=batch_time,
        proposal_seconds=proposal_time,
        mnemonic_accounts=dev,
        batcher_key=batcher_key_file,
        proposer_key=proposer_key_file,
        matcher_key=matcher_key_file,
        ordering=Ordering(ordering),
        sandbox=sandbox,
        fault=fault,
        machine_check=_machine_check(Role(role), machine_check),
        machine_results=frozenset(map(BlockNumber, machine_result)),
        accepted_violations=frozenset(map(BlockNumber, accept_violation)),
        keepers=_keepers(keepers, keeper, rpc_port, deployment, keeper_key_file, dev),
        p2p=p2p.settings(),
    )
    configure_logging(log_format=LogFormat(log_format))
    prepare_interpreter()
    uvloop.run(run_node(settings, stop_with_parent=stop_with_parent, has_powers=powers))


def _machine_check(role: Role, given: int | None) -> int:
    """A verifier has the time for every block; a sequencer shares its one interpreter."""
    if given is not None:
        return given
    return 1 if role is Role.VERIFIER else 0


def _keepers(
    names: str | None,
    options: KeeperOptions,
    rpc_port: int,
    deployment: Path | None,
    key_file: Path | None,
    dev: bool,
) -> CrewSettings | None:
    """Keepers that talk to this very node; a node without a deployment is refused elsewhere."""
    if names is None or deployment is None:
        return None
    return options.crew(
        parse_duties(names.split(",")),
        f"http://{LOOPBACK}:{rpc_port}",
        load_deployment(deployment).l2_chain_id,
        None if key_file is None else Operator.from_file(key_file),
        dev=dev,
    )
