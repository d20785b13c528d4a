"""RECEIPT on the contracts: logs, bloom, encoding, and the end of the transaction."""

from random import Random
from typing import Any

import pytest

from execution.machine.chain import Link
from execution.machine.records import LogRecord, encode_log
from execution.machine.status import Status
from execution.transaction import Transaction, TransactionType
from state.blocks import Log
from state.types import Address, Hash32
from tests.bridge.prover.forgery import (
    assert_every_flip_is_refused,
    assert_no_witness_of_another_step,
)
from tests.bridge.prover.rig import prove_step
from tests.execution.machine.world import CONTRACT, OTHER, Run, contract, deposit, transaction

LOGS_BYTES_MAX = 65_536


def log(topics: int, size: int, seed: int = 0) -> Log:
    random = Random(seed)
    return Log(
        address=Address(random.randbytes(20)),
        topics=tuple(Hash32(random.randbytes(32)) for _ in range(topics)),
        data=random.randbytes(size),
    )


def logged(logs: list[Log], tx: Transaction | None = None, run: Run | None = None) -> Run:
    """A machine before the receipt of a transaction that has logged these."""
    run = run or Run({CONTRACT: contract("00")})
    run.offer(tx or transaction())
    run.until(Status.RECEIPT)
    for entry in logs:
        last = run.state.logs
        total = len(encode_log(entry)) + (last.item.bytes_so_far if last else 0)
        run.state.logs = Link(LogRecord(entry, total), last)
    return run


def prove_receipt(run: Run) -> None:
    prove_step(run)
    assert run.machine.status is Status.NEXT
    assert run.machine.idle


@pytest.mark.parametrize("topics", range(5))
@pytest.mark.parametrize("size", [0, 1, 20, 55, 56, 256, 65_000])
def test_log_of_every_shape_proves(topics: int, size: int) -> None:
    prove_receipt(logged([log(topics, size)]))


def test_log_of_one_low_byte_proves() -> None:
    """Which is its own RLP."""
    for data in (b"\x00", b"\x7f", b"\x80"):
        entry = Log(address=OTHER, topics=(), data=data)
        prove_receipt(logged([entry, log(2, 3), entry]))


@pytest.mark.parametrize("kind", [0, 1, 2, 0x7E])
@pytest.mark.parametrize("code", ["00", "fe", "5f5ffd"], ids=["success", "failure", "revert"])
def test_receipt_of_every_type_and_outcome_proves(kind: int, code: str) -> None:
    make = deposit if kind == TransactionType.DEPOSIT else transaction
    run = Run({CONTRACT: contract(code)})
    prove_receipt(logged([], make(type=TransactionType(kind)), run))


def test_block_adds_up_its_receipts() -> None:
    run = Run({CONTRACT: contract("00")})
    for nonce in range(3):
        prove_receipt(logged([log(nonce, 40, nonce)], transaction(nonce=nonce), run))
    assert run.state.block.count == 3
    assert run.state.block.gas_used == 3 * 21_000


def test_most_logs_that_a_transaction_may_have_prove() -> None:
    """2,730 logs of 24 bytes; and 1,656 topics in logs of 158 bytes."""
    empty = [log(0, 0, seed) for seed in range(LOGS_BYTES_MAX // 24)]
    full = [log(4, 0, seed) for seed in range(LOGS_BYTES_MAX // 158)]
    for logs in (empty, full):
        assert sum(len(encode_log(entry)) for entry in logs) > LOGS_BYTES_MAX - 158
        prove_receipt(logged(logs))


# Forgery


@pytest.mark.parametrize(
    "changes",
    [{"logs": []}, {"logs": [log(2, 33), log(0, 0)]}, {"logs": [], "tx": deposit()}],
    ids=["no logs", "logs", "deposit"],
)
def test_receipt_with_any_byte_flipped_is_refused(changes: dict[str, Any]) -> None:
    assert_every_flip_is_refused(logged(**changes))


def test_logs_of_another_transaction_are_refused() -> None:
    first, second = log(1, 10, 1), log(1, 10, 2)
    orders: list[list[Log]] = [[], [first], [second], [first, second], [second, first], [first] * 2]
    assert_no_witness_of_another_step([logged(order) for order in orders])
