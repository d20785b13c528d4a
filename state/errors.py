"""The error families of the whole node.

    TallystickError
    ├── Invalid         the peer, the user or the data is wrong: says what, and what to do
    ├── Unavailable     not now: an endpoint is silent or behind; try again
    └── InternalError   we are wrong: stop, because a wrong root is worse than a halt

Every folder derives its own errors from one of the three, one class a reason.
"""


class TallystickError(Exception):
    """Base of every error this project raises on purpose."""


class Invalid(TallystickError):
    """Input that is wrong and stays wrong however often it is tried."""


class Unavailable(TallystickError):
    """Something outside did not answer; trying again later may succeed."""


class InternalError(TallystickError):
    """A broken invariant of our own; the node stops rather than go on wrongly."""
