"""`txpool_`: what waits for a block."""

from collections.abc import Mapping, Sequence

from eth_utils.address import to_checksum_address

from execution.transaction import Transaction
from node.rpc.backend import Backend
from node.rpc.codec import parse_address, quantity
from node.rpc.dispatch import Param, method
from node.rpc.format import Json, pending_transaction_json
from sequencer.mempool import Mempool
from sequencer.pool_content import PoolContent
from state.types import Address

_EMPTY = PoolContent({}, {})


def _by_nonce(transactions: Sequence[Transaction]) -> Json:
    return {str(tx.nonce): pending_transaction_json(tx) for tx in transactions}


def _by_sender(content: Mapping[Address, Sequence[Transaction]]) -> Json:
    return {to_checksum_address(sender): _by_nonce(txs) for sender, txs in content.items()}


def _summaries(content: Mapping[Address, Sequence[Transaction]]) -> Json:
    return {
        to_checksum_address(sender): {str(tx.nonce): _summary(tx) for tx in transactions}
        for sender, transactions in content.items()
    }


def _summary(tx: Transaction) -> str:
    """One line for people, in go-ethereum's words."""
    to = "contract creation" if tx.to is None else to_checksum_address(tx.to)
    return f"{to}: {tx.value} wei + {tx.gas} gas × {tx.max_fee_per_gas} wei"


class TxpoolMethods:
    """The pool of this node; empty where transactions are forwarded instead."""

    def __init__(self, backend: Backend) -> None:
        self._mempool: Mempool | None = backend.mempool

    @method("txpool_status")
    async def status(self) -> Json:
        """How many can run now, and how many wait for a missing nonce."""
        if self._mempool is None:
            return {"pending": quantity(0), "queued": quantity(0)}
        statistics = self._mempool.statistics()
        return {"pending": quantity(statistics.pending), "queued": quantity(statistics.queued)}

    @method("txpool_content")
    async def content(self) -> Json:
        """Everything in the pool, by sender and nonce."""
        content = _EMPTY if self._mempool is None else self._mempool.content()
        return {"pending": _by_sender(content.pending), "queued": _by_sender(content.queued)}

    @method("txpool_inspect")
    async def inspect(self) -> Json:
        """Everything in the pool, a line each, by sender and nonce."""
        content = _EMPTY if self._mempool is None else self._mempool.content()
        return {"pending": _summaries(content.pending), "queued": _summaries(content.queued)}

    @method("txpool_contentFrom", Param(parse_address))
    async def content_from(self, address: Address) -> Json:
        """One sender's share of the pool, by nonce."""
        content = _EMPTY if self._mempool is None else self._mempool.content_from(address)
        return {
            "pending": _by_nonce(content.pending.get(address, ())),
            "queued": _by_nonce(content.queued.get(address, ())),
        }
