"""`BlockMachine`: one L2 block as the steps that a dispute is about."""

from collections.abc import Callable, Mapping
from typing import Final

from bridge.boundary import Boundary
from bridge.machine.bare import bare_words
from bridge.machine.fetch import decode, leave_boundary, scan
from bridge.machine.ground import Ancestors, Ground
from bridge.machine.inputs import Inputs
from bridge.machine.limits import BLOCK_STEPS
from bridge.machine.offers import begin_block, left_to_the_next_block, next_offer
from bridge.machine.prefix import Prefix
from bridge.machine.sealing import (
    begin_hashing,
    hash_last,
    seal,
    with_receipts_root,
    with_transactions_root,
)
from execution.machine.machine import Machine
from execution.machine.state import MACHINE_TAG
from execution.machine.status import Status
from execution.machine.words import Word, commit
from genesis.config import ChainConfig
from state.accounts import State, StateDiff
from state.blocks import Header
from state.errors import InternalError
from state.types import ZERO_HASH, BlockNumber, Hash32


class BlockMachine:
    """The machine from a block's first state, its parent's boundary, to its last, its own.

    Its steps are those of the trace from `(number - anchor's number) * BLOCK_STEPS` on. Past
    `last_block`, and where the prefix has nothing more, it idles for ever. Not thread-safe.
    """

    def __init__(
        self,
        parent: Boundary,
        parent_header: Header,
        state: State,
        ancestor_hash: Ancestors,
        prefix: Prefix,
        config: ChainConfig,
        last_block: BlockNumber,
    ) -> None:
        """`last_block` is the one that the game's root claim is about. Raises `GroundMismatch`."""
        self.ground = Ground(parent, parent_header, state, ancestor_hash, prefix, config)
        self.last_block = last_block
        self.steps = 0
        """Steps taken in this block."""
        self.boundary = parent
        """The parent's, until the block is sealed."""
        self.header: Header | None = None
        """The block's own, once it is sealed."""
        self.inputs: Inputs | None = None
        """What the block is made from, while it is being made."""
        self.machine: Machine | None = None
        """What executes the transactions, from the block's environment on."""
        self._bare_status = Status.BOUNDARY
        self._root = parent.output_root

    # Steps

    def step(self) -> None:
        """Do exactly one step. Raises `InternalError` beyond the steps that a block has."""
        if self.steps >= BLOCK_STEPS:
            self._check_room(1)
        machine = self.machine
        if machine is not None and machine.status is _RUN:
            machine.step()
        elif not self.is_done:
            self._phase_step()
        self.steps += 1

    def advance(self, steps: int) -> None:
        """Do so many steps; what idles takes no time."""
        end = self.steps + steps
        self._go_on(min(end, BLOCK_STEPS))
        self._check_room(end - self.steps)
        self.steps = end

    def run(self) -> int:
        """Go on to the end of the block, or to where nothing can follow; the steps taken so far."""
        self._go_on(BLOCK_STEPS)
        if not self.is_done:
            raise InternalError(f"a block of bounded gas took all of its {BLOCK_STEPS} steps")
        return self.steps

    def _go_on(self, end: int) -> None:
        """Step until so many steps are taken or nothing is left to do."""
        while self.steps < end and not self.is_done:
            self.step()
            machine = self.machine
            if machine is not None:
                # The bulk of a block, for which nothing needs to be looked up in between.
                state, before = machine.state, machine.steps
                last = before + end - self.steps
                while state.status is _RUN and machine.steps < last:
                    machine.step()
                self.steps += machine.steps - before

    def _phase_step(self) -> None:
        phase = _PHASES.get(self.status)
        if phase is not None:
            phase(self)
        elif self.machine is not None:
            self.machine.step()
        else:
            raise InternalError(f"no transaction runs in status {self.status.name}")

    def _check_room(self, steps: int) -> None:
        """The successor of a sealed block's last state is the next block's."""
        if self.steps + steps > BLOCK_STEPS and not self._idles_for_ever:
            raise InternalError(f"a block has {BLOCK_STEPS} steps, and no more")

    # Where it stands

    @property
    def status(self) -> Status:
        """Which verifier the next step has."""
        machine = self.machine
        return self._bare_status if machine is None or self.header else machine.status

    @property
    def is_done(self) -> bool:
        """The block is sealed, or nothing can follow: every further step is idle."""
        return self.header is not None or self._idles_for_ever

    @property
    def _idles_for_ever(self) -> bool:
        if self._bare_status is Status.EXHAUSTED:
            return True
        return self._bare_status is Status.BOUNDARY and self.boundary.number >= self.last_block

    def diff(self) -> StateDiff:
        """What the block has changed so far."""
        return StateDiff() if self.machine is None else self.machine.diff()

    # Commitments

    def words(self) -> tuple[Word, ...]:
        """The machine's eleven words as they are now."""
        machine = self.machine
        if machine is not None and self.header is None:
            return machine.state.words()
        block = ZERO_HASH if self.inputs is None else self.inputs.hash()
        return bare_words(self._bare_status, self._root, block)

    def machine_hash(self) -> Hash32:
        """The commitment to the state as it is now; nothing is hashed unless this is asked."""
        return commit(MACHINE_TAG, self.words())

    # Phases

    def _boundary(self) -> None:
        self._bare_status, self.inputs = leave_boundary(self.ground)

    def _decode(self) -> None:
        self._bare_status, self.inputs = decode(self.ground, self._known)

    def _scan(self) -> None:
        self._bare_status, self.inputs = scan(self.ground, self._known)

    def _origin(self) -> None:
        ground = self.ground
        inputs, context, deposit = begin_block(ground, self._known)
        machine = self.machine = Machine(ground.state, context, ground.config.rules)
        machine.state.boundary_hash = self._root
        self._learn(inputs)
        machine.offer(deposit)

    def _next(self) -> None:
        machine, inputs = self._executing, self._known
        if not inputs.taking and inputs.left == 0:
            self._learn(begin_hashing(inputs, machine.state.block))
            machine.state.status = Status.HASH_TRANSACTION
            return
        inputs, offered = next_offer(self.ground, inputs)
        self._learn(inputs)
        if offered is not None:
            machine.offer(offered)

    def _unfit(self) -> None:
        self._executing.step()
        self._learn(left_to_the_next_block(self._known))

    def _hash_transaction(self) -> None:
        state, inputs = self._executing.state, self._known
        if inputs.left == 0:
            state.status = Status.TRANSACTIONS_ROOT
            return
        inputs, state.block.transactions = hash_last(inputs, state.block, state.block.transactions)
        self._learn(inputs)

    def _transactions_root(self) -> None:
        state = self._executing.state
        self._learn(with_transactions_root(self._known, state.block))
        state.status = Status.HASH_RECEIPT

    def _hash_receipt(self) -> None:
        state, inputs = self._executing.state, self._known
        if inputs.left == 0:
            state.status = Status.RECEIPTS_ROOT
            return
        inputs, state.block.receipts = hash_last(inputs, state.block, state.block.receipts)
        self._learn(inputs)

    def _receipts_root(self) -> None:
        self._learn(with_receipts_root(self._known))
        self._executing.state.status = Status.SEAL

    def _seal(self) -> None:
        machine = self._executing
        block, diff = machine.state.block, machine.diff()
        self.header, self.boundary = seal(self.ground, self._known, block, diff)
        self.inputs, self._bare_status = None, Status.BOUNDARY
        self._root = self.boundary.output_root

    @property
    def _known(self) -> Inputs:
        """The inputs, in every status between two boundaries."""
        if self.inputs is None:
            raise InternalError(f"no block is being made in status {self.status.name}")
        return self.inputs

    @property
    def _executing(self) -> Machine:
        """The inner machine, in every status after ORIGIN."""
        if self.machine is None:
            raise InternalError(f"nothing is executed in status {self.status.name}")
        return self.machine

    def _learn(self, inputs: Inputs) -> None:
        """Replace the inputs, which the block commits to."""
        self.inputs = self._executing.state.block.inputs = inputs


_RUN: Final = Status.RUN
"""At hand: most steps ask for it, and an enumeration answers slowly."""

_PHASES: Final[Mapping[Status, Callable[[BlockMachine], None]]] = {
    Status.BOUNDARY: BlockMachine._boundary,
    Status.DECODE: BlockMachine._decode,
    Status.SCAN: BlockMachine._scan,
    Status.ORIGIN: BlockMachine._origin,
    Status.NEXT: BlockMachine._next,
    Status.UNFIT: BlockMachine._unfit,
    Status.HASH_TRANSACTION: BlockMachine._hash_transaction,
    Status.TRANSACTIONS_ROOT: BlockMachine._transactions_root,
    Status.HASH_RECEIPT: BlockMachine._hash_receipt,
    Status.RECEIPTS_ROOT: BlockMachine._receipts_root,
    Status.SEAL: BlockMachine._seal,
}
"""The block's own phases; every other status is a transaction's."""
