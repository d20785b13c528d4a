"""PRECOMPILE: what the verifiers read.

A precompile reads ranges of its input, and none once it is refused: by a size rule, for its gas,
or for its form. Each function here names the ranges that its verifier comes to read.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from execution.evm.limits import (
    HASH_INPUT_BYTES_MAX,
    MODEXP_OPERAND_BYTES_MAX,
    MODEXP_OSAKA_GAS_MAX,
    PAIRING_PAIRS_MAX,
)
from execution.machine import precompiles
from execution.machine.frame import Frame
from execution.machine.operations import PrecompileOperation
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.witness.functions import StepWitnesses
from execution.machine.witness.trees import write_view
from execution.machine.witness.writer import WitnessWriter
from execution.machine.words import WORD_BYTES, words_of
from state.errors import InternalError

Range: TypeAlias = tuple[int, int]
"""Where in the input, and how many bytes."""

Ranges: TypeAlias = Callable[[Frame], Iterator[Range]]


def write_precompile(state: MachineState, writer: WitnessWriter) -> None:
    """PRECOMPILE: which it is, then what it reads of its input."""
    operation, frame = state.operation, state.running_frame
    if not isinstance(operation, PrecompileOperation):
        raise InternalError(f"{operation!r} is pending in status PRECOMPILE")
    writer.words(operation.words())
    for start, size in _RANGES[operation.address[-1]](frame):
        write_view(writer, frame.input, start, size)


def _first(size: int, gas: int) -> Ranges:
    """Contracts of a fixed price that read their first bytes, zero where there are none."""

    def ranges(frame: Frame) -> Iterator[Range]:
        if frame.gas >= gas:
            yield 0, size

    return ranges


def _hashed(gas: int, word_gas: int) -> Ranges:
    """Hashes of the whole input."""

    def ranges(frame: Frame) -> Iterator[Range]:
        size = frame.input.length
        if size <= HASH_INPUT_BYTES_MAX and frame.gas >= gas + word_gas * words_of(size):
            yield 0, size

    return ranges


def _nothing(frame: Frame) -> Iterator[Range]:
    """Identity returns its input unread."""
    yield from ()


def _modexp(frame: Frame) -> Iterator[Range]:
    """Header, head of the exponent, and the input that the sizes in the header add up to."""
    header_bytes = precompiles.MODEXP_HEADER_BYTES
    yield 0, header_bytes
    sizes = [_number(frame, at, WORD_BYTES) for at in range(0, header_bytes, WORD_BYTES)]
    if max(sizes) > MODEXP_OPERAND_BYTES_MAX:
        return
    base, exponent, modulus = sizes
    head = header_bytes + base, min(exponent, WORD_BYTES)
    yield head
    price = max(base, modulus), exponent, _number(frame, *head)
    if precompiles.modexp_osaka_gas(*price) > MODEXP_OSAKA_GAS_MAX:
        return
    if modulus and frame.gas >= precompiles.modexp_gas(*price):
        yield 0, header_bytes + base + exponent + modulus


def _pairing(frame: Frame) -> Iterator[Range]:
    """All pairs, if they are whole ones."""
    pairs, rest = divmod(frame.input.length, precompiles.PAIR_BYTES)
    gas = precompiles.PAIRING_GAS + precompiles.PAIR_GAS * pairs
    if pairs <= PAIRING_PAIRS_MAX and frame.gas >= gas and not rest:
        yield 0, frame.input.length


def _blake2f(frame: Frame) -> Iterator[Range]:
    """The whole input, rounds and final flag in it, if it is of its one size."""
    if frame.input.length == precompiles.BLAKE2F_INPUT_BYTES:
        yield 0, precompiles.BLAKE2F_INPUT_BYTES


def _point_evaluation(frame: Frame) -> Iterator[Range]:
    """The whole claim, if it is of its one size."""
    size = precompiles.POINT_EVALUATION_INPUT_BYTES
    if frame.gas >= precompiles.POINT_EVALUATION_GAS and frame.input.length == size:
        yield 0, size


def _number(frame: Frame, start: int, size: int) -> int:
    return int.from_bytes(frame.input.read(start, size), "big")


_RANGES: Final[dict[int, Ranges]] = {
    1: _first(precompiles.ECRECOVER_INPUT_BYTES, precompiles.ECRECOVER_GAS),
    2: _hashed(precompiles.SHA256_GAS, precompiles.SHA256_WORD_GAS),
    3: _hashed(precompiles.RIPEMD160_GAS, precompiles.RIPEMD160_WORD_GAS),
    4: _nothing,
    5: _modexp,
    6: _first(precompiles.ECADD_INPUT_BYTES, precompiles.ECADD_GAS),
    7: _first(precompiles.ECMUL_INPUT_BYTES, precompiles.ECMUL_GAS),
    8: _pairing,
    9: _blake2f,
    10: _point_evaluation,
}

STATUSES: Final[StepWitnesses] = {Status.PRECOMPILE: write_precompile}
