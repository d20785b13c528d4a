"""What settlement costs: more than the EVM asks at least, and within the goals that are met."""

import pytest

from scripts.benchmarks import settlement


@pytest.mark.parametrize("case", [settlement.new_positions, settlement.old_positions])
def test_least_gas_is_less_than_was_used(case: settlement.Case) -> None:
    measured = case(100)
    assert 30_000 < measured.least < measured.gas


def test_fill_between_accounts_with_positions_meets_its_goal() -> None:
    measured = settlement.old_positions(100, goal=60_000)
    assert measured.gas <= measured.goal
