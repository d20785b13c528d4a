"""What L1s do in life: reorganise, go away, fall silent, lag. L1 alone still determines L2.

One devnet goes through all of it, and `tallystick verify` has the last word.
"""

import os
import secrets
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bridge.l1 import contracts
from tests.devnet.conftest import Devnet, devnet_in, readyz, rpc, wait_for
from tests.devnet.l1 import Endpoint, TimedAnvil
from tests.devnet.sender import (
    ETHER,
    Sender,
    balance,
    call_contract,
    receipt,
    wait_for_receipt,
)

pytestmark = pytest.mark.slow

LONG = bool(os.environ.get("TALLYSTICK_ALL"))
LAG_BLOCKS = 5
LAG_ANSWERS = 400 if LONG else 60
REORG_DEPTHS = (3, 10, 64, 1, 5, 30, 64) if LONG else (3, 10, 64)
OFFLINE_BLOCKS = 60 if LONG else 4


@dataclass
class Rollup:
    """A devnet, the anvil below it, and the endpoint between them."""

    anvil: TimedAnvil
    endpoint: Endpoint
    devnet: Devnet

    @property
    def nodes(self) -> tuple[str, str]:
        return self.devnet.sequencer, self.devnet.verifier

    @property
    def portal(self) -> str:
        return self.devnet.deployment()["contracts"]["Portal"]

    def items(self) -> int:
        return self._count("Inbox", contracts.COUNT)

    def games(self) -> int:
        return self._count("Rollup", contracts.GAME_COUNT)

    def wait_for_more(self, count, what: str) -> None:
        before = count()
        wait_for(lambda: count() > before, what=what)

    def wait_healthy(self) -> None:
        for url in self.nodes:
            wait_for(lambda url=url: readyz(url).status_code == 200, what="health again")

    def head(self, url: str | None = None) -> int:
        return int(rpc(url or self.devnet.sequencer, "eth_blockNumber"), 16)

    def block_hash(self, url: str, number: int) -> str | None:
        block = rpc(url, "eth_getBlockByNumber", hex(number), False)
        return block and block["hash"]

    def wait_converged(self, beyond: int) -> None:
        """Both nodes have derived the same blocks from L1, up to `beyond` at least."""
        for url in self.nodes:
            wait_for(
                lambda url=url: self.devnet.safe_number(url) >= beyond, what=f"safe block {beyond}"
            )
        numbers = range(beyond + 1)
        sequenced, derived = ([self.block_hash(url, n) for n in numbers] for url in self.nodes)
        assert sequenced == derived
        roots = [rpc(url, "rollup_outputAtBlock", hex(beyond))["outputRoot"] for url in self.nodes]
        assert roots[0] == roots[1]

    def _count(self, contract: str, function: contracts.Function) -> int:
        address = self.devnet.deployment()["contracts"][contract]
        return int(call_contract(self.anvil.url, address, function.call()), 16)


@pytest.fixture(scope="module")
def rollup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rollup]:
    anvil = TimedAnvil()
    endpoint = Endpoint(anvil)
    try:
        with devnet_in(tmp_path_factory.mktemp("trouble"), "--l1-rpc", endpoint.url) as devnet:
            yield Rollup(anvil, endpoint, devnet.start())
    finally:
        endpoint.close()
        anvil.remove()


def new_address() -> bytes:
    return secrets.token_bytes(20)


@pytest.mark.parametrize("depth", REORG_DEPTHS)
def test_reorg_of_batches_deposits_and_proposals_converges(rollup: Rollup, depth: int) -> None:
    anvil, sequencer = rollup.anvil, rollup.devnet.sequencer
    rollup.wait_healthy()
    anvil.mine(depth)  # so that no reorg reaches the deployment
    if depth >= 10:
        rollup.wait_for_more(rollup.games, "a proposal to reorganise")
    rollup.wait_for_more(rollup.items, "a batch to reorganise")
    depositor, moved, lost = Sender(anvil.url, 1), new_address(), new_address()
    raws = [
        depositor.deposit(rollup.portal, to, ETHER, depositor.nonce() + n)
        for n, to in enumerate((moved, lost))
    ]
    hashes = [depositor.send(raw) for raw in raws]
    for hash in hashes:
        wait_for_receipt(anvil.url, hash)
    if depth >= 10:
        for to in (moved, lost):
            wait_for(lambda to=to: balance(sequencer, to) == ETHER, what="the deposit on L2")
    user, paid = Sender(sequencer, 2), new_address()
    transfer = user.send(user.sign(paid))
    first_seen = wait_for_receipt(sequencer, transfer)

    anvil.ask("anvil_reorg", depth, [[raws[0], depth - 1]])

    wait_for(lambda: receipt(anvil.url, hashes[0]), what="the deposit in the other branch")
    assert receipt(anvil.url, hashes[1]) is None
    for url in rollup.nodes:
        wait_for(
            lambda url=url: (balance(url, moved), balance(url, lost)) == (ETHER, 0),
            what="the moved deposit alone on L2",
        )
    depositor.send(raws[1])
    for url in rollup.nodes:
        wait_for(lambda url=url: balance(url, lost) == ETHER, what="the deposit sent again")
        again = wait_for_receipt(url, transfer)
        assert balance(url, paid) == 1
    rollup.wait_converged(max(int(one["blockNumber"], 16) for one in (first_seen, again)))


