"""Random histories of the whole house keep every invariant and agree with the exact ledger."""

import os

from hypothesis import HealthCheck, settings

from tests.execution.contracts.stateful.machine import Histories

ALL = bool(os.environ.get("TALLYSTICK_ALL"))


class TestHistories(Histories.TestCase):
    """Invariants 1 to 14, 16 and 17 after every step; with TALLYSTICK_ALL many more histories."""


TestHistories.settings = settings(
    max_examples=1_000 if ALL else 20,
    stateful_step_count=50 if ALL else 30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
