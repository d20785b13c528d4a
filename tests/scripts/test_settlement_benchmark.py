"""The settlement benchmark counts what the EVM asks at least, and never more than was used."""

import pytest

from scripts.benchmarks import settlement


@pytest.mark.parametrize("case", [settlement.new_positions, settlement.old_positions])
def test_least_gas_is_less_than_was_used(case: settlement.Case) -> None:
    measured = case(100)
    assert 30_000 < measured.least < measured.gas
