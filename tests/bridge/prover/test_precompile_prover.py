"""Precompiles on the contracts: prices, size rules, results and failures."""

from hashlib import sha256
from random import Random

import pytest
from coincurve import PrivateKey

from bridge.dispute import local_prover
from bridge.dispute.local_prover import ProofRefused
from execution.machine.memory import FrozenMemory, View
from execution.machine.precompiles import modexp_gas, modexp_osaka_gas
from execution.machine.status import Outcome, Status
from execution.machine.witness.step import step_witness
from state.types import Address, Gas
from tests.bridge.prover.forgery import (
    assert_every_flip_is_refused,
    assert_no_witness_of_another_step,
)
from tests.bridge.prover.rig import prove_step, prover
from tests.execution.evm.precompile_inputs import precompile_input
from tests.execution.evm.world import modexp_input
from tests.execution.machine.world import Run

INFINITY = b"\xc0" + bytes(47)
"""Of BLS12-381's first group: the commitment to a polynomial of zeros, and each proof of it."""

_SIGNED = PrivateKey(b"\1" * 32).sign_recoverable(bytes(32), hasher=None)
SIGNATURE = _SIGNED[:64] + bytes([27 + _SIGNED[64]])
"""Of the hash zero: r, s and v."""

POINT = (1).to_bytes(32, "big") + (2).to_bytes(32, "big")
"""The generator of bn254's first group."""

VALID = {
    1: bytes(32) + SIGNATURE[64:].rjust(32, b"\0") + SIGNATURE[:64],
    2: b"\x02" * 900,
    3: b"\x03" * 900,
    4: b"\x04" * 900,
    5: modexp_input(b"\xff" * 64, b"\xff" * 64, b"\xff" * 64),
    6: POINT * 2,
    7: POINT + b"\xff" * 32,
    8: bytes(192),
    9: (100_000).to_bytes(4, "big") + b"\x42" * 208 + b"\x01",
    10: b"\x01" + sha256(INFINITY).digest()[1:] + bytes(64) + INFINITY * 2,
}
"""Of each precompile an input that it doesn't refuse."""

LIMITS = range(5_000, 700_000, 1_500)
"""Of gas on L1: from too little for any step to enough for all of these."""

PLENTY = 10**7
"""More than any precompile of a small input costs."""


def called(number: int, data: bytes = b"", gas: int = PLENTY, offset: int = 0) -> Run:
    """A machine before a precompile runs on `data`, at some place of what it is a view of."""
    run = Run()
    run.offer(to=Address(number.to_bytes(20, "big")), gas=Gas(2**24))
    run.until(Status.PRECOMPILE)
    frame = run.state.running_frame
    frame.gas = gas
    if data:
        frame.input = View(FrozenMemory(bytes(offset) + data + b"\x77" * 40), offset, len(data))
    return run


def outcome(run: Run) -> Outcome:
    """How the frame stands once the step is proven."""
    prove_step(run)
    assert run.machine.status is Status.LEAVE
    return Outcome(run.state.running_frame.outcome)


@pytest.mark.parametrize("number", range(1, 11))
def test_precompile_on_random_and_spoiled_inputs_proves(number: int) -> None:
    random = Random(number)
    outcomes = {
        outcome(called(number, precompile_input(random, number), offset=random.randrange(70)))
        for _ in range(40)
    }
    # Nothing makes these four fail that is paid for.
    assert outcomes == {Outcome.SUCCESS} | ({Outcome.FAILURE} if number > 4 else set())


NO_POINT = (1).to_bytes(32, "big") * 2
"""On neither curve: 1 isn't 1 + 3."""

ABOVE_FIELD = (2**256 - 1).to_bytes(32, "big") * 2

OUTSIDE_SUBGROUP = b"".join(
    number.to_bytes(32, "big")
    for number in (
        0,
        1,
        0x0D1271953ED9EA0836846E70A1934187998C7F790CB4D7511B7F8DA82DE048A4,
        0x2869111D5381F072F8E2728FDB825A51AADD70E52C9830E9AB4B871C0531F1BB,
    )
)
"""On the curve of bn254's second group, but not of the group's order: its x is 1."""

