"""Why a block's trace can't be made.

Unavailable
└── PrefixIncomplete    the node doesn't have all the inbox items that a game counts
InternalError
└── GroundMismatch      parent, header, state or ancestors are not those of one block
"""

from state.errors import InternalError, Unavailable


class PrefixIncomplete(Unavailable):
    """The log ends before the prefix does: what lies between could change every answer."""

    def __init__(self, count: int) -> None:
        super().__init__(
            f"the game counts {count} inbox items, and the log here is shorter:"
            " wait until the node has followed L1 that far"
        )


class GroundMismatch(InternalError):
    """What a block is to be built on contradicts itself; any trace of it would be wrong."""
