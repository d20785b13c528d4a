"""The official state tests on our engine: a sample by default, all with TALLYSTICK_ALL=1.

They are not part of this repository: ETHEREUM_TESTS names the folder, by default
`../shared/ethereum-tests` beside the checkout.
"""

import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.dispute.coverage import CELLS
from bridge.dispute.proving import prove_file
from execution.statetest import (
    CaseResult,
    InvalidStateTest,
    Rule,
    Verdict,
    blob_base_fee,
    read_cases,
    run_case,
    run_file,
    test_files,
)
from genesis.config import STATETEST_RULES
from node.cli import statetest as command
from node.cli.statetest import NOT_SIZE_RULES, statetest
from state.types import Gas
from tests.execution.wallet import Wallet

ROOT = Path(__file__).resolve().parents[2]
SUITE = Path(os.environ.get("ETHEREUM_TESTS", ROOT.parent / "shared/ethereum-tests"))
STATE_TESTS = SUITE / "GeneralStateTests"
ALL = os.environ.get("TALLYSTICK_ALL") == "1"

SAMPLE_STEP = 23
"""Of the default sample: every so many files, in order."""

SLOW = ("vmPerformance", "Call50000", "tstoreCannotBeDosd", "run_until_out_of_gas")
"""Loops that burn hundreds of millions of gas; only with all cases."""

MENDED = (
    "stEIP3607/*.json",
    "stEIP1559/*.json",
    "stCreate2/*ollision*.json",
    "stSStoreTest/InitCollision*.json",
    "stExtCodeHash/*Overwrite*.json",
    "stPreCompiledContracts/modexp.json",
    "stTransactionTest/*.json",
    "Cancun/stEIP4844-blobtransactions/*.json",
)
"""Where py-evm by itself goes wrong."""

needs_suite = pytest.mark.skipif(
    not STATE_TESTS.is_dir(), reason=f"no official tests at {STATE_TESTS}; set ETHEREUM_TESTS"
)


def sample() -> list[Path]:
    files = test_files([STATE_TESTS])
    mended = {file for pattern in MENDED for file in STATE_TESTS.glob(pattern)}
    chosen = sorted(mended | set(files[::SAMPLE_STEP]))
    return [file for file in chosen if not any(word in str(file) for word in SLOW)]


def run_all(files: Iterable[Path]) -> list[CaseResult]:
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        return [result for batch in pool.imap_unordered(run_file, files) for result in batch]


@needs_suite
def test_official_cases_pass_or_are_excluded_by_a_chain_rule() -> None:
    results = run_all(test_files([STATE_TESTS]) if ALL else sample())
    failed = [result for result in results if result.verdict is Verdict.FAILED]
    assert not failed, "\n".join(f"{r.case.file} {r.case}: {r.detail}" for r in failed[:20])
    assert len(results) > (12_000 if ALL else 500)


@needs_suite
@pytest.mark.slow
@pytest.mark.skipif(not ALL, reason="counts over all cases: set TALLYSTICK_ALL=1")
def test_size_rules_exclude_at_most_one_case_in_a_hundred() -> None:
    files = [f for f in test_files([STATE_TESTS]) if not any(word in str(f) for word in SLOW)]
    results = run_all(files)
    rules = Counter(r.detail for r in results if r.verdict is Verdict.EXCLUDED)
    by_size = sum(count for rule, count in rules.items() if rule not in NOT_SIZE_RULES)
    assert 0 < by_size <= len(results) / 100
    assert rules[Rule.BLOB_TRANSACTION] > 0


POOR_TRANSACTION = (
    "0x02f862018080078252089411111111111111111111111111111111111111110180c080a00166ab"
    "e640a5cee04131276267518937d5d167ce29057f6950dcd8cd7185fc6fa059075254000020b4f485"
    "5f11ba8d3e370d6bc822617c6ecf70d4d29a1afd68d8"
)
"""A signed transfer of 1 wei on chain 1, by the key 1, which has no ether here."""


# One small case of our own, whose files may be wrong in every way


def case_file(folder: Path, **changes: object) -> Path:
    """SENDER pays nobody: a transaction that an account without funds can't send."""
    test = {
        "env": {
            "currentCoinbase": "0x" + "00" * 20,
            "currentNumber": "0x1",
            "currentTimestamp": "0x1",
            "currentGasLimit": "0x989680",
            "currentBaseFee": "0x7",
        },
        "pre": {},
        "post": {
            "Cancun": [
                {
                    "indexes": {"data": 0, "gas": 0, "value": 0},
                    "txbytes": POOR_TRANSACTION,
                    "hash": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
                    "logs": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
                    "expectException": "TransactionException.INSUFFICIENT_ACCOUNT_FUNDS",
                }
            ]
        },
    }
    path = folder / "test.json"
    path.write_text(json.dumps({"name": test | changes}))
    return path


def test_refused_transaction_with_expected_exception_passes(tmp_path: Path) -> None:
    (case,) = read_cases(case_file(tmp_path))
    assert run_case(case).verdict is Verdict.PASSED


def test_refused_transaction_must_leave_the_named_root(tmp_path: Path) -> None:
    pre = {
        "0x" + "11" * 20: {"balance": "0x1", "nonce": "0x0", "code": "0x", "storage": {}},
    }
    (case,) = read_cases(case_file(tmp_path, pre=pre))
    result = run_case(case)
    assert result.verdict is Verdict.FAILED
    assert "pre-state root" in result.detail


