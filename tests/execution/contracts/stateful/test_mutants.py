"""The random histories find faults: each of some small ones that are put into the contracts.

With TALLYSTICK_ALL, since every mutant is compiled and then hunted for some minutes.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.execution.contracts.stateful.machine import Histories
from tests.execution.contracts.stateful.mutants import MUTANTS, Mutant, install

ALL = bool(os.environ.get("TALLYSTICK_ALL"))

HUNT = settings(
    max_examples=300,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
@pytest.mark.skipif(not ALL, reason="compiles each mutant: set TALLYSTICK_ALL=1")
@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_histories_of_a_faulty_house_break_an_invariant(mutant: Mutant) -> None:
    faulty = type("Faulty", (Histories,), {"install": install(mutant)})
    with pytest.raises(AssertionError):
        run_state_machine_as_test(faulty, settings=HUNT)
