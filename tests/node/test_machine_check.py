"""The machine beside an engine by another rule: evidence, halting, and going on."""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from bridge.derive.engine import PY_EVM, Engine
from bridge.derive.pipeline import Pipeline
from node.evidence import MachineDisagrees
from node.evidence_file import EvidenceUnreadable
from node.limits import MACHINE_CHECK_BACKLOG_MAX, MACHINE_CHECK_LOG_BLOCKS
from node.machine_check import (
    MachineCheck,
    MachineResultTooLate,
    settle_disagreements,
)
from state.batch_codec import BatchBlock
from state.errors import InternalError
from state.keccak import keccak
from state.types import BlockNumber, Gas, Timestamp, Wei
from tests.bridge.derive.inbox import GENESIS_TIME, Inbox
from tests.bridge.derive.rig import ALICE, BOB, CONFIG, Rig
from tests.bridge.machine.engines import other_ancestors, other_rules
from tests.limits import WAIT_SECONDS_MAX

HASHES_64_KB = bytes.fromhex("620100015f2000")
"""KECCAK256 of one byte more than the chain's rules allow."""

BAD = ALICE.raw(nonce=1, to=None, value=Wei(0), gas=Gas(500_000), data=HASHES_64_KB)
"""The transaction about which the rules differ, third of block 2."""

TOO_LENIENT = other_rules(bounded_inputs=False)


def block(number: int, *transactions: bytes) -> BatchBlock:
    return BatchBlock(Timestamp(GENESIS_TIME + 2 * number), 0, transactions)


@pytest.fixture
def inbox() -> Inbox:
    """Three blocks, and the second has the transaction."""
    made = Inbox()
    second = block(2, ALICE.raw(nonce=0), BAD, BOB.raw(nonce=0))
    made.batch([block(1), second, block(3, ALICE.raw(nonce=2))])
    return made


class Node:
    """What of a node has to do with the machine: one start after the other on one folder."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self.engine = engine

    def start(self, inbox: Inbox, machine_results: Iterable[int] = ()) -> Rig:
        """Open the database, settle what was disputed, derive. Raises what a node's start does."""
        results = frozenset(map(BlockNumber, machine_results))
        rig = Rig(self.folder / "db")
        rig.pipeline = Pipeline(rig.store, CONFIG, rig.log, self.engine.execute, results)
        try:
            settle_disagreements(self.folder, rig.store, CONFIG, rig.pipeline, results)
        except BaseException:
            rig.close()
            raise
        return rig.follow(inbox)

    def check(self, rig: Rig, every: int = 1) -> MachineCheck:
        return MachineCheck(rig.store, CONFIG, self.folder, every, self.engine)

    @property
    def evidence(self) -> dict[str, Any]:
        (path,) = self.folder.glob("machine-disagrees-*.json")
        found: dict[str, Any] = json.loads(path.read_text())
        return found


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path, TOO_LENIENT)


async def until_caught_up(check: MachineCheck, last: int) -> None:
    """Run the check until it has checked block `last`."""
    running = asyncio.ensure_future(check.run())
    try:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while check.statistics().last != last and not running.done():
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    if not running.cancelled():
        running.result()


def halted(node: Node, rig: Rig) -> MachineDisagrees:
    """Run the check until it stops the node."""
    with pytest.raises(MachineDisagrees) as caught:
        asyncio.run(until_caught_up(node.check(rig), rig.safe.number))
    return caught.value


# Agreement


def test_right_engine_is_agreed_with_block_by_block(tmp_path: Path, inbox: Inbox) -> None:
    node = Node(tmp_path, PY_EVM)
    rig = node.start(inbox)
    check = node.check(rig)
    asyncio.run(until_caught_up(check, 3))
    statistics = check.statistics()
    assert (statistics.checked, statistics.skipped, statistics.last) == (3, 0, 3)
    assert not list(tmp_path.glob("*.json"))
    rig.close()


