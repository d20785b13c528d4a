"""The trace that a game is about, as this node executes it: any state's hash, any step's proof.

A trace is never written down. Boundaries between blocks are in the store; a state within a block
is found by executing that block again up to there: below a second for what a devnet makes, some
20 s for 2^25 gas. A clock has to leave room for thirty times that.
"""

from collections import OrderedDict
from dataclasses import dataclass

from bridge.boundary import Boundary
from bridge.derive.inbox_log import InboxLog
from bridge.derive.view import DerivationView
from bridge.dispute.limits import BLOCK_STEPS_BITS, DEPTH_MAX, STATES_KEPT_MAX, TRACES_KEPT_MAX
from bridge.machine.bare import boundary_machine_hash
from bridge.machine.block_machine import BlockMachine
from bridge.machine.prefix import Prefix
from bridge.machine.witness import block_witness
from genesis.config import ChainConfig
from state.errors import Unavailable
from state.store import ChainStore
from state.types import BlockNumber, Hash32

BLOCK_STEPS = 1 << BLOCK_STEPS_BITS


class NotDerived(Unavailable):
    """The node hasn't derived a block yet that the inbox prefix of a game gives."""

    def __init__(self, number: BlockNumber) -> None:
        super().__init__(f"block {number} is not derived yet: wait until the node has caught up")
        self.number = number


class PrefixMoved(Unavailable):
    """A game is about other inbox items than this node has read: L1 reorganised in between."""

    def __init__(self, count: int) -> None:
        super().__init__(
            f"the game counts {count} inbox items, of which the last is another than the one read"
            " here: L1 reorganised, wait until the node has followed"
        )


