"""The machine where no transaction can be near: at a boundary, and until a block has begun."""

from execution.machine.state import MACHINE_TAG
from execution.machine.status import Status
from execution.machine.words import Word, commit
from state.types import ZERO_HASH, Hash32

ABSENT_WORDS = 8
"""Transaction, frame, state, journal, refund, logs, destructs, bulk."""


def bare_words(status: Status, boundary: Hash32, block: Hash32 = ZERO_HASH) -> tuple[Word, ...]:
    """The machine's words in BOUNDARY, EXHAUSTED, DECODE, SCAN and ORIGIN."""
    return status, boundary, block, *(0,) * ABSENT_WORDS


def boundary_machine_hash(output_root: Hash32) -> Hash32:
    """The machine hash between two blocks: what a claim of that output root is worth in a game."""
    return commit(MACHINE_TAG, bare_words(Status.BOUNDARY, output_root))
