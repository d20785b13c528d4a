"""What is looked at of an L2 node: for `/readyz`, and for the metrics of its L1."""

from bridge.l1.client import L1Client
from node.health import (
    Probe,
    behind_peers,
    disk_full,
    l1_unreachable,
    late,
    syncing,
    underived,
)
from node.metrics import L1Statistics
from node.p2p.membership import Membership
from node.roles.follower import Follower
from node.roles.pace import Pace
from node.settings import NodeSettings, Role


def l1_statistics(follower: Follower, client: L1Client) -> L1Statistics:
    """How the node stands with its L1, for the metrics."""
    return L1Statistics(
        is_reachable=follower.trouble is None,
        is_synced=follower.synced.is_set(),
        head=follower.l1.head.number if follower.l1 else 0,
        requests=client.rpc.requests,
        failures=client.rpc.failures,
    )


def l2_probes(
    settings: NodeSettings, follower: Follower, membership: Membership | None, pace: Pace
) -> tuple[Probe, ...]:
    """What makes an L2 node unfit to be asked."""
    chain = follower.chain
    probes = [
        disk_full(settings.data_dir),
        l1_unreachable(lambda: follower.trouble),
        syncing(follower.synced.is_set),
        underived(follower.pipeline.status),
    ]
    if settings.role is Role.SEQUENCER:
        probes.append(late(chain.store, pace, chain.clock))
    elif membership is not None:
        probes.append(behind_peers(chain.store, membership.best_head))
    return tuple(probes)
