"""The L1 contracts on an anvil of the whole session; each test starts from the same snapshot."""

import re
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from web3 import Web3

from tests.bridge.contracts.l1 import L1, Stack, deploy_stack
from tests.limits import STOP_SECONDS_MAX
from tests.tied import tied

ANVIL = Path(__file__).resolve().parents[3] / "node_modules" / ".bin" / "anvil"


@pytest.fixture(scope="session")
def anvil_url() -> Iterator[str]:
    """An anvil with EIP-7825's transaction cap and its default (newest) hard fork."""
    command = [str(ANVIL), "--host", "127.0.0.1", "--port", "0", "--enable-tx-gas-limit"]
    process = subprocess.Popen(tied(*command), stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{_listening_port(process)}"
    finally:
        process.terminate()
        process.wait(STOP_SECONDS_MAX)


def _listening_port(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"Listening on 127\.0\.0\.1:(\d+)", line):
            # What anvil goes on to write must be read, or it halts once the pipe is full.
            threading.Thread(target=deque, args=(process.stdout, 0), daemon=True).start()
            return int(found.group(1))
    raise AssertionError("anvil ended before it listened")


@pytest.fixture(scope="session")
def deployed(anvil_url: str) -> Stack:
    """All L1 contracts, wired up as a deployment does it."""
    w3 = Web3(Web3.HTTPProvider(anvil_url))
    w3.eth.default_account = w3.eth.accounts[0]
    return deploy_stack(L1(w3))


@pytest.fixture
def stack(deployed: Stack) -> Iterator[Stack]:
    """The contracts as they were deployed; what the test does is undone after it."""
    snapshot = deployed.l1.ask("evm_snapshot")
    yield deployed
    deployed.l1.ask("evm_revert", snapshot)


@pytest.fixture
def l1(stack: Stack) -> L1:
    return stack.l1
