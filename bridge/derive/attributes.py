"""The deposit that starts every block and tells L2 about L1.

Source: the OP Stack's "L1 attributes deposited transaction". All of it comes from the origin's
inbox item, which `acc` commits to: no look at L1 headers is needed to check a block.
"""

from typing import Final

from bridge.items import InboxItem, Origin
from execution.transaction import Transaction
from execution.transactions import make_deposit
from genesis.predeploys import DEPOSITOR, L1_BLOCK
from state.keccak import keccak
from state.types import BlockNumber, Gas, Hash32, Wei

ATTRIBUTES_GAS: Final = Gas(1_000_000)
"""Gas limit of the attributes deposit; it uses about a tenth."""

ATTRIBUTES_SOURCE: Final = 1
"""Domain of the source hash: 0 is a user's deposit, 1 the L1 attributes (OP Stack)."""

SET_L1_BLOCK_VALUES: Final = keccak(b"setL1BlockValues(uint64,uint64,uint256,bytes32,uint64)")[:4]


def attributes_deposit(item: InboxItem, origin: Origin, number: BlockNumber) -> Transaction:
    """The first transaction of L2 block `number`, whose origin is `item`."""
    words = (
        _word(item.l1_number),
        _word(item.l1_time),
        _word(item.l1_base_fee),
        item.l1_hash,
        _word(origin.sequence_number),
    )
    return make_deposit(
        source_hash=_source_hash(item.acc, number),
        sender=DEPOSITOR,
        to=L1_BLOCK,
        mint=Wei(0),
        value=Wei(0),
        gas=ATTRIBUTES_GAS,
        data=SET_L1_BLOCK_VALUES + b"".join(words),
    )


def _source_hash(acc: Hash32, number: BlockNumber) -> Hash32:
    return keccak(_word(ATTRIBUTES_SOURCE) + keccak(acc + _word(number)))


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
