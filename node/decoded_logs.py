"""Logs with the names of their contracts, events and arguments, where those are known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from eth_utils.address import to_checksum_address

from execution.contracts.abi import Interface
from node.abi_text import plain, shown
from node.known_contracts import LayerName
from state.blocks import Log
from state.errors import Invalid
from state.types import Address


class Names(Protocol):
    """Who knows contracts by their addresses."""

    def abi_at(self, address: Address, layer: LayerName) -> Interface | None:
        """The ABI of what is there, if it is known."""

    def name_of(self, address: Address, layer: LayerName) -> str | None:
        """The name of what is there, if it has one."""


@dataclass(frozen=True, slots=True)
class DecodedLog:
    """A log in words; `event` is None where nobody knows it."""

    log: Log
    contract: str | None
    event: str | None
    arguments: Mapping[str, Any]

    def json(self) -> dict[str, Any]:
        """For programs; the raw log where it isn't known."""
        found: dict[str, Any] = {
            "address": to_checksum_address(self.log.address),
            "contract": self.contract,
            "event": self.event,
            "arguments": plain(dict(self.arguments)),
        }
        if self.event is None:
            found |= {"topics": plain(list(self.log.topics)), "data": plain(self.log.data)}
        return found


def decode_log(log: Log, names: Names, layer: LayerName) -> DecodedLog:
    """A log, as far as it is known."""
    abi, name = names.abi_at(log.address, layer), names.name_of(log.address, layer)
    if abi is not None and log.topics:
        try:
            event = abi.event(log.topics, log.data)
            return DecodedLog(log, name, event.name, event.arguments)
        except Invalid:
            pass  # another contract's event, as proxies and libraries have them: shown as it is
    return DecodedLog(log, name, None, {})


def event_text(decoded: DecodedLog) -> str:
    """One line for people."""
    where = decoded.contract or to_checksum_address(decoded.log.address)
    if decoded.event is None:
        topics = " ".join(f"0x{topic.hex()}" for topic in decoded.log.topics)
        return f"{where} {topics} 0x{decoded.log.data.hex()}"
    words = ", ".join(f"{name}={shown(value)}" for name, value in decoded.arguments.items())
    return f"{where}.{decoded.event}({words})"
