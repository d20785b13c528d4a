"""What a test starts ends with the test's process."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from tests.limits import STOP_SECONDS_MAX
from tests.tied import tied

ROOT = Path(__file__).parents[1]
STARTER = """
import subprocess
from tests.tied import tied
print(subprocess.Popen(tied("sleep", "3600")).pid, flush=True)
input()
"""


def test_tied_program_ends_with_its_killed_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as starter:  # fmt: skip
        assert starter.stdout is not None
        watched = os.pidfd_open(int(starter.stdout.readline()))
        starter.kill()
    try:
        assert ended(watched)
    finally:
        os.close(watched)


def ended(process: int) -> bool:
    """Whether a process, given by its descriptor, ends: that becomes readable then."""
    return bool(select.select([process], [], [], STOP_SECONDS_MAX)[0])


def test_tied_program_keeps_its_arguments_exit_code_and_signals() -> None:
    done = subprocess.run(tied("sh", "-c", 'echo "$1"; exit 7', "-", "a b"), capture_output=True)
    assert (done.stdout, done.returncode) == (b"a b\n", 7)
    with subprocess.Popen(tied("sleep", "3600")) as asleep:
        asleep.send_signal(signal.SIGINT)
    assert asleep.returncode == -signal.SIGINT


def test_program_whose_parent_is_gone_is_not_started() -> None:
    command = tied("echo", "started")
    command[command.index(str(os.getpid()))] = "1"
    assert subprocess.run(command, capture_output=True).stdout == b""
