"""What a client asks of a trace (execution-apis, "Trace configuration"; geth, `TraceConfig`)."""

import re
from dataclasses import dataclass, field
from typing import Final

from node import limits
from node.rpc.codec import parse_bool, parse_object, parse_string
from node.rpc.errors import InvalidParams

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h)", re.ASCII)
_NANOSECONDS: Final = {
    "ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StepOptions:
    """What the struct log tells of each instruction."""

    memory: bool = False
    stack: bool = True
    storage: bool = True
    return_data: bool = False
    limit: int = 0
    """Instructions to tell; zero for all."""


@dataclass(frozen=True, slots=True)
class TraceConfig:
    """Which tracer, with which settings of its own, for how long."""

    tracer: str | None = None
    """None for the struct log."""
    tracer_config: dict[str, object] = field(default_factory=dict)
    steps: StepOptions = StepOptions()
    seconds_max: float = limits.RPC_TRACE_SECONDS


NO_CONFIG: Final = TraceConfig()


def parse_trace_config(value: object) -> TraceConfig:
    """Parse it; unknown members are ignored, as in go-ethereum. Raises `InvalidParams`."""
    given = {name: item for name, item in parse_object(value).items() if item is not None}
    return TraceConfig(
        tracer=parse_string(given.get("tracer", "")) or None,
        tracer_config=parse_object(given.get("tracerConfig", {})),
        steps=StepOptions(
            memory=flag(given, "enableMemory"),
            stack=not flag(given, "disableStack"),
            storage=not flag(given, "disableStorage"),
            return_data=flag(given, "enableReturnData"),
            limit=_limit(given.get("limit", 0)),
        ),
        seconds_max=_seconds(given["timeout"]) if "timeout" in given else limits.RPC_TRACE_SECONDS,
    )


def flag(given: dict[str, object], name: str) -> bool:
    """An option that is off unless it is given. Raises `InvalidParams`."""
    value = given.get(name)
    return False if value is None else parse_bool(value)


def _limit(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidParams(f"limit is a number of instructions, not {value!r:.40}")
    return value


def _seconds(value: object) -> float:
    """Parse Go's durations, such as "300ms" or "1m30s", cut to what one call may take."""
    text = parse_string(value)
    position, total = 0, 0
    while position < len(text) or not text:
        part = _DURATION.match(text, position)
        if part is None:
            raise InvalidParams(f"time: invalid duration {text[:40]!r}")
        whole, _, fraction = part[1].partition(".")
        unit = _NANOSECONDS[part[2]]
        total += int(whole) * unit + int(fraction or "0") * unit // 10 ** len(fraction)
        position = part.end()
    return min(total / 10**9, limits.RPC_TRACE_SECONDS_MAX)
