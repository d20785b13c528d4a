"""Calls: depth, gas, value, views and precompiles."""

from dataclasses import replace
from typing import Any

import pytest

from execution.machine.status import Status
from genesis.config import ExecutionRules
from state.types import Address, Gas
from tests.execution.evm.world import modexp_input
from tests.execution.machine.world import (
    CONTRACT,
    OTHER,
    RETURN_WORD,
    Allocated,
    Run,
    both,
    contract,
    push,
    word,
)

KINDS = ("f1", "f2", "f4", "fa")
UNCAPPED = ExecutionRules(transaction_gas_cap=None)


def call(
    opcode: str, to: str = "dd" * 20, gas: str = "5a", value: str = "5f", **ranges: Any
) -> str:
    """A call with ranges `input` and `output`, each a start and a size."""
    start, size = ranges.get("input", (0, 0))
    to_start, to_size = ranges.get("output", (0, 0))
    places = push(to_size) + push(to_start) + push(size) + push(start)
    return places + (value if opcode in ("f1", "f2") else "") + "73" + to + gas + opcode


@pytest.mark.parametrize("opcode", KINDS)
def test_callee_sees_its_kind_of_call(opcode: str) -> None:
    """Self, caller, value and calldata, hashed."""
    callee = "305f5233602052346040523660605260205f608037" + "60a05f205f5260205ff3"
    code = push(77) + "5f52" + call(opcode, input=(5, 27), output=(32, 32), value="6003")
    run = both(code + "60205160405260605ff3", {OTHER: contract(callee)}, balance=9, value=2)
    assert len(run.output) == 96


@pytest.mark.parametrize("opcode", KINDS)
@pytest.mark.parametrize("to", ["dd" * 20, "ee" * 20, "00" * 19 + "04", "cc" * 20])
@pytest.mark.parametrize("value", ["5f", "6001", "600a"])
@pytest.mark.parametrize("gas", ["5f", "5a", push(2**256 - 1)])
def test_price_by_kind_target_value_and_gas(opcode: str, to: str, value: str, gas: str) -> None:
    code = call(opcode, to, gas, value) + "5a" + RETURN_WORD
    both(code, {OTHER: contract("5a" + RETURN_WORD)}, balance=9, gas=Gas(400_000))


def test_call_nests_1024_deep_and_no_deeper() -> None:
    code = "5f5460010180" + "5f5550" + "5f5f5f5f5f305af150" + "5f54" + RETURN_WORD
    run = Run({CONTRACT: contract(code)}, rules=UNCAPPED)
    block = run.state.block
    block.context = replace(block.context, gas_limit=Gas(10**13))
    run.offer(gas=Gas(10**13))
    run.until_frame_ends()
    assert word(run) == 1_025


@pytest.mark.parametrize("size", [0, 1, 31, 32, 64, 65])
def test_output_is_cut_to_the_range(size: int) -> None:
    callee = push(2**256 - 1) + "5f52" + push(2**255 + 1) + "602052" + "60405ff3"
    code = push(5) + "5f52" + call("f1", output=(3, size)) + "3d60605260805ff3"
    both(code, {OTHER: contract(callee)})


def test_reverted_output_is_copied_too() -> None:
    callee = push(2**256 - 1) + "5f5260205ffd"
    both(call("f1", output=(0, 32)) + "3d60205260405ff3", {OTHER: contract(callee)})


def test_failed_call_returns_nothing() -> None:
    both(call("f1", output=(0, 32)) + "3d60205260405ff3", {OTHER: contract("60ff5f5260205ffe")})


def test_identity_returns_the_callers_memory_as_it_was() -> None:
    """The return data stays what it was when memory is written afterwards."""
    identity = call("f1", "00" * 19 + "04", input=(0, 64), output=(16, 64))
    code = push(2**255 + 5) + "5f52" + identity + push(1) + "5f52" + "60405f60a03e" + "60e05ff3"
    both(code)


