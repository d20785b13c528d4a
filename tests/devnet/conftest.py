"""A real devnet: the `tallystick devnet` command in a process of its own, on free ports."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.limits import START_SECONDS_MAX, STOP_SECONDS_MAX, WAIT_SECONDS_MAX
from tests.ports import free_ports
from tests.tied import tied

_HTTP = httpx.Client(timeout=120, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
"""One for all, because making one loads certificates, 30 ms; connections don't outlive a call,
because servers here are killed."""


def wait_for(condition, seconds: float = WAIT_SECONDS_MAX, what: str = "the condition"):
    """The first true value of `condition`, asked again and again; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        time.sleep(0.1)


class RpcFailed(Exception):
    """A JSON-RPC error."""


def rpc(url: str, method: str, *params: Any) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    answer = _HTTP.post(url, json=body).json()
    if "error" in answer:
        raise RpcFailed(answer["error"])
    return answer["result"]


def get(url: str, **headers: str) -> httpx.Response:
    return _HTTP.get(url, headers=headers)


def readyz(url: str) -> httpx.Response:
    return get(f"{url}/readyz")


def answers(url: str) -> bool:
    try:
        rpc(url, "eth_chainId")
    except httpx.HTTPError:
        return False
    return True


@dataclass
class Devnet:
    """One devnet of the tests, started and stopped as a user does."""

    data_dir: Path
    ports: list[int] = field(default_factory=lambda: free_ports(3))
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    keepers: bool = False
    """Off but where keepers are what is tested: blocks then hold what a test puts there."""

    @property
    def l1(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def sequencer(self) -> str:
        return f"http://127.0.0.1:{self.ports[1]}"

    @property
    def verifier(self) -> str:
        return f"http://127.0.0.1:{self.ports[2]}"

    @property
    def manifest(self) -> Path:
        return self.data_dir / "devnet.json"

    @property
    def output(self) -> str:
        return (self.data_dir.parent / "output.txt").read_text()

    def start(self, *more: str) -> "Devnet":
        """Start it and wait until it says that it is ready."""
        self.launch(*more)
        wait_for(self.is_ready, START_SECONDS_MAX, "a ready devnet")
        return self

    def launch(self, *more: str) -> None:
        """Start it without waiting."""
        l1_port, rpc_port, verifier_port = self.ports
        command = [
            *tallystick("devnet"), "--data-dir", str(self.data_dir), "--l1-port", str(l1_port),
            "--rpc-port", str(rpc_port), "--verifier-port", str(verifier_port),
            "--keepers" if self.keepers else "--no-keepers", *self.arguments, *more,
        ]  # fmt: skip
        with (self.data_dir.parent / "output.txt").open("wb") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=output, start_new_session=True
            )

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the devnet stopped:\n{self.output}"
        return "The devnet is ready" in self.output

    def end(self) -> int:
        """Wait until it ends by itself; the exit code."""
        assert self.process is not None
        return self.process.wait(START_SECONDS_MAX)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Stop it as Ctrl-C does; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS_MAX)

    def node_pid(self, role: str) -> int:
        """The process id of one node of the devnet."""
        assert self.process is not None
        for pid in children_of(self.process.pid):
            if f"--role\0{role}\0".encode() in command_line(pid):
                return pid
        raise AssertionError(f"no {role} runs")

    def run(self, *arguments: str, timeout: float = 480) -> subprocess.CompletedProcess[str]:
        """Another `tallystick` command against this devnet."""
        return subprocess.run(
            [*tallystick(*arguments), "--data-dir", str(self.data_dir)],
            capture_output=True, text=True, timeout=timeout,
        )  # fmt: skip

    def sync_status(self, url: str | None = None) -> dict[str, Any]:
        return rpc(url or self.sequencer, "rollup_syncStatus")

    def safe_number(self, url: str | None = None) -> int:
        return int(self.sync_status(url)["safe"]["number"], 16)

    def deployment(self) -> dict[str, Any]:
        return json.loads((self.data_dir / "deployment.json").read_text())


def tallystick(*arguments: str) -> list[str]:
    """The command, which ends with this process if nothing ends it before."""
    return tied(sys.executable, "-m", "node.cli.main", *arguments)


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def children_of(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return found


@contextmanager
def devnet_in(folder: Path, *arguments: str, keepers: bool = False) -> Iterator[Devnet]:
    """A devnet that is stopped in the end, whatever happens."""
    devnet = Devnet(folder / "data", arguments=arguments, keepers=keepers)
    try:
        yield devnet
    finally:
        if devnet.process is not None and devnet.process.poll() is None:
            devnet.stop(signal.SIGTERM)


@pytest.fixture(scope="session")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A running devnet on its embedded L1 that the tests of a session share."""
    with devnet_in(tmp_path_factory.mktemp("devnet"), "--dispute-window", "5") as running:
        yield running.start()


def printed_addresses(output: str) -> list[str]:
    return re.findall(r"0x[0-9a-fA-F]{40}\b", output)
