"""What a block tells its transactions."""

from collections.abc import Callable
from dataclasses import dataclass

from state.types import Address, BlockNumber, Gas, Hash32, Timestamp, Wei


@dataclass(frozen=True, slots=True)
class BlockContext:
    """The block environment of the EVM (Yellow Paper, section 9.3).

    `ancestor_hash` answers for the 256 blocks before this one, and None where there is none.
    """

    chain_id: int
    number: BlockNumber
    timestamp: Timestamp
    coinbase: Address
    gas_limit: Gas
    base_fee: Wei
    prev_randao: Hash32
    ancestor_hash: Callable[[BlockNumber], Hash32 | None]
    blob_base_fee: Wei = Wei(1)
    """What BLOBBASEFEE pushes: its least value (EIP-4844), for there are no blobs here."""
