"""What all tests share: workers, how figures get to the terminal, and that Ctrl-C is heard."""

import os
import signal
from collections.abc import Callable

import pytest
from xdist.remote import Producer

from tests.scheduler import HalvesScheduling

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell has what it starts in the background ignore Ctrl-C, and so would all that tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)

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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are processors, because half of them wait for most of their time."""
    return len(os.sched_getaffinity(0)) + 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> HalvesScheduling | None:
    """With `--dist loadfile`, files are dealt out as `tests/scheduler.py` says."""
    return HalvesScheduling(config, log) if config.getoption("dist") == "loadfile" else None
