"""LOG0 to LOG4."""

import pytest

from execution.evm.limits import LOGS_BYTES_MAX
from tests.execution.machine.world import CONTRACT, OTHER, Run, both, contract, push


@pytest.mark.parametrize("topics", range(5))
@pytest.mark.parametrize("size", [0, 1, 55, 56, 300])
def test_log_holds_topics_and_data(topics: int, size: int) -> None:
    numbers = "".join(push(2**256 - number) for number in range(1, topics + 1))
    both("60ff5f53" + numbers + push(size) + f"5fa{topics}")


@pytest.mark.parametrize("data", [0, 0x7F, 0x80])
def test_log_of_one_byte_counts_its_own_encoding(data: int) -> None:
    both(f"60{data:02x}5f53" + "60015fa0" * 3)


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_logs_of_a_transaction_end_at_64_kilobytes(over: int) -> None:
    """A log of n bytes without topics encodes to n + 3 + 1 + 21 + 4 bytes, if n is large."""
    size = LOGS_BYTES_MAX // 2 - 29
    code = push(size) + "5fa0" + push(size + over) + "5fa0"
    run = Run({CONTRACT: contract(code)})
    succeeded = run.apply(gas=5_000_000)
    assert run.machine.rules_hit == run.world.evm.rules_hit
    assert succeeded == (not run.machine.rules_hit)


def test_logs_of_a_reverted_frame_do_not_count() -> None:
    callee = push(40_000) + "5fa05f5ffd"
    call = "5f5f5f5f5f73" + "dd" * 20 + "5af150"
    run = Run({CONTRACT: contract(call + call + push(40_000) + "5fa0"), OTHER: contract(callee)})
    assert run.apply(gas=8_000_000)


@pytest.mark.parametrize("size", [2**32, 2**64, 2**256 - 1])
def test_log_of_absurd_size_is_out_of_gas(size: int) -> None:
    both(push(size) + "5fa0")
