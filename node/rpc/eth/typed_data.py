"""EIP-712 typed data as wallets are asked to sign it: checked and hashed in one walk.

eth-account's encoder takes nearly anything for a value: a missing member is hashed as zero, text is
taken for bytes. Here, as in ethers and viem, what isn't of its member's type is refused, because a
signature over something else than was meant is worse than none.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from execution.margin.typed_data import word
from node import limits
from node.rpc.codec import (
    parse_address,
    parse_bool,
    parse_data,
    parse_object,
    parse_string,
)
from node.rpc.dispatch import check_depth
from node.rpc.errors import InvalidParams, ParseError
from state.keccak import keccak
from state.types import Hash32

DOMAIN: Final = "EIP712Domain"

_DOMAIN_MEMBERS: Final = {
    "name": "string",
    "version": "string",
    "chainId": "uint256",
    "verifyingContract": "address",
    "salt": "bytes32",
}
"""EIP-712, "Definition of domainSeparator": those present are hashed, in this order."""

_STRUCT_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$:]{0,127}", re.ASCII)
"""An identifier of Solidity; with the colons that some applications have in it, as geth allows."""

_MEMBER_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,127}", re.ASCII)
_ARRAY = re.compile(r"(.{1,160})\[([1-9][0-9]{0,5})?\]", re.ASCII | re.DOTALL)
_DECIMAL = re.compile(r"-?[0-9]{1,78}", re.ASCII)
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)


class Member(NamedTuple):
    """A member of a struct type."""

    name: str
    type: str


Types = Mapping[str, tuple[Member, ...]]


def parse_typed_data(value: object) -> Hash32:
    """The digest that a signature is over: keccak(0x1901 ++ domain ++ message).

    Takes the object or, as most clients send it, its JSON. Raises `InvalidParams`.
    """
    given = parse_object(_decoded(value) if isinstance(value, str) else value)
    types = _parse_types(given.get("types"))
    domain = parse_object(given.get("domain"))
    if DOMAIN not in types:
        types = {**types, DOMAIN: _domain_members(domain)}
    primary = parse_string(given.get("primaryType"))
    if primary not in types:
        raise InvalidParams(f"primaryType is none of the types: {primary!r:.40}")
    hasher = _Hasher(types)
    hashed = b"\x19\x01" + hasher.struct(DOMAIN, domain, "domain")
    if primary != DOMAIN:
        hashed += hasher.struct(primary, given.get("message"), "message")
    return keccak(hashed)


def _decoded(text: str) -> object:
    try:
        encoded = text.encode()
        check_depth(encoded)
        return msgspec.json.decode(encoded)
    except (UnicodeEncodeError, ParseError, msgspec.MsgspecError) as error:
        raise InvalidParams(f"typed data is no JSON: {error}") from None


# Types


def _parse_types(value: object) -> dict[str, tuple[Member, ...]]:
    given = parse_object(value)
    if len(given) > limits.RPC_TYPED_DATA_TYPES_MAX:
        raise InvalidParams(f"more than {limits.RPC_TYPED_DATA_TYPES_MAX} types")
    types = {name: _parse_members(name, members) for name, members in given.items()}
    if sum(map(len, types.values())) > limits.RPC_TYPED_DATA_MEMBERS_MAX:
        raise InvalidParams(f"types of more than {limits.RPC_TYPED_DATA_MEMBERS_MAX} members")
    for name, members in types.items():
        for member in members:
            if _core(member.type) not in types and _core(member.type) not in _ATOMS:
                raise InvalidParams(f"no such type, of {name}.{member.name}: {member.type!r:.40}")
    return types


def _parse_members(name: str, value: object) -> tuple[Member, ...]:
    if not _STRUCT_NAME.fullmatch(name) or name in _ATOMS:
        raise InvalidParams(f"not a name of a type: {name!r:.40}")
    if not isinstance(value, list):
        raise InvalidParams(f"the members of {name} are a list")
    members = tuple(_parse_member(member) for member in value)
    if len({member.name for member in members}) != len(members):
        raise InvalidParams(f"two members of {name} have the same name")
    return members


def _parse_member(value: object) -> Member:
    given = parse_object(value)
    name, kind = parse_string(given.get("name")), parse_string(given.get("type"))
    if not _MEMBER_NAME.fullmatch(name):
        raise InvalidParams(f"not a name of a member: {name!r:.40}")
    return Member(name, kind)


def _core(kind: str) -> str:
    """The type within all brackets of an array's."""
    while array := _ARRAY.fullmatch(kind):
        kind = array[1]
    return kind


