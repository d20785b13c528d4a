"""The machine beside the engine: the same blocks once more, by the rules that L1 runs.

Safe blocks are checked one after the other on a thread of their own, a slice of steps at a time, so
that nobody waits for the machine: where it lags behind, blocks are left out and counted. A
disagreement is written down and stops the node (docs/machine.md, "Beside the engine").
"""

import asyncio
import logging
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bridge.derive.batches import Payloads
from bridge.derive.engine import PY_EVM, BlockTask, Engine, task_after
from bridge.derive.errors import RecordDamaged
from bridge.derive.inbox_log import InboxReader
from bridge.derive.pipeline import Pipeline
from bridge.derive.records import DerivedBlock, inputs_of, read_derived
from bridge.derive.view import DerivationView
from bridge.machine.block_machine import BlockMachine
from bridge.machine.difference import find_difference, find_stored_difference
from bridge.machine.execution import machine_for
from execution.evm.threads import run_deep
from genesis.config import ChainConfig
from node.evidence import (
    MachineDisagrees,
    Result,
    differing,
    evidence_json,
    kept_evidence,
    write_evidence,
)
from node.limits import (
    MACHINE_CHECK_BACKLOG_MAX,
    MACHINE_CHECK_LOG_BLOCKS,
    MACHINE_CHECK_POLL_SECONDS,
    MACHINE_CHECK_SLICE_STEPS,
)
from state.batch import RewindBelowFinalized
from state.blocks import BlockId
from state.errors import Invalid
from state.reader import ChainReader
from state.receipts import encode_receipt
from state.store import ChainStore
from state.stored import StoredBlock
from state.stored_state import ArchiveState
from state.trie import list_root
from state.types import BlockNumber, Hash32

log = logging.getLogger("tallystick.machine")


class MachineResultTooLate(Invalid):
    """A block that the machine is to execute is final already."""

    def __init__(self, number: BlockNumber) -> None:
        super().__init__(
            f"block {number} is final in this database, which can't be taken back: begin with an"
            f" empty one, and --machine-result {number}; the chain is derived from L1 again"
        )


@dataclass(frozen=True, slots=True)
class CheckStatistics:
    """What has been checked since the start."""

    checked: int
    skipped: int
    last: BlockNumber | None
    """The last block checked."""


