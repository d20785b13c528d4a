"""How far a settled fill has come, which follows from the block it is in."""

import msgspec

from sequencer.matching.events import FillState
from sequencer.matching.views import FillRecord
from state.blocks import Heads


def as_of(record: FillRecord, heads: Heads) -> FillRecord:
    """A fill as it stands when these are the heads of the chain."""
    if record.state is not FillState.UNSAFE or record.block is None:
        return record
    state = state_of_block(record.block, heads)
    return record if state is record.state else msgspec.structs.replace(record, state=state)


def state_of_block(block: int, heads: Heads) -> FillState:
    """How far the fills have come that a block settled."""
    if block <= heads.finalized.number:
        return FillState.FINALIZED
    return FillState.SAFE if block <= heads.safe.number else FillState.UNSAFE
