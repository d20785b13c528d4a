"""What all tests share: how figures get to the terminal."""

from collections.abc import Callable

import pytest

SHOWN = "shown"

Show = Callable[[str], None]


@pytest.fixture
def show(record_property: Callable[[str, object], None]) -> Show:
    """Puts a text below the results, whichever process the test ran in."""
    return lambda text: record_property(SHOWN, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests had to show."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, text in getattr(report, "user_properties", ()):
                if name == SHOWN:
                    terminalreporter.write_line(str(text).rstrip())
