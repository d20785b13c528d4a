"""Blocks, transactions, receipts and logs as JSON (execution-apis, "Block", "Transaction info").

Strict schemas refuse unknown fields, so there are none; absent values are null only where the
schema has null. A deposit (type 0x7e) has the fields that op-geth gives it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from execution.evm.addresses import creation_address
from execution.transaction import AccessListEntry, Transaction, TransactionType
from execution.transactions import decode_any
from node.rpc.codec import data, optional_data, quantity, word
from state.blocks import Header, Log
from state.headers import encode_header
from state.keccak import keccak
from state.rlp import encode_bytes, encode_joined
from state.stored import StoredBlock
from state.types import Address, BlockNumber, Gas, Hash32, Timestamp, Wei

Json = dict[str, Any]

FIRST_LIST_BYTE = 0xC0
"""A transaction that starts so or above is legacy: a bare RLP list (EIP-2718)."""

_EMPTY_LIST = b"\xc0"


def header_json(header: Header, block_hash: Hash32) -> Json:
    """A header: what `eth_subscribe` notifies of, and the base of a block."""
    return {
        "hash": data(block_hash),
        "parentHash": data(header.parent_hash),
        "sha3Uncles": data(header.ommers_hash),
        "miner": data(header.coinbase),
        "stateRoot": data(header.state_root),
        "transactionsRoot": data(header.transactions_root),
        "receiptsRoot": data(header.receipts_root),
        "logsBloom": data(header.logs_bloom),
        "difficulty": quantity(header.difficulty),
        "number": quantity(header.number),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "extraData": data(header.extra_data),
        "mixHash": data(header.prev_randao),
        "nonce": data(header.nonce),
        "baseFeePerGas": quantity(header.base_fee_per_gas),
        "withdrawalsRoot": data(header.withdrawals_root),
        "blobGasUsed": quantity(header.blob_gas_used),
        "excessBlobGas": quantity(header.excess_blob_gas),
        "parentBeaconBlockRoot": data(header.parent_beacon_block_root),
    }


def block_json(block: StoredBlock, chain_id: int, *, full: bool) -> Json:
    """A block, with its transactions whole or as hashes."""
    transactions: list[object] = (
        [transaction_json(mined) for mined in mined_transactions(block, chain_id)]
        if full
        else [data(keccak(raw)) for raw in block.transactions]
    )
    return header_and_body_json(block, transactions)


def pending_block_json(block: StoredBlock, chain_id: int, *, full: bool) -> Json:
    """A block that is not there yet: without what only sealing decides, as in go-ethereum."""
    written = block_json(block, chain_id, full=full)
    return {**written, "hash": None, "nonce": None, "miner": None}


def header_and_body_json(block: StoredBlock, transactions: Sequence[object]) -> Json:
    """A block whose transactions are written already."""
    return {
        **header_json(block.header, block.hash),
        "size": quantity(len(encode_block(block))),
        "transactions": transactions,
        "uncles": [],
        "withdrawals": [],
    }


def encode_block(block: StoredBlock) -> bytes:
    """The RLP of a whole block: header, transactions, no ommers, no withdrawals (EIP-4895)."""
    transactions = b"".join(
        raw if raw[0] >= FIRST_LIST_BYTE else encode_bytes(raw) for raw in block.transactions
    )
    body = encode_joined(transactions) + _EMPTY_LIST + _EMPTY_LIST
    return encode_joined(encode_header(block.header) + body)


@dataclass(frozen=True, slots=True)
class MinedTransaction:
    """A transaction and its place in the chain."""

    tx: Transaction
    block_number: BlockNumber
    block_hash: Hash32
    timestamp: Timestamp
    base_fee: Wei
    index: int


def mined_transaction(block: StoredBlock, index: int, chain_id: int) -> MinedTransaction:
    """The transaction at `index`, its sender read from the store instead of recovered."""
    tx = decode_any(block.transactions[index], chain_id=chain_id, sender=block.senders[index])
    header = block.header
    return MinedTransaction(
        tx, header.number, block.hash, header.timestamp, header.base_fee_per_gas, index
    )


def mined_transactions(block: StoredBlock, chain_id: int) -> Iterator[MinedTransaction]:
    """All transactions of a block in order."""
    for index in range(len(block.transactions)):
        yield mined_transaction(block, index, chain_id)


def transaction_json(mined: MinedTransaction) -> Json:
    """A transaction in a block; `gasPrice` is what it paid."""
    place = {
        "blockHash": data(mined.block_hash),
        "blockNumber": quantity(mined.block_number),
        "blockTimestamp": quantity(mined.timestamp),
        "transactionIndex": quantity(mined.index),
    }
    price = mined.tx.effective_gas_price(mined.base_fee)
    return {**place, **_transaction_fields(mined.tx, price)}


def pending_transaction_json(tx: Transaction) -> Json:
    """A transaction that waits in the pool: its place is null, `gasPrice` its fee cap."""
    place = dict.fromkeys(("blockHash", "blockNumber", "blockTimestamp", "transactionIndex"))
    return {**place, **_transaction_fields(tx, tx.max_fee_per_gas)}


def signed_transaction_json(tx: Transaction) -> Json:
    """A signed transaction that is nowhere yet (execution-apis, "Signed transaction object")."""
    fields = _transaction_fields(tx, tx.max_fee_per_gas)
    return {name: value for name, value in fields.items() if name not in _FROM_SIGNATURE}


def unsigned_transaction_json(tx: Transaction) -> Json:
    """A transaction to be signed (execution-apis, "Unsigned transaction object")."""
    fields = signed_transaction_json(tx)
    return {name: value for name, value in fields.items() if name not in _SIGNATURE}


_FROM_SIGNATURE = frozenset({"hash", "from"})
"""What follows from a signature, and so is not told beside it."""

_SIGNATURE = frozenset({"v", "r", "s", "yParity"})


def _transaction_fields(tx: Transaction, gas_price: Wei) -> Json:
    fields: Json = {
        "hash": data(tx.hash),
        "type": quantity(tx.type),
        "from": data(tx.sender),
        "to": optional_data(tx.to),
        "nonce": quantity(tx.nonce),
        "gas": quantity(tx.gas),
        "gasPrice": quantity(gas_price),
        "value": quantity(tx.value),
        "input": data(tx.data),
        "v": quantity(tx.v),
        "r": quantity(tx.r),
        "s": quantity(tx.s),
    }
    if tx.is_deposit:
        return {**fields, **_deposit_fields(tx)}
    if tx.chain_id is not None:
        fields["chainId"] = quantity(tx.chain_id)
    if tx.type is not TransactionType.LEGACY:
        fields["yParity"] = quantity(tx.v)
        fields["accessList"] = access_list_json(tx.access_list)
    if tx.type is TransactionType.FEE_MARKET:
        fields["maxFeePerGas"] = quantity(tx.max_fee_per_gas)
        fields["maxPriorityFeePerGas"] = quantity(tx.max_priority_fee_per_gas)
    return fields


def _deposit_fields(tx: Transaction) -> Json:
    """What only deposits have (OP Stack, "Deposited Transaction Type")."""
    return {
        "sourceHash": data(tx.source_hash),
        "mint": quantity(tx.mint),
        "isSystemTx": tx.is_system,
    }


def access_list_json(entries: Sequence[AccessListEntry]) -> list[Json]:
    """An access list (EIP-2930)."""
    return [
        {"address": data(entry.address), "storageKeys": [word(slot) for slot in entry.slots]}
        for entry in entries
    ]


@dataclass(frozen=True, slots=True)
class PlacedLog:
    """A log and its place in the chain; `log_index` counts over the whole block."""

    log: Log
    block_number: BlockNumber
    block_hash: Hash32
    timestamp: Timestamp
    transaction_hash: Hash32
    transaction_index: int
    log_index: int


def placed_logs(block: StoredBlock) -> list[list[PlacedLog]]:
    """The logs of a block, transaction by transaction."""
    placed: list[list[PlacedLog]] = []
    first = 0
    for index, receipt in enumerate(block.receipts):
        placed.append(_place(block, index, first))
        first += len(receipt.logs)
    return placed


def placed_logs_of(block: StoredBlock, index: int) -> list[PlacedLog]:
    """The logs of one transaction of a block, without a look at the other transactions."""
    first = sum(len(receipt.logs) for receipt in block.receipts[:index])
    return _place(block, index, first)


def _place(block: StoredBlock, index: int, first: int) -> list[PlacedLog]:
    """The logs of transaction `index`, whose first is number `first` of the block's."""
    logs = block.receipts[index].logs
    if not logs:
        return []
    header, transaction_hash = block.header, keccak(block.transactions[index])
    return [
        PlacedLog(
            log,
            header.number,
            block.hash,
            header.timestamp,
            transaction_hash,
            index,
            number,
        )
        for number, log in enumerate(logs, first)
    ]


