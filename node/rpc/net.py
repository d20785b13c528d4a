"""`net_`: the little that clients still ask."""

from node.rpc.backend import Backend
from node.rpc.codec import quantity
from node.rpc.dispatch import method


class NetMethods:
    """Network facts."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @method("net_version")
    async def version(self) -> str:
        """The network id, which is the chain id, in decimal."""
        return str(self._backend.config.chain_id)

    @method("net_listening")
    async def listening(self) -> bool:
        """Whether the node takes part in its network: it serves this call."""
        return True

    @method("net_peerCount")
    async def peer_count(self) -> str:
        """Peers on libp2p; none where the node has no network."""
        return quantity(self._backend.peers())
