"""A step for people says what the machine does, and changes nothing of the trace."""

from bridge.dispute.trace import BLOCK_STEPS, ChainTrace
from bridge.machine.witness import block_witness
from execution.machine.status import Status
from genesis.predeploys import L1_BLOCK
from node.dispute.step_view import StepView, view_step
from tests.bridge.dispute.conftest import DisputedChain, disputed

__all__ = ["disputed"]


def views(disputed: DisputedChain, count: int) -> list[StepView]:
    """The first steps of block 2."""
    trace = ChainTrace(disputed.local, disputed.subject(2))
    return [view_step(trace, BLOCK_STEPS + step) for step in range(count)]


def test_view_names_block_step_and_status(disputed: DisputedChain) -> None:
    first = views(disputed, 1)[0]

    assert (first.block, first.step, first.trace_index) == (2, 0, BLOCK_STEPS)
    assert first.status is Status.BOUNDARY
    assert first.title == "BOUNDARY"
    assert first.instruction is None


def test_views_follow_each_other_as_the_trace_does(disputed: DisputedChain) -> None:
    steps = views(disputed, 60)
    trace = ChainTrace(disputed.local, disputed.subject(2))

    for before, after in zip(steps, steps[1:], strict=False):
        assert before.after == after.before == trace.state_after(after.trace_index)
        assert before.next_status is after.status


def test_view_of_instruction_shows_stack_before_and_after(disputed: DisputedChain) -> None:
    (push, *_) = (one for one in views(disputed, 60) if one.status is Status.RUN)

    instruction = push.instruction
    assert instruction is not None
    assert push.title == "RUN PUSH1"
    assert instruction.address == L1_BLOCK
    assert (instruction.pc, instruction.depth, instruction.failure) == (0, 0, None)
    assert instruction.gas - instruction.gas_after == 3
    assert instruction.stack == ()
    assert instruction.stack_after == (0x80,)
    assert instruction.changed == ((), (0x80,))


def test_view_of_failing_instruction_says_why(disputed: DisputedChain) -> None:
    trace = ChainTrace(disputed.local, disputed.subject(1))
    machine = trace.machine_after(0)
    while not (machine.status is Status.RUN and _next_opcode(machine) == 0xFE):
        machine.step()
    failing = view_step(trace, machine.steps)

    assert failing.instruction is not None
    assert failing.instruction.mnemonic == "INVALID"
    assert failing.instruction.failure == "undefined opcode"
    assert failing.instruction.gas_after == 0
    assert failing.next_status is Status.LEAVE


def _next_opcode(machine) -> int:
    frame = machine.machine.state.running_frame
    return frame.program.padded[frame.pc]


def test_view_has_the_witness_of_the_state_before(disputed: DisputedChain) -> None:
    trace = ChainTrace(disputed.local, disputed.subject(2))
    index = BLOCK_STEPS + 12

    assert view_step(trace, index).witness == block_witness(trace.machine_after(index))
