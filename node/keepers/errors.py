"""What can go wrong in a keeper, one class a reason.

Unavailable
├── FeedUnavailable     no prices came: no file, no answer, a script that failed
├── KeeperLate          a step took too long and was given up
└── SamplesOutOfReach   the report before an expiry is too far back to be looked for
Invalid
├── InvalidPrices       prices that aren't what docs/keepers.md says
├── InvalidReports      a peer's file of signed reports that can't be used
├── InvalidOrders       a file of signed orders that can't be used
└── InvalidKeepers      keepers that don't exist, or can't run as they were asked to
"""

from state.errors import Invalid, Unavailable


class FeedUnavailable(Unavailable):
    """No prices came from a feed; the next look may find some."""


class KeeperLate(Unavailable):
    """A step took longer than a step may."""


class SamplesOutOfReach(Unavailable):
    """So many reports came after an expiry that the one before it wasn't found."""


class InvalidPrices(Invalid):
    """Prices in another form than docs/keepers.md gives; nothing of them is used."""


class InvalidReports(Invalid):
    """A peer's file of signed reports in another form; nothing of it is used."""


class InvalidOrders(Invalid):
    """A file of signed orders in another form; nothing of it is used."""


class InvalidKeepers(Invalid):
    """Keepers that don't exist, or lack what they need; the message names the option."""
