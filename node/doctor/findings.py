"""What an examination says."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """It works, and something may go wrong."""
    FAILED = "failed"
    """It can't work like this."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    verdict: Verdict
    what: str
    remedy: str | None = None
    """What to do; None where all is well."""


def ok(subject: str, what: str) -> Finding:
    """Nothing to do."""
    return Finding(subject, Verdict.OK, what)


def warning(subject: str, what: str, remedy: str) -> Finding:
    """Something to think of."""
    return Finding(subject, Verdict.WARNING, what, remedy)


def failed(subject: str, what: str, remedy: str) -> Finding:
    """Something to mend."""
    return Finding(subject, Verdict.FAILED, what, remedy)
