"""What all tests share: how they are spread over processes, and how figures get to the terminal."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
SHOWN = "shown"

Show = Callable[[str], None]


@pytest.hookimpl(wrapper=True)  # to be before xdist, which reads the groups first of all
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Files stay whole, because tests of a file share fixtures. Those that run nodes in real time
    stay together, one after the other: side by side they would take each other's time."""
    for item in items:
        path = item.path.relative_to(TESTS)
        group = path.parts[0] if path.parts[0] == "devnet" else str(path)
        item.add_marker(pytest.mark.xdist_group(group))
    yield


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