def log_json(placed: PlacedLog, *, removed: bool = False) -> Json:
    """A log; `removed` when its block has left the chain."""
    return {
        "address": data(placed.log.address),
        "topics": [data(topic) for topic in placed.log.topics],
        "data": data(placed.log.data),
        "blockNumber": quantity(placed.block_number),
        "blockHash": data(placed.block_hash),
        "blockTimestamp": quantity(placed.timestamp),
        "transactionHash": data(placed.transaction_hash),
        "transactionIndex": quantity(placed.transaction_index),
        "logIndex": quantity(placed.log_index),
        "removed": removed,
    }


def receipt_json(block: StoredBlock, index: int, logs: Sequence[PlacedLog], chain_id: int) -> Json:
    """The receipt of the transaction at `index`, whose logs are `logs`."""
    mined = mined_transaction(block, index, chain_id)
    receipt = block.receipts[index]
    return {
        "type": quantity(receipt.type),
        "transactionHash": data(mined.tx.hash),
        "transactionIndex": quantity(index),
        "blockHash": data(block.hash),
        "blockNumber": quantity(block.header.number),
        "from": data(mined.tx.sender),
        "to": optional_data(mined.tx.to),
        "contractAddress": optional_data(_contract(block, index, mined.tx)),
        "cumulativeGasUsed": quantity(receipt.cumulative_gas_used),
        "gasUsed": quantity(gas_used(block, index)),
        "effectiveGasPrice": quantity(mined.tx.effective_gas_price(mined.base_fee)),
        "logs": [log_json(log) for log in logs],
        "logsBloom": data(receipt.logs_bloom),
        "status": quantity(int(receipt.succeeded)),
    }


def _contract(block: StoredBlock, index: int, tx: Transaction) -> Address | None:
    """What a creation made or, failing, would have made, which geth's receipts name as well."""
    if tx.to is None and not tx.is_deposit:
        return creation_address(tx.sender, tx.nonce)
    return block.contracts[index]


def gas_used(block: StoredBlock, index: int) -> Gas:
    """The gas of one transaction, out of the running totals that receipts hold."""
    before = block.receipts[index - 1].cumulative_gas_used if index else 0
    return Gas(block.receipts[index].cumulative_gas_used - before)


def receipts_json(block: StoredBlock, chain_id: int) -> list[Json]:
    """All receipts of a block in order."""
    return [
        receipt_json(block, index, logs, chain_id) for index, logs in enumerate(placed_logs(block))
    ]
