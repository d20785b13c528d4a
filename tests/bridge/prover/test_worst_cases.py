"""The dearest step of every kind fits an L1 transaction: anvil, its caps, and EIP-7623's floor.

`./scripts/bench steps` prints what they cost; docs/figures.md has the table.
"""

from collections.abc import Iterator

import pytest
from web3 import Web3

from execution.machine.opcodes.table import INSTRUCTIONS
from execution.machine.status import Status
from tests.bridge.contracts.l1 import L1
from tests.bridge.prover.court import STEP_GAS_MAX, Court
from tests.bridge.prover.worst_case import WorstCase
from tests.bridge.prover.worst_cases import (
    CALLDATA_BYTES_MAX,
    CLASSES,
    UNDEFINED,
    kind_of,
    worst_cases,
)
from tests.bridge.prover.worst_instructions import UNDEFINED_OPCODES

CASES = list(worst_cases())


@pytest.fixture(scope="module")
def court(anvil_url: str) -> Iterator[Court]:
    w3 = Web3(Web3.HTTPProvider(anvil_url))
    w3.eth.default_account = w3.eth.accounts[0]
    l1 = L1(w3)
    before = l1.ask("evm_snapshot")
    yield Court.open(l1)
    l1.ask("evm_revert", before)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_worst_case_fits_an_l1_transaction(case: WorstCase, court: Court) -> None:
    verdict = court.prove(case.make())
    assert verdict.calldata_bytes <= CALLDATA_BYTES_MAX
    assert verdict.gas <= STEP_GAS_MAX


def test_every_status_has_a_worst_case() -> None:
    assert {case.status for case in CASES} == set(Status)


def test_every_instruction_has_a_worst_case_and_a_class() -> None:
    covered = {case.opcode for case in CASES} - {None}
    listed = [opcode for opcodes in CLASSES.values() for opcode in opcodes]
    assert sorted(listed) == sorted(INSTRUCTIONS)
    assert covered == set(INSTRUCTIONS).union(UNDEFINED_OPCODES)
    assert {kind_of(case) for case in CASES} >= {f"RUN, {name}" for name in (*CLASSES, UNDEFINED)}
