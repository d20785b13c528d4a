"""Headers, receipts and sealed blocks: Ethereum's own shapes (Cancun)."""

from dataclasses import dataclass
from typing import NamedTuple

from state.accounts import EMPTY_TRIE_ROOT, StateUpdate
from state.types import ZERO_ADDRESS, ZERO_HASH, Address, BlockNumber, Gas, Hash32, Timestamp, Wei

EMPTY_OMMERS_HASH = Hash32(
    bytes.fromhex("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347")
)
"""keccak256(rlp([])): a block without ommers, as every block since the merge."""

EMPTY_BLOOM = bytes(256)


@dataclass(frozen=True, slots=True)
class Header:
    """A Cancun block header (EIP-1559, EIP-4895, EIP-4844, EIP-4788), in the order of its RLP."""

    parent_hash: Hash32
    state_root: Hash32
    number: BlockNumber
    gas_limit: Gas
    timestamp: Timestamp
    base_fee_per_gas: Wei
    coinbase: Address = ZERO_ADDRESS
    transactions_root: Hash32 = EMPTY_TRIE_ROOT
    receipts_root: Hash32 = EMPTY_TRIE_ROOT
    logs_bloom: bytes = EMPTY_BLOOM
    gas_used: Gas = Gas(0)
    prev_randao: Hash32 = ZERO_HASH
    extra_data: bytes = b""
    ommers_hash: Hash32 = EMPTY_OMMERS_HASH
    difficulty: int = 0
    nonce: bytes = bytes(8)
    withdrawals_root: Hash32 = EMPTY_TRIE_ROOT
    blob_gas_used: int = 0
    excess_blob_gas: int = 0
    parent_beacon_block_root: Hash32 = ZERO_HASH


class BlockId(NamedTuple):
    """A block by number and hash, so that a reorg can't go unnoticed."""

    number: BlockNumber
    hash: Hash32


@dataclass(frozen=True, slots=True)
class Heads:
    """The three heads of a chain; unsafe >= safe >= finalized, always moved together."""

    unsafe: BlockId
    safe: BlockId
    finalized: BlockId


@dataclass(frozen=True, slots=True)
class Log:
    """One log entry of a receipt."""

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction's receipt (EIP-658, EIP-2718). `type` 0 is a legacy transaction's."""

    type: int
    succeeded: bool
    cumulative_gas_used: Gas
    logs: tuple[Log, ...]
    logs_bloom: bytes


@dataclass(frozen=True, slots=True)
class SealedBlock:
    """A block that was executed: everything the store writes in its one batch.

    `transactions` are EIP-2718 envelopes as they stand in the transaction trie; `senders` and
    `contracts` (address created, or None) run parallel to them, so that reads need no recovery.
    """

    hash: Hash32
    header: Header
    transactions: tuple[bytes, ...]
    senders: tuple[Address, ...]
    contracts: tuple[Address | None, ...]
    receipts: tuple[Receipt, ...]
    update: StateUpdate
