"""Deep recursion, and how results and errors come back from it."""

import sys
import threading

import pytest

from execution.evm.limits import DEEP_STACK_BYTES
from execution.evm.threads import DeepExecutor, run_deep


def test_run_deep_returns_and_runs_nested_calls_in_place() -> None:
    threads = run_deep(lambda: (threading.get_ident(), run_deep(threading.get_ident)))
    assert threads[0] == threads[1] != threading.get_ident()


def test_run_deep_passes_errors_on() -> None:
    with pytest.raises(ZeroDivisionError):
        run_deep(lambda: 1 // 0)


def test_run_deep_leaves_the_default_stack_size_alone() -> None:
    before = threading.stack_size()
    run_deep(lambda: None)
    assert threading.stack_size() == before != DEEP_STACK_BYTES


def test_run_deep_lets_python_nest() -> None:
    def nest(depth: int) -> int:
        return depth if depth == 0 else nest(depth - 1)

    assert run_deep(nest, 20_000) == 0
    assert sys.getrecursionlimit() > 20_000


def test_executor_runs_in_deep_threads() -> None:
    with DeepExecutor(2) as executor:
        here = executor.submit(lambda: run_deep(threading.get_ident) == threading.get_ident())
        assert here.result()
