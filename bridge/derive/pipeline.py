"""The pipeline: from the inbox log to safe blocks, one atomic commit a block.

Synchronous, and called from the one thread that writes the store. It holds nothing that a restart
would miss: position, boundaries and heads are in the store, and whether they still rest on what L1
says is checked against the log at the start of every call.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace

from bridge.boundary import BlockHashRing, Boundary, message_passer_root
from bridge.derive.anchor import Anchor
from bridge.derive.batches import Payloads, Verdict
from bridge.derive.engine import PY_EVM, BlockTask, Execute, ExecutedBlock, task_after
from bridge.derive.errors import FinalizedReorg
from bridge.derive.inbox_log import InboxLog
from bridge.derive.plan import DerivedPlan, check_derivable
from bridge.derive.records import (
    BlockInputs,
    DerivedBlock,
    delete_derived,
    delete_inputs,
    inputs_of,
    put_derived,
    put_inputs,
    read_inputs,
    stands,
)
from bridge.derive.status import Counters, Progress, SyncStatus
from bridge.derive.view import DerivationView
from bridge.items import Cursor, Origin
from bridge.limits import BLOCKS_PER_ADVANCE_MAX, DROPPED_BYTES_MAX
from bridge.machine.execution import execute_on_machine
from genesis.config import ChainConfig
from genesis.hashing import config_hash
from state.batch import StoreBatch
from state.blocks import BlockId, Header
from state.headers import header_hash
from state.store import ChainStore
from state.types import BlockNumber, Hash32


class Pipeline:
    """Derives, as far as the log goes, the chain that L1 determines."""

    def __init__(
        self,
        store: ChainStore,
        config: ChainConfig,
        log: InboxLog,
        execute: Execute = PY_EVM.execute,
        machine_blocks: Collection[BlockNumber] = (),
    ) -> None:
        """Take up derivation where the store left it. Raises `ConfigNotDerivable`.

        `execute` executes all blocks but `machine_blocks`, which the machine does.
        """
        check_derivable(config)
        self._execute_usually = execute
        self._machine_blocks = frozenset(machine_blocks)
        self._store = store
        self._config = config
        self._config_hash = config_hash(config)
        self._log = log
        self.view = DerivationView(store, config)
        self._payloads = Payloads()
        self._counts: Counter[str] = Counter()
        self._verdicts: Counter[Verdict] = Counter()
        self._ring = self._ring_at_safe_head()
        self._dropped: list[bytes] = []
        self.settle()

    def advance(self, blocks_max: int = BLOCKS_PER_ADVANCE_MAX) -> Progress:
        """Derive up to `blocks_max` blocks and move the safe and finalized heads.

        Only `InternalError` can come of what stands in the log; then the node must stop.
        """
        self.settle()
        derived, replaced = 0, self._counts["replaced"]
        while derived < blocks_max and self._derive_one():
            derived += 1
        self._finalize()
        dropped, self._dropped = tuple(self._dropped), []
        return Progress(
            derived=derived,
            replaced=self._counts["replaced"] - replaced,
            waiting=derived < blocks_max,
            dropped=dropped,
        )

    def reset(self, index: int) -> int:
        """L1 took the items from `index` on back: drop them and every block that rests on them.

        Returns the number of blocks rewound. Two commits; killed between them, the next start or
        `advance` finishes. Raises `FinalizedReorg`, and then changes nothing.
        """
        self._log.truncate(index)
        return self.settle()

    def settle(self) -> int:
        """Rewind the heads to what rests on items that stand; returns the blocks rewound.

        Safe blocks whose own items stand, but not the batch they came from, stay as unsafe ones:
        the sequencer posts them again. Raises `FinalizedReorg`.
        """
        heads, view = self._store.heads, self.view
        if self._is_settled():
            return 0
        finalized = view.safe(heads.finalized.number).item
        if not stands(finalized, self._log):
            raise FinalizedReorg(finalized.index, self._log.final_count - 1)
        safe = _last(
            heads.finalized.number,
            heads.safe.number,
            lambda number: stands(view.safe(number).item, self._log),
        )
        unsafe = _last(
            safe,
            heads.unsafe.number,
            lambda number: stands(inputs_of(self._store, number).anchor, self._log),
        )
        self._rewind(BlockNumber(safe), BlockNumber(unsafe))
        self._counts["resets"] += 1
        return heads.unsafe.number - unsafe

    def rederive(self, number: BlockNumber) -> None:
        """Take the heads back to before safe block `number`, so that it is executed again.

        Raises `RewindBelowFinalized`, and then changes nothing.
        """
        before = BlockNumber(number - 1)
        self._rewind(before, before)

    def rewind(self, number: BlockNumber) -> None:
        """Take the heads back to `number` where they are above it.

        Raises `RewindBelowFinalized`, and then changes nothing.
        """
        self._rewind(min(number, self._store.heads.safe.number), number)

    def drop_unsafe(self, number: BlockNumber) -> tuple[bytes, ...]:
        """Take back the blocks above `number`, none of which is safe; what was put in them."""
        heads = self._store.heads
        if number < heads.safe.number:
            raise ValueError(f"block {number + 1} is safe: L1 decides over it")
        self.rewind(number)
        dropped, self._dropped = tuple(self._dropped), []
        return dropped

    def status(self) -> SyncStatus:
        """Where everything is, at one moment; from any thread."""
        return self.view.status(self.counters())

    def counters(self) -> Counters:
        """What this pipeline has done since it was made; from any thread."""
        counts = self._counts
        return Counters(
            promoted=counts["promoted"],
            executed=counts["executed"],
            by_machine=counts["by_machine"],
            replaced=counts["replaced"],
            resets=counts["resets"],
            verdicts={str(verdict): n for verdict, n in self._verdicts.copy().items()},
        )

    # One block

    def _derive_one(self) -> bool:
        """Derive the block after the safe head; False when the log goes no further."""
        safe = self._store.heads.safe
        task = task_after(
            self.view.header(safe.number),
            self.view.safe(safe.number).boundary,
            inputs_of(self._store, safe.number),
            self._store.state(safe.number),
            self._log,
            self._ancestor,
            self._config,
            self._payloads,
        )
        if task is None:
            return False
        inputs = self._sequenced_alike(safe, task.plan)
        if inputs is None:
            self._execute(task)
        else:
            self._promote(inputs, task.plan)
        self._verdicts[task.plan.fetched.verdict] += 1
        return True

    def _sequenced_alike(self, safe: BlockId, plan: DerivedPlan) -> BlockInputs | None:
        """The inputs of the unsafe block after `safe`, if it was executed from the same plan.

        Same parent, attributes and deposits (by digest), same transactions: execution is a
        function of these, so the block stands as it is. One that is the machine's to execute never
        stands: the sequencer's engine made it.
        """
        number = BlockNumber(safe.number + 1)
        block = None if number in self._machine_blocks else self._store.block(number)
        if block is None:
            return None
        inputs = read_inputs(self._store, number, block.hash)
        if inputs is None or inputs.digest != plan.block.digest(safe.hash):
            return None
        if tuple(block.transactions[inputs.leading :]) != plan.block.transactions:
            return None
        return inputs

    def _promote(self, inputs: BlockInputs, plan: DerivedPlan) -> None:
        """Make the unsafe block after the safe head safe, as it stands."""
        heads = self._store.heads
        number = BlockNumber(heads.safe.number + 1)
        derived = self._derived(
            plan,
            self.view.header(number),
            message_passer_root(self._store.state(number)),
            plan.cursor_after(inputs.next_deposit),
            plan.block.origin,
        )
        with self._store.commit() as batch:
            put_derived(batch, derived)
            batch.set_heads(replace(heads, safe=BlockId(number, inputs.block_hash)))
        self._ring.append(inputs.block_hash)
        self._counts["promoted"] += 1

    def _execute(self, task: BlockTask) -> None:
        """Execute the task; an unsafe block that is equal stays, another gives way."""
        is_machines = task.header.number + 1 in self._machine_blocks
        executed = (execute_on_machine if is_machines else self._execute_usually)(task)
        sealed = executed.sealed
        derived = self._derived(
            task.plan,
            sealed.header,
            message_passer_root(task.state, sealed.update),
            executed.cursor,
            executed.origin,
        )
        self._write(task.plan, executed, derived)
        self._ring.append(sealed.hash)
        self._counts["by_machine" if is_machines else "executed"] += 1

    def _write(self, plan: DerivedPlan, executed: ExecutedBlock, derived: DerivedBlock) -> None:
        """One commit: the block unless it is there, its records, the heads."""
        heads, sealed = self._store.heads, executed.sealed
        block = BlockId(sealed.header.number, sealed.hash)
        is_there = self._store.block_id(block.number) == block
        replaced = 0 if is_there else heads.unsafe.number - heads.safe.number
        with self._store.commit() as batch:
            if not is_there:
                self._drop_unsafe(batch, heads.safe.number)
                batch.append(sealed)
            put_inputs(batch, block.number, _inputs(plan, executed))
            put_derived(batch, derived)
            unsafe = heads.unsafe if is_there else block
            batch.set_heads(replace(heads, unsafe=unsafe, safe=block))
        self._counts["replaced"] += replaced

    def _derived(
        self,
        plan: DerivedPlan,
        header: Header,
        passer_root: Hash32,
        cursor: Cursor,
        origin: Origin,
    ) -> DerivedBlock:
        """The record of the block that follows the safe head."""
        block_hash = header_hash(header)
        boundary = Boundary(
            config_hash=self._config_hash,
            number=header.number,
            header_hash=block_hash,
            state_root=header.state_root,
            message_passer_root=passer_root,
            ring_root=self._ring.root_after(block_hash),
            cursor=cursor,
            origin=origin,
        )
        return DerivedBlock(Anchor(plan.item.index, plan.item.acc), boundary)

    # Heads

    def _finalize(self) -> None:
        """Move the finalized head to the last block whose batch or tick L1 has finalized."""
        heads, final_count = self._store.heads, self._log.final_count
        number = _last(
            heads.finalized.number,
            heads.safe.number,
            lambda n: self.view.safe(n).item.index < final_count,
        )
        if number > heads.finalized.number:
            with self._store.commit() as batch:
                batch.set_heads(replace(heads, finalized=self._id(number)))

    def _is_settled(self) -> bool:
        heads = self._store.heads
        return stands(self.view.safe(heads.safe.number).item, self._log) and stands(
            inputs_of(self._store, heads.unsafe.number).anchor, self._log
        )

    def _rewind(self, safe: BlockNumber, unsafe: BlockNumber) -> None:
        """Take both heads back in one commit; blocks between them stay as unsafe ones."""
        heads = self._store.heads
        with self._store.commit() as batch:
            for number in range(safe + 1, heads.safe.number + 1):
                delete_derived(batch, BlockNumber(number))
            self._drop_unsafe(batch, unsafe)
            batch.set_heads(replace(heads, unsafe=self._id(unsafe), safe=self._id(safe)))
        self._ring = self._ring_at_safe_head()

    def _drop_unsafe(self, batch: StoreBatch, number: BlockNumber) -> None:
        """Rewind to block `number`, with the records of what comes after it."""
        unsafe = self._store.heads.unsafe.number
        if unsafe == number:
            return
        for dropped in range(number + 1, unsafe + 1):
            self._keep_transactions(BlockNumber(dropped))
            delete_inputs(batch, BlockNumber(dropped))
        batch.rewind(number)

    def _keep_transactions(self, number: BlockNumber) -> None:
        """Remember what the sequencer had put in a block, to be told by `advance`."""
        block, inputs = self._store.block(number), inputs_of(self._store, number)
        kept = sum(map(len, self._dropped))
        if block is not None and kept < DROPPED_BYTES_MAX:
            self._dropped.extend(block.transactions[inputs.leading :])

    # Reads

    def _ancestor(self, number: int) -> Hash32 | None:
        block = self._store.block_id(BlockNumber(number))
        return None if block is None else block.hash

    def _id(self, number: int) -> BlockId:
        return BlockId(BlockNumber(number), self.view.hash_of(number))

    def _ring_at_safe_head(self) -> BlockHashRing:
        return BlockHashRing(self._store.heads.safe.number, self.view.hash_of)


def _inputs(plan: DerivedPlan, executed: ExecutedBlock) -> BlockInputs:
    """The record of where an executed block came from."""
    sealed = executed.sealed
    return BlockInputs(
        block_hash=sealed.hash,
        origin=executed.origin,
        next_deposit=executed.cursor.next_deposit,
        leading=executed.leading,
        anchor=plan.block.anchor,
        digest=plan.block.digest(sealed.header.parent_hash),
    )


def _last(low: int, high: int, holds: Callable[[BlockNumber], bool]) -> int:
    """The last block in low..high for which `holds`, which is true up to there, and for `low`."""
    while low < high:
        middle = (low + high + 1) // 2
        if holds(BlockNumber(middle)):
            low = middle
        else:
            high = middle - 1
    return low
