"""Precompiles: known answers, prices, refusals; the official tests cover the rest."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.evm.engine import Outcome
from execution.evm.precompiles import modexp_gas, modexp_osaka_gas
from genesis.config import L1_RULES
from state.types import Address, Gas
from tests.execution.evm.world import World, modexp_input, transaction

WORLD = World(rules=L1_RULES)
G1 = (1).to_bytes(32, "big") + (2).to_bytes(32, "big")


def precompile(number: int, data: bytes, gas: int = 10_000_000) -> Outcome:
    to = Address(number.to_bytes(20, "big"))
    return WORLD.evm.call(transaction(to=to, data=data, gas=Gas(gas)))


def test_ecrecover_recovers() -> None:
    data = bytes.fromhex(
        "18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c"
        "000000000000000000000000000000000000000000000000000000000000001c"
        "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f"
        "eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549"
    )
    assert precompile(1, data).output[12:].hex() == "a94f5374fce5edbc8e2a8697c15331677e6ebf0b"


@pytest.mark.parametrize(
    ("v", "r", "s"),
    [(29, 1, 1), (2**248 + 27, 1, 1), (27, 0, 1), (27, 1, 0), (27, 1, 2**256 - 1), (27, 5, 1)],
)
def test_ecrecover_of_no_signature_succeeds_with_no_output(v: int, r: int, s: int) -> None:
    data = b"".join(word.to_bytes(32, "big") for word in (1, v, r, s))
    outcome = precompile(1, data)
    assert outcome.succeeded
    assert outcome.output == b""


def test_hashes() -> None:
    assert precompile(2, b"abc").output == hashlib.sha256(b"abc").digest()
    assert precompile(3, b"abc").output.hex() == (
        "000000000000000000000000" + "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"
    )
    assert precompile(4, b"abc").output == b"abc"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_modexp_is_pythons_pow(base: bytes, exponent: bytes, modulus: bytes) -> None:
    outcome = precompile(5, modexp_input(base, exponent, modulus))
    numbers = [int.from_bytes(part, "big") for part in (base, exponent, modulus)]
    expected = pow(*numbers) if numbers[2] else 0
    assert outcome.output == expected.to_bytes(len(modulus), "big")


def test_modexp_zero_to_the_zero_is_one_even_without_a_base() -> None:
    assert precompile(5, modexp_input(b"", b"", b"\x05")).output == b"\x01"


def test_modexp_of_no_modulus_has_no_output() -> None:
    assert precompile(5, modexp_input(b"\x02", b"\x02", b"")).output == b""
    assert precompile(5, b"").output == b""


@pytest.mark.parametrize(
    ("longest", "exponent_size", "head", "cancun", "osaka"),
    [
        (0, 0, 0, 200, 500),
        (32, 32, 2**255, 1_360, 4_080),
        (64, 3, 65_537, 341, 2_048),
        (1_024, 1, 3, 5_461, 32_768),
        (1_024, 1_024, 2**256 - 1, 16_384 * (255 + 8 * 992) // 3, 32_768 * (255 + 16 * 992)),
    ],
)
def test_modexp_price(longest: int, exponent_size: int, head: int, cancun: int, osaka: int) -> None:
    """By the formulas of EIP-2565 and EIP-7883."""
    assert modexp_gas(longest, exponent_size, head) == cancun
    assert modexp_osaka_gas(longest, exponent_size, head) == osaka


def test_bn254_adds_and_multiplies() -> None:
    doubled = precompile(6, G1 + G1).output
    assert doubled == precompile(7, G1 + (2).to_bytes(32, "big")).output
    assert precompile(6, b"").output == bytes(64)


@pytest.mark.parametrize(("number", "data"), [(6, b"\x01" * 128), (7, b"\x01" * 96)])
def test_bn254_off_the_curve_uses_all_gas(number: int, data: bytes) -> None:
    outcome = precompile(number, data)
    assert not outcome.succeeded
    assert outcome.gas_used == 10_000_000


def test_pairing_of_nothing_is_true_and_of_a_broken_length_fails() -> None:
    assert precompile(8, b"").output == (1).to_bytes(32, "big")
    assert not precompile(8, bytes(191)).succeeded


def test_blake2f_hashes_abc() -> None:
    """EIP-152, test vector 5: twelve rounds of BLAKE2b-512("abc")."""
    iv = (
        "48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
        "d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b"
    )
    data = "0000000c" + iv + "616263".ljust(256, "0") + "03".ljust(32, "0") + "01"
    output = precompile(9, bytes.fromhex(data)).output
    assert output == hashlib.blake2b(b"abc").digest()


@pytest.mark.parametrize("data", [bytes(212), bytes(214), bytes(212) + b"\x02"])
def test_blake2f_malformed_fails(data: bytes) -> None:
    assert not precompile(9, data).succeeded


def test_point_evaluation_of_the_zero_polynomial() -> None:
    infinity = b"\xc0" + bytes(47)
    versioned_hash = b"\x01" + hashlib.sha256(infinity).digest()[1:]
    claim = versioned_hash + (2).to_bytes(32, "big") + bytes(32) + infinity + infinity
    output = precompile(10, claim).output
    assert int.from_bytes(output[:32], "big") == 4_096
    assert not precompile(10, claim[:-1]).succeeded
    assert not precompile(10, b"\x02" + claim[1:]).succeeded
    wrong = claim[:95] + b"\x01" + claim[96:]
    assert not precompile(10, wrong).succeeded
