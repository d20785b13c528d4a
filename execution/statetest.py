"""The official GeneralStateTests, run on one of our two engines.

A case is (file, test name, index into data, gas limits and values) for the fork Cancun. It passes
when the transaction, decoded from its bytes as from the wire, leaves exactly the state root and
logs that the file names; where the file expects an exception, the transaction must be refused and
the state root be that of the pre-state. A case that a chain rule of ours excludes is reported as
such, with the rule's name (docs/chain-rules.md), never as passed.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

from execution.errors import (
    InvalidTransaction,
    TransactionTooLarge,
    TransactionTypeNotSupported,
)
from execution.evm.context import BlockContext
from execution.evm.engine import Evm
from execution.evm.size_rules import SizeRule
from execution.evm.threads import run_deep
from execution.limits import L1_TRANSACTION_BYTES_MAX
from execution.machine.machine import Machine
from execution.statetest_fields import (
    BLOB_TYPE_BYTE,
    parse_address,
    parse_bytes,
    parse_number,
    signed_transaction,
)
from execution.transaction import Transaction
from execution.transactions import decode
from genesis.config import STATETEST_RULES, ExecutionRules
from state import rlp
from state.accounts import State, StateDiff
from state.blocks import Log
from state.errors import Invalid
from state.keccak import keccak
from state.memory_state import MemoryState
from state.types import Address, BlockNumber, Gas, Hash32, Timestamp, Wei, hash32

FORK = "Cancun"

CHAIN_ID = 1
"""All official cases are signed for mainnet."""

INDEXES = ("data", "gas", "value")
"""The lists of a transaction from each of which a post-state entry picks one item."""

TEST_FILE_BYTES_MAX = 64 * 1024 * 1024
"""Longest test file read; the longest official one has 3 MB."""

BASE_FEE_DEFAULT = 0x0A
"""In wei, where an environment names none: go-ethereum's, which those files were filled with."""

BLOB_BASE_FEE_UPDATE_FRACTION = 3_338_477
"""How slowly the blob base fee follows the excess (EIP-4844)."""


class InvalidStateTest(Invalid):
    """A file that is no state test; the message says where."""


class Rule(StrEnum):
    """The chain rules, size rules aside, that exclude official cases; docs/chain-rules.md."""

    BLOB_TRANSACTION = "no blob transactions"
    TRANSACTION_SIZE = "transaction <= 64 KB"
    BLOB_BASE_FEE = "BLOBBASEFEE is 1"


