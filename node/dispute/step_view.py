"""One step of a block, for people: which it is, and in an instruction what it does to the stack."""

from dataclasses import dataclass

from bridge.dispute.trace import BLOCK_STEPS, ChainTrace
from bridge.machine.block_machine import BlockMachine
from bridge.machine.witness import block_witness
from execution.machine.opcodes.mnemonics import mnemonic
from execution.machine.status import Status
from state.types import Address, BlockNumber, Hash32


@dataclass(frozen=True, slots=True)
class InstructionView:
    """An instruction before and after its step; stacks from the bottom up."""

    opcode: int
    pc: int
    address: Address
    """Whose account it runs on."""
    depth: int
    gas: int
    """What the frame has left before it."""
    gas_after: int
    stack: tuple[int, ...]
    stack_after: tuple[int, ...]
    failure: str | None
    """Why it fails; None where it doesn't."""

    @property
    def mnemonic(self) -> str:
        return mnemonic(self.opcode)

    @property
    def changed(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The tops of both stacks, from where they differ on."""
        same = 0
        for before, after in zip(self.stack, self.stack_after, strict=False):
            if before != after:
                break
            same += 1
        return self.stack[same:], self.stack_after[same:]


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the trace of a game, with its proof."""

    trace_index: int
    """How many steps of the trace come before it."""
    block: BlockNumber
    step: int
    """How many steps of its block come before it."""
    status: Status
    next_status: Status
    instruction: InstructionView | None
    """In status RUN."""
    before: Hash32
    after: Hash32
    witness: bytes

    @property
    def title(self) -> str:
        """The status, and the name of an instruction."""
        name = self.status.name
        return name if self.instruction is None else f"{name} {self.instruction.mnemonic}"


def view_step(trace: ChainTrace, trace_index: int) -> StepView:
    """Take the step that `trace_index` steps precede, and describe it. Raises `Unavailable`."""
    machine = trace.machine_after(trace_index)
    status, before, witness = machine.status, machine.machine_hash(), block_witness(machine)
    instruction = _take(machine)
    offset, step = divmod(trace_index, BLOCK_STEPS)
    return StepView(
        trace_index=trace_index,
        block=BlockNumber(trace.subject.anchor_block + 1 + offset),
        step=step,
        status=status,
        next_status=machine.status,
        instruction=instruction,
        before=before,
        after=machine.machine_hash(),
        witness=witness,
    )


def _take(machine: BlockMachine) -> InstructionView | None:
    """Take one step; what the instruction did, if it was one."""
    if machine.status is not Status.RUN or machine.machine is None:
        machine.step()
        return None
    frame = machine.machine.state.running_frame
    pc, gas, stack = frame.pc, frame.gas, tuple(frame.stack)
    opcode = frame.program.padded[pc]
    machine.step()
    return InstructionView(
        opcode=opcode,
        pc=pc,
        address=frame.address,
        depth=frame.depth,
        gas=gas,
        gas_after=frame.gas,
        stack=stack,
        stack_after=tuple(frame.stack),
        failure=None if frame.failure is None else str(frame.failure),
    )
