"""A transaction's calls as a node tells them (callTracer with logs), checked and in order."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.l1 import wire
from bridge.l1.errors import L1Unavailable
from state.types import Address, Hash32

CREATIONS: Final = ("CREATE", "CREATE2")
_KINDS: Final = (
    *CREATIONS,
    "CALL",
    "CALLCODE",
    "DELEGATECALL",
    "STATICCALL",
    "SELFDESTRUCT",
)


@dataclass(frozen=True, slots=True)
class TracedLog:
    """A log of a call that stood."""

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class TracedCall:
    """A call, and what happened in it in order. `to` is None for a creation that failed.

    `error` is the reason of a failure in the node's words; of a revert `output` says more.
    """

    kind: str
    sender: Address
    to: Address | None
    value: int
    gas: int
    gas_used: int
    input: bytes
    output: bytes
    error: str | None
    inner: list["TracedCall | TracedLog"] = field(default_factory=list)

    @property
    def is_creation(self) -> bool:
        """Whether it makes a contract; its input is then the creation code."""
        return self.kind in CREATIONS

    def walk(self) -> Iterator["TracedCall"]:
        """This call and all within."""
        waiting = [self]
        while waiting:
            call = waiting.pop()
            yield call
            waiting += [one for one in reversed(call.inner) if isinstance(one, TracedCall)]

    def addresses(self) -> list[Address]:
        """Everybody whose code may have run, once each."""
        found = (call.to for call in self.walk() if call.to is not None)
        return list(dict.fromkeys(found))


def parse_trace(value: object) -> TracedCall:
    """Read a node's answer; nothing recurses. Raises `L1Unavailable` for another shape."""
    top: list[TracedCall | TracedLog] = []
    waiting: list[tuple[object, list[TracedCall | TracedLog], int]] = [(value, top, 0)]
    while waiting:
        given, siblings, place = waiting.pop()
        fields = wire.object_(given, "a call")
        call = _call(fields)
        siblings[place:place] = [call]
        calls = wire.list_(fields.get("calls", []), "calls")
        logs = [_log(one) for one in wire.list_(fields.get("logs", []), "logs")]
        logs.sort(key=lambda one: one[0])
        call.inner.extend(log for _, log in logs)
        # Each call is put in behind the calls before it and the logs that came before.
        positions = [position for position, _ in logs]
        placed = [
            (one, call.inner, bisect_right(positions, at) + at) for at, one in enumerate(calls)
        ]
        waiting += reversed(placed)
    root = top[0]
    if not isinstance(root, TracedCall):
        raise L1Unavailable("the node sent no call for a trace")
    return root


def _call(fields: wire.Json) -> TracedCall:
    kind = fields.get("type")
    if kind not in _KINDS:
        raise L1Unavailable(f"the node sent a call of the unknown kind {kind!r:.40}")
    error = fields.get("error")
    return TracedCall(
        kind=str(kind),
        sender=wire.address(fields.get("from"), "from"),
        to=wire.address(fields["to"], "to") if fields.get("to") is not None else None,
        value=wire.quantity(fields.get("value", "0x0"), "value"),
        gas=wire.quantity(fields.get("gas"), "gas"),
        gas_used=wire.quantity(fields.get("gasUsed"), "gasUsed"),
        input=wire.data(fields.get("input"), "input"),
        output=wire.data(fields.get("output", "0x"), "output"),
        error=None if error is None else str(error),
    )


def _log(value: object) -> tuple[int, TracedLog]:
    """A log, and how many calls came before it."""
    fields: dict[str, Any] = dict(wire.object_(value, "a log"))
    topics = wire.list_(fields.get("topics"), "topics")
    log = TracedLog(
        wire.address(fields.get("address"), "address"),
        tuple(wire.hash_(topic, "a topic") for topic in topics),
        wire.data(fields.get("data"), "data"),
    )
    return wire.quantity(fields.get("position", "0x0"), "position"), log