@pytest.mark.parametrize("way", ["killed", "silent"])
def test_outage_leaves_rpc_up_and_both_catch_up(rollup: Rollup, way: str) -> None:
    rollup.wait_healthy()
    anvil, sequencer, verifier = rollup.anvil, *rollup.nodes
    rollup.wait_for_more(rollup.items, "a batch before the outage")
    user, paid = Sender(sequencer, 3), new_address()
    l1_height = anvil.height
    _take_away(rollup, way)
    try:
        for url in rollup.nodes:
            wait_for(lambda url=url: readyz(url).status_code == 503, what="trouble in /readyz")
            assert "L1 is out of reach" in readyz(url).json()["status"]
        before = rollup.head()
        sent = [user.send(user.sign(paid)) for _ in range(2)]
        offline = [wait_for_receipt(sequencer, hash) for hash in sent]
        wait_for(lambda: rollup.head() >= before + OFFLINE_BLOCKS, what="blocks without L1")
        unsafe = rollup.head()
        unsafe_hash = rollup.block_hash(sequencer, unsafe)
        assert rollup.head(verifier) < unsafe
    finally:
        _bring_back(rollup, way)

    rollup.wait_healthy()
    rollup.wait_converged(unsafe)
    assert rollup.block_hash(verifier, unsafe) == unsafe_hash
    assert [receipt(verifier, hash) for hash in sent] == offline
    assert anvil.height > l1_height


def _take_away(rollup: Rollup, way: str) -> None:
    if way == "killed":
        rollup.anvil.stop()
    else:
        os.kill(rollup.anvil.pid, signal.SIGSTOP)


def _bring_back(rollup: Rollup, way: str) -> None:
    """The first block after anvil loads its state has to stay empty, see `Anvil.start`."""
    if way == "silent":
        os.kill(rollup.anvil.pid, signal.SIGCONT)
        return
    rollup.endpoint.in_service = False
    rollup.anvil.start()
    rollup.endpoint.in_service = True


def test_lagging_endpoint_takes_nothing_back(rollup: Rollup) -> None:
    rollup.wait_healthy()
    sequencer, verifier = rollup.nodes
    user, paid = Sender(sequencer, 4), new_address()
    start = rollup.devnet.safe_number()
    heights = {url: [start] for url in rollup.nodes}
    hashes = [rollup.block_hash(sequencer, n) for n in range(start + 1)]
    rollup.endpoint.blocks_behind, seen = LAG_BLOCKS, rollup.endpoint.stale_answers
    try:
        sent = user.send(user.sign(paid))

        def lagged_enough() -> bool:
            for url, safe in heights.items():
                safe.append(rollup.devnet.safe_number(url))
            return rollup.endpoint.stale_answers > seen + LAG_ANSWERS

        wait_for(lagged_enough, what="stale answers")
        wait_for_receipt(sequencer, sent)
    finally:
        rollup.endpoint.blocks_behind = 0

    rollup.wait_healthy()
    for safe in heights.values():
        assert safe[1:] == sorted(safe[1:])
    rollup.wait_converged(rollup.head())
    for url in rollup.nodes:
        assert [rollup.block_hash(url, n) for n in range(start + 1)] == hashes
        assert balance(url, paid) == 1


def test_chain_after_all_of_it_follows_from_l1_alone(rollup: Rollup) -> None:
    rollup.wait_healthy()
    rollup.wait_for_more(rollup.games, "a proposal")
    verified = rollup.devnet.run("verify", "--from", "1")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "All right" in verified.stdout
    for role in ("sequencer", "verifier"):
        log = (rollup.devnet.data_dir / f"{role}.log").read_text()
        assert "Traceback" not in log
        assert log.count("answers at") == 1, f"the {role} was started again"
