"""The chains that are measured, started for it: our devnet, and anvil."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import httpx

ROOT = Path(__file__).resolve().parents[2]
ANVIL = ROOT / "node_modules" / ".bin" / "anvil"
DEVNET = "devnet"

START_SECONDS_MAX = 90.0
"""Four Python processes and the L1 contracts on a busy machine."""
STOP_SECONDS_MAX = 30.0
POLL_SECONDS = 0.05


class ChainFailed(click.ClickException):
    """A chain that can't be measured, and what it said."""


@dataclass(frozen=True, slots=True)
class RunningChain:
    """A chain that answers JSON-RPC."""

    name: str
    url: str
    mines_on_demand: bool = False
    """Makes a block when a transaction comes or `evm_mine` asks, not by the clock."""

    def ask(self, method: str, *params: Any) -> Any:
        """The result of a call, outside of what is timed. Raises `ChainFailed`."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = _client().post(self.url, json=body).json()
        if "error" in answer:
            raise ChainFailed(f"{self.name}, {method}: {answer['error']['message']}")
        return answer["result"]

    def answers(self) -> bool:
        try:
            return bool(self.ask("eth_chainId"))
        except httpx.HTTPError:
            return False

    def listens(self) -> bool:
        """Whether its port takes connections, whatever it speaks."""
        address = urlsplit(self.url)
        try:
            socket.create_connection((str(address.hostname), address.port or 0), 1).close()
        except OSError:
            return False
        return True


@cache
def _client() -> httpx.Client:
    """One client for all calls: making one takes as long as dozens of them."""
    return httpx.Client(timeout=30, trust_env=False)


@contextlib.contextmanager
def devnet(folder: Path, *options: str) -> Iterator[RunningChain]:
    """Our devnet as a user starts it, verifier and embedded L1 with it; gives its sequencer.

    Its files are in `folder / DEVNET`; `options` are of `tallystick devnet`.
    """
    l1_port, rpc_port, verifier_port = free_ports(3)
    data_dir = folder / DEVNET
    command = [
        sys.executable, "-m", "node.cli.main", "devnet", "--data-dir", str(data_dir),
        "--l1-port", str(l1_port), "--rpc-port", str(rpc_port),
        "--verifier-port", str(verifier_port), *options,
    ]  # fmt: skip
    chain = RunningChain("tallystick", f"http://127.0.0.1:{rpc_port}")
    ready = data_dir / "devnet.json"
    with process(chain, command, folder / "devnet.txt", lambda: ready.exists()):
        yield chain


@contextlib.contextmanager
def anvil(
    folder: Path,
    *,
    block_seconds: int | None,
    caps_transactions: bool = False,
    genesis: Path | None = None,
) -> Iterator[RunningChain]:
    """Anvil with the gas limit that our blocks have; None for a block as transactions come.

    As L1 it caps a transaction's gas too (EIP-7825). `genesis` is a file as geth has it.
    """
    if not ANVIL.exists():
        raise ChainFailed(f"{ANVIL} is missing: run `npm ci` (Node.js 20) to get anvil")
    (port,) = free_ports(1)
    command = [str(ANVIL), "--port", str(port), "--gas-limit", "30000000"]
    command += ["--enable-tx-gas-limit"] if caps_transactions else []
    command += ["--init", str(genesis)] if genesis else []
    url = f"http://127.0.0.1:{port}"
    if block_seconds is None:
        chain = RunningChain("anvil, blocks on demand", url, mines_on_demand=True)
    else:
        command += ["--block-time", str(block_seconds)]
        chain = RunningChain(f"anvil, {block_seconds} s blocks", url)
    with process(chain, command, folder / f"anvil-{port}.txt", chain.answers):
        yield chain


@contextlib.contextmanager
def process(chain: RunningChain, command: list[str], log: Path, is_ready: Any) -> Iterator[None]:
    """Run a command until the block ends; enters when it is ready."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
                raise ChainFailed(f"{chain.name} did not start:\n{tail}")
            time.sleep(POLL_SECONDS)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listened on a moment ago."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
