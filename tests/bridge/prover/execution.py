"""What a transaction's frames do, proven step by step."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from execution.machine.status import Status
from execution.transaction import Transaction
from state.types import Address
from tests.bridge.prover.frames import GAS, again, prove_fails
from tests.bridge.prover.rig import prove_step
from tests.execution.machine.world import CONTRACT, Allocated, Run, contract


def is_in_frame(run: Run) -> bool:
    """Whether the next step is one of execution, not of a transaction's or block's phases."""
    return Status.RUN <= run.machine.status <= Status.SELFDESTRUCT_MARK


def name_of(run: Run) -> str:
    """What the next step is: its status, or in RUN its opcode, in hexadecimal."""
    state = run.state
    if state.status is not Status.RUN:
        return str(state.status.name)
    frame = state.running_frame
    return f"{frame.program.padded[frame.pc]:02x}"


def prove_execution(run: Run, tx: Transaction | None = None, **changes: Any) -> Counter[str]:
    """Run a transaction and prove all steps of its frames; how many, by what they are."""
    proven: Counter[str] = Counter()
    run.offer(tx, **changes)
    while not run.machine.idle:
        if is_in_frame(run):
            proven[name_of(run)] += 1
            prove_step(run)
        else:
            run.machine.step()
    return proven


def at(run: Run, what: str, times: int = 1) -> Run:
    """Step until the next step is, for the `times`-th time, of this status or opcode."""
    while True:
        if name_of(run) == what:
            times -= 1
            if not times:
                return run
        assert not run.machine.idle, f"ended without reaching {what}"
        run.machine.step()


def within(
    code: bytes | str,
    stack: Collection[int] = (),
    gas: int = GAS,
    accounts: Mapping[Address, Allocated] | None = None,
    balance: int = 0,
    **changes: Any,
) -> Run:
    """A machine before the first instruction of CONTRACT's code, in a world with other accounts.

    The last item of `stack` is its top; `changes` are set on the frame.
    """
    run = Run({CONTRACT: contract(code, balance=balance), **(accounts or {})})
    run.offer(gas=10 * GAS)
    run.until(Status.RUN)
    again(run, stack, gas, **changes)
    return run


def prove_edge(make: Callable[[], Run], gas: int) -> Run:
    """Hold that a step takes exactly this gas: with one less it fails. Both are proven."""
    short, run = make(), make()
    short.state.running_frame.gas = gas - 1
    prove_fails(short)
    run.state.running_frame.gas = gas
    prove_step(run)
    assert run.state.running_frame.outcome.name != "FAILURE"
    return run
