"""What a node lives under that is not a setting: time, the pace of blocks, and decrees.

A devnet holds them in its hand and keeps them while it opens one state of a chain after another.
"""

from dataclasses import dataclass

from node.powers.sandbox import Sandbox
from node.roles.pace import Pace
from state.clock import Clock


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of one node."""

    clock: Clock
    pace: Pace
    """When it makes blocks, if it does."""
    sandbox: Sandbox | None = None
    """What may be done by decree, on a devnet that proves nothing."""
