"""kill -9 at any moment, full disks and damaged databases: nothing acknowledged is lost."""

import os
import random
import resource
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.devnet.conftest import (
    START_SECONDS_MAX,
    Devnet,
    RpcFailed,
    answers,
    devnet_in,
    rpc,
    tallystick,
    wait_for,
)
from tests.devnet.sender import Sender, receipt

pytestmark = pytest.mark.slow

LONG = bool(os.environ.get("TALLYSTICK_ALL"))
ROUNDS = 12 if LONG else 1
SEED = 20240607
RECIPIENT = b"\x5e" * 20
VICTIMS = (("sequencer",), ("verifier",), ("l1",), ("sequencer", "verifier", "l1"))


class Client:
    """Sends transactions all the time and remembers each receipt and head it was shown."""

    def __init__(self, url: str, account: int) -> None:
        self._url = url
        self._sender = Sender(url, account)
        self._stopping = threading.Event()
        self.receipts: dict[str, dict[str, Any]] = {}
        self.heads: dict[str, str] = {}
        """Block hash by number."""

    @contextmanager
    def sending(self) -> Iterator[None]:
        self._stopping.clear()
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join()

    def _run(self) -> None:
        waiting: list[str] = []
        while not self._stopping.wait(0.05):
            try:
                waiting = self._step(waiting)
            except (httpx.HTTPError, RpcFailed):
                waiting = []  # not acknowledged by a block: the pool is in memory

    def _step(self, waiting: list[str]) -> list[str]:
        head = rpc(self._url, "eth_getBlockByNumber", "latest", False)
        self.heads[head["number"]] = head["hash"]
        if len(waiting) < 8:
            waiting.append(self._sender.send(self._sender.sign(RECIPIENT)))
        for hash in tuple(waiting):
            found = receipt(self._url, hash)
            if found is not None:
                self.receipts[hash] = found
                waiting.remove(hash)
        return waiting

    def check_all_still_there(self, url: str) -> None:
        """Every receipt and head that was shown is still what `url` says."""
        for hash, seen in self.receipts.items():
            assert receipt(url, hash) == seen
        for number, hash in self.heads.items():
            assert rpc(url, "eth_getBlockByNumber", number, False)["hash"] == hash


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    with devnet_in(tmp_path_factory.mktemp("kill")) as running:
        yield running.start()


def urls(devnet: Devnet) -> dict[str, str]:
    return {"sequencer": devnet.sequencer, "verifier": devnet.verifier, "l1": devnet.l1}


def wait_until_new_blocks(devnet: Devnet) -> None:
    """All three nodes answer, and go on."""
    for url in urls(devnet).values():
        wait_for(lambda url=url: answers(url), what=f"{url} again")
        head = int(rpc(url, "eth_blockNumber"), 16)
        wait_for(
            lambda url=url, head=head: int(rpc(url, "eth_blockNumber"), 16) > head,
            what=f"new blocks of {url}",
        )


def ensure_started(devnet: Devnet) -> None:
    if devnet.process is None or devnet.process.poll() is not None:
        devnet.start()
    wait_until_new_blocks(devnet)


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_killed_at_random_moments_loses_nothing_acknowledged(
    devnet: Devnet, round_number: int
) -> None:
    moments = random.Random(SEED + round_number)
    clients = {"sequencer": Client(devnet.sequencer, 1), "l1": Client(devnet.l1, 1)}
    if round_number:
        devnet.stop()  # which forgets earlier deaths: it gives up at four a minute
    ensure_started(devnet)
    with clients["sequencer"].sending(), clients["l1"].sending():
        for victims in moments.sample(VICTIMS, len(VICTIMS)):
            watched = clients["l1" if victims == ("l1",) else "sequencer"]
            enough = len(watched.receipts) + moments.randint(1, 20)
            wait_for(
                lambda watched=watched, enough=enough: len(watched.receipts) >= enough,
                what="receipts",
            )
            kill(devnet, victims)
        wait_until_new_blocks(devnet)

    for role, client in clients.items():
        client.check_all_still_there(urls(devnet)[role])
    newest = max(int(number, 16) for number in clients["sequencer"].heads)
    wait_for(lambda: devnet.safe_number(devnet.verifier) >= newest, what="the verifier")
    clients["sequencer"].check_all_still_there(devnet.verifier)


def kill(devnet: Devnet, roles: tuple[str, ...]) -> None:
    """kill -9, and wait until the supervisor has started them again."""
    for role in roles:
        os.kill(devnet.node_pid(role), signal.SIGKILL)
    for role in roles:
        wait_for(lambda role=role: answers(urls(devnet)[role]), what=f"the {role} again")