class Verdict(StrEnum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class CaseId:
    """A case's name: file, test, and the indexes of data, gas limit and value."""

    file: str
    name: str
    data: int
    gas: int
    value: int

    def __str__(self) -> str:
        return f"{self.name} [d{self.data} g{self.gas} v{self.value}]"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of a case; `detail` says what differed, or which rule excludes it."""

    case: CaseId
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TestAccount:
    """An account of the pre-state."""

    __test__ = False

    nonce: int
    balance: Wei
    code: bytes
    storage: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Case:
    """One official case, parsed."""

    id: CaseId
    pre: Mapping[Address, TestAccount]
    context: BlockContext
    blob_base_fee: Wei
    """As Ethereum has it; `context` has what this chain has."""
    raw: bytes
    post_root: Hash32
    logs_hash: Hash32
    exception: str | None


# Engines


class EngineName(StrEnum):
    """What runs the cases: py-evm, which runs the chain, or the provable machine."""

    EVM = "evm"
    MACHINE = "machine"


class Executed(Protocol):
    """What is judged of a transaction, beside the state it leaves."""

    @property
    def logs(self) -> Sequence[Log]: ...


class Engine(Protocol):
    """What both engines can do."""

    def apply(self, tx: Transaction, gas_left: Gas) -> Executed: ...
    def diff(self) -> StateDiff: ...
    @property
    def rules_hit(self) -> frozenset[SizeRule]: ...


ENGINES: Final[Mapping[EngineName, Callable[[State, BlockContext, ExecutionRules], Engine]]] = {
    EngineName.EVM: Evm,
    EngineName.MACHINE: Machine,
}


# Reading


def test_files(paths: Iterable[Path]) -> list[Path]:
    """The JSON files at and under `paths`, in a fixed order. Raises `InvalidStateTest`."""
    files: set[Path] = set()
    for path in paths:
        if path.is_dir():
            files.update(path.rglob("*.json"))
        elif path.is_file():
            files.add(path)
        else:
            raise InvalidStateTest(f"{path}: no such file or folder")
    return sorted(files)


test_files.__test__ = False  # type: ignore[attr-defined]


def read_cases(path: Path) -> Iterator[Case]:
    """The Cancun cases of a file. Raises `InvalidStateTest`."""
    if path.stat().st_size > TEST_FILE_BYTES_MAX:
        raise InvalidStateTest(f"{path}: longer than {TEST_FILE_BYTES_MAX} bytes")
    try:
        tests = json.loads(path.read_bytes())
        for name, test in tests.items():
            yield from _cases(path, name, test)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InvalidStateTest(f"{path}: not a state test: {error!r}") from error


def _cases(path: Path, name: str, test: Mapping[str, Any]) -> Iterator[Case]:
    if "post" not in test:
        raise InvalidStateTest(f"{path}: {name}: no post-state: not a state test")
    expected = test["post"].get(FORK, ())
    if not expected:
        return
    pre = {parse_address(key): _account(value) for key, value in test["pre"].items()}
    context = _context(test["env"])
    excess = parse_number(test["env"].get("currentExcessBlobGas", "0x0"))
    for post in expected:
        indexes = post["indexes"]
        yield Case(
            id=CaseId(str(path), name, *(parse_number(indexes[key]) for key in INDEXES)),
            pre=pre,
            context=context,
            blob_base_fee=blob_base_fee(excess),
            raw=_envelope(test, post),
            post_root=hash32(parse_bytes(post["hash"])),
            logs_hash=hash32(parse_bytes(post["logs"])),
            exception=post.get("expectException"),
        )


def _envelope(test: Mapping[str, Any], post: Mapping[str, Any]) -> bytes:
    """The transaction's bytes: as the file has them, or else signed with its key."""
    if post.get("txbytes"):
        return parse_bytes(post["txbytes"])
    return signed_transaction(test["transaction"], post["indexes"], CHAIN_ID)


def _context(env: Mapping[str, Any]) -> BlockContext:
    randao = env.get("currentRandom", env.get("currentDifficulty", "0x0"))
    return BlockContext(
        chain_id=CHAIN_ID,
        number=BlockNumber(parse_number(env["currentNumber"])),
        timestamp=Timestamp(parse_number(env["currentTimestamp"])),
        coinbase=parse_address(env["currentCoinbase"]),
        gas_limit=Gas(parse_number(env["currentGasLimit"])),
        base_fee=Wei(parse_number(env.get("currentBaseFee", BASE_FEE_DEFAULT))),
        prev_randao=Hash32(parse_number(randao).to_bytes(32, "big")),
        ancestor_hash=_ancestor_hash,
    )


def _ancestor_hash(number: BlockNumber) -> Hash32:
    """State tests have no ancestors; by their convention block n hashes to keccak("n")."""
    return keccak(str(number).encode())


def _account(fields: Mapping[str, Any]) -> TestAccount:
    storage = fields.get("storage", {})
    return TestAccount(
        nonce=parse_number(fields.get("nonce", "0x0")),
        balance=Wei(parse_number(fields["balance"])),
        code=parse_bytes(fields.get("code", "0x")),
        storage={parse_number(slot): parse_number(value) for slot, value in storage.items()},
    )


# Running


def offered_machine(case: Case, rules: ExecutionRules = STATETEST_RULES) -> Machine:
    """The provable machine before the case's first step, with the transaction as its bytes."""
    machine = Machine(MemoryState.from_alloc(case.pre), case.context, rules)
    machine.offer(case.raw)
    return machine


def run_file(
    path: Path,
    rules: ExecutionRules = STATETEST_RULES,
    engine: EngineName = EngineName.EVM,
) -> tuple[CaseResult, ...]:
    """Run all Cancun cases of a file. Raises `InvalidStateTest`."""
    return run_deep(lambda: tuple(run_case(case, rules, engine) for case in read_cases(path)))


def run_case(
    case: Case,
    rules: ExecutionRules = STATETEST_RULES,
    engine: EngineName = EngineName.EVM,
) -> CaseResult:
    """Run a case and judge it.

    A case that fails is excluded only where a chain rule was in its way and it passes by plain
    Ethereum's rules; otherwise the failure is ours.
    """
    if len(case.raw) > L1_TRANSACTION_BYTES_MAX and case.exception is None:
        # Beyond what is decoded anywhere, so that it can't be tried without the rule either.
        return CaseResult(case.id, Verdict.EXCLUDED, Rule.TRANSACTION_SIZE)
    run = _run(case, rules, engine)
    if run.verdict is Verdict.FAILED and run.hindrances:
        plain = replace(case, context=replace(case.context, blob_base_fee=case.blob_base_fee))
        unbounded = replace(rules, bounded_inputs=False)
        if _run(plain, unbounded, engine).verdict is Verdict.PASSED:
            return CaseResult(case.id, Verdict.EXCLUDED, ", ".join(run.hindrances))
    return CaseResult(case.id, run.verdict, run.detail)


@dataclass(frozen=True, slots=True)
class _Run:
    """One run's verdict, and the chain rules that may have decided it."""

    verdict: Verdict
    detail: str = ""
    hindrances: tuple[str, ...] = ()


def _run(case: Case, rules: ExecutionRules, name: EngineName) -> _Run:
    state = MemoryState.from_alloc(case.pre)
    engine = ENGINES[name](state, case.context, rules)
    try:
        outcome = engine.apply(decode(case.raw, chain_id=CHAIN_ID), case.context.gas_limit)
    except TransactionTypeNotSupported as error:
        if case.raw[:1] == BLOB_TYPE_BYTE:
            return _Run(Verdict.EXCLUDED, Rule.BLOB_TRANSACTION)
        return _judge_refusal(case, state, error)
    except InvalidTransaction as error:
        return _judge_refusal(case, state, error)
    hindrances: list[str] = sorted(engine.rules_hit)
    if case.context.blob_base_fee != case.blob_base_fee:
        hindrances.append(Rule.BLOB_BASE_FEE)
    return replace(
        _judge_outcome(case, state.update(engine.diff()).root, outcome),
        hindrances=tuple(hindrances),
    )


def _judge_refusal(case: Case, state: MemoryState, error: InvalidTransaction) -> _Run:
    if case.exception is None:
        hindrances = (Rule.TRANSACTION_SIZE,) if isinstance(error, TransactionTooLarge) else ()
        return _Run(Verdict.FAILED, f"refused: {error}", hindrances)
    if state.root != case.post_root:
        return _Run(Verdict.FAILED, f"pre-state root 0x{state.root.hex()}")
    return _Run(Verdict.PASSED)


def _judge_outcome(case: Case, root: Hash32, outcome: Executed) -> _Run:
    logs = logs_hash(outcome)
    if case.exception is not None:
        return _Run(Verdict.FAILED, f"accepted, but {case.exception}")
    if root != case.post_root:
        return _Run(Verdict.FAILED, f"state root 0x{root.hex()}, not 0x{case.post_root.hex()}")
    if logs != case.logs_hash:
        return _Run(Verdict.FAILED, f"logs 0x{logs.hex()}, not 0x{case.logs_hash.hex()}")
    return _Run(Verdict.PASSED)


def logs_hash(outcome: Executed) -> Hash32:
    """keccak(rlp(logs)), as the tests commit to them."""
    return keccak(rlp.encode([[log.address, list(log.topics), log.data] for log in outcome.logs]))


# EIP-4844's blob base fee, which the official environments give by the excess blob gas


def blob_base_fee(excess_blob_gas: int) -> Wei:
    """e ** (excess / 3,338,477) in whole wei, by EIP-4844's `fake_exponential`."""
    total, term, index = 0, BLOB_BASE_FEE_UPDATE_FRACTION, 1
    while term > 0:
        total += term
        term = term * excess_blob_gas // (BLOB_BASE_FEE_UPDATE_FRACTION * index)
        index += 1
    return Wei(total // BLOB_BASE_FEE_UPDATE_FRACTION)
