"""The precompiled contracts 0x01 to 0x0a, at Cancun's prices and under the chain's size rules.

Each takes a frame's input and returns its output; one that fails raises `Failure`. A step reads no
more of the input than the contract uses, and the rules bound that (docs/chain-rules.md). Sources:
Yellow Paper, appendix E; EIP-152, 196, 197, 198, 1108, 2565, 4844, 7883.
"""

import hashlib
from collections.abc import Callable
from typing import Final, TypeAlias

from blake2b import compress as blake2b_compress
from coincurve import PublicKey
from Crypto.Hash import RIPEMD160

from execution import native
from execution.evm.size_rules import SizeRule
from execution.machine.failure import AboveSizeRule, PrecompileRefused
from execution.machine.frame import Frame
from execution.machine.memory import EMPTY_VIEW, View
from execution.machine.state import MachineState
from execution.machine.words import words_of
from execution.transactions import SECP256K1_ORDER
from state.keccak import keccak
from state.types import Address

Precompile: TypeAlias = Callable[[MachineState, Frame], View]
"""Charges the frame and returns its output."""

ECRECOVER_GAS, ECRECOVER_INPUT_BYTES = 3_000, 128
SHA256_GAS, SHA256_WORD_GAS = 60, 12
RIPEMD160_GAS, RIPEMD160_WORD_GAS = 600, 120
IDENTITY_GAS, IDENTITY_WORD_GAS = 15, 3
MODEXP_HEADER_BYTES, MODEXP_GAS_MIN, MODEXP_OSAKA_GAS_MIN = 96, 200, 500
ECADD_GAS, ECADD_INPUT_BYTES = 150, 128
ECMUL_GAS, ECMUL_INPUT_BYTES = 6_000, 96
PAIRING_GAS, PAIR_GAS, PAIR_BYTES = 45_000, 34_000, 192
BLAKE2F_INPUT_BYTES = 213
POINT_EVALUATION_GAS, POINT_EVALUATION_INPUT_BYTES = 50_000, 192


def run(machine: MachineState, frame: Frame, address: Address) -> View:
    """Run the contract at `address`. Raises `Failure`."""
    return _CONTRACTS[address[-1]](machine, frame)


def _bound(machine: MachineState, rule: SizeRule, amount: int) -> None:
    if machine.exceeds(rule, amount):
        raise AboveSizeRule(rule, amount)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


# Signatures and hashes


def _ecrecover(machine: MachineState, frame: Frame) -> View:
    """The address that signed, or nothing."""
    machine.charge(frame, ECRECOVER_GAS)
    data = frame.input.read(0, ECRECOVER_INPUT_BYTES)
    digest, v, r, s = data[:32], _number(data[32:64]), _number(data[64:96]), _number(data[96:])
    if v not in (27, 28) or not 0 < r < SECP256K1_ORDER or not 0 < s < SECP256K1_ORDER:
        return EMPTY_VIEW
    try:
        key = PublicKey.from_signature_and_message(
            data[64:128] + bytes([v - 27]), digest, hasher=None
        )
    except Exception:  # noqa: BLE001 - coincurve raises bare Exception when no key fits
        return EMPTY_VIEW
    return View.over(bytes(12) + keccak(key.format(compressed=False)[1:])[12:])


def _hash_input(machine: MachineState, frame: Frame, base: int, per_word: int) -> bytes:
    size = frame.input.length
    _bound(machine, SizeRule.HASH_INPUT, size)
    machine.charge(frame, base + per_word * words_of(size))
    return frame.input.whole()


def _sha256(machine: MachineState, frame: Frame) -> View:
    data = _hash_input(machine, frame, SHA256_GAS, SHA256_WORD_GAS)
    return View.over(hashlib.sha256(data).digest())


def _ripemd160(machine: MachineState, frame: Frame) -> View:
    data = _hash_input(machine, frame, RIPEMD160_GAS, RIPEMD160_WORD_GAS)
    # Not hashlib's: OpenSSL 3 hides this hash behind its legacy provider.
    return View.over(bytes(12) + RIPEMD160.new(data).digest())


def _identity(machine: MachineState, frame: Frame) -> View:
    """Returns its input as it came: a view, whatever its length."""
    machine.charge(frame, IDENTITY_GAS + IDENTITY_WORD_GAS * words_of(frame.input.length))
    return frame.input


# MODEXP


