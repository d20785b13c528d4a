"""Calling contracts by the ABI of their artifacts: calldata, results, events and custom errors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from execution.contracts import artifact
from state.errors import Invalid
from state.keccak import keccak

Item = Mapping[str, Any]
"""One entry of a JSON ABI."""

CLEARING_HOUSE_MODULES = (
    "Settlement",
    "Accounts",
    "Oracle",
    "Admin",
    "Reads",
    "Options",
    "Liquidation",
    "Insolvency",
    "Formulas",
    "Backstop",
)
"""In the order of genesis.predeploys.CLEARING_HOUSE_MODULES."""


class UnknownAbiItem(Invalid):
    """The contract has no function, event or error of that name or selector."""


class UndecodableAnswer(Invalid):
    """Bytes that aren't what the ABI says they are."""


@dataclass(frozen=True, slots=True)
class DecodedEvent:
    """An event's name and its arguments by name."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DecodedError:
    """A custom error's name and its arguments by name."""

    name: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v}' for k, v in self.arguments.items())})"


@dataclass(frozen=True, slots=True)
class Interface:
    """The functions, events and errors of one address."""

    items: tuple[Item, ...]
    functions: Mapping[str, Item] = field(init=False, repr=False)
    events: Mapping[bytes, Item] = field(init=False, repr=False)
    """By topic. A block of settlements has thousands of logs."""

    def __post_init__(self) -> None:
        functions = {item["name"]: item for item in self.items if item["type"] == "function"}
        object.__setattr__(self, "functions", functions)
        events = {topic_of(item): item for item in self.items if item["type"] == "event"}
        object.__setattr__(self, "events", events)

    def selector(self, name: str) -> bytes:
        """The first four bytes of a function's calldata."""
        return keccak(signature(self._function(name)).encode())[:4]

    def call(self, name: str, *arguments: Any) -> bytes:
        """Calldata of a function. Structs are tuples. Raises `UnknownAbiItem`."""
        types = _types(self._function(name)["inputs"])
        return self.selector(name) + encode(types, arguments)

    def arguments(self, name: str, calldata: bytes) -> dict[str, Any]:
        """What a function was called with, by name. Raises `UnknownAbiItem` for another function's
        calldata, and `UndecodableAnswer`."""
        if calldata[:4] != self.selector(name):
            raise UnknownAbiItem(f"not a call of {name}")
        return dict(_arguments(self._function(name)["inputs"], calldata[4:], keyed=True))

    def result(self, name: str, data: bytes) -> tuple[Any, ...]:
        """What a function returned; structs as dicts. Raises `UndecodableAnswer`."""
        return tuple(_arguments(self._function(name)["outputs"], data, keyed=False))

    def event(self, topics: Sequence[bytes], data: bytes) -> DecodedEvent:
        """A log of the contract. Raises `UnknownAbiItem` and `UndecodableAnswer`."""
        item = self.events.get(topics[0])
        if item is None:
            raise UnknownAbiItem(f"no event has the topic 0x{topics[0].hex()}")
        return DecodedEvent(item["name"], _event_arguments(item, topics, data))

    def error(self, data: bytes) -> DecodedError:
        """What a revert says. Raises `UnknownAbiItem` and `UndecodableAnswer`."""
        for item in self.items:
            if item["type"] == "error" and data[:4] == keccak(signature(item).encode())[:4]:
                arguments = _arguments(item["inputs"], data[4:], keyed=True)
                return DecodedError(item["name"], dict(arguments))
        raise UnknownAbiItem(f"no error has the selector 0x{data[:4].hex()}")

    def _function(self, name: str) -> Item:
        try:
            return self.functions[name]
        except KeyError:
            raise UnknownAbiItem(f"no function {name}") from None


@cache
def clearing_house() -> Interface:
    """The ClearingHouse as its callers see it: the functions of all its modules."""
    names = ("ClearingHouse", *CLEARING_HOUSE_MODULES)
    merged: dict[str, Item] = {}
    for name in names:
        for item in artifact(name).abi:
            if "name" in item:
                merged.setdefault(f"{item['type']} {signature(item)}", item)
    return Interface(tuple(merged.values()))


@cache
def interface(name: str) -> Interface:
    """The ABI of one contract of this folder."""
    return Interface(artifact(name).abi)


def topic_of(item: Item) -> bytes:
    """The first topic of an event's logs."""
    return keccak(signature(item).encode())


def signature(item: Item) -> str:
    """`name(type,type)` as selectors and topics hash it."""
    return f"{item['name']}({','.join(_types(item['inputs']))})"


def _types(parameters: Iterable[Item]) -> list[str]:
    return [_type(p) for p in parameters]


def _type(parameter: Item) -> str:
    name: str = parameter["type"]
    if not name.startswith("tuple"):
        return name
    return f"({','.join(_types(parameter['components']))}){name[5:]}"


def _arguments(parameters: Sequence[Item], data: bytes, *, keyed: bool) -> Iterable[Any]:
    try:
        values = decode(_types(parameters), data)
    except (DecodingError, OverflowError) as error:
        raise UndecodableAnswer(f"0x{data[:64].hex()}: {error}") from error
    named = [(p["name"], _named(p, v)) for p, v in zip(parameters, values)]
    return named if keyed else [value for _, value in named]


def _named(parameter: Item, value: Any) -> Any:
    """A decoded value with its structs as dicts."""
    name: str = parameter["type"]
    if not name.startswith("tuple"):
        return value
    if name.endswith("]"):
        element = {**parameter, "type": name[: name.rindex("[")]}
        return tuple(_named(element, v) for v in value)
    return {c["name"]: _named(c, v) for c, v in zip(parameter["components"], value)}


def _event_arguments(item: Item, topics: Sequence[bytes], data: bytes) -> Mapping[str, Any]:
    """Indexed arguments come from topics; here they are all of value types."""
    indexed = [p for p in item["inputs"] if p["indexed"]]
    rest = [p for p in item["inputs"] if not p["indexed"]]
    if len(topics) != len(indexed) + 1:
        raise UndecodableAnswer(f"{item['name']} has {len(indexed)} indexed arguments")
    values = dict(_arguments(indexed, b"".join(topics[1:]), keyed=True))
    values |= dict(_arguments(rest, data, keyed=True))
    return {p["name"]: values[p["name"]] for p in item["inputs"]}