class MachineCheck:
    """Runs every `every`-th safe block on the machine, and halts where the result is another."""

    def __init__(
        self,
        store: ChainStore,
        config: ChainConfig,
        folder: Path,
        every: int,
        engine: Engine = PY_EVM,
    ) -> None:
        """`folder` is where evidence goes. The newest blocks there are at the start come first."""
        self._store = store
        self._config = config
        self._view = DerivationView(store, config)
        self._folder = folder
        self._every = every
        self._engine = engine
        self._seen = self._before(store.heads.safe.number)
        """The last block that was checked or left out."""
        self._statistics = CheckStatistics(0, 0, None)

    def statistics(self) -> CheckStatistics:
        """What has been checked since the start."""
        return self._statistics

    async def run(self) -> None:
        """Check until cancelled. Raises `MachineDisagrees` once the evidence is written."""
        with ThreadPoolExecutor(1, "machine") as thread:
            while True:
                first = self._statistics.checked
                while (
                    self._statistics.checked < first + MACHINE_CHECK_LOG_BLOCKS
                    and (number := self._next()) is not None
                    and await self._check(thread, number)
                ):
                    pass
                if self._statistics.checked > first:
                    log.info(
                        "the machine agrees up to block %s; %d blocks are checked, %d left out",
                        self._statistics.last,
                        self._statistics.checked,
                        self._statistics.skipped,
                    )
                await asyncio.sleep(MACHINE_CHECK_POLL_SECONDS)

    # Which block

    def _next(self) -> BlockNumber | None:
        """The next block to check, if it is safe; passes over blocks where the machine lags."""
        safe, every = self._store.heads.safe.number, self._every
        if self._store.block_id(self._seen.number) != self._seen:
            self._seen = self._before(safe)  # L1 took it back
        due = (self._seen.number // every + 1) * every
        if due > safe:
            return None
        newest = safe - safe % every
        skipped = (newest - due) // every
        if skipped < MACHINE_CHECK_BACKLOG_MAX:
            return BlockNumber(due)
        self._count(skipped=skipped)
        log.warning("the machine lags: %d blocks up to %d are left out", skipped, newest - every)
        self._seen = self._id(newest - every)
        return BlockNumber(newest)

    def _before(self, safe: int) -> BlockId:
        """Far enough back that what a stop or a reorg kept from being checked comes again."""
        return self._id(max(0, safe - MACHINE_CHECK_BACKLOG_MAX * self._every))

    def _id(self, number: int) -> BlockId:
        return BlockId(BlockNumber(number), self._view.hash_of(number))

    def _count(self, *, checked: int = 0, skipped: int = 0) -> None:
        old = self._statistics
        last = self._seen.number if checked else old.last
        self._statistics = CheckStatistics(old.checked + checked, old.skipped + skipped, last)

    # One block

    async def _check(self, thread: ThreadPoolExecutor, number: BlockNumber) -> bool:
        """Check one block as it is in the store now; False where L1 is just taking it back."""
        loop = asyncio.get_running_loop()
        reader = self._store.reader
        task = block_task(reader, self._view, self._config, number)
        if task is None:
            return False
        machine = machine_for(task)
        while not machine.is_done:
            await loop.run_in_executor(thread, machine.advance, MACHINE_CHECK_SLICE_STEPS)
        block_hash = await loop.run_in_executor(thread, self._compare, reader, task, machine)
        self._seen = BlockId(number, block_hash)
        self._count(checked=1)
        return True

    def _compare(self, reader: ChainReader, task: BlockTask, machine: BlockMachine) -> Hash32:
        """Compare a block in the store with the machine's; its hash. Raises `MachineDisagrees`."""
        number = BlockNumber(task.boundary.number + 1)
        block, derived = _stored(reader, number)
        ours = Result(block.header, derived.boundary)
        theirs = None if machine.header is None else Result(machine.header, machine.boundary)
        differs = [*differing(ours, theirs), *_loose_lists(block)]
        if not differs:
            return block.hash
        found = run_deep(find_difference, task, self._engine)
        difference = found or find_stored_difference(task, block.transactions, block.receipts)
        evidence = evidence_json(
            task, derived.item, ours, theirs, differs, difference, is_repeatable=found is not None
        )
        raise MachineDisagrees(number, write_evidence(self._folder, evidence))


def block_task(
    reader: ChainReader, view: DerivationView, config: ChainConfig, number: BlockNumber
) -> BlockTask | None:
    """The task that safe block `number` came from, all as of one moment.

    None where the inbox no longer has it, because L1 took it back.
    """
    parent = BlockNumber(number - 1)
    header = reader.header(parent)
    # The boundary of genesis has no record; it never changes, so any moment's will do.
    derived = read_derived(reader, parent) if parent else view.derived(parent)
    if header is None or derived is None:
        raise RecordDamaged(parent, "it is safe, and something of it is missing")

    def hash_of(ancestor: int) -> Hash32 | None:
        block = reader.block_id(BlockNumber(ancestor))
        return None if block is None else block.hash

    return task_after(
        header,
        derived.boundary,
        inputs_of(reader, parent),
        ArchiveState(reader, header.state_root),
        InboxReader(reader),
        hash_of,
        config,
        Payloads(),
    )


def _stored(reader: ChainReader, number: BlockNumber) -> tuple[StoredBlock, DerivedBlock]:
    block, derived = reader.block(number), read_derived(reader, number)
    if block is None or derived is None or derived.boundary.header_hash != block.hash:
        raise RecordDamaged(number, "it is safe, and something of it is missing")
    return block, derived


def _loose_lists(block: StoredBlock) -> list[str]:
    """What the header of a stored block doesn't commit to, though it should."""
    receipts = [encode_receipt(receipt) for receipt in block.receipts]
    roots = {
        "transactions": (list_root(block.transactions), block.header.transactions_root),
        "receipts": (list_root(receipts), block.header.receipts_root),
    }
    return [name for name, (found, committed) in roots.items() if found != committed]


# Going on after a disagreement


def settle_disagreements(
    folder: Path,
    store: ChainStore,
    config: ChainConfig,
    pipeline: Pipeline,
    machine_results: Collection[BlockNumber],
) -> None:
    """Before a node starts: stay halted, or go on as the operator says.

    Raises `MachineDisagrees` for evidence that nothing settles, and `MachineResultTooLate`.
    """
    halt_on_evidence(folder, pipeline.view, machine_results)
    redo_on_machine(store, config, pipeline, machine_results)


def halt_on_evidence(
    folder: Path, view: DerivationView, machine_results: Collection[BlockNumber]
) -> None:
    """Don't start on a block that the machine disputes. Raises `MachineDisagrees`.

    Settled is one that the machine is to execute, or whose stored result is the machine's.
    """
    for evidence in kept_evidence(folder):
        stored = view.output_root(evidence.number)
        is_machines = stored is not None and stored == evidence.machine_root
        if not is_machines and evidence.number not in machine_results:
            raise MachineDisagrees(evidence.number, evidence.path)


def redo_on_machine(
    store: ChainStore,
    config: ChainConfig,
    pipeline: Pipeline,
    machine_results: Collection[BlockNumber],
) -> None:
    """Take back the chain to before a derived block that the machine is to execute and hasn't.

    The pipeline then derives it again. Raises `MachineResultTooLate`.
    """
    for number in sorted(machine_results):
        root = pipeline.view.output_root(number)
        if root is None:
            log.warning("block %d will be executed by the machine", number)
        elif root != _machine_root(store, config, pipeline.view, number):
            log.warning("block %d and all after it are taken back; the machine executes it", number)
            try:
                pipeline.rederive(number)
            except RewindBelowFinalized as error:
                raise MachineResultTooLate(number) from error
        else:
            log.info("block %d is the machine's result", number)


def _machine_root(
    store: ChainStore, config: ChainConfig, view: DerivationView, number: BlockNumber
) -> Hash32 | None:
    """The output root that the machine gives a derived block; None where it finds no block."""
    task = block_task(store.reader, view, config, number)
    if task is None:
        return None
    machine = machine_for(task)
    machine.run()
    return None if machine.header is None else machine.boundary.output_root
