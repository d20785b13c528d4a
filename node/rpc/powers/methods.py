"""All powers that a devnet's node answers. A node that is of no devnet has none of them."""

from node.rpc.powers.parse import Ask
from node.rpc.powers.sandbox import SandboxPowers
from node.rpc.powers.snapshots import ReorgPowers, SnapshotPowers
from node.rpc.powers.time import MiningPowers, TimePowers


def power_namespaces(ask: Ask, *, is_sandbox: bool) -> tuple[object, ...]:
    """What touches no chain itself, but passes calls on to the devnet."""
    return (
        TimePowers(ask),
        MiningPowers(ask),
        SnapshotPowers(ask),
        ReorgPowers(ask),
        SandboxPowers(ask, is_sandbox=is_sandbox),
    )
