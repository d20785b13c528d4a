"""Functions and arguments as people write them on a command line, and answers as they read them.

    balanceOf(address)(uint256) 0xf39F…      a signature, with what it returns or without
    getMarket 0                              a name, where the contract is known
    settle((uint64,bool),bytes[]) '(1,true)' '[0x01,0x02]'

Numbers are decimal or hexadecimal and may have underscores; tuples stand in parentheses, arrays in
brackets; a text with a comma or bracket stands in double quotes.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode, encode, is_encodable_type
from eth_abi.exceptions import DecodingError, EncodingError, ParseError
from eth_abi.grammar import ABIType, TupleType, normalize, parse
from eth_utils.address import is_address, to_checksum_address

from bridge.l1.abi import selector
from execution.contracts.abi import Interface, UndecodableAnswer, signature
from node.decoding.text import printable
from state.errors import Invalid

_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*", re.ASCII)
_NUMBER: Final = re.compile(r"-?(0x[0-9a-f]+|[0-9][0-9_]*)", re.ASCII | re.IGNORECASE)
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_OPENING: Final = "(["
_CLOSING: Final = ")]"


class InvalidCall(Invalid):
    """A function or an argument that can't be read."""


@dataclass(frozen=True, slots=True)
class CalledFunction:
    """A function to call: its name, what it takes and returns (None: unknown)."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...] | None
    output_items: tuple[Mapping[str, Any], ...] = ()
    """The outputs in the contract's ABI, where it is known."""

    @property
    def signature(self) -> str:
        """`name(type,type)`, as selectors hash it."""
        return f"{self.name}({','.join(self.inputs)})"

    def call_data(self, arguments: Sequence[str], names: Mapping[str, str]) -> bytes:
        """Call data. `names` are addresses by name. Raises `InvalidCall`."""
        if len(arguments) != len(self.inputs):
            raise InvalidCall(
                f"{self.signature} takes {len(self.inputs)} arguments, not {len(arguments)}"
            )
        values = [
            parse_value(parse(kind), text, names) for kind, text in zip(self.inputs, arguments)
        ]
        try:
            return selector(self.signature) + encode(self.inputs, values)
        except (EncodingError, TypeError, ValueError, OverflowError) as error:
            raise InvalidCall(f"an argument doesn't fit {self.signature}: {error}") from None

    def results(self, data: bytes) -> list[tuple[str, Any]]:
        """What it returned, by name where there are names. Raises `UndecodableAnswer`."""
        if self.outputs is None:
            return [("", data)]
        try:
            values = decode(self.outputs, data)
        except (DecodingError, OverflowError) as error:
            raise UndecodableAnswer(
                f"{self.name} returned 0x{data[:64].hex()}, which is not"
                f" ({','.join(self.outputs)}): {error}"
            ) from error
        if not self.output_items:
            return [("", value) for value in values]
        return [
            (item["name"], _with_names(item, value))
            for item, value in zip(self.output_items, values)
        ]


def find_function(text: str, known: Interface | None) -> CalledFunction:
    """A function by its signature, or by its name in a known contract. Raises `InvalidCall`."""
    if "(" not in text:
        return _by_name(text, known)
    found = split_signature(text)
    if known is not None and found.outputs is None:
        item = known.functions.get(found.name)
        if item is not None and signature(item) == found.signature:
            return _of_item(item)
    return found


def split_signature(text: str) -> CalledFunction:
    """`name(types)` or `name(types)(types)`. Raises `InvalidCall`."""
    name, _, rest = text.partition("(")
    end = _end_of_group(f"({rest}")
    inputs, outputs = f"({rest}"[:end], f"({rest}"[end:].strip()
    if not _NAME.fullmatch(name.strip()):
        raise InvalidCall(f"{text!r:.100} is no function: write name(type,type)")
    returned = _types(outputs, text) if outputs else None
    return CalledFunction(name.strip(), _types(inputs, text), returned)


def parse_value(kind: ABIType, text: str, names: Mapping[str, str]) -> Any:
    """A value of a type. Raises `InvalidCall`."""
    text = text.strip()
    if kind.is_array:
        return [parse_value(kind.item_type, part, names) for part in _parts(text, "[]", kind)]
    if isinstance(kind, TupleType):
        parts = _parts(text, "()", kind)
        if len(parts) != len(kind.components):
            raise InvalidCall(f"{text!r:.80} has {len(parts)} members, not those of {kind}")
        return tuple(parse_value(one, part, names) for one, part in zip(kind.components, parts))
    return _parse_scalar(kind, text, names)


