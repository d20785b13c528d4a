"""Steps of the official state tests, each proven by the contracts and compared with the machine.

The machine runs a case; before a chosen step its hash and the witness are taken, and after it the
hash that the contracts must arrive at. Which steps are chosen is a function of the case's name and
of nothing else, so that whatever fails fails again.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from itertools import count
from pathlib import Path
from typing import Final, TypeVar

from bridge.dispute.coverage import Cell, Coverage, standing
from bridge.dispute.local_prover import LocalProver, ProofRefused
from execution.errors import InvalidTransaction
from execution.evm.threads import run_deep
from execution.machine.machine import Machine
from execution.machine.status import Status
from execution.machine.transaction import PendingTx
from execution.machine.witness.step import step_witness
from execution.statetest import (
    CHAIN_ID,
    Case,
    CaseResult,
    EngineName,
    offered_machine,
    read_cases,
    run_case,
)
from genesis.config import STATETEST_RULES, TRANSACTION_GAS_CAP, ExecutionRules
from state.keccak import keccak
from state.types import Hash32

T = TypeVar("T")

ALL_STEPS: Final = None
"""Instead of a number of steps: every one."""


class Unreachable(StrEnum):
    """Steps of official cases that no block of an L2 has, and that no contract therefore judges."""

    GAS_CAP = "VALIDATE of a gas limit above 2^24"
    NO_BLOCK = "UNFIT without a block that goes on"


@dataclass(frozen=True, slots=True)
class WrongStep:
    """A step after which contracts and machine aren't in the same state."""

    index: int
    """How many steps of the case come before it."""
    cell: Cell
    detail: str

    def __str__(self) -> str:
        return f"step {self.index}, {self.cell.kind} ({self.cell.ending}): {self.detail}"


@dataclass(slots=True)
class CaseProof:
    """What was proven of a case."""

    result: CaseResult
    """How the case itself ended on the machine."""
    steps: int = 0
    """How many it has."""
    proven: Coverage = field(default_factory=Counter)
    skipped: Counter[Unreachable] = field(default_factory=Counter)
    wrong: list[WrongStep] = field(default_factory=list)


@cache
def _prover() -> LocalProver:
    """The contracts, deployed once a process."""
    return LocalProver()


def prove_file(
    path: Path, steps: int | None, rules: ExecutionRules = STATETEST_RULES
) -> tuple[CaseProof, ...]:
    """Run all Cancun cases of a file on the machine, and prove `steps` steps of each.

    Raises `InvalidStateTest`.
    """
    return run_deep(lambda: tuple(prove_case(case, steps, rules) for case in read_cases(path)))


def prove_case(case: Case, steps: int | None, rules: ExecutionRules = STATETEST_RULES) -> CaseProof:
    """Run a case on the machine, and prove `steps` of its steps, or `ALL_STEPS`."""
    proof = CaseProof(run_case(case, rules, EngineName.MACHINE))
    chosen: Iterable[int] = count()
    if steps is not ALL_STEPS:
        chosen = choose_steps(offered_machine(case, rules), steps, Draws(str(case.id)))
    machine = offered_machine(case, rules)
    _prove_steps(machine, chosen, proof)
    while not machine.idle:
        machine.step()
    proof.steps = machine.steps
    return proof


# Choosing


class Draws:
    """Numbers that follow from a name and from nothing else."""

    __slots__ = ("_hash", "_rest")

    def __init__(self, name: str) -> None:
        self._hash = keccak(name.encode())
        self._rest = b""

    def below(self, bound: int) -> int:
        """One of the numbers below `bound`; of 64 bits, so that no small one is preferred."""
        if not self._rest:
            self._rest = self._hash = keccak(self._hash)
        number, self._rest = int.from_bytes(self._rest[:8], "big"), self._rest[8:]
        return number % bound

    def shuffle(self, items: list[T]) -> None:
        """Put a list into any order (Fisher and Yates)."""
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]


def choose_steps(machine: Machine, steps: int, draws: Draws) -> list[int]:
    """So many steps of the run, in order; kinds and endings that are rare in it come first."""
    kept: dict[Cell, list[int]] = {}
    seen: Counter[Cell] = Counter()
    while not machine.idle:
        index, before = machine.steps, standing(machine)
        machine.step()
        cell = before.cell(machine)
        seen[cell] += 1
        _keep(kept.setdefault(cell, []), index, seen[cell], steps, draws)
    return sorted(_take_turns(list(kept.values()), steps, draws))


def _keep(kept: list[int], index: int, seen: int, size: int, draws: Draws) -> None:
    """Keep each of `seen` items so far with the same probability (Vitter's algorithm R)."""
    if len(kept) < size:
        kept.append(index)
        return
    place = draws.below(seen)
    if place < size:
        kept[place] = index


def _take_turns(groups: list[list[int]], steps: int, draws: Draws) -> list[int]:
    """Items of all groups, one of each in every round."""
    for group in groups:
        draws.shuffle(group)
    draws.shuffle(groups)
    taken: list[int] = []
    while groups and len(taken) < steps:
        taken += [group.pop() for group in groups[: steps - len(taken)]]
        groups = [group for group in groups if group]
    return taken


# Proving


def _prove_steps(machine: Machine, chosen: Iterable[int], proof: CaseProof) -> None:
    """Prove the steps at these indexes, as far as the run goes."""
    last: tuple[int, Hash32] | None = None
    for index in chosen:
        machine.advance(index - machine.steps)
        if machine.idle:
            return
        unreachable = unreachable_step(machine)
        if unreachable is not None:
            proof.skipped[unreachable] += 1
            machine.step()
            continue
        known = last[1] if last is not None and last[0] == index else machine.machine_hash()
        last = index + 1, _prove_step(machine, known, proof)


def _prove_step(machine: Machine, before: Hash32, proof: CaseProof) -> Hash32:
    """Take one step, and note whether the contracts arrive where the machine does."""
    index, start, witness = machine.steps, standing(machine), step_witness(machine.state)
    machine.step()
    cell, after = start.cell(machine), machine.machine_hash()
    try:
        answer = _prover().step(before, witness)
    except ProofRefused as refusal:
        proof.wrong.append(WrongStep(index, cell, str(refusal)))
        return after
    if answer == after:
        proof.proven[cell] += 1
    else:
        detail = f"the contracts arrive at 0x{answer.hex()}, not at 0x{after.hex()}"
        proof.wrong.append(WrongStep(index, cell, detail))
    return after


def unreachable_step(machine: Machine) -> Unreachable | None:
    """Why no L2 block takes the step that the machine takes next; None if one may."""
    if machine.status is Status.UNFIT and machine.state.block.inputs is None:
        return Unreachable.NO_BLOCK
    pending = machine.state.tx
    if machine.status is Status.VALIDATE and isinstance(pending, PendingTx):
        try:
            gas = pending.decode(CHAIN_ID).gas
        except InvalidTransaction:
            return None
        return Unreachable.GAS_CAP if gas > TRANSACTION_GAS_CAP else None
    return None
