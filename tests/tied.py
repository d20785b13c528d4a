"""Runs a program that ends with whoever started it, be it by kill -9.

Usage: `python tied.py PID PROGRAM [ARGUMENT]...`, where PID is the caller's own. When pytest or one
of its workers is killed, no fixture stops what tests started, and a devnet would stay behind.
"""

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1
"""prctl(2): the signal that this process gets when its parent ends; execve(2) keeps it."""


def tied(*command: str) -> list[str]:
    """The command that runs `command` tied to this process: to the thread that starts it."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main(parent: str, *command: str) -> None:
    """Become `command`, unless the parent is gone already."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM)) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() == int(parent):
        os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
