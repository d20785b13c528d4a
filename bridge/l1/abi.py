"""Calls, results and custom errors in the contract ABI (docs.soliditylang.org, ABI spec)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError, ParseError

from bridge.l1.errors import L1Unavailable
from state.errors import InternalError
from state.keccak import keccak
from state.types import Hash32

SELECTOR_BYTES = 4

_ERROR_STRING = bytes.fromhex("08c379a0")
"""Error(string), what `require(c, "reason")` reverts with."""
_PANIC = bytes.fromhex("4e487b71")
"""Panic(uint256), what the compiler's own checks revert with."""


def selector(signature: str) -> bytes:
    """First four bytes of the hash of a canonical signature, `name(type,...)`."""
    return keccak(signature.encode())[:SELECTOR_BYTES]


def event_topic(signature: str) -> Hash32:
    """Topic 0 of an event."""
    return keccak(signature.encode())


def argument_types(signature: str) -> tuple[str, ...]:
    """Types between the outer parentheses, tuples kept whole."""
    inner = signature[signature.index("(") + 1 : -1]
    types: list[str] = []
    depth = start = 0
    for position, character in enumerate(inner):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            types.append(inner[start:position])
            start = position + 1
    return (*types, inner[start:]) if inner else ()


@dataclass(frozen=True, slots=True)
class Function:
    """A contract function by its canonical signature and the types that it returns."""

    signature: str
    returns: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.signature[: self.signature.index("(")]

    def call(self, *arguments: object) -> bytes:
        """Call data. Arguments of the wrong type are a mistake of ours: `InternalError`."""
        return selector(self.signature) + encode_words(argument_types(self.signature), arguments)

    def result(self, output: bytes) -> tuple[Any, ...]:
        """Decode what a call returned. Raises `L1Unavailable`: it isn't that contract's answer."""
        try:
            return decode(self.returns, output, strict=True)
        except (DecodingError, OverflowError, UnicodeDecodeError):
            raise L1Unavailable(
                f"{self.name} returned {len(output)} bytes of another shape"
            ) from None


def encode_words(types: Iterable[str], values: Iterable[object]) -> bytes:
    """`abi.encode`. Raises `InternalError` for values that don't have these types."""
    try:
        return encode(tuple(types), tuple(values))
    except (EncodingError, ParseError, TypeError, ValueError, OverflowError) as error:
        raise InternalError(f"can't ABI-encode {tuple(types)}: {error}") from error


def error_names(abi: Iterable[Mapping[str, Any]]) -> dict[bytes, str]:
    """Signatures of a contract's custom errors by their selectors."""
    signatures = (
        f"{entry['name']}({','.join(type_of(field) for field in entry['inputs'])})"
        for entry in abi
        if entry["type"] == "error"
    )
    return {selector(signature): signature for signature in signatures}


def describe_revert(data: bytes, errors: Mapping[bytes, str] | None = None) -> str:
    """Revert data in words: the reason, the panic, or the custom error with its arguments."""
    if not data:
        return ""
    head, tail = data[:SELECTOR_BYTES], data[SELECTOR_BYTES:]
    if head == _ERROR_STRING:
        return _describe("Error(string)", tail)
    if head == _PANIC:
        return _describe("Panic(uint256)", tail)
    if errors is not None and head in errors:
        return _describe(errors[head], tail)
    return f"custom error 0x{head.hex()}"


def _describe(signature: str, tail: bytes) -> str:
    name = signature[: signature.index("(")]
    try:
        values = decode(argument_types(signature), tail)
    except (DecodingError, OverflowError, UnicodeDecodeError):
        return name
    if name == "Error":
        return str(values[0])
    return f"{name}({', '.join(_show(value) for value in values)})"


def _show(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)


def type_of(field: Mapping[str, Any]) -> str:
    """The canonical type of an input in an ABI, that of a struct as a tuple."""
    kind: str = field["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(type_of(part) for part in field['components'])}){kind[5:]}"
