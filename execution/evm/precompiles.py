"""The precompiled contracts 0x01 to 0x0a at Cancun's prices, on native backends.

py-evm's own are right in nearly all cases but written in Python, and reload the KZG setup at
every call. A precompile takes the computation, charges it, and sets its output; a `VMError` fails
the call and consumes its gas. Sources: Yellow Paper appendix E; EIP-152, 196, 197, 1108, 2565,
4844.
"""

import hashlib
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from blake2b import compress as blake2b_compress
from coincurve import PublicKey
from Crypto.Hash import RIPEMD160
from eth.exceptions import OutOfGas, VMError

from execution import native
from execution.evm.size_rules import SizeRule
from execution.native import RefusedInput
from execution.transactions import SECP256K1_ORDER
from state.keccak import keccak
from state.types import Address

Precompile: TypeAlias = Callable[[Any], None]
"""Runs on a py-evm computation, which has no types of its own."""

ECRECOVER_GAS = 3_000
SHA256_GAS, SHA256_WORD_GAS = 60, 12
RIPEMD160_GAS, RIPEMD160_WORD_GAS = 600, 120
IDENTITY_GAS, IDENTITY_WORD_GAS = 15, 3
MODEXP_GAS_MIN = 200
MODEXP_OSAKA_GAS_MIN = 500
ECADD_GAS, ECMUL_GAS = 150, 6_000
PAIRING_GAS, PAIRING_PAIR_GAS, PAIR_BYTES = 45_000, 34_000, 192
BLAKE2F_INPUT_BYTES = 213
POINT_EVALUATION_GAS, POINT_EVALUATION_INPUT_BYTES = 50_000, 192


def precompiles() -> dict[Address, Precompile]:
    """All ten, by address."""
    contracts = (
        _ecrecover,
        _sha256,
        _ripemd160,
        _identity,
        _modexp,
        _ecadd,
        _ecmul,
        _ecpairing,
        _blake2f,
        _point_evaluation,
    )
    return {
        Address(number.to_bytes(20, "big")): contract
        for number, contract in enumerate(contracts, start=1)
    }


def _word_gas(computation: Any, base: int, per_word: int) -> int:
    return base + per_word * ((len(computation.msg.data) + 31) // 32)


def _bound(computation: Any, rule: SizeRule, amount: int) -> None:
    """Fail the call where a size rule of the L2 forbids its input. Raises `VMError`."""
    if computation.state.exceeds(rule, amount):
        raise VMError(f"chain rule: {rule}")


def _bound_hash_input(computation: Any) -> None:
    size = len(computation.msg.data)
    if computation.state.exceeds(SizeRule.HASH_INPUT, size):
        raise OutOfGas(f"chain rule: hash input of {size} bytes")


def _word(data: bytes, offset: int) -> bytes:
    return data[offset : offset + 32].ljust(32, b"\0")


# Signatures and hashes


def _ecrecover(computation: Any) -> None:
    computation.consume_gas(ECRECOVER_GAS, "ECRECOVER")
    data = bytes(computation.msg.data[:128])
    v, r, s = (int.from_bytes(_word(data, offset), "big") for offset in (32, 64, 96))
    if v not in (27, 28) or not 0 < r < SECP256K1_ORDER or not 0 < s < SECP256K1_ORDER:
        return
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v - 27])
    try:
        key = PublicKey.from_signature_and_message(signature, _word(data, 0), hasher=None)
    except Exception:  # noqa: BLE001 - coincurve raises bare Exception when no key fits
        return
    computation.output = bytes(12) + keccak(key.format(compressed=False)[1:])[12:]


def _sha256(computation: Any) -> None:
    _bound_hash_input(computation)
    computation.consume_gas(_word_gas(computation, SHA256_GAS, SHA256_WORD_GAS), "SHA256")
    computation.output = hashlib.sha256(computation.msg.data).digest()


def _ripemd160(computation: Any) -> None:
    _bound_hash_input(computation)
    computation.consume_gas(_word_gas(computation, RIPEMD160_GAS, RIPEMD160_WORD_GAS), "RIPEMD160")
    # Not hashlib's: OpenSSL 3 hides this hash behind its legacy provider.
    computation.output = bytes(12) + RIPEMD160.new(bytes(computation.msg.data)).digest()


def _identity(computation: Any) -> None:
    computation.consume_gas(_word_gas(computation, IDENTITY_GAS, IDENTITY_WORD_GAS), "IDENTITY")
    computation.output = bytes(computation.msg.data)


# MODEXP


