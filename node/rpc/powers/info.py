"""What tools ask to learn which development node they talk to."""

from node.rpc.backend import Backend
from node.rpc.codec import Tag, data, quantity
from node.rpc.dispatch import method
from node.rpc.format import Json
from node.rpc.powers.parse import Ask, alias
from state.headers import header_hash, next_base_fee


class InfoMethods:
    """The node, in the form that anvil gives it."""

    def __init__(self, backend: Backend, ask: Ask) -> None:
        self._backend = backend
        self._ask = ask

    @method("anvil_nodeInfo")
    async def node_info(self) -> Json:
        """The head, the rules, and what the next block's gas costs at the least."""
        backend = self._backend
        header = backend.header(Tag.LATEST)
        price = quantity(next_base_fee(header))
        return {
            "currentBlockNumber": quantity(header.number),
            "currentBlockTimestamp": header.timestamp,
            "currentBlockHash": data(backend.store.heads.unsafe.hash),
            "hardFork": "cancun",
            "environment": {
                "baseFee": price,
                "chainId": backend.config.chain_id,
                "gasLimit": quantity(header.gas_limit),
                "gasPrice": price,
            },
            "forkConfig": {"forkUrl": None, "forkBlockNumber": None, "forkRetryBackoff": None},
        }

    @method("anvil_metadata")
    async def metadata(self) -> Json:
        """The program, the chain, and the snapshots there are."""
        backend, head = self._backend, self._backend.store.heads.unsafe
        genesis = backend.header(Tag.EARLIEST)
        return {
            "clientVersion": backend.client_version,
            "chainId": backend.config.chain_id,
            "instanceId": data(header_hash(genesis)),
            "latestBlockNumber": head.number,
            "latestBlockHash": data(head.hash),
            "forkedNetwork": None,
            "snapshots": [quantity(number) for number in await self._ask("snapshots")],
        }

    hardhat_metadata = alias("hardhat_metadata", metadata)
