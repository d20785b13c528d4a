"""Inputs for the precompiles 0x01 to 0x0a: valid ones, and such as are wrong in one place."""

import hashlib
import random
from typing import Any, Final

from coincurve import PrivateKey
from py_ecc.optimized_bn128 import G1, G2, field_modulus, multiply, neg, normalize

ORDER: Final = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001
"""Of bn254's groups."""

SECP256K1_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

BLAKE2F: Final = 9
"""Not spoiled: a bit more in its rounds keeps an oracle in Python busy for minutes."""

LENGTHS: Final = (0, 0, 1, 1, 2, 31, 32, 33, 64, 100, 1023, 1024)
SCALARS: Final = (0, 1, 2, 3, ORDER - 1, ORDER, ORDER + 1, 2**255, 2**256 - 1)


def precompile_input(rng: random.Random, number: int) -> bytes:
    """Calldata for precompile `number`, cut, padded or spoiled now and then."""
    makers: dict[int, Any] = {
        1: _ecrecover,
        5: _modexp,
        6: _ecadd,
        7: _ecmul,
        8: _ecpairing,
        9: _blake2f,
        10: _point_evaluation,
    }
    data: bytes = makers.get(number, _bytes)(rng)
    roll = rng.random()
    if roll < 0.08 and data and number != BLAKE2F:
        spoiled = bytearray(data)
        spoiled[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        return bytes(spoiled)
    if roll < 0.16:
        return data[: rng.randrange(len(data) + 1)]
    if roll < 0.22:
        return data + rng.randbytes(rng.choice((1, 31, 32)))
    return data


def _word(number: int) -> bytes:
    return (number % 2**256).to_bytes(32, "big")


def _bytes(rng: random.Random) -> bytes:
    return rng.randbytes(rng.choice((0, 1, 31, 32, 33, 55, 56, 63, 64, 65, 119, 120, 128)))


def _ecrecover(rng: random.Random) -> bytes:
    digest = rng.choice((bytes(32), b"\xff" * 32, rng.randbytes(32)))
    signature = PrivateKey(_word(rng.randrange(1, 2**200))).sign_recoverable(digest, hasher=None)
    r, s = (int.from_bytes(signature[i : i + 32], "big") for i in (0, 32))
    v = 27 + signature[64]
    roll = rng.random()
    if roll < 0.1:
        v = rng.choice((0, 1, 26, 29, 27 + 256, 2**255 + 27))
    elif roll < 0.2:
        s, v = SECP256K1_ORDER - s, 55 - v
    elif roll < 0.3:
        s = rng.choice((0, 1, SECP256K1_ORDER - 1, SECP256K1_ORDER, 2**256 - 1))
    elif roll < 0.4:
        r = rng.choice((0, 1, 5, SECP256K1_ORDER - 1, SECP256K1_ORDER, 2**256 - 1))
    return digest + _word(v) + _word(r) + _word(s)


def _modexp(rng: random.Random) -> bytes:
    sizes = [rng.choice(LENGTHS[: rng.choice((7, 9, 12))]) for _ in range(3)]
    parts = [rng.choice((bytes(n), b"\xff" * n, rng.randbytes(n), _one(n))) for n in sizes]
    if rng.random() < 0.06:
        sizes[rng.randrange(3)] = rng.choice((2**32, 2**64 - 1, 2**64, 2**255, 2**256 - 1, 1025))
    return b"".join(map(_word, sizes)) + b"".join(parts)


def _one(size: int) -> bytes:
    return b"\1".rjust(size, b"\0") if size else b""


def _g1(rng: random.Random) -> bytes:
    roll = rng.random()
    if roll < 0.15:
        return bytes(64)
    if roll < 0.22:
        return _word(rng.choice((0, 1, field_modulus, field_modulus + 1))) + _word(
            rng.choice((0, 2, field_modulus, field_modulus + 2, field_modulus - 2))
        )
    x, y = normalize(multiply(G1, rng.choice((1, 2, 3, rng.randrange(1, 2**32)))))
    return _word(int(x)) + _word(int(y))


def _g2(rng: random.Random, point: Any) -> bytes:
    if rng.random() < 0.1:
        return bytes(128)
    x, y = normalize(point)
    x0, x1 = (int(c) for c in x.coeffs)
    y0, y1 = (int(c) for c in y.coeffs)
    if rng.random() < 0.05:
        x1 += field_modulus
    return _word(x1) + _word(x0) + _word(y1) + _word(y0)


def _ecadd(rng: random.Random) -> bytes:
    first = _g1(rng)
    return first + (first if rng.random() < 0.2 else _g1(rng))


def _ecmul(rng: random.Random) -> bytes:
    return _g1(rng) + _word(rng.choice((*SCALARS, rng.getrandbits(256))))


def _ecpairing(rng: random.Random) -> bytes:
    if rng.random() < 0.3:
        return b""
    scalar = rng.choice((1, 2))
    x, y = normalize(multiply(G1, scalar))
    minus = normalize(neg(G1))
    pair = _word(int(x)) + _word(int(y)) + _g2(rng, G2)
    other = _word(int(minus[0])) + _word(int(minus[1])) + _g2(rng, multiply(G2, scalar))
    return pair + other if rng.random() < 0.7 else _g1(rng) + _g2(rng, G2)


def _blake2f(rng: random.Random) -> bytes:
    rounds = rng.choice((0, 1, 12, 300, 2**32 - 1))
    flag = rng.choice((0, 0, 1, 1, 1, 2, 255))
    return rounds.to_bytes(4, "big") + rng.randbytes(208) + bytes([flag])


def _point_evaluation(rng: random.Random) -> bytes:
    """The zero polynomial, whose commitment and proof are the point at infinity."""
    infinity = b"\xc0" + bytes(47)
    versioned = b"\1" + hashlib.sha256(infinity).digest()[1:]
    z = rng.choice((0, 1, rng.getrandbits(250), 2**256 - 1))
    y = rng.choice((0, 0, 0, 0, 1))
    return versioned + _word(z) + _word(y) + infinity + infinity