def test_refused_call_gives_back_its_gas() -> None:
    run = Run({CONTRACT: contract(call("f1", value="6001") + "00")})
    run.offer()
    run.until(Status.ENTER)
    run.machine.step()
    run.until(Status.RUN)
    run.until(Status.ENTER)
    passed = run.state.operation.gas
    before = run.state.frame.gas
    run.machine.step()
    assert run.machine.status is Status.RUN
    assert run.state.frame.gas == before + passed
    assert run.state.frame.stack == [0]


# Precompiles

G1 = (1).to_bytes(32, "big") + (2).to_bytes(32, "big")

INPUTS: dict[str, tuple[int, bytes]] = {
    "ecrecover": (
        1,
        b"\x11" * 32 + (27).to_bytes(32, "big") + b"\x22" * 32 + b"\x33" * 32,
    ),
    "ecrecover of nothing": (1, b""),
    "ecrecover, v 29": (1, b"\x11" * 32 + (29).to_bytes(32, "big") + b"\x22" * 64),
    "sha256": (2, b"abc"),
    "ripemd160": (3, b"abc"),
    "identity": (4, b"abc" * 30),
    "modexp": (5, modexp_input(b"\x03", b"\xff\xff", b"\xf1" * 40)),
    "modexp modulo zero": (5, modexp_input(b"\x03", b"\xff", b"\0\0")),
    "modexp cut short": (5, modexp_input(b"\x03", b"\xff", b"\xf1" * 40)[:100]),
    "modexp of nothing": (5, b""),
    "modexp too long": (5, modexp_input(b"\x03" * 1_025, b"\1", b"\5")),
    "modexp too dear": (5, modexp_input(b"\x03" * 1_024, b"\xff" * 1_024, b"\5" * 1_024)),
    "ecadd": (6, G1 + G1),
    "ecadd of nothing": (6, b""),
    "ecadd off the curve": (6, b"\1" * 64),
    "ecmul": (7, G1 + b"\7" * 32),
    "ecmul off the curve": (7, b"\1" * 96),
    "ecpairing of nothing": (8, b""),
    "ecpairing, ragged": (8, b"\0" * 191),
    "ecpairing of infinity": (8, b"\0" * 384),
    "ecpairing off the curve": (8, b"\1" * 192),
    "blake2f": (9, (12).to_bytes(4, "big") + bytes(range(208)) + b"\1"),
    "blake2f, bad flag": (9, (12).to_bytes(4, "big") + bytes(range(208)) + b"\2"),
    "blake2f, short": (9, bytes(212)),
    "blake2f, too many rounds": (9, (8_000_001).to_bytes(4, "big") + bytes(209)),
    "point evaluation": (10, bytes(192)),
    "point evaluation, short": (10, bytes(191)),
}


@pytest.mark.parametrize("name", INPUTS)
def test_precompile_does_what_the_engine_does(name: str) -> None:
    number, data = INPUTS[name]
    size = push(len(data))
    code = size + "5f5f37" + push(64) + push(8192) + size + "5f" + "73" + f"{number:040x}" + "5afa"
    run = both(code + "5f523d602052" + "61c0005ff3", data=data, gas=Gas(2**24))
    assert run.machine.rules_hit == run.world.evm.rules_hit
    accounts = {Address(number.to_bytes(20, "big")): Allocated(balance=1)}
    Run(accounts).apply(to=Address(number.to_bytes(20, "big")), data=data, gas=Gas(2**24))


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("size", [65_536, 65_537])
def test_hash_precompiles_take_64_kilobytes(number: int, size: int) -> None:
    both(call("f1", f"{number:040x}", input=(0, size)) + RETURN_WORD)


def test_precompile_needs_its_gas() -> None:
    for gas in ("610bb7", "610bb8"):
        both(call("f1", "00" * 19 + "01", gas) + RETURN_WORD)
