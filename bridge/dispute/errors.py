"""What the rules of a game refuse, one class for each of the contract's custom errors.

Invalid
└── InvalidPlay               the contract would revert
    ├── UnknownClaim          no claim has that index; the contract panics
    ├── AlreadyResolved       the game is resolved
    ├── ParentMoved           another claim has that index: L1 reorganised
    ├── RootNotDefendable     nothing comes after the root's interval
    ├── TooDeep               a move below a leaf
    ├── NotALeaf              a step against a claim above the leaves
    ├── WrongBond             one wei more or less
    ├── ClockSpent            that side has used up its time
    ├── AlreadyClaimed        the same claim at the same position under the same parent
    ├── AlreadyCountered      a step has refuted the leaf
    ├── ClaimStands           the step shows that the claim holds
    ├── ClockRunning          the claim may still be answered
    ├── ClaimAlreadyResolved  a bond is awarded once
    ├── AnswerUnresolved      an answer to the claim isn't resolved yet
    ├── NoCredit              nothing is owed
    ├── GameInProgress        credits are held back while the game is played
    └── PayoutHeldBack        and some time after its end
"""

from state.errors import Invalid


class InvalidPlay(Invalid):
    """The contract would revert; nothing of the game has changed."""


class UnknownClaim(InvalidPlay):
    """No claim has that index."""


class AlreadyResolved(InvalidPlay):
    """The game is resolved."""


class ParentMoved(InvalidPlay):
    """The claim with that index isn't the one that the move answers: L1 reorganised; read
    again."""


class RootNotDefendable(InvalidPlay):
    """The root's interval is the whole trace; whoever agrees with it does nothing."""


class TooDeep(InvalidPlay):
    """Leaves are answered by a step."""


class NotALeaf(InvalidPlay):
    """Only leaves are answered by a step."""


class WrongBond(InvalidPlay):
    """A move stakes exactly the bond of its depth."""

    def __init__(self, sent: int, needed: int) -> None:
        super().__init__(f"the bond at this depth is {needed} wei, not {sent}")
        self.sent = sent
        self.needed = needed


class ClockSpent(InvalidPlay):
    """The side that would answer has used up its time."""


class AlreadyClaimed(InvalidPlay):
    """The same claim stands at the same position under the same parent."""


class AlreadyCountered(InvalidPlay):
    """A step has refuted the leaf before."""


class ClaimStands(InvalidPlay):
    """The step doesn't refute the leaf."""


class ClockRunning(InvalidPlay):
    """The claim may still be answered."""


class ClaimAlreadyResolved(InvalidPlay):
    """The claim's bond is awarded."""


class AnswerUnresolved(InvalidPlay):
    """A claim is resolved after all that answer it."""


class NoCredit(InvalidPlay):
    """Nothing is owed to this account."""


class GameInProgress(InvalidPlay):
    """Credits are held back while the game is played."""


class PayoutHeldBack(InvalidPlay):
    """Credits are held back for some time after the end of the game."""
