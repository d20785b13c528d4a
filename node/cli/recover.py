"""`tallystick recover`: bring a damaged database back to its newest whole block."""

import json
from pathlib import Path

import click

from bridge.deployment import l2_config, l2_genesis, load_deployment
from node.chain import DATABASE, identity_of
from node.cli.options import json_option
from node.roles.l1 import l1_chain
from node.settings import InvalidSettings, Role
from state.clock import SystemClock
from state.store import ChainStore


@click.command(short_help="Rewind a damaged database.")
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), required=True,
    help="What the stopped node was.",
)  # fmt: skip
@click.option(
    "--data-dir", type=click.Path(file_okay=False, exists=True, path_type=Path), required=True,
    help="The stopped node's data folder.",
)  # fmt: skip
@click.option(
    "--deployment", type=click.Path(dir_okay=False, path_type=Path),
    help="Deployment file of an L2 node.",
)  # fmt: skip
@json_option
def recover(role: str, data_dir: Path, deployment: Path | None, as_json: bool) -> None:
    """Rewind a damaged database to the newest block at which it is whole.

    Blocks above it are lost here; an L2 node derives them from L1 again. A node never does this by
    itself.
    """
    if Role(role) is Role.L1:
        config, genesis = l1_chain(data_dir, SystemClock())
    elif deployment is None:
        raise InvalidSettings("an L2 database is recovered with the rollup's --deployment file")
    else:
        known = load_deployment(deployment)
        config, genesis = l2_config(known), l2_genesis(known)
    done = ChainStore.recover(data_dir / DATABASE, identity_of(config, genesis))
    if as_json:
        heads = {"before": done.before.number, "after": done.after.number}
        click.echo(json.dumps({**heads, "faults": done.faults}, indent=2))
        return
    for fault in done.faults:
        click.echo(f"Found: {fault}")
    if done.before == done.after:
        click.echo(f"Block {done.after.number} and all before it are whole; nothing was lost.")
    else:
        click.echo(f"Rewound from block {done.before.number} to block {done.after.number}.")
