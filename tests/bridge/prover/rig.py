"""A machine whose every step is proven as it is taken."""

from collections import Counter
from functools import cache

from bridge.dispute.local_prover import LocalProver
from execution.machine.status import Status
from execution.machine.witness.step import step_witness
from state.types import Hash32
from tests.execution.machine.world import Run


@cache
def prover() -> LocalProver:
    """The contracts, deployed once a process."""
    return LocalProver()


def prove_step(run: Run) -> Hash32:
    """Take one step, and hold that the provers arrive at the same state."""
    before = run.machine.machine_hash()
    witness = step_witness(run.state)
    described = _describe(run)
    run.machine.step()
    after = run.machine.machine_hash()
    assert prover().step(before, witness) == after, described
    return after


def prove_until(run: Run, status: Status) -> Counter[str]:
    """Prove all steps up to a status; how many there were, by what they are."""
    proven: Counter[str] = Counter()
    while run.machine.status is not status:
        assert not run.machine.idle, f"ended without reaching {status.name}"
        proven[_describe(run)] += 1
        prove_step(run)
    return proven


def prove_transaction(run: Run) -> Counter[str]:
    """Prove every step of the transaction that was offered."""
    return prove_until(run, Status.NEXT)


def _describe(run: Run) -> str:
    state = run.state
    if state.status is not Status.RUN:
        return str(state.status.name)
    frame = state.running_frame
    return f"opcode 0x{frame.program.padded[frame.pc]:02x}"
