"""`tallystick challenge` in a process of its own, and what it says on its standard output."""

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.devnet.conftest import STOP_SECONDS_MAX, Devnet, tallystick, wait_for

Event = dict[str, Any]

GAME_SECONDS_MAX = 600.0
"""A whole game on a loaded machine: 46 moves, both clocks, the payout."""


class ChallengerProcess:
    """One run of the challenger after the other, with the events of all of them."""

    def __init__(self, devnet: Devnet, *arguments: str) -> None:
        self._command = [
            *tallystick("challenge", "--json", *arguments), "--data-dir", str(devnet.data_dir),
        ]  # fmt: skip
        self._process: subprocess.Popen[str] | None = None
        self.events: list[Event] = []
        self.errors: list[str] = []

    def start(self) -> None:
        process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._process = process
        threading.Thread(target=self._read, args=(process,), daemon=True).start()
        threading.Thread(target=self._read_errors, args=(process,), daemon=True).start()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.events.append(json.loads(line))

    def _read_errors(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        self.errors.extend(process.stderr)

    def of(self, event: str, **fields: object) -> list[Event]:
        """All events of a kind so far, with these fields."""
        return [
            one
            for one in list(self.events)
            if one["event"] == event and all(one[name] == fields[name] for name in fields)
        ]

    def wait(self, event: str, count: int = 1, **fields: object) -> list[Event]:
        """All events of a kind, once there are so many of them."""

        def arrived() -> list[Event] | None:
            assert self._process is not None
            found = self.of(event, **fields)
            if len(found) >= count:
                return found
            assert self._process.poll() is None, "".join(self.errors)
            return None

        return wait_for(arrived, GAME_SECONDS_MAX, f"{count} {event}")

    def kill(self) -> None:
        """End it without notice."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(STOP_SECONDS_MAX)

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None


@contextmanager
def challenging(devnet: Devnet, *arguments: str) -> Iterator[ChallengerProcess]:
    """A running challenger, stopped in the end."""
    process = ChallengerProcess(devnet, *arguments)
    process.start()
    try:
        yield process
    finally:
        if process.is_running():
            process.interrupt()


@contextmanager
def trading(devnet: Devnet) -> Iterator[None]:
    """`demo trade` on its way: something for the clearing house to multiply."""
    process = subprocess.Popen(
        [*tallystick("demo", "trade"), "--data-dir", str(devnet.data_dir)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait()
