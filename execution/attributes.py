"""What a block is made from, apart from its parent and the state."""

from dataclasses import dataclass
from enum import IntEnum

from state.types import ZERO_HASH, Address, Gas, Hash32, Timestamp


class InclusionRule(IntEnum):
    """What happens to a transaction that doesn't fit or isn't valid."""

    SKIP = 0
    """Leave it out and say why: mempool and batch transactions."""
    CARRY = 1
    """Deposits and forced ones: out of block gas ends the list, to keep the order; else SKIP."""


@dataclass(frozen=True, slots=True)
class BlockAttributes:
    """The part of a header that is not computed (execution-apis calls it payload attributes)."""

    timestamp: Timestamp
    prev_randao: Hash32 = ZERO_HASH
    coinbase: Address = Address(bytes(20))
    gas_limit: Gas = Gas(30_000_000)
