"""A transaction's own phases at their dearest: 64 KB envelopes, long paths, the most logs."""

from collections.abc import Iterator, Mapping
from functools import partial
from random import Random
from typing import Any

from execution.machine.chain import Link
from execution.machine.journal import address_key, slot_key
from execution.machine.records import Destructed, LogRecord, encode_log
from execution.machine.status import Status
from execution.transaction import AccessListEntry, Transaction, TransactionType
from execution.transactions import make_deposit
from state.blocks import Log
from state.types import Address, Gas, Hash32, Wei
from tests.bridge.prover.court import Exhibit
from tests.bridge.prover.long_paths import DeepRun, deepen_journal
from tests.bridge.prover.worst_case import WorstCase, exhibit
from tests.bridge.prover.worst_instructions import GAS_LIMIT, SLOT, WORD_VALUE
from tests.execution.machine.world import (
    COINBASE,
    CONTRACT,
    SENDER,
    Allocated,
    Run,
    contract,
    deposit,
    transaction,
)
from tests.execution.wallet import GWEI, Wallet

ENVELOPE_BYTES = 65_536
LOGS_BYTES = 65_536
SMALLEST_LOG, SMALLEST_FULL_LOG = 24, 158
"""Bytes of rlp([address, topics, data]) without data: with no topics, and with four."""


def transaction_cases() -> Iterator[WorstCase]:
    """Each status from VALIDATE to RECEIPT but those of frames."""
    yield from _envelopes()
    yield WorstCase(Status.BUY, "64 branches", partial(_paying, Status.BUY, transaction()))
    minted = deposit(mint=Wei(1), value=Wei(2), to=None)
    yield WorstCase(Status.BUY, "64 branches, deposit", partial(_paying, Status.BUY, minted))
    yield WorstCase(Status.WARM, "64 branches, slot", partial(_warm, 1))
    yield WorstCase(Status.WARM, "64 branches, address", partial(_warm, 0))
    yield WorstCase(Status.BEGIN, "64 branches", partial(_paying, Status.BEGIN, transaction()))
    yield WorstCase(
        Status.SETTLE, "64 + 64 branches", partial(_paying, Status.SETTLE, transaction())
    )
    rich = {COINBASE: Allocated(balance=Wei(WORD_VALUE))}
    make = partial(_paying, Status.SETTLE, transaction(), rich)
    yield WorstCase(Status.SETTLE, "64 + 64 branches, coinbase there", make)
    yield WorstCase(Status.DESTRUCT, "64 branches, merges nodes", _destruct)
    yield from _receipts()


# VALIDATE


def _envelopes() -> Iterator[WorstCase]:
    random = Random(1).randbytes(ENVELOPE_BYTES)
    one_price = {"max_fee_per_gas": Wei(GWEI), "max_priority_fee_per_gas": Wei(GWEI)}
    legacy = {"type": TransactionType.LEGACY, **one_price}
    addresses = [AccessListEntry(Address(random[at : at + 20]), ()) for at in range(2_840)]
    slots = AccessListEntry(CONTRACT, tuple(range(2**255, 2**255 + 1_970)))
    spare = ENVELOPE_BYTES - len(_signed(data=random))
    envelopes: dict[str, bytes | Transaction] = {
        "64 KB of calldata": _signed(data=random[:spare]),
        "64 KB of calldata, legacy": _signed(data=random[:65_400], **legacy),
        "48 KB of initcode": _signed(data=random[:49_152], to=None),
        "2,840 addresses": _signed(access_list=tuple(addresses)),
        "1,970 slots": _signed(access_list=(slots,)),
        "deposit of 64 KB": _deposited(random),
        "64 KB of empty lists": b"\x02\xfa\x00\xff\x00" + b"\xc0" * 65_531,
        "64 KB that are no transaction": random,
    }
    for name, raw in envelopes.items():
        yield WorstCase(Status.VALIDATE, name, partial(_validate, raw))


def _signed(**changes: Any) -> bytes:
    return Wallet(1).raw(gas=Gas(GAS_LIMIT), **changes)


def _deposited(data: bytes) -> Transaction:
    return make_deposit(
        source_hash=Hash32(b"\x5c" * 32),
        sender=SENDER,
        to=CONTRACT,
        mint=Wei(2**128 - 1),
        value=Wei(2**256 - 1),
        gas=Gas(GAS_LIMIT),
        data=data,
    )


def _validate(raw: bytes | Transaction) -> Exhibit:
    run = Run()
    run.machine.offer(raw)
    return exhibit(run)


# Paths


def _paying(
    status: Status, tx: Transaction, accounts: Mapping[Address, Allocated] | None = None
) -> Exhibit:
    run = DeepRun({CONTRACT: contract("00"), **(accounts or {})})
    run.offer(tx)
    run.until(status)
    return exhibit(run)


def _warm(entry: int) -> Exhibit:
    other = Address(b"\x99" * 20)
    run = DeepRun({CONTRACT: contract("00")})
    deepen_journal(run, address_key(other), slot_key(other, SLOT))
    run.offer(transaction(access_list=(AccessListEntry(other, (SLOT,)),)))
    run.until(Status.WARM)
    run.machine.advance(entry)
    return exhibit(run)


def _destruct() -> Exhibit:
    run = DeepRun({CONTRACT: contract("00", storage={SLOT: 1})}, alone=(CONTRACT,))
    run.offer(transaction())
    run.until(Status.DESTRUCT)
    run.state.destructs = Link(Destructed(CONTRACT), None)
    return exhibit(run)


# RECEIPT


def _receipts() -> Iterator[WorstCase]:
    random = Random(2)
    one = Log(CONTRACT, (), random.randbytes(65_500))
    logs = {
        "one log of 64 KB": [one],
        "2,730 logs": [_log(random, 0) for _ in range(LOGS_BYTES // SMALLEST_LOG)],
        "414 logs of 4 topics": [_log(random, 4) for _ in range(LOGS_BYTES // SMALLEST_FULL_LOG)],
    }
    for name, found in logs.items():
        yield WorstCase(Status.RECEIPT, name, partial(_receipt, found))


def _log(random: Random, topics: int) -> Log:
    found = tuple(Hash32(random.randbytes(32)) for _ in range(topics))
    return Log(Address(random.randbytes(20)), found, b"")


def _receipt(logs: list[Log]) -> Exhibit:
    run = Run({CONTRACT: contract("00")})
    run.offer()
    run.until(Status.RECEIPT)
    total = 0
    for log in logs:
        total += len(encode_log(log))
        run.state.logs = Link(LogRecord(log, total), run.state.logs)
    assert total <= LOGS_BYTES
    return exhibit(run)