def _domain_members(domain: Mapping[str, object]) -> tuple[Member, ...]:
    for name in domain:
        if name not in _DOMAIN_MEMBERS:
            raise InvalidParams(f"not a member of a domain: {name!r:.40}")
    return tuple(Member(*member) for member in _DOMAIN_MEMBERS.items() if member[0] in domain)


# Values


class _Hasher:
    """Hashes values by their types (EIP-712, "Definition of hashStruct").

    Types may refer to themselves; a value that does so has an end, since JSON has.
    """

    def __init__(self, types: Types) -> None:
        self._types = types
        self._type_hashes: dict[str, Hash32] = {}
        self._values = 0

    def struct(self, name: str, value: object, path: str) -> Hash32:
        """Raises `InvalidParams`; `path` tells where."""
        if not isinstance(value, dict):
            raise InvalidParams(f"{path} is no {name}: {value!r:.40}")
        words: list[bytes] = [self._type_hash(name)]
        for member in self._types[name]:
            found = value.get(member.name)
            if found is None:
                raise InvalidParams(f"{path}.{member.name} is missing")
            words.append(self._word(member.type, found, f"{path}.{member.name}"))
        return keccak(b"".join(words))

    def _word(self, kind: str, value: object, path: str) -> bytes:
        self._values += 1
        if self._values > limits.RPC_TYPED_DATA_VALUES_MAX:
            raise InvalidParams(f"more than {limits.RPC_TYPED_DATA_VALUES_MAX} values")
        if kind in self._types:
            return self.struct(kind, value, path)
        if array := _ARRAY.fullmatch(kind):
            return self._array(array[1], array[2], value, path)
        try:
            return _ATOMS[kind](value)
        except InvalidParams as error:
            raise InvalidParams(f"{path}, of type {kind}: {error.message}") from None

    def _array(self, item: str, length: str | None, value: object, path: str) -> Hash32:
        if not isinstance(value, list):
            raise InvalidParams(f"{path} is no list: {value!r:.40}")
        if length is not None and len(value) != int(length):
            raise InvalidParams(f"{path} has {len(value)} values and not {length}")
        return keccak(
            b"".join(self._word(item, one, f"{path}[{place}]") for place, one in enumerate(value))
        )

    def _type_hash(self, name: str) -> Hash32:
        if name not in self._type_hashes:
            self._type_hashes[name] = keccak(encode_type(name, self._types).encode())
        return self._type_hashes[name]


def encode_type(name: str, types: Types) -> str:
    """A struct type, and those it refers to by name (EIP-712, "Definition of encodeType")."""
    found, waiting = {name}, [name]
    while waiting:
        for member in types[waiting.pop()]:
            core = _core(member.type)
            if core in types and core not in found:
                found.add(core)
                waiting.append(core)
    return "".join(
        f"{one}({','.join(f'{member.type} {member.name}' for member in types[one])})"
        for one in (name, *sorted(found - {name}))
    )


def _integer(bits: int, *, signed: bool) -> Callable[[object], bytes]:
    low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)

    def encode(value: object) -> bytes:
        number = _parse_integer(value)
        if not low <= number < high:
            raise InvalidParams(f"out of range: {value!r:.40}")
        return word(number)

    return encode


def _parse_integer(value: object) -> int:
    """A number, or its decimal or hexadecimal text, which JavaScript's clients write."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return int(value)
    if isinstance(value, str) and _HEXADECIMAL.fullmatch(value):
        return int(value, 16)
    raise InvalidParams(f"not an integer: {value!r:.40}")


def _bytes(size: int) -> Callable[[object], bytes]:
    def encode(value: object) -> bytes:
        found = parse_data(value)
        if len(found) != size:
            raise InvalidParams(f"{len(found)} bytes")
        return found.ljust(32, b"\0")

    return encode


def _text(value: object) -> bytes:
    try:
        return keccak(parse_string(value).encode())
    except UnicodeEncodeError:
        raise InvalidParams("half a surrogate pair is no text") from None


_ATOMS: Final[Mapping[str, Callable[[object], bytes]]] = {
    "address": lambda value: parse_address(value).rjust(32, b"\0"),
    "bool": lambda value: word(parse_bool(value)),
    "string": _text,
    "bytes": lambda value: keccak(parse_data(value)),
    **{f"bytes{size}": _bytes(size) for size in range(1, 33)},
    **{f"uint{bits}": _integer(bits, signed=False) for bits in range(8, 257, 8)},
    **{f"int{bits}": _integer(bits, signed=True) for bits in range(8, 257, 8)},
    "uint": _integer(256, signed=False),
    "int": _integer(256, signed=True),
}
"""The 32 bytes that a value of each atomic or dynamic type becomes ("Definition of encodeData")."""
