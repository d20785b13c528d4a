"""What the rules of a game refuse, one class a reason, each as the contract's custom error.

Invalid
└── InvalidPlay             the contract would revert
    ├── GameOver            the game is resolved
    ├── GameRunning         the game isn't resolved yet
    ├── UnknownClaim        no claim has that index
    ├── UnexpectedParent    another claim has that index: L1 reorganised
    ├── RootDefended        nothing comes after the root's interval
    ├── BelowMaxDepth       a move under a leaf
    ├── AboveMaxDepth       a step against a claim that is no leaf
    ├── WrongBond           one wei more or less
    ├── ClockExpired        that side has used up its time
    ├── ClockRunning        that side may still answer
    ├── DuplicateClaim      the same claim at the same position under the same parent
    ├── AlreadyCountered    a step has refuted the leaf
    ├── StepRefused         the step shows that the claim holds
    ├── AlreadyResolved     a claim is resolved once
    ├── OutOfOrder          a claim below isn't resolved yet
    ├── PayoutDelayed       credits are paid some time after the game's end
    └── NoCredit            nothing is owed
"""

from state.errors import Invalid


class InvalidPlay(Invalid):
    """The contract would revert; nothing of the game has changed."""


class GameOver(InvalidPlay):
    """The game is resolved."""


class GameRunning(InvalidPlay):
    """The game isn't resolved yet."""


class UnknownClaim(InvalidPlay):
    """No claim has that index."""


class UnexpectedParent(InvalidPlay):
    """The claim with that index isn't the one that the move answers: L1 reorganised; read
    again."""


class RootDefended(InvalidPlay):
    """The root's interval is the whole trace; whoever agrees with it does nothing."""


class BelowMaxDepth(InvalidPlay):
    """Leaves are answered by a step."""


class AboveMaxDepth(InvalidPlay):
    """Only leaves are answered by a step."""


class WrongBond(InvalidPlay):
    """A move stakes exactly the bond of its depth."""

    def __init__(self, sent: int, required: int) -> None:
        super().__init__(f"the bond at this depth is {required} wei, not {sent}")
        self.sent = sent
        self.required = required


class ClockExpired(InvalidPlay):
    """The side that would move has used up its time."""


class ClockRunning(InvalidPlay):
    """The claim may still be answered."""


class DuplicateClaim(InvalidPlay):
    """The same claim stands at the same position under the same parent."""


class AlreadyCountered(InvalidPlay):
    """A step has refuted the leaf before."""


class StepRefused(InvalidPlay):
    """The step shows that the claim holds."""


class AlreadyResolved(InvalidPlay):
    """The claim is resolved, and its bond is awarded."""


class OutOfOrder(InvalidPlay):
    """A claim is resolved after all that answer it."""


class PayoutDelayed(InvalidPlay):
    """Credits are paid some time after the end of the game."""


class NoCredit(InvalidPlay):
    """Nothing is owed to this account."""
