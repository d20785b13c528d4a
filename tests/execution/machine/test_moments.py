"""Roots at earlier moments: those of tries built from nothing, without building them each time."""

from random import Random

import pytest

from execution.machine.frame import Frame
from execution.machine.journal import Journal
from execution.machine.machine import Machine
from execution.machine.moments import Moments, Roots
from execution.machine.snapshot import Snapshot
from execution.machine.status import Status
from execution.machine.undo import UndoLog
from execution.machine.world import Values, World
from genesis.config import ExecutionRules
from state.accounts import EMPTY_CODE_HASH, StateDiff, StateUpdate
from state.memory_state import MemoryState
from state.types import Address, Gas
from tests.execution.machine.test_random_programs import PARTNERS, random_program
from tests.execution.machine.world import CONTRACT, OTHER, Allocated, Run, contract, transaction

HERE, THERE = Address(b"\x01" * 20), Address(b"\x02" * 20)

WRITES = "5a5a5d" + "5a5a55" + "5f6001556001600255"
"""TSTORE and SSTORE at a key that no other level has; a slot cleared, and one that all share."""

DEEPER = "5f5f5f5f5f305af1"
"""CALL of itself, with all gas."""


def waiting(frame: Frame | None) -> list[Snapshot]:
    """What the running frame and all below it go back to, the outermost first."""
    found: list[Snapshot] = []
    while frame is not None:
        found.append(frame.snapshot)
        frame = frame.parent
    return found[::-1]


def built_anew(world: World, journal: Journal, undo: UndoLog, at: int) -> Roots:
    with undo.rewound(at):
        return Roots(at, world.update().root, journal.update().root)


def check(run: Run) -> None:
    state = run.state
    for snapshot in waiting(state.frame):
        wanted = built_anew(state.world, state.journal, state.undo, snapshot.at)
        assert state.moments.roots(snapshot.at) == wanted
        assert snapshot.words()[:2] == (wanted.state, wanted.journal)


def test_roots_of_every_waiting_frame_are_those_of_tries_built_anew() -> None:
    run = Run({CONTRACT: contract(WRITES + DEEPER, storage={1: 5})})
    run.offer(gas=Gas(2**21))
    run.until(Status.LEAVE)
    assert run.state.frame.depth > 20
    check(run)
    for _ in range(500):
        run.machine.step()
    check(run)


@pytest.mark.parametrize("seed", range(12))
def test_roots_in_random_programs_are_those_of_tries_built_anew(seed: int) -> None:
    random = Random(seed)
    accounts = {
        address: contract(random_program(random), balance=9, storage={1: 7})
        for address in (CONTRACT, OTHER, Address(PARTNERS[2]))
    }
    run = Run(accounts)
    for nonce in range(3):
        run.offer(nonce=nonce, to=random.choice([*accounts, None]), data=random_program(random))
        while not run.machine.idle:
            check(run)
            run.machine.advance(random.randrange(1, 9))


class CountingState(MemoryState):
    """Counts how often all that was written is put into the tries."""

    updates = 0

    def update(self, diff: StateDiff) -> StateUpdate:
        CountingState.updates += 1
        return super().update(diff)


def test_hash_of_hundreds_of_frames_builds_the_state_a_few_times() -> None:
    world = Run({CONTRACT: contract("5a5a5d" + DEEPER)}).world
    state = CountingState(world.state.nodes, world.state.root, world.state.codes)
    machine = Machine(state, world.context, ExecutionRules())
    machine.offer(transaction(gas=Gas(2**24)))
    while machine.status is not Status.LEAVE:
        machine.step()
    assert len(waiting(machine.state.frame)) > 300
    CountingState.updates = 0
    machine.machine_hash()
    assert CountingState.updates <= 3


# Alone


def moments() -> tuple[Moments, World, Journal, UndoLog]:
    undo = UndoLog()
    state = MemoryState.from_alloc({HERE: Allocated(nonce=1, code=b"\0", storage={1: 2})})
    world, journal = World(state, undo), Journal(undo)
    return Moments(undo, world, journal), world, journal, undo


def test_revert_forgets_the_roots_of_what_it_undoes() -> None:
    past, world, journal, undo = moments()
    world.set_storage(HERE, 1, 3)
    kept = past.now()
    assert past.roots(kept) == built_anew(world, journal, undo, kept)
    world.set_storage(HERE, 1, 4)
    journal.warm_slot(HERE, 1)
    undone = past.roots(past.now())
    past.revert(kept)
    world.set_storage(HERE, 1, 5)
    journal.warm_slot(HERE, 2)
    again = past.roots(past.now())
    assert again.at == undone.at
    assert again != undone
    assert again == built_anew(world, journal, undo, again.at)


def test_earlier_moment_asked_about_later_is_what_it_was() -> None:
    past, world, journal, undo = moments()
    begin = past.now()
    world.add_balance(THERE, 7)
    journal.set_transient(THERE, 1, 2)
    assert past.roots(past.now()) == built_anew(world, journal, undo, past.now())
    assert past.roots(begin) == built_anew(world, journal, undo, begin)


def test_account_that_went_with_its_storage_is_gone_from_the_roots() -> None:
    past, world, journal, undo = moments()
    past.roots(past.now())
    world.set_storage(HERE, 9, 9)
    past.roots(past.now())
    world.delete(HERE)
    assert past.roots(past.now()) == built_anew(world, journal, undo, past.now())
    world.set_values(HERE, Values(1, 0, EMPTY_CODE_HASH))
    assert past.roots(past.now()) == built_anew(world, journal, undo, past.now())


def test_end_of_the_transaction_forgets_its_moments() -> None:
    past, world, journal, undo = moments()
    world.set_storage(HERE, 1, 3)
    before = past.roots(past.now())
    past.clear()
    assert past.now() == 0
    assert past.roots(0) == Roots(0, before.state, before.journal)
    assert past.roots(0) == built_anew(world, journal, undo, 0)
