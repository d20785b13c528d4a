"""Blocks as Otterscan shows them, and what it knows the node by."""

from typing import Any, Final

from execution.transaction import TransactionType
from node import limits
from node.rpc.backend import Backend
from node.rpc.codec import BlockRef, Tag, data, parse_block_number, parse_hash, quantity
from node.rpc.dispatch import Param, method
from node.rpc.errors import InvalidParams, LimitExceeded
from node.rpc.format import (
    Json,
    block_json,
    gas_used,
    header_json,
    mined_transaction,
    receipt_json,
    transaction_json,
)
from state.stored import StoredBlock
from state.types import BlockNumber, Hash32

API_LEVEL: Final = 8
"""Of the methods as Otterscan v2 expects them."""

SELECTOR_BYTES: Final = 4

_NO_ISSUANCE: Final = {"blockReward": "0x0", "uncleReward": "0x0", "issuance": "0x0"}
"""Nobody is paid for making a block but by its fees."""


def parse_height(value: object) -> Tag | BlockNumber:
    """A tag or a number; Otterscan writes numbers in decimal. Raises `InvalidParams`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return BlockNumber(parse_count(value))
    return parse_block_number(value)


def parse_count(value: object) -> int:
    """A plain number, as Otterscan writes pages and nonces. Raises `InvalidParams`."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise InvalidParams(f"not a number: {value!r:.40}")
    return value


def parse_page_size(value: object) -> int:
    """Transactions of a page. Raises `InvalidParams` and `LimitExceeded`."""
    size = parse_count(value)
    if size == 0:
        raise InvalidParams("a page has at least one transaction")
    if size > limits.RPC_HISTORY_PAGE_MAX:
        raise LimitExceeded(f"a page has at most {limits.RPC_HISTORY_PAGE_MAX} transactions")
    return size


class OtterscanBlocks:
    """Blocks without what makes them large."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @method("ots_getApiLevel")
    async def api_level(self) -> int:
        """Which version of these methods the node has."""
        return API_LEVEL

    @method("erigon_getHeaderByNumber", Param(parse_height))
    async def header(self, ref: Tag | BlockNumber) -> Json | None:
        """A header, which Otterscan polls; null where there is none."""
        block = self._backend.block(ref)
        return None if block is None else header_json(block.header, block.hash)

    @method("ots_getBlockDetails", Param(parse_height))
    async def details(self, ref: Tag | BlockNumber) -> Json | None:
        """A block without its transactions, and their fees."""
        return self._details(ref)

    @method("ots_getBlockDetailsByHash", Param(parse_hash))
    async def details_by_hash(self, ref: Hash32) -> Json | None:
        """The same by hash."""
        return self._details(ref)

    @method(
        "ots_getBlockTransactions", Param(parse_height), Param(parse_count), Param(parse_page_size)
    )
    async def transactions(self, ref: Tag | BlockNumber, page: int, size: int) -> Json | None:
        """A page of a block's transactions without inputs and logs; page 0 has the last of them."""
        block = self._backend.block(ref)
        if block is None:
            return None
        end = max(0, len(block.transactions) - page * size)
        indexes = range(max(0, end - size), end)
        chain_id = self._backend.config.chain_id
        mined = [transaction_json(mined_transaction(block, index, chain_id)) for index in indexes]
        receipts = [receipt_json(block, index, (), chain_id) for index in indexes]
        return {
            "fullblock": {**_slim(block, chain_id), "transactions": [_short(tx) for tx in mined]},
            "receipts": [receipt | {"logs": None, "logsBloom": None} for receipt in receipts],
        }

    def _details(self, ref: BlockRef) -> Json | None:
        block = self._backend.block(ref)
        if block is None:
            return None
        chain_id = self._backend.config.chain_id
        return {
            "block": _slim(block, chain_id),
            "issuance": _NO_ISSUANCE,
            "totalFees": quantity(_fees(block, chain_id)),
            "gasUsedDepositTx": quantity(_deposit_gas(block)),
        }


def _slim(block: StoredBlock, chain_id: int) -> Json:
    shown = block_json(block, chain_id, full=False)
    del shown["transactions"]
    return {**shown, "logsBloom": None, "transactionCount": len(block.transactions)}


def _short(transaction: dict[str, Any]) -> Json:
    """The transaction with the selector instead of the whole input."""
    selector = bytes.fromhex(transaction["input"][2:])[:SELECTOR_BYTES]
    return {**transaction, "input": data(selector)}


def _deposit_gas(block: StoredBlock) -> int:
    """The gas of deposits, which Otterscan leaves out of what is burnt, as they pay nothing."""
    return sum(
        gas_used(block, index)
        for index, raw in enumerate(block.transactions)
        if raw[0] == TransactionType.DEPOSIT
    )


def _fees(block: StoredBlock, chain_id: int) -> int:
    """What all senders paid, base fee included, in wei."""
    base_fee = block.header.base_fee_per_gas
    return sum(
        gas_used(block, index)
        * mined_transaction(block, index, chain_id).tx.effective_gas_price(base_fee)
        for index in range(len(block.transactions))
    )
