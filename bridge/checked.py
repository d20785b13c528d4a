"""Which blocks may go to L1: someone beside the chain may have to look at them first."""

from collections.abc import Callable

from state.types import UINT64_MAX, BlockNumber

Checked = Callable[[], BlockNumber]
"""The last block that may be posted or proposed. Called on the thread that writes the chain, so
that no reorg comes between the answer and what is done with it."""


def unchecked() -> BlockNumber:
    """Every block may go."""
    return BlockNumber(UINT64_MAX)
