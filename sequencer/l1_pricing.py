"""What a transaction's bytes cost the sequencer on L1, and the tip that pays for them.

Every transaction is posted to L1 in a batch. The poster pays EIP-7623's floor for its calldata, so
that a byte has one price whatever else the batch does. What pays for it must be certain when the
transaction is let in: its tip for the gas that it uses in any case, however little it then runs.
"""

from functools import cache
from typing import Final

from execution.contracts import artifact
from execution.contracts.layout import Layout
from execution.intrinsic import (
    FLOOR_TOKEN_GAS,
    NONZERO_BYTE_GAS,
    TOKENS_PER_NONZERO_BYTE,
    intrinsic_gas,
)
from execution.transaction import Transaction
from genesis.predeploys import L1_BLOCK
from state.accounts import StateReader
from state.types import Wei

BYTE_GAS: Final = FLOOR_TOKEN_GAS * TOKENS_PER_NONZERO_BYTE
"""L1 gas of a byte that was posted: compressed, hardly any is zero."""

ZEROS_A_BYTE: Final = 4
"""Zero bytes that count as one: they compress to less, and their calldata on L2 is as much
cheaper, so that no transaction needs more than `suggested_tip`."""


def l1_base_fee(state: StateReader) -> Wei:
    """The base fee of L1 as of the block's origin, in wei; 0 where there is no L1 below."""
    return Wei(state.storage(L1_BLOCK, _base_fee_slot()))


def posted_bytes(raw: bytes) -> int:
    """An estimate of what an envelope adds to a batch."""
    zeros = raw.count(0)
    return len(raw) - zeros + -(-zeros // ZEROS_A_BYTE)


def least_tip(tx: Transaction, base_fee: Wei) -> int:
    """The tip, in wei for one gas, that pays for a transaction's bytes at a base fee of L1."""
    return -(-base_fee * BYTE_GAS * posted_bytes(tx.raw) // intrinsic_gas(tx))


def suggested_tip(base_fee: Wei) -> Wei:
    """A tip that is enough for any transaction: for one that is nothing but calldata."""
    return Wei(-(-base_fee * BYTE_GAS // NONZERO_BYTE_GAS))


@cache
def _base_fee_slot() -> int:
    return Layout.of(artifact("L1Block")).place("baseFee").slot
