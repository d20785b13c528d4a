"""Random transactions on our engine and on others: they must agree in everything.

The same kind of scenarios goes to revm, in this process, and to the execution specification (EELS),
which needs a Python of its own: `./scripts/test` makes one in `.venv-oracle`, or
TALLYSTICK_EELS_PYTHON names one with `ethereum-execution`. TALLYSTICK_ALL=1 runs more.
"""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from execution.errors import InvalidTransaction
from execution.evm.engine import Evm, Outcome
from execution.evm.threads import run_deep
from execution.statetest import Verdict, logs_hash, read_cases, run_case
from genesis.config import ExecutionRules
from state.keccak import keccak
from state.memory_state import MemoryState
from state.types import Address, Gas
from tests.execution.evm.oracles import AccountView, Ran, Revm, Specification
from tests.execution.evm.random_programs import SLOTS
from tests.execution.evm.scenarios import (
    BLOCK_GAS,
    Scenario,
    at_the_edge,
    block_context,
    random_scenario,
)

ALL = os.environ.get("TALLYSTICK_ALL") == "1"
ROOT = Path(__file__).resolve().parents[3]
EELS_PYTHON = os.environ.get("TALLYSTICK_EELS_PYTHON", str(ROOT / ".venv-oracle/bin/python"))

REVM_SEEDS = range(20_000 if ALL else 250)
EELS_SEEDS = range(1_000_000, 1_000_000 + (300 if ALL else 40))

ETHEREUM = ExecutionRules(transaction_gas_cap=None, bounded_inputs=False, deposits=False)
"""Cancun's rules and none of ours."""


class World:
    """A scenario on our engine, with its transaction applied."""

    def __init__(self, scenario: Scenario) -> None:
        self.state = MemoryState.from_alloc(scenario.pre)
        self.evm = Evm(self.state, block_context(scenario), ETHEREUM)
        self.outcome: Outcome = self.evm.apply(scenario.transaction, Gas(BLOCK_GAS))

    def view(self, address: Address, slots: set[int]) -> AccountView:
        account, evm = self.evm.account(address), self.evm
        storage = {slot: evm.storage(address, slot) for slot in slots}
        code_hash = bytes(keccak(evm.code(address)))
        if account is None:
            return AccountView(0, 0, code_hash, storage)
        return AccountView(account.balance, account.nonce, code_hash, storage)


def gas_limits(scenario: Scenario, gas_used: int) -> Iterator[int]:
    """Just enough, just not enough, and anywhere between: each cuts the program elsewhere."""
    rng, least = random.Random(scenario.seed), scenario.minimum_gas
    limits = {gas_used - 1, gas_used, gas_used + 1, least}
    limits |= {rng.randint(least, max(least, gas_used)) for _ in range(2)}
    return (limit for limit in sorted(limits) if limit >= least)


# revm


def revm_scenarios(seed: int) -> Iterator[Scenario]:
    scenario = random_scenario(seed).for_revm()
    if scenario.fields.to is None:
        return
    yield scenario
    used = World(scenario).outcome.gas_used if scenario.fields.gas >= scenario.minimum_gas else 0
    yield from (scenario.with_gas(limit) for limit in gas_limits(scenario, used))


def compare_with_revm(scenario: Scenario) -> None:
    world, revm = World(scenario), Revm(scenario)
    outcome = world.outcome
    ours = Ran(outcome.succeeded, outcome.gas_used, outcome.output, outcome.logs)
    where = f"seed {scenario.seed}, gas {scenario.fields.gas}"
    assert ours == revm.ran, where
    diff = world.evm.diff()
    for address in revm.addresses() | set(diff.accounts) | set(scenario.pre):
        if world.evm.account(address) is None and address not in scenario.pre:
            # Made and destroyed: pyrevm can't tell that it is gone.
            continue
        slots = {*SLOTS, *diff.storage.get(address, {})}
        view = world.view(address, slots)
        assert view == revm.account(address, slots), f"{where}, account 0x{address.hex()}"


def test_random_transactions_do_as_revm_does() -> None:
    def compare() -> int:
        cases = 0
        for seed in REVM_SEEDS:
            for scenario in revm_scenarios(seed):
                if scenario.fields.gas >= scenario.minimum_gas:
                    compare_with_revm(scenario)
                    cases += 1
        return cases

    assert run_deep(compare) > 4 * len(REVM_SEEDS)


# The execution specification


def specified_scenarios(seed: int) -> Iterator[Scenario]:
    scenario = random_scenario(seed)
    yield scenario
    yield at_the_edge(scenario)
    try:
        used = World(scenario).outcome.gas_used
    except InvalidTransaction:
        return
    yield from (scenario.with_gas(limit) for limit in gas_limits(scenario, used))


def our_answer(scenario: Scenario) -> dict[str, Any]:
    """What `eels_oracle.answer` says, from our engine; a refusal must leave no trace."""
    try:
        world = World(scenario)
    except InvalidTransaction:
        return {"invalid": True}
    root = world.state.update(world.evm.diff()).root
    return {
        "root": root.hex(),
        "logs": logs_hash(world.outcome).hex(),
        "gas": world.outcome.gas_used,
    }


def asked(specification: Specification, scenario: Scenario) -> dict[str, Any]:
    answer = specification.ask(scenario.as_state_test())
    return {"invalid": True} if "invalid" in answer else answer


@pytest.fixture(scope="module")
def specified() -> list[tuple[Scenario, dict[str, Any]]]:
    """Random cases, with what the specification says of each."""
    if not Path(EELS_PYTHON).exists():
        pytest.skip(f"no {EELS_PYTHON} with ethereum-execution; ./scripts/test makes it")
    specification = Specification(EELS_PYTHON)
    try:
        return [
            (scenario, asked(specification, scenario))
            for seed in EELS_SEEDS
            for scenario in run_deep(lambda seed=seed: list(specified_scenarios(seed)))
        ]
    finally:
        specification.close()


def test_random_transactions_do_as_specified(
    specified: list[tuple[Scenario, dict[str, Any]]],
) -> None:
    def compare() -> None:
        for scenario, answer in specified:
            where = f"seed {scenario.seed}, gas {scenario.fields.gas}"
            assert our_answer(scenario) == answer, where

    run_deep(compare)
    assert len(specified) > 5 * len(EELS_SEEDS)


def test_random_transactions_pass_as_state_tests(
    specified: list[tuple[Scenario, dict[str, Any]]], tmp_path: Path
) -> None:
    path, verdicts = tmp_path / "test.json", []
    for scenario, answer in specified:
        if "invalid" in answer:
            root, logs = MemoryState.from_alloc(scenario.pre).root, bytes(32)
            test = scenario.as_state_test(root, logs, "TransactionException.ANY")
        else:
            root, logs = bytes.fromhex(answer["root"]), bytes.fromhex(answer["logs"])
            test = scenario.as_state_test(root, logs)
        path.write_text(json.dumps(test))
        verdicts += [run_deep(run_case, case) for case in read_cases(path)]
    failed = [result for result in verdicts if result.verdict is Verdict.FAILED]
    assert not failed, failed[:5]
    assert sum(result.verdict is Verdict.PASSED for result in verdicts) > 0.9 * len(specified)
