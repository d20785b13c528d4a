"""The L2's size rules, each at its limit and one beyond; none of them on plain Ethereum."""

import pytest

from execution.evm.engine import Outcome
from execution.evm.opcodes import encoded_log_bytes
from execution.evm.size_rules import SizeRule
from genesis.config import L2_RULES, ExecutionRules
from state import rlp
from state.types import Address, Gas
from tests.execution.evm.world import OTHER, World, contract, modexp_input, transaction

PLAIN = ExecutionRules(transaction_gas_cap=None, bounded_inputs=False)
BOUNDED = ExecutionRules(transaction_gas_cap=None, bounded_inputs=True)
GAS = Gas(100_000_000)


def precompile(rules: ExecutionRules, number: int, data: bytes) -> Outcome:
    to = Address(number.to_bytes(20, "big"))
    return World(rules=rules).evm.call(transaction(to=to, data=data, gas=GAS))


@pytest.mark.parametrize("number", [2, 3])
def test_hash_precompile_beyond_64_kb_fails(number: int) -> None:
    assert precompile(BOUNDED, number, bytes(65_536)).succeeded
    assert precompile(BOUNDED, number, bytes(65_537)).error == "out of gas"
    assert precompile(PLAIN, number, bytes(65_537)).succeeded


def test_keccak256_beyond_64_kb_is_out_of_gas() -> None:
    world = World(rules=BOUNDED)
    assert world.run("620100005f2000").succeeded
    assert world.run("620100015f2000").error == "out of gas"
    assert world.evm.rules_hit == {SizeRule.HASH_INPUT}
    assert World(rules=PLAIN).run("620100015f2000").succeeded


def test_identity_is_no_hash() -> None:
    assert precompile(BOUNDED, 4, bytes(100_000)).succeeded


@pytest.mark.parametrize("which", [0, 1, 2], ids=["base", "exponent", "modulus"])
def test_modexp_operand_beyond_1024_bytes_fails(which: int) -> None:
    def operands(size: int) -> bytes:
        parts = [b"\x01", b"\x01", b"\x03"]
        parts[which] = bytes(size - 1) + b"\x01"
        return modexp_input(*parts)

    assert precompile(BOUNDED, 5, operands(1_024)).succeeded
    refused = precompile(BOUNDED, 5, operands(1_025))
    assert not refused.succeeded
    assert refused.gas_used == GAS
    assert precompile(PLAIN, 5, operands(1_025)).succeeded


def test_modexp_too_dear_by_osakas_price_fails() -> None:
    """1,024 B and a 39-byte exponent: 32,768 * (255 + 16 * 7) gas by EIP-7883; 38 bytes fit."""
    world = World(rules=BOUNDED)
    data = modexp_input(b"\xff" * 1_024, b"\xff" * 39, b"\xff" * 1_024)
    five = Address((5).to_bytes(20, "big"))
    assert not world.evm.call(transaction(to=five, data=data, gas=GAS)).succeeded
    assert world.evm.rules_hit == {SizeRule.MODEXP_PRICE}
    assert precompile(PLAIN, 5, data).succeeded


def test_pairing_beyond_256_pairs_fails() -> None:
    assert precompile(BOUNDED, 8, bytes(192 * 256)).succeeded
    assert not precompile(BOUNDED, 8, bytes(192 * 257)).succeeded
    assert precompile(PLAIN, 8, bytes(192 * 257)).succeeded


def test_blake2f_beyond_8m_rounds_fails() -> None:
    def rounds(count: int) -> bytes:
        return count.to_bytes(4, "big") + bytes(208) + b"\x01"

    assert precompile(BOUNDED, 9, rounds(8_000_000)).succeeded
    assert not precompile(BOUNDED, 9, rounds(8_000_001)).succeeded
    assert precompile(PLAIN, 9, rounds(8_000_001)).succeeded


# Logs


@pytest.mark.parametrize("topics", range(5))
@pytest.mark.parametrize("data", [b"", b"\x7f", b"\x80", bytes(55), bytes(56), bytes(300)])
def test_encoded_log_bytes_is_the_length_of_its_rlp(topics: int, data: bytes) -> None:
    encoded = rlp.encode([bytes(20), [bytes(32)] * topics, data])
    assert encoded_log_bytes(topics, data) == len(encoded)


def log(size: int) -> str:
    return f"62{size:06x}5fa0"


OVERHEAD = 30
"""RLP around the data of one large LOG0: 1 + 3 list, 21 address, 1 topics, 1 + 3 data."""


def test_logs_beyond_64_kb_are_out_of_gas() -> None:
    assert encoded_log_bytes(0, bytes(65_000)) == 65_000 + OVERHEAD - 2
    world = World(rules=BOUNDED)
    most = 65_536 - (OVERHEAD - 2)
    assert world.run(log(most)).succeeded
    assert world.run(log(most + 1)).error == "out of gas"
    assert world.run(log(most - 100) + log(1_000)).error == "out of gas"
    assert World(rules=PLAIN).run(log(most - 100) + log(1_000)).succeeded


def test_logs_of_reverted_calls_do_not_count() -> None:
    call = "5f5f5f5f5f73" + "dd" * 20 + "5af150"
    world = World({OTHER: contract(log(60_000) + "5f5ffd")}, BOUNDED)
    outcome = world.run(call + call + log(60_000), gas=GAS)
    assert outcome.succeeded
    assert len(outcome.logs) == 1


def test_logs_start_anew_with_each_transaction() -> None:
    world = World({OTHER: contract(log(60_000))}, L2_RULES)
    assert world.apply(to=OTHER).succeeded
    assert world.apply(to=OTHER, nonce=1).succeeded
