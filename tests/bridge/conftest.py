"""A real L1 for the tests of the bridge: anvil on a port that the system picks."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

import httpx
import pytest

from bridge.l1.accounts import Operator
from bridge.l1.client import L1Client
from bridge.l1.rpc import RpcClient
from genesis.accounts import dev_accounts
from tests.limits import STOP_SECONDS_MAX, WAIT_SECONDS_MAX
from tests.ports import free_ports
from tests.tied import tied

ANVIL = Path(__file__).resolve().parents[2] / "node_modules" / ".bin" / "anvil"
CHAIN_ID = 31337

Result = TypeVar("Result")


class Anvil:
    """One anvil process. `stop` and `start` simulate an outage; the state survives in a file."""

    def __init__(self, *options: str) -> None:
        self._options = options
        self._folder = Path(tempfile.mkdtemp(prefix="tallystick-anvil-"))
        self._process: subprocess.Popen[str] | None = None
        (self.port,) = free_ports(1)
        self._launch()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start again, on the same port as before.

        In the first block after loading its state, anvil 1.7.1 answers BLOCKHASH of the parent
        with another block's hash, as no L1 does; so that block is mined empty.
        """
        self._launch()
        self.mine()

    def _launch(self) -> None:
        command = [str(ANVIL), "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--enable-tx-gas-limit", "--state", str(self._folder / "state.json")]
        self._process = subprocess.Popen(
            tied(*command, *self._options),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._wait_listening()

    def _wait_listening(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if f"Listening on 127.0.0.1:{self.port}" in line:
                self._drain(self._process.stdout)
                return
        raise AssertionError("anvil ended before it listened")

    @staticmethod
    def _drain(output: IO[str]) -> None:
        """Throw away what anvil writes, which would halt it once the pipe is full."""
        threading.Thread(target=deque, args=(output, 0), daemon=True).start()

    def stop(self) -> None:
        """Stop with the state saved."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(STOP_SECONDS_MAX)
            self._process = None

    def remove(self) -> None:
        """Stop and forget everything."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def ask(self, method: str, *params: Any) -> Any:
        """A JSON-RPC request past our own client: the test's hand on the L1.

        `verify` would read the system's certificates each time, for a connection without TLS.
        """
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = httpx.post(
            self.url, json=body, timeout=WAIT_SECONDS_MAX, trust_env=False, verify=False
        ).json()
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def mine(self, blocks: int = 1) -> None:
        """Mine empty blocks."""
        self.ask("anvil_mine", hex(blocks))

    def automine(self, on: bool) -> None:
        """Whether each transaction gets a block at once."""
        self.ask("evm_setAutomine", on)


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    """An anvil of this test alone, four slots an epoch: finalized is eight blocks behind."""
    instance = Anvil("--slots-in-an-epoch", "4")
    yield instance
    instance.remove()


@pytest.fixture
def on_l1(anvil: Anvil) -> Callable[[Callable[[L1Client], Awaitable[Result]]], Result]:
    """Run a coroutine function with a client of the test's anvil."""

    def run(use: Callable[[L1Client], Awaitable[Result]]) -> Result:
        async def scenario() -> Result:
            async with RpcClient(anvil.url) as rpc:
                return await use(L1Client(rpc, chain_id=CHAIN_ID))

        return asyncio.run(asyncio.wait_for(scenario(), timeout=WAIT_SECONDS_MAX))

    return run


@pytest.fixture
def alice() -> Operator:
    """A funded account that signs."""
    return Operator.of_dev_account(dev_accounts()[0])
