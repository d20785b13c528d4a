"""HASH_*, *_ROOT and SEAL: from the last transaction to the block's own boundary."""

from dataclasses import replace

from bridge.boundary import Boundary, message_passer_root
from bridge.items import Cursor, Origin
from bridge.machine.ground import Ground
from bridge.machine.inputs import Inputs
from bridge.machine.leaves import leaf_hash, root_above
from bridge.machine.limits import BLOCK_TRANSACTIONS_MAX
from execution.machine.block import Block
from execution.machine.chain import Link, items
from execution.machine.records import Included
from state.accounts import StateDiff
from state.blocks import Header
from state.errors import InternalError
from state.headers import header_hash
from state.types import Gas, Hash32


def begin_hashing(inputs: Inputs, block: Block) -> Inputs:
    """NEXT, once nothing is left to offer: go through all that is in the block."""
    if block.count > BLOCK_TRANSACTIONS_MAX:
        raise InternalError(f"{block.count} transactions in a block of bounded gas")
    return replace(inputs, left=block.count)


def hash_last(
    inputs: Inputs, block: Block, waiting: Link[Included] | None
) -> tuple[Inputs, Link[Included] | None]:
    """HASH_*: hash the leaf node of the last item that waits; it no longer does."""
    if waiting is None:
        raise InternalError(f"{inputs.left} items are to be hashed, and none is there")
    leaf = leaf_hash(inputs.left - 1, block.count, waiting.item.encoded)
    return inputs.pushed(leaf), waiting.previous


def root_of_leaves(inputs: Inputs) -> Hash32:
    """*_ROOT: the leaves were pushed last item first, so they open first item first."""
    return root_above([leaf.node_hash for leaf in items(inputs.leaves)])


def with_transactions_root(inputs: Inputs, block: Block) -> Inputs:
    """TRANSACTIONS_ROOT: the receipts are next."""
    root = root_of_leaves(inputs)
    return replace(inputs, transactions_root=root, leaves=None, left=block.count)


def with_receipts_root(inputs: Inputs) -> Inputs:
    """RECEIPTS_ROOT: the header is complete but for the state."""
    return replace(inputs, receipts_root=root_of_leaves(inputs), leaves=None)


def seal(ground: Ground, inputs: Inputs, block: Block, diff: StateDiff) -> tuple[Header, Boundary]:
    """SEAL: the header, and the boundary that the next block builds on."""
    parent, context = ground.parent, block.context
    update = ground.state.update(diff)
    header = Header(
        parent_hash=parent.header_hash,
        state_root=update.root,
        number=context.number,
        gas_limit=context.gas_limit,
        timestamp=context.timestamp,
        base_fee_per_gas=context.base_fee,
        coinbase=context.coinbase,
        transactions_root=inputs.transactions_root,
        receipts_root=inputs.receipts_root,
        logs_bloom=block.bloom,
        gas_used=Gas(block.gas_used),
        prev_randao=context.prev_randao,
    )
    block_hash = header_hash(header)
    boundary = Boundary(
        config_hash=parent.config_hash,
        number=header.number,
        header_hash=block_hash,
        state_root=header.state_root,
        message_passer_root=message_passer_root(ground.state, update),
        ring_root=ground.ring_root_after(block_hash),
        cursor=Cursor(inputs.next_batch, inputs.next_offset, inputs.next_deposit),
        origin=Origin(inputs.origin, inputs.sequence_number),
        version=parent.version,
    )
    return header, boundary
