"""Frames before their first instruction, in any condition that a test asks for."""

from collections.abc import Collection
from typing import Any

from execution.machine.opcodes.table import TABLE
from execution.machine.status import Status
from tests.bridge.prover.rig import prove_step
from tests.execution.machine.world import CONTRACT, Run, contract

GAS = 10**6

HUGE = (2**32 - 1, 2**32, 2**32 + 1, 2**64, 2**256 - 32, 2**256 - 1)
"""Offsets that no memory reaches."""


def started(code: bytes, stack: Collection[int] = (), gas: int = GAS, **changes: Any) -> Run:
    """A machine before the first instruction of `code`; the last item of `stack` is its top.

    `changes` are set on the frame.
    """
    run = Run({CONTRACT: contract(code)})
    run.offer(gas=10 * GAS)
    run.until(Status.RUN)
    again(run, stack, gas, **changes)
    return run


def again(run: Run, stack: Collection[int] = (), gas: int = GAS, **changes: Any) -> None:
    """Put the frame before its first instruction once more."""
    frame = run.state.running_frame
    frame.pc, frame.gas, frame.stack[:] = 0, gas, stack
    for name, value in changes.items():
        setattr(frame, name, value)


def remember(run: Run, data: bytes) -> None:
    """Put bytes at the beginning of the frame's memory."""
    memory = run.state.running_frame.memory
    memory.grow(len(data))
    memory.write(0, data)


def prove_fails(run: Run) -> None:
    """Take a step that fails the frame, and prove it."""
    prove_step(run)
    assert run.machine.status is Status.LEAVE
    assert run.state.running_frame.outcome.name == "FAILURE"


def prove_stack_edges(opcode: int) -> None:
    """An item too few; 1,023 and 1,024 items; each proven, and those that overflow fail."""
    _, takes, gives, _ = TABLE[opcode]
    if takes:
        prove_fails(started(bytes([opcode]), [0] * (takes - 1)))
    for size in (1_023, 1_024):
        run = started(bytes([opcode]), [0] * size)
        prove_step(run)
        if size - takes + gives > 1_024:
            assert run.state.running_frame.outcome.name == "FAILURE"


def prove_gas_edge(code: bytes, stack: Collection[int], gas: int, **changes: Any) -> None:
    """Exactly enough gas, which is all spent, and one less, which fails; each proven."""
    run = started(code, stack, gas, **changes)
    prove_step(run)
    assert run.state.running_frame.gas == 0
    assert run.state.running_frame.outcome.name != "FAILURE"
    prove_fails(started(code, stack, gas - 1, **changes))


def prove_some(run: Run, opcodes: Collection[int]) -> None:
    """Finish the transaction, and prove each step that has one of these opcodes or is COPY."""
    while not run.machine.idle:
        if run.machine.status is Status.COPY or _opcode(run) in opcodes:
            prove_step(run)
        else:
            run.machine.step()


def _opcode(run: Run) -> int:
    """What the next step executes; -1 if it is no instruction."""
    if run.machine.status is not Status.RUN:
        return -1
    frame = run.state.running_frame
    return int(frame.program.padded[frame.pc])
