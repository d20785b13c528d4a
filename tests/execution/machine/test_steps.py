"""Every step reads little: at most two paths through tries, and copies of at most 32 KB."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from execution.machine.journal import Journal
from execution.machine.limits import COPY_BYTES_MAX
from execution.machine.machine import Machine
from execution.machine.status import Status
from execution.machine.world import Values, World
from execution.statetest import Case, read_cases
from execution.transactions import decode
from genesis.config import STATETEST_RULES
from state.accounts import Account
from state.memory_state import MemoryState
from state.types import Address
from tests.execution.machine.world import CONTRACT, OTHER, Run, contract, push
from tests.execution.test_statetest import needs_suite, sample

PATHS_MAX = 2

STEPS_MAX = 20_000
"""Of a case: loops repeat themselves."""

SAMPLE_STEP = 3
"""Of the sample of the state tests: every so many files."""


class RecordingWorld(World):
    """Notes which paths of the state trie, and of storage tries, a step opens."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.paths: set[tuple[Any, ...]] = set()

    def values(self, address: Address) -> Values:
        self.paths.add(("account", address))
        return super().values(address)

    def account(self, address: Address) -> Account | None:
        self.paths.add(("account", address))
        return super().account(address)

    def set_values(self, address: Address, values: Values) -> None:
        self.paths.add(("account", address))
        super().set_values(address, values)

    def has_storage(self, address: Address) -> bool:
        self.paths.add(("account", address))
        return super().has_storage(address)

    def storage(self, address: Address, slot: int) -> int:
        self.paths |= {("account", address), ("slot", address, slot)}
        return super().storage(address, slot)

    def original_storage(self, address: Address, slot: int) -> int:
        self.paths |= {("account", address), ("slot", address, slot)}
        return super().original_storage(address, slot)

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        self.paths |= {("account", address), ("slot", address, slot)}
        super().set_storage(address, slot, value)


class RecordingJournal(Journal):
    """Notes which paths of the journal a step opens."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.paths: set[tuple[Any, ...]] = set()

    def is_warm(self, address: Address) -> bool:
        self.paths.add(("flags", address))
        return super().is_warm(address)

    def is_created(self, address: Address) -> bool:
        self.paths.add(("flags", address))
        return super().is_created(address)

    def mark(self, address: Address, flag: int) -> None:
        self.paths.add(("flags", address))
        super().mark(address, flag)

    def is_slot_warm(self, address: Address, slot: int) -> bool:
        self.paths.add(("warm", address, slot))
        return super().is_slot_warm(address, slot)

    def warm_slot(self, address: Address, slot: int) -> None:
        self.paths.add(("warm", address, slot))
        super().warm_slot(address, slot)

    def transient(self, address: Address, slot: int) -> int:
        self.paths.add(("transient", address, slot))
        return super().transient(address, slot)

    def set_transient(self, address: Address, slot: int, value: int) -> None:
        self.paths.add(("transient", address, slot))
        super().set_transient(address, slot, value)


def paths_of_steps(machine: Machine, state: Any) -> Iterator[tuple[Status, set[Any]]]:
    """Status and opened paths of every step until the machine is idle."""
    world = machine.state.world = RecordingWorld(state, machine.state.undo)
    journal = machine.state.journal = RecordingJournal(machine.state.undo)
    while not machine.idle:
        status = machine.status
        world.paths.clear()
        journal.paths.clear()
        machine.step()
        yield status, world.paths | journal.paths


@needs_suite
def test_official_cases_open_at_most_two_paths_a_step() -> None:
    seen: Counter[Status] = Counter()
    for file in sample()[::SAMPLE_STEP]:
        for case in read_cases(file):
            if case.exception is None and case.raw[:1] != b"\x03":
                check_paths(case, seen)
    of_transactions = {status for status in Status if Status.NEXT < status < Status.BOUNDARY}
    assert of_transactions <= set(seen), "a status that no case reached"


def check_paths(case: Case, seen: Counter[Status]) -> None:
    state = MemoryState.from_alloc(case.pre)
    machine = Machine(state, case.context, STATETEST_RULES)
    machine.offer(decode(case.raw, chain_id=1))
    for status, paths in islice(paths_of_steps(machine, state), STEPS_MAX):
        seen[status] += 1
        assert len(paths) <= PATHS_MAX, f"{case.id}: {status.name} opens {paths}"


def test_large_copy_takes_a_step_for_every_32_kilobytes() -> None:
    size = 3 * COPY_BYTES_MAX + 1
    code = push(size) + "5f5f39" + "00"
    run = Run({CONTRACT: contract(code)})
    run.offer()
    run.until(Status.COPY)
    seen = []
    while run.machine.status is Status.COPY:
        seen.append(run.state.operation.done)
        run.machine.step()
    assert seen == [COPY_BYTES_MAX * count for count in range(4)]
    assert run.state.frame.memory.read(0, 34) == bytes.fromhex(code)[:34]
    assert len(run.state.frame.memory) == size + 31


def test_large_overlapping_move_reads_the_memory_as_it_was() -> None:
    """MCOPY by one byte up, over more than one step."""
    size = COPY_BYTES_MAX + 64
    marks = "60aa5f53" + "60bb" + push(COPY_BYTES_MAX - 1) + "53"
    code = marks + push(size) + "5f60015e" + "00"
    run = Run({CONTRACT: contract(code)})
    run.offer()
    run.until(Status.COPY)
    run.until(Status.RUN)
    memory = run.state.frame.memory
    assert memory.read(0, 3) == b"\xaa\xaa\0"
    assert memory.read(COPY_BYTES_MAX - 1, 3) == b"\0\xbb\0"


def test_returned_data_of_any_size_is_copied_in_bounded_steps() -> None:
    size = 2 * COPY_BYTES_MAX + 5
    callee = "60ee" + push(size - 1) + "53" + push(size) + "5ff3"
    code = push(size) + "5f5f5f5f73" + "dd" * 20 + "5af1" + "00"
    run = Run({CONTRACT: contract(code), OTHER: contract(callee)})
    run.offer()
    run.until(Status.COPY)
    assert run.until(Status.RUN) == 3
    assert run.state.frame.memory.read(size - 1, 1) == b"\xee"
