"""Witnesses that lie: no step may be proven by any witness but its own."""

from bridge.dispute.local_prover import ProofRefused
from execution.machine.witness.step import step_witness
from state.types import Hash32
from tests.bridge.prover.rig import prover
from tests.execution.machine.world import Run


def is_refused(before: Hash32, witness: bytes) -> bool:
    """Whether the provers revert."""
    try:
        prover().step(before, witness)
    except ProofRefused:
        return True
    return False


def assert_refused(before: Hash32, witness: bytes, honest: Hash32, what: str) -> None:
    """Hold that a wrong witness proves nothing; `what` says what is wrong with it.

    A prover that answers reads something that no hash vouches for. Another answer than `honest` is
    a wrong state, and the same one shows bytes that don't count.
    """
    try:
        answer = prover().step(before, witness)
    except ProofRefused:
        return
    raise AssertionError(f"{what}: proves {'the right' if answer == honest else 'a wrong'} state")


def assert_every_flip_is_refused(run: Run, stride: int = 1) -> None:
    """Take one step; its witness proves it, and nothing near it proves anything.

    Each byte is flipped in one bit; of a long witness, every `stride`-th.
    """
    before = run.machine.machine_hash()
    witness = step_witness(run.state)
    run.machine.step()
    after = run.machine.machine_hash()
    assert prover().step(before, witness) == after
    for at in range(0, len(witness), stride):
        flipped = bytes([witness[at] ^ (1 << (at // stride % 8))])
        assert_refused(before, witness[:at] + flipped + witness[at + 1 :], after, f"byte {at}")
    for wrong in (b"", witness[:-1], witness[:-32], witness + b"\0", witness + bytes(32)):
        assert_refused(before, wrong, after, f"{len(wrong)} bytes instead of {len(witness)}")


def assert_no_witness_of_another_step(runs: list[Run]) -> None:
    """The witness of each of these steps proves it, and none of the others."""
    steps = [(run.machine.machine_hash(), step_witness(run.state)) for run in runs]
    assert len({before for before, _ in steps}) == len(runs)
    for i, (before, _) in enumerate(steps):
        for j, (_, witness) in enumerate(steps):
            assert is_refused(before, witness) == (i != j)