class AnchorDiverged(Unavailable):
    """L1 takes an output root for settled that this node doesn't arrive at.

    No state above it is known then; games from other anchors can be played all the same.
    """

    def __init__(self, number: BlockNumber, anchored: Hash32, own: Hash32) -> None:
        super().__init__(
            f"L1 anchors output root 0x{anchored.hex()} for block {number}, and this node derives"
            f" 0x{own.hex()}: one of both is wrong, and no dispute above it can be played"
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """What a game fixes when it is created; it determines the trace."""

    anchor_root: Hash32
    anchor_block: BlockNumber
    l2_block: BlockNumber
    inbox_count: int
    inbox_acc: Hash32 | None = None
    """The accumulator up to and with the last of these items; None for no game's, but our own."""

    @property
    def first_step_of_last_block(self) -> int:
        """How many steps come before the claimed block."""
        return (self.l2_block - 1 - self.anchor_block) * BLOCK_STEPS


@dataclass(frozen=True, slots=True)
class StepProof:
    """One step with all that the prover on L1 asks for."""

    trace_index: int
    """How many steps come before it."""
    before: Hash32
    after: Hash32
    witness: bytes


class LocalChain:
    """What a trace is made from: the node's derived chain and its copy of the inbox."""

    __slots__ = ("config", "log", "store", "view")

    def __init__(
        self, store: ChainStore, config: ChainConfig, log: InboxLog, view: DerivationView
    ) -> None:
        self.store = store
        self.config = config
        self.log = log
        self.view = view

    def machine_after(
        self, number: BlockNumber, prefix: Prefix, last_block: BlockNumber
    ) -> BlockMachine:
        """A machine at the boundary of a safe block. Raises `NotDerived`."""
        return BlockMachine(
            self.boundary(number),
            self.view.header(number),
            self.store.state(number),
            self.view.hash_of,
            prefix,
            self.config,
            last_block,
        )

    def boundary(self, number: BlockNumber) -> Boundary:
        """The boundary of a safe block. Raises `NotDerived`."""
        boundary = self.view.boundary(number)
        if boundary is None:
            raise NotDerived(number)
        return boundary


class ChainTrace:
    """The right trace of a game. Not thread-safe: it keeps the machine it used last."""

    def __init__(self, chain: LocalChain, subject: Subject) -> None:
        """Raises `PrefixIncomplete`, `PrefixMoved`, `NotDerived`, and `AnchorDiverged` for a wrong
        anchor."""
        self.subject = subject
        self._chain = chain
        self._prefix = Prefix(chain.log, subject.inbox_count)
        if subject.inbox_acc not in (None, self._prefix.last.acc):
            raise PrefixMoved(subject.inbox_count)
        self._machine: BlockMachine | None = None
        self._states: dict[int, Hash32] = {}
        anchor = chain.boundary(subject.anchor_block)
        if anchor.output_root != subject.anchor_root:
            raise AnchorDiverged(subject.anchor_block, subject.anchor_root, anchor.output_root)
        self._last = self._last_in_prefix()

    @property
    def reaches_claim(self) -> bool:
        """Whether the inbox prefix holds the claimed block at all."""
        return self._last == self.subject.l2_block

    def claim_at(self, trace_index: int) -> Hash32:
        """The state's hash after `trace_index` + 1 steps. Raises `Unavailable`."""
        return self.state_after(trace_index + 1)

    def state_after(self, steps: int) -> Hash32:
        """The state's hash after so many steps from the anchor. Raises `Unavailable`."""
        found = self._states.get(steps)
        if found is None:
            found = self._state_after(steps)
            if len(self._states) >= STATES_KEPT_MAX:
                self._states.clear()
            self._states[steps] = found
        return found

    def _state_after(self, steps: int) -> Hash32:
        number, step = self._place(steps)
        if step == 0:
            return boundary_machine_hash(self._chain.boundary(number).output_root)
        return self._machine_at(number, step).machine_hash()

    def machine_after(self, steps: int) -> BlockMachine:
        """The machine itself, for witnesses and for showing it; whoever asks may step it."""
        machine = self._machine_at(*self._place(steps))
        self.rest()
        return machine

    def rest(self) -> None:
        """Let go of the machine, which holds all that a block has written so far."""
        self._machine = None

    def proof(self, trace_index: int) -> StepProof:
        """The proof of the step that `trace_index` steps precede. Raises `Unavailable`."""
        machine = self.machine_after(trace_index)
        before, witness = machine.machine_hash(), block_witness(machine)
        return StepProof(trace_index, before, self.state_after(trace_index + 1), witness)

    def _place(self, steps: int) -> tuple[BlockNumber, int]:
        """The boundary to start from, and the steps to take from there.

        Beyond the claimed block nothing moves, and an exhausted prefix moves once. The place within
        a block stays what it is: a boundary's witness depends on whether a block would begin there.
        """
        if not 0 <= steps <= 1 << DEPTH_MAX:
            raise ValueError(f"a trace has no state after {steps} steps")
        offset, step = divmod(steps, BLOCK_STEPS)
        number = self.subject.anchor_block + offset
        if number > self._last and not self.reaches_claim:
            return self._last, max(step, 1)
        return BlockNumber(min(number, self._last)), step

    def _machine_at(self, number: BlockNumber, step: int) -> BlockMachine:
        machine = self._machine
        if machine is None or machine.ground.parent.number != number or machine.steps > step:
            machine = self._chain.machine_after(number, self._prefix, self.subject.l2_block)
        machine.advance(step - machine.steps)
        self._machine = machine
        return machine

    def _last_in_prefix(self) -> BlockNumber:
        """The last block up to the claimed one that the prefix gives.

        Raises `NotDerived` while the node hasn't derived as far as the prefix goes.
        """
        low, high = self.subject.anchor_block, self.subject.l2_block
        high = min(high, self._chain.store.heads.safe.number)
        while low < high:
            middle = BlockNumber((low + high + 1) // 2)
            derived = self._chain.view.derived(middle)
            if derived is not None and derived.item.index < self.subject.inbox_count:
                low = middle
            else:
                high = BlockNumber(middle - 1)
        at_end = self._prefix.batch(self._chain.boundary(low).cursor.next_batch) is None
        if low != self.subject.l2_block and not at_end:
            raise NotDerived(BlockNumber(low + 1))
        return low


class TraceBook:
    """The right traces of several games, kept while L1 says the same of them.

    All games in progress are looked at in turn, so that the book has room for far more of them than
    are ever disputed; but only the trace used last keeps a machine.
    """

    def __init__(self, chain: LocalChain) -> None:
        self._chain = chain
        self._kept: OrderedDict[tuple[Subject, Hash32], ChainTrace] = OrderedDict()
        """The one used last comes last."""

    def trace_of(self, subject: Subject) -> ChainTrace:
        """The trace of a game about `subject`. Raises `Unavailable` while it can't be known."""
        # The accumulator fixes the whole prefix: after an L1 reorg it is another one.
        key = subject, Prefix(self._chain.log, subject.inbox_count).last.acc
        trace = self._kept.pop(key, None) or ChainTrace(self._chain, subject)
        if self._kept:
            self._kept[next(reversed(self._kept))].rest()
        if len(self._kept) >= TRACES_KEPT_MAX:
            self._kept.popitem(last=False)
        self._kept[key] = trace
        return trace
