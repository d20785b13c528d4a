"""Whole executions on the contracts: programs that nobody made for them."""

from collections import Counter
from random import Random

import pytest

from state.types import Address, Gas
from tests.bridge.prover.execution import prove_execution
from tests.execution.machine.test_random_programs import PARTNERS, random_program
from tests.execution.machine.world import CONTRACT, OTHER, Run, contract

PROGRAMS = 40


def _prove_random_programs(seed: int) -> Counter[str]:
    random = Random(seed)
    addresses = [CONTRACT, OTHER, Address(PARTNERS[2])]
    accounts = {
        address: contract(random_program(random), balance=random.choice([0, 9]), storage={1: 7})
        for address in addresses
    }
    run = Run(accounts)
    proven: Counter[str] = Counter()
    for nonce in range(3):
        proven += prove_execution(
            run,
            nonce=nonce,
            to=random.choice([*addresses, None]),
            data=random_program(random),
            gas=Gas(random.choice([100_000, 200_000, 900_000])),
        )
    return proven


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_random_program_proves_step_by_step(seed: int) -> None:
    assert _prove_random_programs(seed)["LEAVE"] >= 1