REFUSED = {
    "SHA-256: 64 KB and a byte": (2, bytes(65_537)),
    "RIPEMD-160: 64 KB and a byte": (3, bytes(65_537)),
    "MODEXP: an operand of 1,025 bytes": (5, modexp_input(bytes(1_025), b"", b"")),
    "ECADD: no point": (6, POINT + NO_POINT),
    "ECADD: a coordinate above the field": (6, ABOVE_FIELD),
    "ECMUL: no point": (7, NO_POINT + b"\x02"),
    "ECMUL: a coordinate above the field": (7, ABOVE_FIELD),
    "ECPAIRING: half a pair": (8, bytes(96)),
    "ECPAIRING: no point of the first group": (8, NO_POINT + bytes(128)),
    "ECPAIRING: no point of the second group": (8, bytes(64) + NO_POINT * 2),
    "ECPAIRING: a point outside of the second group": (8, bytes(64) + OUTSIDE_SUBGROUP),
    "ECPAIRING: 257 pairs": (8, bytes(192 * 257)),
    "BLAKE2F: a byte too few": (9, VALID[9][:-1]),
    "BLAKE2F: a flag of 2": (9, VALID[9][:-1] + b"\2"),
    "BLAKE2F: 8,000,001 rounds": (9, (8_000_001).to_bytes(4, "big") + VALID[9][4:]),
    "KZG: a byte too many": (10, VALID[10] + b"\0"),
    "KZG: the hash of another commitment": (10, b"\1" + bytes(31) + VALID[10][32:]),
    "KZG: version 0": (10, b"\0" + VALID[10][1:]),
    "KZG: a value that the polynomial hasn't": (10, VALID[10][:95] + b"\1" + VALID[10][96:]),
    "KZG: a point above the field": (10, VALID[10][:32] + b"\xff" * 32 + VALID[10][64:]),
    "KZG: a proof that is no point": (10, VALID[10][:-1] + b"\1"),
}
"""What each precompile refuses however much gas there is; 0x01 and 0x04 refuse nothing."""


@pytest.mark.parametrize("what", REFUSED)
def test_every_precompiles_failure_proves_and_takes_all_gas(what: str) -> None:
    run = called(*REFUSED[what])
    assert outcome(run) is Outcome.FAILURE
    assert run.state.running_frame.gas == 0


@pytest.mark.parametrize("number", range(1, 11))
def test_every_precompile_without_gas_proves_failure(number: int) -> None:
    assert outcome(called(number, VALID[number], gas=14)) is Outcome.FAILURE


@pytest.mark.parametrize(
    "data",
    [b"", VALID[1][:64], VALID[1][:63] + b"\x1d" + VALID[1][64:], bytes(64) + b"\xff" * 64],
    ids=["nothing", "no r and s", "v is 29", "r and s above the order"],
)
def test_ecrecover_of_no_signature_proves_an_empty_answer(data: bytes) -> None:
    run = called(1, data)
    assert outcome(run) is Outcome.SUCCESS
    assert run.state.running_frame.returndata.length == 0


def price(number: int, size: int) -> int:
    words = (size + 31) // 32
    fixed = {1: 3_000, 2: 60, 3: 600, 4: 15, 6: 150, 7: 6_000, 8: 45_000, 10: 50_000}
    return fixed[number] + {2: 12, 3: 120, 4: 3}.get(number, 0) * words


@pytest.mark.parametrize("number", [1, 2, 3, 4, 6, 7, 8])
def test_precompile_at_exact_gas_and_one_less_proves(number: int) -> None:
    for size in (0, 1, 32, 33) if number in (2, 3, 4) else (0,):
        gas = price(number, size)
        run = called(number, b"\x01" * size, gas)
        assert outcome(run) is Outcome.SUCCESS
        assert run.state.running_frame.gas == 0
        assert outcome(called(number, b"\x01" * size, gas - 1)) is Outcome.FAILURE


def test_point_evaluation_at_exact_gas_and_one_less_proves() -> None:
    claim = VALID[10]
    assert outcome(called(10, claim, 50_000)) is Outcome.SUCCESS
    assert outcome(called(10, claim, 49_999)) is Outcome.FAILURE
    assert outcome(called(10, claim + b"\0")) is Outcome.FAILURE
    assert outcome(called(10, claim[:-1])) is Outcome.FAILURE


@pytest.mark.parametrize("number", [2, 3])
def test_hash_input_of_64_kb_proves_and_one_byte_more_fails(number: int) -> None:
    assert outcome(called(number, b"\x5a" * 65_536, offset=31)) is Outcome.SUCCESS
    assert outcome(called(number, b"\x5a" * 65_537)) is Outcome.FAILURE


def test_identity_returns_the_view_that_it_was_given() -> None:
    run = called(4, b"\x5a" * 100_000, offset=13)
    given = run.state.running_frame.input.words()
    assert outcome(run) is Outcome.SUCCESS
    assert run.state.running_frame.returndata.words() == given


# MODEXP


@pytest.mark.parametrize("which", range(3), ids=["base", "exponent", "modulus"])
def test_modexp_operand_of_1024_bytes_proves_and_one_byte_more_fails(which: int) -> None:
    for size, expected in ((1_024, Outcome.SUCCESS), (1_025, Outcome.FAILURE)):
        parts = [b"\x05", b"\x01", b"\x03"]
        parts[which] = bytes(size - 1) + b"\x01"
        assert outcome(called(5, modexp_input(*parts))) is expected


