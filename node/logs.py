"""Log lines: for people as time, level, part, sentence; for machines as one JSON object a line."""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec

VALUE_CHARACTERS_MAX: Final = 200
"""Of a value in a message's fields; the message itself has it whole."""


class LogFormat(StrEnum):
    """What a log is written for."""

    TEXT = "text"
    JSON = "json"


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: ts, level, logger, msg, and fields and exception if any.

    Values are shown as messages show them, so that what a key's `repr` keeps secret stays so.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "ts": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
        }
        if fields := _fields(record.args):
            line["fields"] = fields
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def _fields(arguments: object) -> dict[str, object]:
    """What a message was made of, by name or by place."""
    if isinstance(arguments, Mapping):
        return {str(name): _shown(value) for name, value in arguments.items()}
    if isinstance(arguments, tuple):
        return {str(place): _shown(value) for place, value in enumerate(arguments)}
    return {}


def _shown(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int) and value.bit_length() < 64:
        return int(value)
    return f"{value!s:.{VALUE_CHARACTERS_MAX}}"


def current_format() -> LogFormat:
    """What this process writes, for one that it starts."""
    handlers = logging.getLogger().handlers
    is_json = any(isinstance(one.formatter, JsonFormatter) for one in handlers)
    return LogFormat.JSON if is_json else LogFormat.TEXT


def configure_logging(level: int = logging.INFO, log_format: LogFormat = LogFormat.TEXT) -> None:
    """Send the node's log to standard error; libraries only speak up from warnings."""
    handler = logging.StreamHandler(sys.stderr)
    if log_format is LogFormat.JSON:
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
        )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("tallystick").setLevel(level)
