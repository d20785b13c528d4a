"""`eth_`: what chain this is and how far it is."""

from node.rpc.backend import Backend, SyncProgress
from node.rpc.codec import Tag, data, quantity
from node.rpc.dispatch import method
from node.rpc.format import Json


class ChainMethods:
    """Facts about the chain as a whole."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @method("eth_chainId")
    async def chain_id(self) -> str:
        """The chain id that transactions are signed for (EIP-695)."""
        return quantity(self._backend.config.chain_id)

    @method("eth_blockNumber")
    async def block_number(self) -> str:
        """The number of the latest (unsafe) block."""
        return quantity(self._backend.store.heads.unsafe.number)

    @method("eth_syncing")
    async def syncing(self) -> Json | bool:
        """How far behind the node is, or false."""
        return syncing_json(self._backend.syncing())

    @method("eth_accounts")
    async def accounts(self) -> list[str]:
        """The accounts that the node signs for: a devnet's, else none."""
        return [data(address) for address in self._backend.signers.addresses()]

    @method("eth_coinbase")
    async def coinbase(self) -> str:
        """The account that tips go to."""
        return data(self._backend.config.coinbase)

    @method("eth_capabilities")
    async def capabilities(self) -> Json:
        """What this node can answer: everything since genesis."""
        head = self._backend.header(Tag.LATEST)
        block_id = self._backend.store.heads.unsafe
        whole = {"disabled": False, "oldestBlock": quantity(0)}
        kinds = ("state", "tx", "logs", "receipts", "blocks", "stateproofs")
        return {
            "head": {"number": quantity(head.number), "hash": data(block_id.hash)},
            **dict.fromkeys(kinds, whole),
        }


def syncing_json(progress: SyncProgress | None) -> Json | bool:
    """How far behind a node is, or false where it isn't."""
    if progress is None:
        return False
    return {
        "startingBlock": quantity(progress.starting),
        "currentBlock": quantity(progress.current),
        "highestBlock": quantity(progress.highest),
    }
