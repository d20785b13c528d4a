"""Calls at their edges: depth, stipend, all but one 64th, static frames, return data."""

import pytest

from execution.evm.engine import Outcome
from genesis.config import ExecutionRules
from state.types import Address, Gas, Wei
from tests.execution.evm.world import CONTRACT, OTHER, World, contract, transaction

UNCAPPED = ExecutionRules(transaction_gas_cap=None)

OUTER = Address(b"\xee" * 20)

RETURN_WORD = "5f5260205ff3"
"""MSTORE the topmost word at 0 and return it."""


def call_other(gas: str = "5a", value: str = "5f", opcode: str = "f1") -> str:
    """CALL of OTHER; DELEGATECALL and STATICCALL take no value."""
    argument = value if opcode in ("f1", "f2") else ""
    return f"5f5f5f5f{argument}73{'dd' * 20}{gas}{opcode}"


def word(outcome: Outcome) -> int:
    return int.from_bytes(outcome.output, "big")


def test_call_nests_1024_deep_and_no_deeper() -> None:
    """Each frame counts itself in storage, then calls itself with all gas; the last call fails."""
    counter = "5f54600101" + "5f55"
    world = World(rules=UNCAPPED)
    code = counter + "5f5f5f5f5f305af150" + "5f54" + RETURN_WORD
    outcome = world.run(code, gas=Gas(10**13))
    assert outcome.succeeded
    assert word(outcome) == 1_025


def test_call_with_value_gives_a_stipend_of_2300() -> None:
    world = World({OTHER: contract("5a5f5260205ff3")})
    world.evm.set_override(CONTRACT, balance=Wei(1))
    code = call_other(gas="5f", value="6001") + "5060205f5f3e60205ff3"
    assert word(world.run(code)) == 2_300 - 2


def test_call_keeps_back_a_64th() -> None:
    world = World({OTHER: contract("5a5f5260205ff3")})
    outcome = world.run("5a" + call_other() + "5060205f5f3e60205ff3", gas=Gas(121_000))
    before_call = 100_000 - 2 - 7 * 2 - 3 - 2_600 + 2
    assert word(outcome) == pytest.approx(before_call - before_call // 64, abs=10)


@pytest.mark.parametrize(
    "code",
    [
        "5f5f55",
        "5f5f5d",
        "5f5fa0",
        "5f5f5ff0",
        "5f5f5f5ff5",
        "5fff",
        "5f5f5f5f6001" + "30" + "5af1",
    ],
    ids=["SSTORE", "TSTORE", "LOG0", "CREATE", "CREATE2", "SELFDESTRUCT", "CALL with value"],
)
def test_static_frame_refuses_writes_also_in_nested_calls(code: str) -> None:
    world = World({OTHER: contract(code, balance=1)})
    assert world.evm.call(transaction(to=OTHER)).succeeded
    assert word(world.run(call_other(opcode="fa") + RETURN_WORD)) == 0
    # OUTER calls CONTRACT statically, and CONTRACT calls OTHER without saying so.
    world.evm.set_override(CONTRACT, code=bytes.fromhex(call_other() + RETURN_WORD))
    outer = "5f5f5f5f73" + "cc" * 20 + "5afa" + "60205f5f3e60205ff3"
    world.evm.set_override(OUTER, code=bytes.fromhex(outer))
    assert word(world.evm.call(transaction(to=OUTER))) == 0


def test_delegatecall_works_on_the_callers_storage_with_its_sender() -> None:
    world = World({OTHER: contract("335f55")})
    outcome = world.run(call_other(opcode="f4") + "505f54" + RETURN_WORD)
    assert outcome.output[12:] == transaction().sender


def test_returndatacopy_beyond_the_data_fails() -> None:
    world = World({OTHER: contract("60205ff3")})
    assert world.run(call_other() + "5060205f5f3e").succeeded
    assert world.run(call_other() + "5060215f5f3e").error == "return data out of bounds"
    assert world.run(call_other() + "505f60215f3e").error == "return data out of bounds"


def test_call_without_funds_costs_no_gas_of_the_callee() -> None:
    outcome = World().run(call_other(value="6001") + RETURN_WORD, gas=Gas(200_000))
    assert word(outcome) == 0
    assert outcome.gas_used < 21_000 + 9_000 + 25_000 + 2_600 + 200


def test_transient_storage_ends_with_the_transaction_and_reverts_with_its_frame() -> None:
    world = World({OTHER: contract("60015f5d5f5ffd"), CONTRACT: contract("60015f5d00")})
    code = call_other(opcode="f4") + "505f5c" + RETURN_WORD
    assert word(world.run(code)) == 0
    kept = World({CONTRACT: contract("5f5c5f5560015f5d00")})
    assert kept.apply().succeeded
    assert kept.apply(nonce=1).succeeded
    assert kept.after().storage(CONTRACT, 0) == 0