def _parse_scalar(kind: ABIType, text: str, names: Mapping[str, str]) -> Any:
    base = getattr(kind, "base", "")
    if base in ("uint", "int") and _NUMBER.fullmatch(text):
        return int(text.replace("_", ""), 16 if "x" in text.lower() else 10)
    if base == "bool" and text in ("true", "false"):
        return text == "true"
    if base == "address" and (text in names or is_address(text)):
        return names.get(text, text).lower()
    if base == "bytes" and re.fullmatch(r"0x([0-9a-fA-F]{2})*", text, re.ASCII):
        return bytes.fromhex(text[2:])
    if base == "string":
        return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    raise InvalidCall(f"{text!r:.80} is no {_type_text(kind)}")


def shown(value: Any) -> str:
    """A value for people: one line."""
    if isinstance(value, list | tuple | dict):
        return json.dumps(plain(value))
    return printable(plain(value)) if isinstance(value, str) else str(plain(value))


def plain(value: Any) -> Any:
    """A value for JSON: integers as text, because most readers of JSON round large ones."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, str) and _ADDRESS.fullmatch(value):
        return to_checksum_address(value)
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def _with_names(item: Mapping[str, Any], value: Any) -> Any:
    """A decoded value, its structs with the names of their members in the ABI."""
    kind: str = item["type"]
    if not kind.startswith("tuple"):
        return value
    if kind.endswith("]"):
        element = {**item, "type": kind[: kind.rindex("[")]}
        return [_with_names(element, one) for one in value]
    return {one["name"]: _with_names(one, part) for one, part in zip(item["components"], value)}


def _by_name(name: str, known: Interface | None) -> CalledFunction:
    if known is None:
        raise InvalidCall(
            f"{name!r:.80} is a name alone: give the signature, like 'transfer(address,uint256)'"
        )
    item = known.functions.get(name)
    if item is None:
        near = [one for one in known.functions if name.lower() in one.lower()]
        hint = f"; it has {', '.join(sorted(near))}" if near else ""
        raise InvalidCall(f"the contract has no function {name!r:.80}{hint}")
    return _of_item(item)


def _of_item(item: Mapping[str, Any]) -> CalledFunction:
    canonical = split_signature(signature(item))
    outputs = tuple(item["outputs"])
    returned = split_signature(signature({"name": "x", "inputs": outputs})).inputs
    return CalledFunction(canonical.name, canonical.inputs, returned, outputs)


def _types(group: str, text: str) -> tuple[str, ...]:
    """The types in parentheses, in their canonical names."""
    group = group.replace(" ", "")
    if group == "()":
        return ()
    try:
        kind = parse(str(normalize(group)))  # type: ignore[no-untyped-call]
    except (ParseError, ValueError):
        raise InvalidCall(f"{text!r:.100} is no signature: write name(type,type)") from None
    if not isinstance(kind, TupleType) or not is_encodable_type(_type_text(kind)):
        raise InvalidCall(f"{text!r:.100} names a type that doesn't exist")
    return tuple(_type_text(one) for one in kind.components)


def _type_text(kind: ABIType) -> str:
    return str(kind.to_type_str())  # type: ignore[no-untyped-call]


def _parts(text: str, brackets: str, kind: ABIType) -> list[str]:
    """What stands between brackets, split at the commas that aren't deeper inside."""
    if len(text) < 2 or text[0] != brackets[0] or text[-1] != brackets[1]:
        raise InvalidCall(f"{text!r:.80} is no {_type_text(kind)}: write it in {brackets}")
    inner = text[1:-1]
    parts, depth, start, quoted = [], 0, 0, False
    for position, character in enumerate(inner):
        quoted ^= character == '"'
        if quoted:
            continue
        depth += (character in _OPENING) - (character in _CLOSING)
        if character == "," and depth == 0:
            parts.append(inner[start:position])
            start = position + 1
    return [*parts, inner[start:]] if inner.strip() else []


def _end_of_group(text: str) -> int:
    """Where the parenthesis that `text` begins with is closed."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return position + 1
    raise InvalidCall(f"{text!r:.100} has an open parenthesis")