@pytest.mark.parametrize(
    "changes",
    [{"post": {"Cancun": [{}]}}, {"env": {}}, {"pre": {"0x12": {}}}, {"post": 7}],
    ids=["post without fields", "no environment", "short address", "post is a number"],
)
def test_malformed_file_names_itself(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(InvalidStateTest, match="test.json"):
        list(read_cases(case_file(tmp_path, **changes)))


def test_file_of_another_fork_has_no_cases(tmp_path: Path) -> None:
    assert list(read_cases(case_file(tmp_path, post={"Berlin": []}))) == []


def test_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidStateTest, match="no such file"):
        test_files([tmp_path / "nowhere"])


@pytest.mark.parametrize(
    ("excess", "fee"), [(0, 1), (2_314_057, 1), (2_314_058, 2), (10 * 3_338_477, 22_026)]
)
def test_blob_base_fee_is_that_of_eip_4844(excess: int, fee: int) -> None:
    assert blob_base_fee(excess) == fee


# The command


def test_command_prints_json_and_succeeds(tmp_path: Path) -> None:
    result = CliRunner().invoke(statetest, [str(case_file(tmp_path)), "--json", "-j", "1"])
    assert result.exit_code == 0
    (printed,) = json.loads(result.stdout)
    assert printed["pass"] is True
    assert printed["fork"] == "Cancun"


def test_command_exits_1_when_a_case_fails(tmp_path: Path) -> None:
    pre = {"0x" + "11" * 20: {"balance": "0x1", "nonce": "0x0", "code": "0x", "storage": {}}}
    result = CliRunner().invoke(statetest, [str(case_file(tmp_path, pre=pre)), "-j", "1"])
    assert result.exit_code == 1
    assert "failed" in result.stdout


@needs_suite
def test_command_lists_exclusions_by_name_and_rule() -> None:
    folder = STATE_TESTS / "Cancun/stEIP4844-blobtransactions"
    result = CliRunner().invoke(statetest, [str(folder), "-j", "1"])
    assert result.exit_code == 0
    assert "wrongBlobhashVersion [d0 g0 v0]: no blob transactions" in result.stdout


# The command with --prove


def test_command_proves_steps_and_prints_what_is_open(tmp_path: Path) -> None:
    result = CliRunner().invoke(statetest, [str(case_file(tmp_path)), "--prove", "all", "-j", "1"])
    assert result.exit_code == 0
    assert "engine machine" in result.stdout
    assert "Steps proven: 2 of 2; wrong: 0" in result.stdout
    rows = {" ".join(line.split()) for line in result.stdout.splitlines()}
    assert "status VALIDATE 1 skipped open" in rows
    assert "status BUY open skipped 1, doesn't fit the block open, deposit can't start open" in rows
    assert "ADD open open open" in rows
    ways = len(CELLS)
    assert f"Ways for a step to end: 2 of {ways} proven, {ways - 2} open" in rows


def test_command_prints_proofs_as_json(tmp_path: Path) -> None:
    arguments = [str(case_file(tmp_path)), "--prove", "1", "--json", "-j", "1"]
    result = CliRunner().invoke(statetest, arguments)
    assert result.exit_code == 0
    (printed,) = json.loads(result.stdout)
    assert printed["pass"] is True
    proof = printed["proof"]
    assert (proof["steps"], proof["skipped"], proof["wrong"]) == (2, {}, [])
    assert sum(sum(endings.values()) for endings in proof["proven"].values()) == 1


def test_command_names_the_steps_that_it_skips(tmp_path: Path) -> None:
    test = json.loads(case_file(tmp_path).read_text())["name"]
    entry = test["post"]["Cancun"][0] | {"txbytes": "0x" + ABOVE_CAP.hex()}
    path = case_file(tmp_path, post={"Cancun": [entry]})
    result = CliRunner().invoke(statetest, [str(path), "--prove", "all", "-j", "1"])
    assert "Skipped, as no L2 block has it: VALIDATE of a gas limit above 2^24: 1" in result.stdout


ABOVE_CAP = Wallet(1).raw(1, gas=Gas(2**24 + 1))
"""Asks for more gas than a transaction may on L2."""


@needs_suite
def test_command_exits_1_when_a_step_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is given other rules than the contracts': it hashes a megabyte at once."""
    plain = replace(STATETEST_RULES, bounded_inputs=False)
    monkeypatch.setattr(command, "prove_file", partial(prove_file, rules=plain))
    path = STATE_TESTS / "VMTests/vmTests/sha3.json"
    result = CliRunner().invoke(statetest, [str(path), "--prove", "all", "-j", "1"])
    assert result.exit_code == 1
    assert "not proven" in result.stdout
    assert "KECCAK256 (success)" in result.stdout
    assert "wrong: 1" in result.stdout


@pytest.mark.parametrize("count", ["0", "-1", "some"])
def test_command_refuses_a_number_of_steps_that_is_none(count: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(statetest, [str(case_file(tmp_path)), "--prove", count])
    assert result.exit_code == 2


def test_command_refuses_to_prove_another_engine(tmp_path: Path) -> None:
    arguments = [str(case_file(tmp_path)), "--engine", "evm", "--prove", "1"]
    result = CliRunner().invoke(statetest, arguments)
    assert result.exit_code == 2
    assert "--prove proves the machine's steps" in result.stderr
