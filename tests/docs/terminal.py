"""A reader's terminal: one shell that types a page's commands, on ports and folders of its own."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.devnet.conftest import wait_for
from tests.docs.likeness import hashes_seen, missing_line
from tests.docs.pages import Command, commands_of
from tests.ports import free_ports
from tests.tied import tied

ROOT: Final = Path(__file__).parents[2]
PORTS: Final = (8545, 9545, 9546, 9547, 9550, 9551, 9600)
"""Ports that pages name; each becomes a free one."""
COMMAND_SECONDS_MAX: Final = 600.0
READY_SECONDS_MAX: Final = 600.0
STOP_SECONDS_MAX: Final = 120.0
LINES_SECONDS_MAX: Final = 240.0
"""What a started program still prints after the text that it is ready by."""


@dataclass(slots=True)
class Terminal:
    """Runs commands in `folder`, which is its home folder too."""

    folder: Path
    known: dict[str, str] = field(default_factory=dict)
    """What the page calls something, and what it is here."""
    left_running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        programs = self.folder / "bin"
        programs.mkdir(parents=True)
        _program(programs / "tallystick", f'exec {sys.executable} -m node.cli.main "$@"')
        _program(programs / "python", f'exec {sys.executable} "$@"')
        for name in ("cast", "anvil"):
            binary = ROOT / f"node_modules/@foundry-rs/{name}-linux-amd64/bin/{name}"
            _program(programs / name, f'exec {binary} "$@"')
        (self.folder / "scripts").symlink_to(ROOT / "scripts")
        self.known |= {str(old): str(new) for old, new in zip(PORTS, free_ports(len(PORTS)))}

    def type(self, command: Command) -> None:
        """Run a command and hold its exit code and its output against the page; or save a file."""
        if command.stops is not None:
            _interrupt(self.left_running[command.stops - 1])
        text = self._translate(command.text)
        if command.file is not None:
            (self.folder / command.file).write_text(text)
            return
        if command.until is not None:
            printed = self._leave_running(text, command)
        else:
            printed = self._run(text, command)
        lines = printed.splitlines()
        missing = missing_line(command.shown, lines)
        assert missing is None, (
            f"line {command.line}: `{text}` never said\n{missing}\nbut\n{printed}"
        )
        self.known |= hashes_seen(command.shown, lines)
        for name, pattern in command.values:
            match = re.search(pattern, printed)
            assert match, f"line {command.line}: {pattern!r} is not in\n{printed}"
            self.known[name] = match[1]

    def close(self) -> None:
        """Ctrl-C in each terminal, the last one first."""
        for process in reversed(self.left_running):
            _interrupt(process)

    def _translate(self, text: str) -> str:
        """The command as it is typed here: with other ports, hashes and names."""
        text = text.replace("./scripts/devnet", "tallystick devnet")
        text = text.replace(".venv/bin/", "")
        words = sorted(self.known, key=len, reverse=True)
        pattern = r"(?<![\w.])(" + "|".join(map(re.escape, words)) + r")(?![\w.])"
        return re.sub(pattern, lambda match: self.known[match[1]], text)

    def _environment(self) -> dict[str, str]:
        l1, sequencer, verifier = (self.known[str(port)] for port in PORTS[:3])
        return {
            **os.environ,
            "HOME": str(self.folder),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "160",
            "TALLYSTICK_DEVNET_L1_PORT": l1,
            "TALLYSTICK_DEVNET_RPC_PORT": sequencer,
            "TALLYSTICK_DEVNET_VERIFIER_PORT": verifier,
        }

    def _run(self, text: str, command: Command) -> str:
        """Run in a shell that remembers what earlier ones exported."""
        memory = shlex.quote(str(self.folder / ".exports"))
        before, after = f"[ -f {memory} ] && . {memory}", f"export -p >{memory}"
        script = f"{before}; {{ {text}\n}}; code=$?; {after}; exit $code"
        done = subprocess.run(
            tied("bash", "-c", script), cwd=self.folder, env=self._environment(), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=COMMAND_SECONDS_MAX,
        )  # fmt: skip
        assert done.returncode == command.exit_code, (
            f"line {command.line}: `{text}` ended with {done.returncode}:\n{done.stdout}"
        )
        return done.stdout

    def _leave_running(self, text: str, command: Command) -> str:
        output = self.folder / f"terminal-{len(self.left_running)}.txt"
        with output.open("wb") as sink:
            process = subprocess.Popen(
                tied("bash", "-c", f"exec {text}"), cwd=self.folder, env=self._environment(),
                stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True,
            )  # fmt: skip
        self.left_running.append(process)

        def is_ready() -> bool:
            assert process.poll() is None, f"`{text}` stopped:\n{output.read_text()}"
            return (command.until or "") in output.read_text()

        wait_for(is_ready, READY_SECONDS_MAX, f"line {command.line}: {command.until!r}")
        last = [line for line in command.shown if line.strip() not in ("", "...", "…")]
        wait_for(
            lambda: missing_line(last, output.read_text().splitlines()) is None,
            LINES_SECONDS_MAX,
            f"line {command.line}: {last}",
        )
        return output.read_text()


def type_page(page: str, folder: Path, known: Mapping[str, str] = MappingProxyType({})) -> None:
    """Type all commands of a page, in a terminal that knows some words already."""
    terminal = Terminal(folder, dict(known))
    try:
        for command in commands_of(page):
            terminal.type(command)
    finally:
        terminal.close()


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C, and the end of it."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def _program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
