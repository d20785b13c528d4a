"""Lies for the story of a dispute: each is a wrong trace, with the machine that it comes from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from bridge.dispute.faults import FaultKind, LyingMachine, LyingTrace
from bridge.dispute.limits import STATES_KEPT_MAX
from bridge.dispute.trace import BLOCK_STEPS, ChainTrace, LocalChain, StepProof, Subject
from bridge.machine.bare import boundary_machine_hash
from bridge.machine.block_machine import BlockMachine
from bridge.machine.prefix import Prefix
from bridge.machine.witness import block_witness
from execution.machine.status import Status
from genesis.predeploys import CLEARING_HOUSE
from state.errors import InternalError
from state.types import BlockNumber, Hash32

TENTH: Final = 10
"""What the liar makes of an amount: a tenth."""

AMOUNT_SCALE: Final = 10**10
"""Price (8 decimals) times size (8 decimals) over this is an amount in USD (6 decimals)."""

_DIVISIONS: Final = (0x04, 0x05)
"""DIV, SDIV."""


class Lie(ABC):
    """A trace that is right up to one step and wrong from there."""

    def __init__(self, kind: FaultKind, struck_at: int) -> None:
        self.kind = kind
        self.struck_at = struck_at
        """The trace index of the step that is wrong."""
        self._claims: dict[int, Hash32] = {}

    @property
    @abstractmethod
    def output_root(self) -> Hash32:
        """What the lie makes of the block."""

    def claim_at(self, trace_index: int) -> Hash32:
        """The state's hash after `trace_index` + 1 steps, as the liar has it. Remembered, for a
        player is asked for all its claims at each look, and a block takes a while to execute."""
        found = self._claims.get(trace_index)
        if found is None:
            if len(self._claims) >= STATES_KEPT_MAX:
                self._claims.clear()
            found = self._claims[trace_index] = self._claim_at(trace_index)
        return found

    @abstractmethod
    def _claim_at(self, trace_index: int) -> Hash32: ...

    @abstractmethod
    def proof(self, trace_index: int) -> StepProof:
        """The proof of a step; of the wrong one, L1 proves something else."""

    @abstractmethod
    def machine_after(self, steps: int) -> BlockMachine:
        """The liar's machine so many steps from the anchor, within the lied-about block."""


class FaultLie(Lie):
    """One of the lies of `devnet --fault`."""

    def __init__(
        self,
        chain: LocalChain,
        subject: Subject,
        kind: FaultKind,
        trace: LyingTrace,
        struck_at: int,
    ) -> None:
        super().__init__(kind, struck_at)
        self._chain = chain
        self._subject = subject
        self._trace = trace

    @classmethod
    def about(cls, chain: LocalChain, subject: Subject, kind: FaultKind) -> FaultLie | None:
        """The lie about a block; None where it has no step to lie about. Raises `Unavailable`."""
        trace = LyingTrace(chain, subject, kind)
        struck_at = trace.struck_at
        return None if struck_at is None else cls(chain, subject, kind, trace, struck_at)

    @property
    def output_root(self) -> Hash32:
        return self._trace.output_root

    def _claim_at(self, trace_index: int) -> Hash32:
        return self._trace.claim_at(trace_index)

    def proof(self, trace_index: int) -> StepProof:
        return self._trace.proof(trace_index)

    def machine_after(self, steps: int) -> BlockMachine:
        prefix = Prefix(self._chain.log, self._subject.inbox_count)
        machine = LyingMachine(self._chain, self._subject, prefix, self.kind)
        machine.advance(steps - first_step(self._subject))
        return machine


