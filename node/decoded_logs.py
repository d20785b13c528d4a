"""Logs with the names of their contracts, events and arguments, where those are known."""

from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from node.abi_text import plain
from node.decoding.abi import Decoded
from node.decoding.book import AddressBook
from node.decoding.text import address_text, arguments_text
from state.blocks import Log


@dataclass(frozen=True, slots=True)
class DecodedLog:
    """A log in words; `event` is None where nobody knows it."""

    log: Log
    contract: str | None
    event: Decoded | None

    def json(self) -> dict[str, Any]:
        """For programs; the raw log where it isn't known."""
        known = self.event
        found: dict[str, Any] = {
            "address": to_checksum_address(self.log.address),
            "contract": self.contract,
            "event": None if known is None else known.name,
        }
        if known is None:
            return found | {"topics": plain(list(self.log.topics)), "data": plain(self.log.data)}
        return found | {"arguments": {one.name: plain(one.value) for one in known.arguments}}


def decode_log(log: Log, book: AddressBook) -> DecodedLog:
    """A log, as far as it is known."""
    return DecodedLog(log, book.name(log.address), book.event(log.address, log.topics, log.data))


def event_text(decoded: DecodedLog, book: AddressBook) -> str:
    """One line for people."""
    where = address_text(decoded.log.address, book.name)
    if decoded.event is None:
        topics = " ".join(f"0x{topic.hex()}" for topic in decoded.log.topics)
        return f"{where} {topics} 0x{decoded.log.data.hex()}"
    return f"{where}.{decoded.event.name}({arguments_text(decoded.event.arguments, book.name)})"
