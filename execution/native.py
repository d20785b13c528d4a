"""Elliptic-curve precompiles on revm: bn254 (EIP-196, 197) and KZG point evaluation (EIP-4844).

Python needs a second for two pairings, and loading py-evm's KZG setup takes three; revm needs two
milliseconds for either. Gas is charged by our own precompiles before they come here, so revm gets
as much as it likes.
"""

import threading

import pyrevm

from execution.evm.limits import NATIVE_CALLS_MAX


class RefusedInput(ValueError):
    """Bytes that are no points, no field elements or no proof: the call fails."""


_CALLER = f"0x{0x1000:040x}"
_ECADD, _ECMUL, _ECPAIRING, _POINT_EVALUATION = (f"0x{number:040x}" for number in (6, 7, 8, 10))
_GAS = 2**62
"""Above any price that a block's gas limit lets our precompiles charge."""


class _Engine(threading.local):
    """A revm of each thread's own, made anew before its journal grows large."""

    def __init__(self) -> None:
        self._renew()

    def _renew(self) -> None:
        self._evm = pyrevm.EVM()
        self._calls = 0

    def run(self, address: str, data: bytes) -> bytes:
        """Call a precompile. Raises `RefusedInput` when it refuses its input."""
        if self._calls >= NATIVE_CALLS_MAX:
            self._renew()
        self._calls += 1
        try:
            return bytes(self._evm.message_call(_CALLER, address, data, gas=_GAS))
        except RuntimeError as error:
            raise RefusedInput("precompile refused its input") from error


_engine = _Engine()


def ecadd(points: bytes) -> bytes:
    """Add two points of G1, 64 bytes each, missing bytes being zero. Raises `RefusedInput`."""
    return _engine.run(_ECADD, points)


def ecmul(point_and_scalar: bytes) -> bytes:
    """Multiply a point of G1 by a 32-byte scalar. Raises `RefusedInput`."""
    return _engine.run(_ECMUL, point_and_scalar)


def ecpairing(pairs: bytes) -> bytes:
    """Whether the product of the pairings is one, as a 32-byte word. Raises `RefusedInput`."""
    return _engine.run(_ECPAIRING, pairs)


def point_evaluation(claim: bytes) -> bytes:
    """Verify 192 bytes: versioned hash, z, y, commitment, proof. Raises `RefusedInput` if wrong."""
    return _engine.run(_POINT_EVALUATION, claim)