def test_sample_of_blocks_is_every_nth(tmp_path: Path, inbox: Inbox) -> None:
    node = Node(tmp_path, PY_EVM)
    inbox.batch([block(number) for number in range(4, 8)])
    rig = node.start(inbox)
    check = node.check(rig, every=3)
    asyncio.run(until_caught_up(check, 6))
    assert check.statistics().checked == 2
    rig.close()


def test_lagging_check_goes_on_with_the_newest_and_counts(tmp_path: Path, inbox: Inbox) -> None:
    node = Node(tmp_path, PY_EVM)
    rig = node.start(inbox)
    check = node.check(rig)
    many = MACHINE_CHECK_BACKLOG_MAX + 7
    inbox.wait(2 * many)
    inbox.batch([block(number) for number in range(4, 4 + many)])
    rig.follow(inbox)
    asyncio.run(until_caught_up(check, 3 + many))
    statistics = check.statistics()
    assert (statistics.checked, statistics.skipped) == (1, 2 + many)
    rig.close()


def test_check_that_never_catches_up_tells_how_far_it_is(
    tmp_path: Path, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tallystick")
    node = Node(tmp_path, PY_EVM)
    last = MACHINE_CHECK_LOG_BLOCKS + 5
    inbox.wait(2 * last)
    inbox.batch([block(number) for number in range(4, last + 1)])
    rig = node.start(inbox)
    asyncio.run(until_caught_up(node.check(rig), last))
    assert f"the machine agrees up to block {MACHINE_CHECK_LOG_BLOCKS};" in caplog.text
    rig.close()


def test_blocks_after_a_reorg_are_checked_again(tmp_path: Path, inbox: Inbox) -> None:
    node = Node(tmp_path, PY_EVM)
    rig = node.start(inbox)
    check = node.check(rig)
    asyncio.run(until_caught_up(check, 3))
    fork = inbox.fork(1, b"other")
    fork.batch([block(1), block(2, ALICE.raw(nonce=0)), block(3, ALICE.raw(nonce=1))])
    fork.batch([block(4)])
    rig.follow(fork)
    asyncio.run(until_caught_up(check, 4))
    assert check.statistics().checked == 3 + 4
    rig.close()


# Disagreement


def test_evidence_names_block_transaction_and_first_differing_step(
    node: Node, inbox: Inbox
) -> None:
    rig = node.start(inbox)
    error = halted(node, rig)
    evidence = node.evidence
    assert evidence["block"] == error.number == 2
    assert evidence["inboxItem"]["index"] == 1
    assert evidence["transaction"] == {"index": 2, "hash": f"0x{keccak(BAD).hex()}"}
    assert evidence["isRepeatable"] is True
    assert {"header.gasUsed", "header.receiptsRoot", "header.stateRoot"} <= {*evidence["differs"]}
    step = evidence["step"]
    assert step["status"] == "RUN"
    assert step["before"]["opcode"] == "KECCAK256"
    assert step["before"]["stack"] == ["0x10001", "0x0"]
    assert step["engineAfter"]["opcode"] == "STOP"
    assert step["machineAfter"] is None
    rig.close()


def test_evidence_has_both_results(node: Node, inbox: Inbox, tmp_path: Path) -> None:
    rig = node.start(inbox)
    halted(node, rig)
    right = Node(tmp_path / "right", PY_EVM)
    right.folder.mkdir()
    judge = right.start(inbox)
    for side, chain in (("engine", rig), ("machine", judge)):
        root = chain.pipeline.view.output_root(BlockNumber(2))
        stored = chain.store.block(BlockNumber(2))
        assert root is not None
        assert stored is not None
        assert node.evidence[side]["outputRoot"] == f"0x{root.hex()}"
        assert node.evidence[side]["header"]["hash"] == f"0x{stored.hash.hex()}"
        chain.close()


def test_difference_that_only_the_state_shows_is_found(tmp_path: Path) -> None:
    node, inbox = Node(tmp_path, other_ancestors()), Inbox()
    keeps = bytes.fromhex("60014303405f5500")
    raw = ALICE.raw(nonce=0, to=None, value=Wei(0), gas=Gas(500_000), data=keeps)
    inbox.batch([block(1), block(2, raw)])
    rig = node.start(inbox)
    halted(node, rig)
    assert node.evidence["transaction"]["index"] == 1
    assert node.evidence["step"]["before"]["opcode"] == "BLOCKHASH"
    rig.close()


def test_block_that_the_engine_makes_no_more_is_evidence_too(node: Node, inbox: Inbox) -> None:
    """Made by another version of the program, say: executing it again shows nothing."""
    rig = node.start(inbox)
    node.engine = PY_EVM
    halted(node, rig)
    assert node.evidence["isRepeatable"] is False
    assert node.evidence["transaction"]["index"] == 2
    rig.close()


def test_halt_says_in_one_sentence_where_and_what_to_do(node: Node, inbox: Inbox) -> None:
    rig = node.start(inbox)
    error = halted(node, rig)
    assert isinstance(error, InternalError), "it ends the node"
    assert str(error.path) in str(error)
    assert "--machine-result 2" in str(error)
    assert "\n" not in str(error)
    rig.close()


# Afterwards


def test_restart_without_a_decision_halts_again(node: Node, inbox: Inbox) -> None:
    rig = node.start(inbox)
    path = halted(node, rig).path
    rig.close()
    for results in ((), (1, 3)):
        with pytest.raises(MachineDisagrees) as caught:
            node.start(inbox, results)
        assert caught.value.path == path


def test_restart_with_the_machines_result_goes_on_as_a_right_engine(
    node: Node, inbox: Inbox, tmp_path: Path
) -> None:
    rig = node.start(inbox)
    halted(node, rig)
    rig.close()
    rig = node.start(inbox, [2])
    counters = rig.pipeline.counters()
    assert (counters.by_machine, counters.executed) == (1, 1)
    inbox.batch([block(4, BOB.raw(nonce=1))])
    rig.follow(inbox)
    right = Node(tmp_path / "right", PY_EVM)
    right.folder.mkdir()
    judge = right.start(inbox)
    assert rig.chain() == judge.chain()
    for number in map(BlockNumber, range(1, 5)):
        assert rig.store.block(number) == judge.store.block(number)
    asyncio.run(until_caught_up(node.check(rig), 4))
    rig.close()
    judge.close()


def test_restart_after_the_machines_result_needs_no_more_telling(node: Node, inbox: Inbox) -> None:
    rig = node.start(inbox)
    halted(node, rig)
    rig.close()
    node.start(inbox, [2]).close()
    rig = node.start(inbox)
    assert rig.safe.number == 3
    asyncio.run(until_caught_up(node.check(rig), 3))
    rig.close()


def test_empty_database_takes_the_machines_result_at_once(node: Node, inbox: Inbox) -> None:
    rig = node.start(inbox, [2])
    assert rig.pipeline.counters().by_machine == 1
    asyncio.run(until_caught_up(node.check(rig), 3))
    rig.close()


def test_machines_result_that_is_there_already_takes_nothing_back(
    tmp_path: Path, inbox: Inbox
) -> None:
    node = Node(tmp_path, PY_EVM)
    node.start(inbox).close()
    rig = node.start(inbox, [2])
    counters = rig.pipeline.counters()
    assert (counters.by_machine, counters.executed, counters.promoted) == (0, 0, 0)
    rig.close()


def test_final_block_cannot_be_taken_back_and_says_so(node: Node, inbox: Inbox) -> None:
    rig = node.start(inbox)
    rig.log.set_final(len(inbox.items))
    rig.derive()
    halted(node, rig)
    rig.close()
    with pytest.raises(MachineResultTooLate, match="empty one, and --machine-result 2"):
        node.start(inbox, [2])


def test_evidence_that_cannot_be_read_halts(tmp_path: Path, inbox: Inbox) -> None:
    (tmp_path / "machine-disagrees-2.json").write_text("{}")
    with pytest.raises(EvidenceUnreadable, match="machine-disagrees-2"):
        Node(tmp_path, PY_EVM).start(inbox)
