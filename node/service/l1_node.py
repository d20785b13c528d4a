"""The embedded L1 of a devnet."""

from node.chain import Chain
from node.health import disk_full, late
from node.history.history import AddressHistory
from node.metrics import NodeMetrics
from node.roles.l1 import L1Builder
from node.roles.pace import Pace
from node.service.backends import backend_of
from node.service.running import RunningNode
from node.settings import NodeSettings


def l1_node(
    settings: NodeSettings, chain: Chain, pace: Pace, history: AddressHistory
) -> RunningNode:
    """An embedded L1 on its chain."""
    builder = L1Builder(chain, pace)
    backend = backend_of(chain, builder.next_block, history, unlocked=settings.mnemonic_accounts)
    return RunningNode(
        chain,
        backend,
        [builder.run()],
        NodeMetrics(backend, data_dir=settings.data_dir, clock=chain.clock),
        maker=builder,
        probes=(disk_full(settings.data_dir), late(chain.store, pace, chain.clock)),
    )
