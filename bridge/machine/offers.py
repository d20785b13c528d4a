"""ORIGIN, NEXT and UNFIT: a block's transactions, one by one (docs/derivation.md, 5 to 7)."""

from dataclasses import replace

from bridge.derive.attributes import attributes_deposit
from bridge.derive.deposits import VOID, transaction_of
from bridge.items import InboxItem, Origin
from bridge.limits import DEPOSITS_PER_BLOCK_MAX
from bridge.machine.fetch import next_transaction, opened
from bridge.machine.ground import Ground
from bridge.machine.inputs import Inputs
from execution.evm.context import BlockContext
from execution.transaction import Transaction
from state.headers import next_base_fee
from state.types import BlockNumber, Timestamp


def begin_block(ground: Ground, inputs: Inputs) -> tuple[Inputs, BlockContext, Transaction]:
    """ORIGIN: the block's environment, and the L1 attributes deposit that comes first."""
    parent, config = ground.parent, ground.config
    origin, number = opened(ground, inputs.origin), BlockNumber(parent.number + 1)
    is_same = inputs.origin == parent.origin.item
    begun = replace(
        inputs,
        timestamp=inputs.timestamp or max(ground.header.timestamp + 1, inputs.time),
        sequence_number=parent.origin.sequence_number + 1 if is_same else 0,
        taking=True,
    )
    context = BlockContext(
        chain_id=config.chain_id,
        number=number,
        timestamp=Timestamp(begun.timestamp),
        coinbase=config.coinbase,
        gas_limit=config.block_gas_limit,
        base_fee=next_base_fee(ground.header),
        prev_randao=origin.prev_randao,
        ancestor_hash=ground.ancestor_hash,
    )
    position = Origin(begun.origin, begun.sequence_number)
    return begun, context, attributes_deposit(origin, position, number)


def next_offer(ground: Ground, inputs: Inputs) -> tuple[Inputs, Transaction | bytes | None]:
    """NEXT, while anything is left: the transaction on offer, or None for a step without one."""
    if not inputs.taking:
        return next_transaction(inputs)
    item = ground.prefix.deposit(inputs.next_deposit)
    if item is None or inputs.taken == DEPOSITS_PER_BLOCK_MAX or not _is_due(ground, inputs, item):
        return replace(inputs, taking=False), None
    offered = transaction_of(item)
    taken = replace(inputs, next_deposit=inputs.next_deposit + 1, taken=inputs.taken + 1)
    return taken, None if offered == VOID else offered


def left_to_the_next_block(inputs: Inputs) -> Inputs:
    """UNFIT: a deposit or forced transaction that doesn't fit ends the taking, untaken.

    All after it wait too, so that gas can't be used to change their order.
    """
    if not inputs.taking:
        return inputs
    return replace(
        inputs, taking=False, next_deposit=inputs.next_deposit - 1, taken=inputs.taken - 1
    )


def _is_due(ground: Ground, inputs: Inputs, item: InboxItem) -> bool:
    """The origin has passed it, or it waited out the window when the batch or tick came."""
    window = ground.config.derivation.window_seconds
    return item.index <= inputs.origin or item.l1_time + window <= inputs.time
