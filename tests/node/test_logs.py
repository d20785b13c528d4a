"""Log lines for machines: one JSON object a line, and no keys."""

import json
import logging
from collections.abc import Iterator

import pytest

from bridge.l1.accounts import Operator
from genesis.accounts import operator_accounts
from node.logs import JsonFormatter, LogFormat, configure_logging, current_format


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_line_has_time_level_part_sentence_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(log_format=LogFormat.JSON)
    assert current_format() is LogFormat.JSON
    logging.getLogger("tallystick.derive").info("safe %d of %s", 7, "two\nlines")
    (line,) = written(capsys)
    assert str(line.pop("ts")).endswith("Z")
    assert line == {
        "level": "info",
        "logger": "tallystick.derive",
        "msg": "safe 7 of two\nlines",
        "fields": {"0": 7, "1": "two\nlines"},
    }


def test_exception_is_in_the_line_that_tells_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(log_format=LogFormat.JSON)
    try:
        raise ValueError("two and two")
    except ValueError:
        logging.getLogger("tallystick.node").exception("a sum failed")
    (line,) = written(capsys)
    assert "ValueError: two and two" in str(line["exception"])
    assert "fields" not in line


def test_key_in_a_message_is_not_told() -> None:
    account = operator_accounts().batcher
    operator = Operator.of_dev_account(account)
    record = logging.makeLogRecord({"msg": "%s signs, %r", "args": (operator, {"by": operator})})
    line = JsonFormatter().format(record)
    assert account.key.hex().removeprefix("0x") not in line
    assert "signs" in line


def test_large_values_are_cut_in_the_fields_only() -> None:
    record = logging.makeLogRecord({"msg": "%s %d", "args": ("x" * 1_000, 2**200)})
    line = json.loads(JsonFormatter().format(record))
    assert line["fields"] == {"0": "x" * 200, "1": str(2**200)}
    assert "x" * 1_000 in line["msg"]


def test_lines_for_people_are_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    assert current_format() is LogFormat.TEXT
    logging.getLogger("tallystick.node").info("stopped")
    assert capsys.readouterr().err.endswith("INFO    tallystick.node: stopped\n")
