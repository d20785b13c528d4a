"""The benchmarks run and print figures; whether those are good is no matter for a test."""

import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from scripts.benchmarks import (
    gas_time,
    matching,
    orders,
    report,
    state_root,
    steps,
    throughput,
    trades,
)

BENCH = Path(__file__).parents[2] / "scripts" / "bench"


def printed(command: click.Command, *arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_state_root_small_state_prints_ratio() -> None:
    output = printed(state_root.main, "--smallest", "--rounds", "1")
    assert "10 contracts of 20 slots" in output
    assert "./scripts/bench state-root" in output


def test_gas_time_one_case_prints_ratio() -> None:
    output = printed(gas_time.main, "JUMPDEST", "--rounds", "1", "--top", "1")
    assert "./scripts/bench gas-time" in output
    assert "x │" in output


def test_steps_one_case_prints_bytes_and_gas() -> None:
    output = printed(steps.main, "EXHAUSTED")
    assert "./scripts/bench steps" in output
    assert "EXHAUSTED" in output
    assert "352" in output


def test_matching_few_inputs_print_both_books_and_ratio() -> None:
    output = printed(matching.main, "--operations", "2000", "--rounds", "1")
    assert "./scripts/bench matching" in output
    assert "2,000 inputs" in output
    assert "x │" in output


@pytest.mark.slow
def test_throughput_few_transactions_prints_each_workload_and_peer() -> None:
    output = printed(throughput.main, "--transactions", "6", "--senders", "3", "--rounds", "1")
    for words in ("6 plain transfers", "3 token transfers", "1 s blocks", "blocks on demand"):
        assert words in output


@pytest.mark.slow
def test_orders_one_second_prints_goals_and_peer() -> None:
    output = printed(orders.main, "--rate", "50", "--seconds", "1", "--fastest", "50",
                     "--rounds", "1")  # fmt: skip
    for words in ("p50 ms at 50 orders a second", "websocket and fsync", "./scripts/bench orders"):
        assert words in output


@pytest.mark.slow
def test_trades_few_print_ratio_to_anvil() -> None:
    output = printed(trades.main, "--trades", "8", "--rounds", "1")
    for words in ("1 s blocks, one a transaction", "blocks on demand", "./scripts/bench trades"):
        assert words in output


@pytest.mark.parametrize(
    ("better", "worse", "text"), [(3, 2, "1.50x"), (1, 2, "0.50x"), (123_450, 10, "12,345x")]
)
def test_ratio_is_of_better_to_worse(better: float, worse: float, text: str) -> None:
    assert report.ratio(better, worse) == text


def test_spread_shows_median_and_extremes() -> None:
    assert report.spread([3, 1, 2_000]) == "3 (1-2,000)"


def test_bench_unknown_name_says_usage() -> None:
    done = subprocess.run([str(BENCH), "nothing"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "state-root|throughput|gas-time|steps|matching|orders|trades|all" in done.stderr