def _modexp(machine: MachineState, frame: Frame) -> View:
    """base ** exponent % modulus (EIP-198) at EIP-2565's price."""
    header = frame.input.read(0, MODEXP_HEADER_BYTES)
    base_size, exponent_size, modulus_size = (_number(header[at : at + 32]) for at in (0, 32, 64))
    _bound(machine, SizeRule.MODEXP_OPERAND, max(base_size, exponent_size, modulus_size))
    head_start = MODEXP_HEADER_BYTES + base_size
    head = _number(frame.input.read(head_start, min(exponent_size, 32)))
    longest = max(base_size, modulus_size)
    _bound(machine, SizeRule.MODEXP_PRICE, modexp_osaka_gas(longest, exponent_size, head))
    machine.charge(frame, modexp_gas(longest, exponent_size, head))
    if modulus_size == 0:
        return EMPTY_VIEW
    base = _number(frame.input.read(MODEXP_HEADER_BYTES, base_size))
    exponent = _number(frame.input.read(head_start, exponent_size))
    modulus = _number(frame.input.read(head_start + exponent_size, modulus_size))
    result = pow(base, exponent, modulus) if modulus else 0
    return View.over(result.to_bytes(modulus_size, "big"))


def modexp_gas(longest: int, exponent_size: int, exponent_head: int) -> int:
    """EIP-2565; `longest` of base and modulus, in bytes."""
    complexity = ((longest + 7) // 8) ** 2
    return max(MODEXP_GAS_MIN, complexity * _iterations(exponent_size, exponent_head, 8) // 3)


def modexp_osaka_gas(longest: int, exponent_size: int, exponent_head: int) -> int:
    """EIP-7883: what L1 asks when it proves the step."""
    complexity = 16 if longest <= 32 else 2 * ((longest + 7) // 8) ** 2
    return max(MODEXP_OSAKA_GAS_MIN, complexity * _iterations(exponent_size, exponent_head, 16))


def _iterations(exponent_size: int, exponent_head: int, per_byte: int) -> int:
    bits = max(exponent_head.bit_length() - 1, 0)
    return max(bits + per_byte * max(exponent_size - 32, 0), 1)


# Curves


def _native(function: Callable[[bytes], bytes], data: bytes) -> View:
    try:
        return View.over(function(data))
    except native.RefusedInput as error:
        raise PrecompileRefused(str(error)) from error


def _ecadd(machine: MachineState, frame: Frame) -> View:
    machine.charge(frame, ECADD_GAS)
    return _native(native.ecadd, frame.input.read(0, ECADD_INPUT_BYTES))


def _ecmul(machine: MachineState, frame: Frame) -> View:
    machine.charge(frame, ECMUL_GAS)
    return _native(native.ecmul, frame.input.read(0, ECMUL_INPUT_BYTES))


def _ecpairing(machine: MachineState, frame: Frame) -> View:
    pairs, rest = divmod(frame.input.length, PAIR_BYTES)
    _bound(machine, SizeRule.PAIRING, pairs)
    machine.charge(frame, PAIRING_GAS + PAIR_GAS * pairs)
    if rest:
        raise PrecompileRefused("pairing input is no multiple of 192 bytes")
    return _native(native.ecpairing, frame.input.whole())


def _point_evaluation(machine: MachineState, frame: Frame) -> View:
    """Verify a KZG proof that a blob's polynomial is y at z (EIP-4844)."""
    machine.charge(frame, POINT_EVALUATION_GAS)
    if frame.input.length != POINT_EVALUATION_INPUT_BYTES:
        raise PrecompileRefused("point evaluation takes 192 bytes")
    return _native(native.point_evaluation, frame.input.whole())


# BLAKE2


def _blake2f(machine: MachineState, frame: Frame) -> View:
    """BLAKE2b's compression function F (EIP-152)."""
    if frame.input.length != BLAKE2F_INPUT_BYTES:
        raise PrecompileRefused("BLAKE2F takes 213 bytes")
    data = frame.input.whole()
    if data[212] > 1:
        raise PrecompileRefused("BLAKE2F's final flag is 0 or 1")
    rounds = _number(data[:4])
    _bound(machine, SizeRule.BLAKE2F, rounds)
    machine.charge(frame, rounds)
    words = [int.from_bytes(data[at : at + 8], "little") for at in range(4, 212, 8)]
    offsets = (words[24], words[25])
    return View.over(blake2b_compress(rounds, words[:8], words[8:24], offsets, data[212] == 1))


_CONTRACTS: Final[dict[int, Precompile]] = {
    1: _ecrecover,
    2: _sha256,
    3: _ripemd160,
    4: _identity,
    5: _modexp,
    6: _ecadd,
    7: _ecmul,
    8: _ecpairing,
    9: _blake2f,
    10: _point_evaluation,
}
