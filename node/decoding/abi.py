"""One contract's ABI by selectors and topics, and decoding that survives any bytes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError, ParseError

from execution.contracts.abi import Item, signature
from state.errors import Invalid
from state.keccak import keccak

WORD_BYTES = 32
SELECTOR_BYTES = 4


class NotThisShape(Invalid):
    """Bytes that are not what the ABI says they are."""


@dataclass(frozen=True, slots=True)
class Argument:
    """A named value; structs are mappings, arrays lists. Names may be empty."""

    name: str
    type: str
    value: Any


@dataclass(frozen=True, slots=True)
class Decoded:
    """A call, event or error by name."""

    name: str
    arguments: tuple[Argument, ...]


class Abi:
    """Functions and errors by selector, events by topic and number of indexed arguments."""

    def __init__(self, items: Iterable[Item]) -> None:
        """Items that make no sense are left out: an ABI file is a stranger's too."""
        self.functions: dict[bytes, Item] = {}
        self.errors: dict[bytes, Item] = {}
        self.events: dict[tuple[bytes, int], Item] = {}
        self.constructor: Item | None = None
        for item in items:
            self._add(item)

    def _add(self, item: Item) -> None:
        kind = item.get("type")
        if kind == "constructor":
            self.constructor = item
        if kind not in ("function", "error", "event"):
            return
        try:
            hashed = keccak(signature(item).encode())
            indexed = sum(bool(one.get("indexed")) for one in item["inputs"])
        except (KeyError, TypeError):
            return
        if kind == "event":
            self.events[hashed, indexed] = item
        else:
            table = self.functions if kind == "function" else self.errors
            table[hashed[:SELECTOR_BYTES]] = item

    def call(self, data: bytes) -> Decoded | None:
        """A call by its input; None for what isn't in the ABI or doesn't fit it."""
        return _decoded(self.functions.get(data[:SELECTOR_BYTES]), data[SELECTOR_BYTES:])

    def error(self, data: bytes) -> Decoded | None:
        """A custom error by the data of a revert."""
        return _decoded(self.errors.get(data[:SELECTOR_BYTES]), data[SELECTOR_BYTES:])

    def result(self, data: bytes, output: bytes) -> tuple[Argument, ...] | None:
        """What the function called with `data` returned."""
        item = self.functions.get(data[:SELECTOR_BYTES])
        if item is None:
            return None
        try:
            return arguments(item.get("outputs", ()), output)
        except NotThisShape:
            return None

    def event(self, topics: Sequence[bytes], data: bytes) -> Decoded | None:
        """A log; indexed arguments of dynamic types are only known by their hashes."""
        item = self.events.get((bytes(topics[0]), len(topics) - 1)) if topics else None
        if item is None:
            return None
        try:
            plain = iter(arguments([p for p in item["inputs"] if not p.get("indexed")], data))
            hashed = iter(topics[1:])
            found = [
                _indexed(one, next(hashed)) if one.get("indexed") else next(plain)
                for one in item["inputs"]
            ]
        except NotThisShape:
            return None
        return Decoded(str(item["name"]), tuple(found))


def arguments(parameters: Sequence[Mapping[str, Any]], data: bytes) -> tuple[Argument, ...]:
    """Decode parameters of an ABI. Raises `NotThisShape`."""
    types = [_type(one) for one in parameters]
    try:
        values = decode(types, data, strict=False)
    except (DecodingError, ParseError, OverflowError, UnicodeDecodeError, ValueError) as error:
        raise NotThisShape(f"{len(data)} bytes are no ({','.join(types)})") from error
    return tuple(
        Argument(str(one.get("name", "")), kind, _named(one, value))
        for one, kind, value in zip(parameters, types, values)
    )


def _decoded(item: Item | None, data: bytes) -> Decoded | None:
    if item is None:
        return None
    try:
        return Decoded(str(item["name"]), arguments(item["inputs"], data))
    except NotThisShape:
        return None


def _indexed(parameter: Mapping[str, Any], topic: bytes) -> Argument:
    kind = _type(parameter)
    is_hashed = kind in ("string", "bytes") or kind.endswith(("]", ")"))
    if is_hashed:
        return Argument(str(parameter.get("name", "")), "bytes32", bytes(topic))
    return arguments([parameter], bytes(topic))[0]


def _type(parameter: Mapping[str, Any]) -> str:
    """The canonical type, structs as tuples."""
    return signature({"name": "", "inputs": (parameter,)})[1:-1]


def _named(parameter: Mapping[str, Any], value: Any) -> Any:
    """A value with its structs as mappings by member."""
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return list(value) if isinstance(value, tuple) else value
    if kind.endswith("]"):
        element = {**parameter, "type": kind[: kind.rindex("[")]}
        return [_named(element, one) for one in value]
    return {
        str(one.get("name") or at): _named(one, member)
        for at, (one, member) in enumerate(zip(parameter["components"], value))
    }
