"""The machine beside the engine on a running rollup: it agrees, or the node halts."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.deployment import load_deployment
from bridge.derive.pipeline import Pipeline
from execution.signing import UnsignedTransaction, sign
from genesis.networks import L2_DEVNET_CHAIN_ID
from node.chain import DATABASE
from node.derived import derived_chain
from state.types import Gas, Wei
from tests.bridge.machine.engines import other_time
from tests.devnet.conftest import (
    START_SECONDS_MAX,
    STOP_SECONDS_MAX,
    Devnet,
    answers,
    rpc,
    tallystick,
    wait_for,
)
from tests.devnet.sender import GWEI, Sender
from tests.ports import free_ports

pytestmark = pytest.mark.slow

AGREES = re.compile(
    r"the machine agrees up to block (\d+); (\d+) blocks are checked, (\d+) left out"
)

STORES = bytes.fromhex("602a5f554360015560405f20600255" + "600a6016f3")
"""Initialisation code: storage, block number, a hash, and ten bytes to deploy."""


def agreement(log: Path) -> tuple[int, int, int]:
    """Last block checked, how many are, and how many were left out, by the last line about it."""
    found = AGREES.findall(log.read_text())
    last, checked, left_out = found[-1] if found else (0, 0, 0)
    return int(last), int(checked), int(left_out)


def test_every_block_of_a_devnet_run_gives_the_same_root_on_both(devnet: Devnet) -> None:
    """The verifier checks them all, and would have halted."""
    sender = Sender(devnet.sequencer, 6)
    creation = UnsignedTransaction(
        nonce=sender.nonce(), gas=Gas(300_000), to=None, value=Wei(0), data=STORES,
        max_fee_per_gas=Wei(20 * GWEI), max_priority_fee_per_gas=Wei(GWEI),
    )  # fmt: skip
    sent = sender.send(f"0x{sign(creation, sender.key, L2_DEVNET_CHAIN_ID).hex()}")
    receipt = wait_for(lambda: rpc(devnet.sequencer, "eth_getTransactionReceipt", sent))
    assert receipt["status"] == "0x1"
    number, log = int(receipt["blockNumber"], 16), devnet.data_dir / "verifier.log"
    wait_for(lambda: agreement(log)[0] >= number, what="the machine's agreement")
    last, checked, left_out = agreement(log)
    assert (checked, left_out) == (last, 0)
    assert answers(devnet.verifier)


# A verifier whose engine goes by another rule


async def derive_wrongly(devnet: Devnet, folder: Path) -> None:
    """Fill a verifier's database by an engine that dates blocks a second late."""
    folder.mkdir()
    deployment = load_deployment(devnet.data_dir / "deployment.json")
    async with derived_chain(devnet.l1, deployment, folder) as derived:
        chain, follower = derived.chain, derived.follower
        execute = other_time().execute
        follower.pipeline = Pipeline(chain.store, chain.config, follower.log, execute)
        await derived.catch_up()
        assert derived.safe > 0


class Verifier:
    """`tallystick node --role verifier` on a folder, beside the devnet's own."""

    def __init__(self, devnet: Devnet, folder: Path) -> None:
        self.folder = folder
        (self.port,) = free_ports(1)
        self.command = [
            *tallystick("node"), "--role", "verifier", "--data-dir", str(folder),
            "--rpc-port", str(self.port), "--l1-rpc", devnet.l1,
            "--deployment", str(devnet.data_dir / "deployment.json"),
        ]  # fmt: skip

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run_to_its_end(self, *arguments: str) -> str:
        """What a node that halts says last."""
        done = subprocess.run(
            [*self.command, *arguments], capture_output=True, text=True, timeout=START_SECONDS_MAX
        )
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return done.stderr.splitlines()[-1]

    @contextmanager
    def running(self, *arguments: str) -> Iterator[Path]:
        """Started; the path of its log."""
        log = self.folder.with_suffix(".log")
        with log.open("wb") as output:
            process = subprocess.Popen([*self.command, *arguments], stdout=output, stderr=output)
        try:
            wait_for(lambda: answers(self.url), what="an answer")
            yield log
        finally:
            process.terminate()
            process.wait(STOP_SECONDS_MAX)


def test_disagreeing_node_halts_until_told_to_go_on_with_the_machine(
    devnet: Devnet, tmp_path: Path
) -> None:
    """Evidence, a halt, a halt again; then the machine's result, and the chain that L1 gives."""
    wait_for(lambda: devnet.safe_number() > 2, what="safe blocks")
    verifier = Verifier(devnet, tmp_path / "verifier")
    asyncio.run(derive_wrongly(devnet, verifier.folder))

    said = verifier.run_to_its_end()
    (path,) = verifier.folder.glob("machine-disagrees-*.json")
    # The first block, or on a devnet that has run for long the first of those looked back at.
    number = int(path.stem.rpartition("-")[2])
    assert str(path) in said
    assert f"--machine-result {number}" in said
    evidence = json.loads(path.read_text())
    assert "header.timestamp" in evidence["differs"]
    assert verifier.run_to_its_end() == said

    # What L1 has finalized meanwhile can't be taken back; from an empty database all can go on.
    shutil.rmtree(verifier.folder / DATABASE)
    with verifier.running("--machine-result", str(number)) as log:
        wait_for(lambda: agreement(log)[0] > number, what="the machine's agreement")
        for block in (hex(number), hex(number + 1)):
            ours = rpc(verifier.url, "rollup_outputAtBlock", block)
            assert ours == rpc(devnet.sequencer, "rollup_outputAtBlock", block)
        assert f"block {number} will be executed by the machine" in log.read_text()
