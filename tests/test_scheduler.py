"""Which worker takes which test file."""

from tests import scheduler
from tests.scheduler import next_scope

WAITS = "tests/devnet/test_kill.py"
COMPUTES = "tests/state/test_trie.py"


def test_half_of_the_workers_begin_with_what_waits_and_half_with_what_computes() -> None:
    both = [COMPUTES, WAITS]
    assert [next_scope(both, worker) for worker in ("gw0", "gw1", "gw2", "gw3")] == [
        WAITS, COMPUTES, WAITS, COMPUTES,
    ]  # fmt: skip


def test_worker_without_files_of_its_own_helps() -> None:
    assert next_scope([COMPUTES], "gw0") == COMPUTES
    assert next_scope([WAITS], "gw1") == WAITS


def test_longest_file_comes_first_and_else_the_one_of_the_most_tests(monkeypatch) -> None:
    first, longest = "tests/state/test_store.py", "tests/state/test_recovery.py"
    assert next_scope([first, COMPUTES, longest], "gw1") == first
    monkeypatch.setitem(scheduler.SECONDS, longest, 100)
    assert next_scope([first, COMPUTES, longest], "gw1") == longest


def test_measured_files_are_there() -> None:
    for scope in scheduler.SECONDS:
        assert (scheduler.ROOT / scope.split("::")[0]).exists(), scope