def test_disk_full_stops_node_with_sentence_and_loses_nothing(devnet: Devnet) -> None:
    """A file-size limit stands for a full disk; it ends with the process it was set on."""
    ensure_started(devnet)
    roles = ("sequencer", "l1")
    clients = {role: Client(urls(devnet)[role], 2) for role in roles}
    with clients["sequencer"].sending(), clients["l1"].sending():
        for client in clients.values():
            wait_for(lambda client=client: client.receipts, what="receipts")
        pids = [devnet.node_pid(role) for role in roles]
        for role, pid in zip(roles, pids, strict=True):
            room = max(path.stat().st_size for path in growing_files(devnet, role)) + 8192
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, room))
        for pid in pids:
            wait_for(lambda pid=pid: not os.path.exists(f"/proc/{pid}"), what="the nodes' end")
        wait_until_new_blocks(devnet)

    for role, client in clients.items():
        log = (devnet.data_dir / f"{role}.log").read_text()
        assert "can't be written" in log
        assert "free room or mend the disk, then start again" in log
        assert "Traceback" not in log
        client.check_all_still_there(urls(devnet)[role])


def growing_files(devnet: Devnet, role: str) -> list[Path]:
    """What a node appends to: LevelDB's log of new entries, and its own log."""
    return [*(devnet.data_dir / role / "db").glob("*.log"), devnet.data_dir / f"{role}.log"]


def start_and_fail(devnet: Devnet) -> str:
    """What the devnet command prints when a node can't start."""
    devnet.launch()
    assert devnet.end() != 0
    assert "Traceback" not in devnet.output
    return devnet.output


def stop_if_running(devnet: Devnet) -> None:
    if devnet.process is not None and devnet.process.poll() is None:
        devnet.stop()


def test_database_of_another_chain_refused_with_remedy(devnet: Devnet) -> None:
    stop_if_running(devnet)
    own, aside = devnet.data_dir / "sequencer" / "db", devnet.data_dir / "sequencer-db"
    own.rename(aside)
    shutil.copytree(devnet.data_dir / "l1" / "db", own)
    try:
        output = start_and_fail(devnet)
    finally:
        shutil.rmtree(own)
        aside.rename(own)

    assert "the sequencer stopped while starting" in output
    assert "holds chain 31337" in output
    assert "--data-dir" in output


def test_damaged_databases_refused_and_each_remedy_brings_them_back(devnet: Devnet) -> None:
    """`.log` holds what was written last, `.ldb` what LevelDB moved out of it when it opened."""
    ensure_started(devnet)
    devnet.stop()
    devnet.start()  # opened twice, so that genesis is no longer in `.log`
    wait_until_new_blocks(devnet)  # which are: a log of nothing can't be damaged
    number = wait_for(lambda: devnet.safe_number(devnet.verifier), what="a safe block")
    before = rpc(devnet.verifier, "eth_getBlockByNumber", hex(number), False)
    devnet.stop()
    assert_refused_when_damaged(devnet, "verifier", ".log")
    recovered = subprocess.run(
        [
            *tallystick("recover", "--role", "verifier"),
            *("--data-dir", str(devnet.data_dir / "verifier")),
            *("--deployment", str(devnet.data_dir / "deployment.json")),
        ],
        capture_output=True,
        text=True,
        timeout=START_SECONDS_MAX,
    )
    assert recovered.returncode == 0, recovered.stderr
    assert_refused_when_damaged(devnet, "sequencer", ".ldb")
    shutil.rmtree(devnet.data_dir / "sequencer" / "db")

    devnet.start()
    for url in (devnet.sequencer, devnet.verifier):
        wait_for(lambda url=url: devnet.safe_number(url) >= number, what="the chain again")
        assert rpc(url, "eth_getBlockByNumber", hex(number), False) == before
    wait_until_new_blocks(devnet)


def assert_refused_when_damaged(devnet: Devnet, role: str, suffix: str) -> None:
    database = devnet.data_dir / role / "db"
    damaged = [damage(path) for path in (database / "leveldb").glob(f"*{suffix}")]
    assert any(damaged), f"no {suffix} file of the {role} holds anything"
    output = start_and_fail(devnet)
    assert f"the {role} stopped while starting" in output
    assert f"the database in {database} is damaged" in output
    assert "run `tallystick recover`" in output
    assert "delete the folder and derive the chain from L1 again" in output


def damage(path: Path) -> bool:
    """Flip a bit in every hundred bytes of a file's second half, if there is one.

    No record is so short that none of it is hit. LevelDB takes a length that points beyond the end
    of its log for a write that was cut off, so that one flip alone might pass as one.
    """
    content = bytearray(path.read_bytes())
    for at in range(len(content) // 2, len(content), 100):
        content[at] ^= 0x10
    path.write_bytes(content)
    return bool(content)