def _modexp(computation: Any) -> None:
    """base ** exponent % modulus (EIP-198) at EIP-2565's price."""
    data = computation.msg.data
    base_size, exponent_size, modulus_size = (
        int.from_bytes(_word(bytes(data[:96]), offset), "big") for offset in (0, 32, 64)
    )
    _bound(computation, SizeRule.MODEXP_OPERAND, max(base_size, exponent_size, modulus_size))
    head_size = min(exponent_size, 32)
    head = int.from_bytes(_slice(data, 96 + base_size, head_size), "big")
    longest = max(base_size, modulus_size)
    _bound(computation, SizeRule.MODEXP_PRICE, modexp_osaka_gas(longest, exponent_size, head))
    computation.consume_gas(modexp_gas(longest, exponent_size, head), "MODEXP")
    if modulus_size == 0:
        return
    base, exponent, modulus = (
        int.from_bytes(_slice(data, offset, size), "big")
        for offset, size in (
            (96, base_size),
            (96 + base_size, exponent_size),
            (96 + base_size + exponent_size, modulus_size),
        )
    )
    result = pow(base, exponent, modulus) if modulus else 0
    computation.output = result.to_bytes(modulus_size, "big")


def _slice(data: bytes, offset: int, size: int) -> bytes:
    return bytes(data[offset : offset + size]).ljust(size, b"\0")


def modexp_gas(longest: int, exponent_size: int, exponent_head: int) -> int:
    """The price by EIP-2565: `longest` of base and modulus, in bytes."""
    complexity = ((longest + 7) // 8) ** 2
    return max(MODEXP_GAS_MIN, complexity * _iterations(exponent_size, exponent_head, 8) // 3)


def modexp_osaka_gas(longest: int, exponent_size: int, exponent_head: int) -> int:
    """The price by EIP-7883, which L1s ask since Osaka."""
    complexity = 16 if longest <= 32 else 2 * ((longest + 7) // 8) ** 2
    return max(MODEXP_OSAKA_GAS_MIN, complexity * _iterations(exponent_size, exponent_head, 16))


def _iterations(exponent_size: int, exponent_head: int, per_byte: int) -> int:
    bits = max(exponent_head.bit_length() - 1, 0)
    return max(bits + per_byte * max(exponent_size - 32, 0), 1)


# Curves


def _native(function: Callable[[bytes], bytes], data: bytes) -> bytes:
    """Run a native backend. Raises `VMError` when it refuses its input."""
    try:
        return function(data)
    except RefusedInput as error:
        raise VMError(str(error)) from error


def _ecadd(computation: Any) -> None:
    computation.consume_gas(ECADD_GAS, "ECADD")
    computation.output = _native(native.ecadd, bytes(computation.msg.data[:128]))


def _ecmul(computation: Any) -> None:
    computation.consume_gas(ECMUL_GAS, "ECMUL")
    computation.output = _native(native.ecmul, bytes(computation.msg.data[:96]))


def _ecpairing(computation: Any) -> None:
    pairs, rest = divmod(len(computation.msg.data), PAIR_BYTES)
    _bound(computation, SizeRule.PAIRING, pairs)
    computation.consume_gas(PAIRING_GAS + PAIRING_PAIR_GAS * pairs, "ECPAIRING")
    if rest:
        raise VMError("pairing input is no multiple of 192 bytes")
    computation.output = _native(native.ecpairing, bytes(computation.msg.data))


def _point_evaluation(computation: Any) -> None:
    """Verify a KZG proof that a blob's polynomial is y at z (EIP-4844)."""
    computation.consume_gas(POINT_EVALUATION_GAS, "POINT_EVALUATION")
    if len(computation.msg.data) != POINT_EVALUATION_INPUT_BYTES:
        raise VMError("point evaluation takes 192 bytes")
    computation.output = _native(native.point_evaluation, bytes(computation.msg.data))


# BLAKE2


def _blake2f(computation: Any) -> None:
    """BLAKE2b's compression function F (EIP-152)."""
    if len(computation.msg.data) != BLAKE2F_INPUT_BYTES:
        raise VMError("BLAKE2F takes 213 bytes")
    data = bytes(computation.msg.data)
    if data[212] > 1:
        raise VMError("BLAKE2F's final flag is 0 or 1")
    rounds = int.from_bytes(data[:4], "big")
    _bound(computation, SizeRule.BLAKE2F, rounds)
    computation.consume_gas(rounds, "BLAKE2F")
    words = [int.from_bytes(data[i : i + 8], "little") for i in range(4, 212, 8)]
    offsets = (words[24], words[25])
    computation.output = blake2b_compress(rounds, words[:8], words[8:24], offsets, data[212] == 1)


PRECOMPILES: Final = precompiles()
"""What every block has; a simulation may move some (go-ethereum's state overrides)."""
