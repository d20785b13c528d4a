"""Arithmetic on the curve alt_bn128 (bn254), by revm's precompiles 0x06 to 0x08 (EIP-196, 197).

Python needs a second for two pairings; revm needs two milliseconds. Gas is charged by our own
precompiles before they come here, so revm gets as much as it likes.
"""

import threading

import pyrevm
from eth.exceptions import VMError

from execution.evm.limits import BN254_CALLS_MAX

_ECADD, _ECMUL, _ECPAIRING = (f"0x{number:040x}" for number in (6, 7, 8))
_CALLER = f"0x{1:040x}"
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
        """Call a precompile. Raises `VMError`."""
        if self._calls >= BN254_CALLS_MAX:
            self._renew()
        self._calls += 1
        try:
            return bytes(self._evm.message_call(_CALLER, address, data, gas=_GAS))
        except RuntimeError as error:
            raise VMError(f"bn254: not a point of the curve: {error}") from error


_engine = _Engine()


def add(points: bytes) -> bytes:
    """Add two points of G1, 64 bytes each, missing bytes being zero. Raises `VMError`."""
    return _engine.run(_ECADD, points)


def multiply(point_and_scalar: bytes) -> bytes:
    """Multiply a point of G1 by a 32-byte scalar. Raises `VMError`."""
    return _engine.run(_ECMUL, point_and_scalar)


def pairing(pairs: bytes) -> bytes:
    """Whether the product of the pairings is one, as a 32-byte word. Raises `VMError`."""
    return _engine.run(_ECPAIRING, pairs)
