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


def test_fill_of_new_positions_meets_its_goal_with_nonces_in_order() -> None:
    measured = settlement.new_positions_in_order(100, goal=90_000)
    assert measured.gas <= measured.goal


def test_random_nonces_cost_what_their_slots_do() -> None:
    """Two slots a fill that were never written, instead of one in which two orders lie."""
    random, in_order = settlement.new_positions(100), settlement.new_positions_in_order(100)
    assert abs((random.gas - in_order.gas) - (random.least - in_order.least)) < 100