class MarginLie(Lie):
    """The clearing house finds a tenth of an amount: whoever buys pays that little.

    Unlike the fault of a devnet it is no matter of a last digit, which the next division may round
    away, but one that anybody who reads the story sees.
    """

    def __init__(self, chain: LocalChain, subject: Subject, struck_at: int) -> None:
        """`struck_at` is a division in the claimed block. Raises `Unavailable` as `ChainTrace`
        does."""
        super().__init__(FaultKind.MARGIN, struck_at)
        self._chain = chain
        self._subject = subject
        self._truth = ChainTrace(chain, subject)
        self._prefix = Prefix(chain.log, subject.inbox_count)
        self._machine: BlockMachine | None = None
        end = self.machine_after(struck_at + 1)
        end.run()
        self._output_root = end.boundary.output_root

    @property
    def output_root(self) -> Hash32:
        return self._output_root

    def _claim_at(self, trace_index: int) -> Hash32:
        steps = trace_index + 1
        if steps <= self.struck_at:
            return self._truth.claim_at(trace_index)
        if steps - first_step(self._subject) >= BLOCK_STEPS:
            return boundary_machine_hash(self.output_root)
        machine = self._machine
        if machine is None or first_step(self._subject) + machine.steps > steps:
            machine = self._machine = self.machine_after(self.struck_at + 1)
        machine.advance(steps - first_step(self._subject) - machine.steps)
        return machine.machine_hash()

    def proof(self, trace_index: int) -> StepProof:
        machine = self.machine_after(trace_index)
        before, witness = machine.machine_hash(), block_witness(machine)
        return StepProof(trace_index, before, self.claim_at(trace_index), witness)

    def machine_after(self, steps: int) -> BlockMachine:
        # Honest up to the division, and again after it.
        machine = parent_machine(self._chain, self._subject, self._prefix)
        begin, right_end = first_step(self._subject), min(steps, self.struck_at + 1)
        machine.advance(right_end - begin)
        if steps > self.struck_at:
            _take_a_tenth(machine)
            machine.advance(steps - right_end)
        return machine


def lie_about(chain: LocalChain, subject: Subject, kind: FaultKind) -> Lie | None:
    """A lie about the last block of a subject; None where there is nothing to lie about, or where
    the lie leads to the right output root after all. Raises `Unavailable`."""
    lie: Lie | None
    if kind is FaultKind.MARGIN:
        lie = _margin_lie(chain, subject)
    else:
        lie = FaultLie.about(chain, subject, kind)
    if lie is None or kind is FaultKind.ATTACK:
        return lie
    return None if lie.output_root == chain.view.output_root(subject.l2_block) else lie


def recognised(chain: LocalChain, subject: Subject, output_root: Hash32) -> Lie | None:
    """The devnet's fault that leads to a wrong root; None for a lie of another make."""
    for kind in FaultKind:
        lie = FaultLie.about(chain, subject, kind)
        if lie is not None and kind is not FaultKind.ATTACK and lie.output_root == output_root:
            return lie
    return None


def _margin_lie(chain: LocalChain, subject: Subject) -> MarginLie | None:
    machine = parent_machine(chain, subject, Prefix(chain.log, subject.inbox_count))
    while not machine.is_done:
        if _divides_to_amount(machine):
            return MarginLie(chain, subject, first_step(subject) + machine.steps)
        machine.step()
    return None


def parent_machine(chain: LocalChain, subject: Subject, prefix: Prefix) -> BlockMachine:
    """The honest machine before the first step of the claimed block."""
    parent = BlockNumber(subject.l2_block - 1)
    return chain.machine_after(parent, prefix, subject.l2_block)


def first_step(subject: Subject) -> int:
    """The trace index of the claimed block's first step."""
    return (subject.l2_block - 1 - subject.anchor_block) * BLOCK_STEPS


def _divides_to_amount(machine: BlockMachine) -> bool:
    """The next step divides price times size to an amount, in the clearing house."""
    if machine.status is not Status.RUN or machine.machine is None:
        return False
    frame = machine.machine.state.running_frame
    if frame.program.padded[frame.pc] not in _DIVISIONS or frame.address != CLEARING_HOUSE:
        return False
    dividend, divisor = frame.stack[-1], frame.stack[-2]
    return divisor == AMOUNT_SCALE and dividend >= AMOUNT_SCALE * TENTH


def _take_a_tenth(machine: BlockMachine) -> None:
    if machine.machine is None:
        raise InternalError("a division is an instruction, and none is executed")
    machine.machine.state.running_frame.stack[-1] //= TENTH
