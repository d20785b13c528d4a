"""A trace as a tree on the terminal, and as JSON."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from eth_utils.address import to_checksum_address
from rich.style import Style
from rich.text import Text

from bridge.l1 import wire
from node.decoding.abi import Argument
from node.decoding.book import PRECOMPILES, AddressBook
from node.decoding.failure import failure_of, failure_text
from node.decoding.text import (
    address_text,
    arguments_text,
    bytes_text,
    ether,
    plain,
    printable,
    value_text,
)
from node.decoding.trace import TracedCall, TracedLog
from state.types import Address

_GAS: Final = Style(color="bright_black")
_NAME: Final = Style(color="cyan", bold=True)
_FUNCTION: Final = Style(color="green")
_EVENT: Final = Style(color="magenta")
_VALUE: Final = Style(color="yellow")
_FAILED: Final = Style(color="red", bold=True)
_ASIDE: Final = Style(dim=True)

_DEPTH_DRAWN_MAX: Final = 24
"""Calls within each other that are drawn further and further to the right."""


def trace_lines(root: TracedCall, book: AddressBook) -> Iterator[Text]:
    """All calls with their events, results and failures, a line each.

    Drawn by hand, because rich leaves out branches for which the terminal has no room; calls nest
    deep, so nothing recurses.
    """
    yield _call_line(root, book)
    waiting = _branches(root, book, "", 1)
    while waiting:
        branch = waiting.pop()
        yield branch.line()
        if isinstance(branch.shown, TracedCall):
            waiting += _branches(branch.shown, book, branch.indent_within, branch.depth + 1)


@dataclass(frozen=True, slots=True)
class _Branch:
    """A line below a call: another call, an event, or why the call failed."""

    shown: TracedCall | TracedLog | Text
    parent: TracedCall
    book: AddressBook
    indent: str
    depth: int
    is_last: bool

    @property
    def indent_within(self) -> str:
        """Before the branches of this one; beyond some depth it grows no more."""
        return self.indent + ("    " if self.is_last else "│   ")

    def line(self) -> Text:
        """The branch with its place in the tree."""
        if self.depth > _DEPTH_DRAWN_MAX:
            # Its depth in figures: a line of indentation alone would tell nobody more.
            line = Text(f"{self.indent[: 4 * _DEPTH_DRAWN_MAX]}({self.depth}) ", _ASIDE)
        else:
            line = Text(self.indent + ("└── " if self.is_last else "├── "))
        if isinstance(self.shown, TracedCall):
            return line.append_text(_call_line(self.shown, self.book))
        if isinstance(self.shown, TracedLog):
            return line.append_text(_log_line(self.shown, self.parent, self.book))
        return line.append_text(self.shown)


def _branches(call: TracedCall, book: AddressBook, indent: str, depth: int) -> list[_Branch]:
    """What stands below a call, the last first."""
    shown: list[TracedCall | TracedLog | Text] = list(call.inner)
    if call.error is not None:
        shown.append(Text(f"✗ {failure_text(call, book)}", _FAILED))
    indent = indent[: 4 * _DEPTH_DRAWN_MAX]
    return [
        _Branch(one, call, book, indent, depth, is_last=at == 0)
        for at, one in enumerate(reversed(shown))
    ]


def _call_line(call: TracedCall, book: AddressBook) -> Text:
    line = Text(f"[{call.gas_used:,}] ", _GAS)
    if call.is_creation:
        name = "a contract" if call.to is None else address_text(call.to, book.name)
        line.append("new ", _FUNCTION).append(name, _NAME)
        line.append(f"({len(call.input)} bytes)", _ASIDE)
    elif call.kind == "SELFDESTRUCT":
        line.append("selfdestruct of ", _FAILED).append(address_text(call.sender, book.name), _NAME)
        line.append(f" in favour of {_to_text(call, book)}")
    else:
        line.append(_to_text(call, book), _NAME)
        _append_function(line, call, book)
    if call.value:
        line.append(f" {{{ether(call.value)}}}", _VALUE)
    if call.kind in ("DELEGATECALL", "STATICCALL", "CALLCODE"):
        line.append(f" [{call.kind.lower()}]", _ASIDE)
    returned = None if call.error is not None or call.is_creation else _result_text(call, book)
    return line.append(f" → {returned}") if returned else line


def _to_text(call: TracedCall, book: AddressBook) -> str:
    return "nobody" if call.to is None else address_text(call.to, book.name)


def _append_function(line: Text, call: TracedCall, book: AddressBook) -> None:
    if call.to is None or not call.input:
        return
    if call.to in PRECOMPILES:
        line.append(f"({bytes_text(call.input)})")
        return
    decoded = book.call(call.to, call.input)
    if decoded is None:
        line.append(f".{bytes_text(call.input[:4])}", _FUNCTION)
        line.append(f"({bytes_text(call.input[4:])})" if len(call.input) > 4 else "()")
        return
    line.append(f".{printable(decoded.name)}", _FUNCTION)
    line.append(f"({arguments_text(decoded.arguments, book.name)})")


def _result_text(call: TracedCall, book: AddressBook) -> str:
    if call.to is None or not call.output:
        return ""
    results = book.result(call.to, call.input, call.output)
    if results is None:
        return bytes_text(call.output)
    if len(results) == 1:
        return value_text(results[0].type, results[0].value, book.name)
    return f"({arguments_text(results, book.name)})" if results else ""


def _log_line(log: TracedLog, call: TracedCall, book: AddressBook) -> Text:
    line = Text("◆ ", _EVENT)
    if log.address != call.to:
        line.append(f"{address_text(log.address, book.name)} ", _NAME)
    event = book.event(log.address, log.topics, log.data)
    if event is not None:
        line.append(printable(event.name), _EVENT)
        return line.append(f"({arguments_text(event.arguments, book.name)})")
    topics = ", ".join(bytes_text(topic) for topic in log.topics)
    return line.append(f"[{topics}] {bytes_text(log.data)}")


# For programs


def trace_json(root: TracedCall, book: AddressBook) -> dict[str, Any]:
    """The same tree with everything whole."""
    top: list[dict[str, Any]] = []
    waiting = [(root, top)]
    while waiting:
        call, siblings = waiting.pop()
        shown = _call_json(call, book)
        siblings.append(shown)
        logs = [one for one in call.inner if isinstance(one, TracedLog)]
        shown["events"] = [_log_json(log, book) for log in logs]
        shown["calls"] = []
        calls = [one for one in call.inner if isinstance(one, TracedCall)]
        waiting += ((one, shown["calls"]) for one in reversed(calls))
    return top[0]


def _call_json(call: TracedCall, book: AddressBook) -> dict[str, Any]:
    decoded = None if call.to is None or call.is_creation else book.call(call.to, call.input)
    results = None
    if decoded is not None and call.to is not None and call.error is None:
        results = book.result(call.to, call.input, call.output)
    error = failure_of(call, book) if call.error is not None else None
    return {
        "type": call.kind,
        "from": to_checksum_address(call.sender),
        "fromName": book.name(call.sender),
        "to": None if call.to is None else to_checksum_address(call.to),
        "toName": _name(call.to, book),
        "value": str(call.value),
        "gas": call.gas,
        "gasUsed": call.gas_used,
        "input": wire.to_data(call.input),
        "function": None if decoded is None else decoded.name,
        "arguments": None if decoded is None else _arguments_json(decoded.arguments),
        "output": wire.to_data(call.output),
        "results": None if results is None else _arguments_json(results),
        "error": call.error,
        "reason": None if call.error is None else failure_text(call, book),
        "customError": None if error is None else error.name,
    }


def _name(address: Address | None, book: AddressBook) -> str | None:
    return None if address is None else book.name(address)


def _log_json(log: TracedLog, book: AddressBook) -> dict[str, Any]:
    event = book.event(log.address, log.topics, log.data)
    return {
        "address": to_checksum_address(log.address),
        "addressName": book.name(log.address),
        "topics": [wire.to_data(topic) for topic in log.topics],
        "data": wire.to_data(log.data),
        "event": None if event is None else event.name,
        "arguments": None if event is None else _arguments_json(event.arguments),
    }


def _arguments_json(arguments: Iterable[Argument]) -> list[dict[str, Any]]:
    return [{"name": one.name, "type": one.type, "value": plain(one.value)} for one in arguments]