@pytest.mark.parametrize("size", [2**32, 2**64, 2**255, 2**256 - 1])
@pytest.mark.parametrize("which", range(3))
def test_modexp_size_beyond_any_input_fails(size: int, which: int) -> None:
    sizes = [0, 0, 0]
    sizes[which] = size
    header = b"".join(part.to_bytes(32, "big") for part in sizes)
    assert outcome(called(5, header)) is Outcome.FAILURE


@pytest.mark.parametrize(
    "parts",
    [
        (b"", b"", b""),
        (b"", b"", b"\x00"),
        (b"", b"", b"\x01"),
        (b"", b"", b"\x02"),
        (b"\x02", b"", b"\x00\x03"),
        (b"\x02", b"\x00" * 33, b"\x05"),
        (b"\x02", b"\x00" * 32 + b"\xff", b"\x05"),
        (b"\x02" * 40, b"\x01" + bytes(39), b"\x05" * 70),
        (b"\x07" * 40, b"\x03", b""),
    ],
    ids=range(9),
)
def test_modexp_at_exact_gas_and_one_less_proves(parts: tuple[bytes, bytes, bytes]) -> None:
    base, exponent, modulus = parts
    head = int.from_bytes(exponent[:32], "big")
    gas = modexp_gas(max(len(base), len(modulus)), len(exponent), head)
    run = called(5, modexp_input(*parts), gas)
    assert outcome(run) is Outcome.SUCCESS
    assert run.state.running_frame.gas == 0
    assert outcome(called(5, modexp_input(*parts), gas - 1)) is Outcome.FAILURE


def test_modexp_above_ten_million_gas_of_l1_fails() -> None:
    """1,024 B and a 36-byte exponent: 32,768 * (255 + 16 * 4) gas by EIP-7883; 35 bytes fit."""
    for size, expected in ((35, Outcome.SUCCESS), (36, Outcome.FAILURE)):
        dear = modexp_input(b"\xff" * 1_024, b"\xff" * size, b"\xff" * 1_024)
        assert (modexp_osaka_gas(1_024, size, 2**256 - 1) > 10**7) == (size == 36)
        assert outcome(called(5, dear)) is expected


# Curves and BLAKE2F


def test_pairing_of_256_pairs_proves_and_of_257_fails() -> None:
    nothing = bytes(192)
    assert outcome(called(8, nothing * 256)) is Outcome.SUCCESS
    assert outcome(called(8, nothing * 257)) is Outcome.FAILURE
    assert outcome(called(8, nothing * 3 + b"\0")) is Outcome.FAILURE
    assert outcome(called(8, nothing[:-1])) is Outcome.FAILURE


def test_blake2f_at_its_limits_proves() -> None:
    def data(rounds: int, flag: int = 1) -> bytes:
        return rounds.to_bytes(4, "big") + b"\x42" * 208 + bytes([flag])

    assert outcome(called(9, data(0), 0)) is Outcome.SUCCESS
    assert outcome(called(9, data(300), 300)) is Outcome.SUCCESS
    assert outcome(called(9, data(300), 299)) is Outcome.FAILURE
    assert outcome(called(9, data(8_000_000))) is Outcome.SUCCESS
    assert outcome(called(9, data(8_000_001))) is Outcome.FAILURE
    assert outcome(called(9, data(1, flag=2))) is Outcome.FAILURE
    assert outcome(called(9, data(1)[:-1])) is Outcome.FAILURE
    assert outcome(called(9, data(1) + b"\0")) is Outcome.FAILURE


# Gas on L1, which whoever proves the step chooses


@pytest.mark.parametrize("number", range(1, 11))
def test_running_out_of_gas_on_l1_is_never_a_failure_on_l2(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = called(number, VALID[number])
    before, witness = run.machine.machine_hash(), step_witness(run.state)
    assert outcome(run) is Outcome.SUCCESS
    honest, answers = run.machine.machine_hash(), 0
    for gas in LIMITS:
        monkeypatch.setattr(local_prover, "GAS", gas)
        try:
            assert prover().step(before, witness) == honest
        except ProofRefused:
            assert not answers, "more gas proves less"
        else:
            answers += 1
    assert 0 < answers < len(LIMITS)


# Forgery


@pytest.mark.parametrize("number", range(1, 11))
def test_witness_with_any_byte_flipped_is_refused(number: int) -> None:
    random = Random(-number)
    assert_every_flip_is_refused(called(number, precompile_input(random, number), offset=9))


def test_input_of_another_call_is_refused() -> None:
    inputs = (b"\x01" * 40, b"\x02" * 40, b"\x01" * 41)
    assert_no_witness_of_another_step([called(2, data) for data in inputs])


def test_output_in_a_creation_is_deployed() -> None:
    run = called(4, b"\x5a" * 64)
    run.state.running_frame.is_create = True
    prove_step(run)
    assert run.machine.status is Status.DEPLOY
