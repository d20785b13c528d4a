"""Values for people, one line each; strangers chose what is in them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from eth_utils.address import to_checksum_address

from node.decoding.abi import Argument
from node.decoding.limits import BYTES_SHOWN_MAX, ITEMS_SHOWN_MAX, TEXT_SHOWN_MAX
from state.types import Address

NameOf: TypeAlias = Callable[[Address], str | None]
"""Whose an address is, if anybody knows."""

WEI_PER_ETHER = 10**18


def printable(text: str, longest: int = TEXT_SHOWN_MAX) -> str:
    """Text without control characters, which could move a terminal's cursor or forge log lines."""
    cut = text[:longest]
    shown = "".join(one if one.isprintable() else _escaped(one) for one in cut)
    return shown if len(cut) == len(text) else f"{shown}… ({len(text)} characters)"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def ether(wei: int) -> str:
    """An amount of ether, exact."""
    whole, rest = divmod(wei, WEI_PER_ETHER)
    fraction = f"{rest:018d}".rstrip("0")
    return f"{whole}.{fraction} ether" if fraction else f"{whole} ether"


def address_text(address: Address, name_of: NameOf) -> str:
    """The name of an address, or the address."""
    return name_of(address) or to_checksum_address(address)


def value_text(kind: str, value: Any, name_of: NameOf) -> str:
    """A decoded value of a type; long ones are cut."""
    if isinstance(value, Mapping):
        members = ", ".join(
            f"{name}: {value_text('', one, name_of)}" for name, one in value.items()
        )
        return f"{{{members}}}"
    if isinstance(value, list | tuple):
        shown = [value_text("", one, name_of) for one in value[:ITEMS_SHOWN_MAX]]
        more = [f"… ({len(value)} items)"] if len(value) > ITEMS_SHOWN_MAX else []
        return f"[{', '.join([*shown, *more])}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return bytes_text(value)
    if isinstance(value, str):
        if kind == "string" or not is_address(value):
            return f'"{printable(value)}"'
        return address_text(Address(bytes.fromhex(value[2:])), name_of)
    return str(value)


def bytes_text(value: bytes) -> str:
    """Bytes in hexadecimal, cut where they are many."""
    if len(value) <= BYTES_SHOWN_MAX:
        return f"0x{value.hex()}"
    return f"0x{value[:BYTES_SHOWN_MAX].hex()}… ({len(value)} bytes)"


def arguments_text(arguments: tuple[Argument, ...], name_of: NameOf) -> str:
    """Arguments with their names, as in a call."""
    return ", ".join(
        f"{printable(one.name)}: {value_text(one.type, one.value, name_of)}"
        if one.name
        else value_text(one.type, one.value, name_of)
        for one in arguments
    )


def is_address(text: str) -> bool:
    """Whether a decoded string is an address: the decoder gives both as text."""
    return (
        len(text) == 42 and text.startswith("0x") and all(c in "0123456789abcdef" for c in text[2:])
    )


def plain(value: Any) -> Any:
    """A decoded value for JSON: integers as text, since most readers of JSON round large ones."""
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return to_checksum_address(value) if isinstance(value, str) and is_address(value) else value
