"""Why a power was not used.

PowerRefused (Invalid)
├── NeedsSandbox      it would make the rollup untrue
└── UnknownPower      the other end of the channel knows no such request
PowerUnavailable (Unavailable)
└── ChannelClosed     the node or the devnet is gone, or starting again
"""

from state.errors import Invalid, Unavailable


class PowerRefused(Invalid):
    """What was asked for can't be done; the message says what can be done instead."""


class NeedsSandbox(PowerRefused):
    """It would change L2 in a way that L1 could not verify."""

    def __init__(self, instead: str) -> None:
        super().__init__(
            "this would make the rollup untrue, since its state would no longer follow from what L1"
            f" holds: {instead}; or start a devnet that proves nothing, with `tallystick devnet"
            " --sandbox`"
        )


class UnknownPower(PowerRefused):
    """A request that this end does not know."""


class PowerUnavailable(Unavailable):
    """Not now; the message says what it waits for."""


class ChannelClosed(PowerUnavailable):
    """The process at the other end is gone, or starts again."""
