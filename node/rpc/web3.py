"""`web3_`: what the node is, and a hash."""

from node.rpc.backend import Backend
from node.rpc.codec import data, parse_data
from node.rpc.dispatch import Param, method
from state.keccak import keccak


class Web3Methods:
    """The oldest namespace."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @method("web3_clientVersion")
    async def client_version(self) -> str:
        """Name and version of the node."""
        return self._backend.client_version

    @method("web3_sha3", Param(parse_data))
    async def sha3(self, value: bytes) -> str:
        """Keccak-256."""
        return data(keccak(value))
