"""State tests of other years and tools: the same case, written in every way seen in the wild."""

import json
from pathlib import Path
from typing import Any

import pytest

from execution.statetest import CaseResult, Rule, Verdict, read_cases, run_case, run_file
from execution.statetest_fields import parse_bytes, parse_number, signed_transaction
from execution.transaction import TransactionType
from execution.transactions import decode
from state.memory_state import MemoryState
from state.types import Address, Wei
from tests.execution.evm.scenarios import (
    BASE_FEE,
    COINBASE,
    CONTRACTS,
    FUNDS,
    KEY,
    SENDER,
    Allocated,
)

NO_LOGS = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
PRICE = 10
VALUE = 5
GAS_USED = 21_000 + 4 + 22_100
RANDAO_STORER = "0x445f5500"
"""PREVRANDAO, PUSH0, SSTORE, STOP."""


def write(folder: Path, tests: Any) -> Path:
    path = folder / "test.json"
    path.write_text(json.dumps(tests))
    return path


def official(**changes: Any) -> dict[str, Any]:
    """A payment of 5 wei to a contract that stores PREVRANDAO, given by its fields."""
    contract = {"balance": "0x", "nonce": "0x01", "code": RANDAO_STORER, "storage": {}}
    sender = {"balance": hex(FUNDS), "nonce": "0x00", "code": "0x", "storage": {}}
    test: dict[str, Any] = {
        "env": {
            "currentCoinbase": "0x" + COINBASE.hex(),
            "currentNumber": "0x01",
            "currentTimestamp": "0x03e8",
            "currentGasLimit": "0x989680",
            "currentBaseFee": hex(BASE_FEE),
            "currentRandom": "0x2a",
            "currentDifficulty": "0x020000",
            "previousHash": "0x" + "00" * 32,
        },
        "pre": {"0x" + SENDER.hex(): sender, "0x" + CONTRACTS[0].hex(): contract},
        "transaction": {
            "data": ["0x"],
            "gasLimit": ["0x61a80"],
            "gasPrice": hex(PRICE),
            "nonce": "0x00",
            "secretKey": "0x" + KEY.hex(),
            "to": "0x" + CONTRACTS[0].hex(),
            "value": [hex(VALUE)],
        },
        "post": {"Cancun": [post(outcome())]},
    }
    return test | changes


def post(root: bytes, **changes: Any) -> dict[str, Any]:
    indexes = {"data": 0, "gas": 0, "value": 0}
    return {"indexes": indexes, "hash": "0x" + root.hex(), "logs": NO_LOGS} | changes


def outcome(*, randao: int = 0x2A, base_fee: int = BASE_FEE, gas_used: int = GAS_USED) -> bytes:
    """The root that the payment leaves."""
    accounts = {
        SENDER: Allocated(Wei(FUNDS - VALUE - gas_used * PRICE), 1),
        CONTRACTS[0]: Allocated(Wei(VALUE), 1, bytes.fromhex(RANDAO_STORER[2:]), {0: randao}),
        COINBASE: Allocated(Wei(gas_used * (PRICE - base_fee))),
    }
    if base_fee == PRICE:
        del accounts[COINBASE]
    return MemoryState.from_alloc(accounts).root


def run(folder: Path, test: dict[str, Any]) -> CaseResult:
    (case,) = read_cases(write(folder, {"case": test}))
    return run_case(case)


def fields(**changes: Any) -> dict[str, Any]:
    return official()["transaction"] | changes


def signed(**changes: Any) -> bytes:
    return signed_transaction(fields(**changes), {"data": 0, "gas": 0, "value": 0}, 1)


def test_case_without_transaction_bytes_is_signed_with_its_key(tmp_path: Path) -> None:
    assert run(tmp_path, official()) == CaseResult(_id(tmp_path), Verdict.PASSED)


def _id(folder: Path) -> Any:
    (case,) = read_cases(folder / "test.json")
    return case.id


def test_case_without_random_uses_difficulty(tmp_path: Path) -> None:
    env = official()["env"]
    del env["currentRandom"]
    expected = {"Cancun": [post(outcome(randao=0x020000))]}
    assert run(tmp_path, official(env=env, post=expected)).verdict is Verdict.PASSED


def test_case_without_base_fee_has_ten_wei(tmp_path: Path) -> None:
    env = official()["env"]
    del env["currentBaseFee"]
    expected = {"Cancun": [post(outcome(base_fee=10))]}
    assert run(tmp_path, official(env=env, post=expected)).verdict is Verdict.PASSED


def test_fields_of_newer_fixtures_are_no_hindrance(tmp_path: Path) -> None:
    schedule = {"Cancun": {"target": "0x03", "max": "0x06", "baseFeeUpdateFraction": "0x32f0ed"}}
    test = official(
        _info={"hash": "0x00", "fixture-format": "state_test", "labels": {"0": "first"}},
        config={"blobSchedule": schedule, "chainid": "0x01"},
    )
    test["transaction"]["sender"] = "0x" + SENDER.hex()
    test["post"]["Cancun"][0] |= {"state": {}, "txbytes": "0x" + signed().hex()}
    assert run(tmp_path, test).verdict is Verdict.PASSED


def test_only_cancun_is_run(tmp_path: Path) -> None:
    wrong = [post(bytes(32))]
    posts = {"Shanghai": wrong, "Cancun": [post(outcome())], "Prague": wrong}
    path = write(tmp_path, {"case": official(post=posts), "other": official(post={"Berlin": []})})
    (result,) = run_file(path)
    assert result.verdict is Verdict.PASSED


def test_labelled_data_and_several_indexes_are_cases_of_their_own(tmp_path: Path) -> None:
    second = post(outcome(), indexes={"data": 1, "gas": 0, "value": "0x00"})
    test = official(post={"Cancun": [post(outcome()), second]})
    test["transaction"]["data"] = ["0x", "0x"]
    cases = list(read_cases(write(tmp_path, {"case": test})))
    assert [case.id.data for case in cases] == [0, 1]
    assert {run_case(case).verdict for case in cases} == {Verdict.PASSED}


def test_transaction_to_nobody_is_a_creation() -> None:
    assert decode(signed(to=""), chain_id=1).to is None
    assert decode(signed(to=None), chain_id=1).to is None


def test_null_access_list_makes_a_legacy_transaction() -> None:
    assert decode(signed(accessLists=[None]), chain_id=1).type is TransactionType.LEGACY


def test_empty_access_list_makes_a_typed_transaction() -> None:
    assert decode(signed(accessLists=[[]]), chain_id=1).type is TransactionType.ACCESS_LIST


def test_access_list_may_have_short_keys_or_none() -> None:
    entries = [
        {"address": "0x" + CONTRACTS[0].hex(), "storageKeys": ["0x0", "0x01", "0x" + "ff" * 32]},
        {"address": "0x" + COINBASE.hex(), "storageKeys": None},
    ]
    first, second = decode(signed(accessLists=[entries]), chain_id=1).access_list
    assert first.slots == (0, 1, 2**256 - 1)
    assert (second.address, second.slots) == (Address(COINBASE), ())


def test_fee_market_fields_make_a_fee_market_transaction() -> None:
    tx = decode(signed(maxFeePerGas="0x0f", maxPriorityFeePerGas="0x0", gasPrice=""), chain_id=1)
    assert tx.type is TransactionType.FEE_MARKET
    assert (tx.max_fee_per_gas, tx.max_priority_fee_per_gas) == (15, 0)
    assert tx.sender == SENDER


def test_blob_transaction_without_bytes_is_excluded(tmp_path: Path) -> None:
    test = official(transaction=fields(maxFeePerBlobGas="0x01", blobVersionedHashes=[]))
    result = run(tmp_path, test)
    assert (result.verdict, result.detail) == (Verdict.EXCLUDED, Rule.BLOB_TRANSACTION)


def test_authorizations_are_refused_before_prague(tmp_path: Path) -> None:
    untouched = MemoryState.from_alloc(
        {
            SENDER: Allocated(FUNDS),
            CONTRACTS[0]: Allocated(Wei(0), 1, bytes.fromhex(RANDAO_STORER[2:])),
        }
    ).root
    refused = post(untouched, expectException="TransactionException.TYPE_4_TX_PRE_FORK")
    test = official(transaction=fields(authorizationList=[{}]), post={"Cancun": [refused]})
    assert run(tmp_path, test).verdict is Verdict.PASSED


def test_number_too_long_for_its_field_is_refused(tmp_path: Path) -> None:
    test = official(transaction=fields(value=["0x:bigint 0x1" + "00" * 32]))
    result = run(tmp_path, test)
    assert result.verdict is Verdict.FAILED
    assert "more than 256 bits" in result.detail


def test_transaction_that_nothing_decodes_is_excluded_by_its_size(tmp_path: Path) -> None:
    test = official()
    test["transaction"]["data"] = ["0x" + "00" * 140_000]
    result = run(tmp_path, test)
    assert (result.verdict, result.detail) == (Verdict.EXCLUDED, Rule.TRANSACTION_SIZE)


def test_slots_that_hold_zero_are_not_there(tmp_path: Path) -> None:
    test = official()
    test["pre"]["0x" + CONTRACTS[0].hex()]["storage"] = {"0x": "0x", "0x05": "0x00"}
    assert run(tmp_path, test).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("text", "number"),
    [("0x", 0), ("", 0), ("0x00ff", 255), ("17", 17), (5, 5), ("0x:bigint 0x10", 16)],
)
def test_number_in_every_spelling(text: str | int, number: int) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["-1", "0x-1", "zz", "0xg"])
def test_number_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="."):
        parse_number(text)


def test_bytes_of_odd_length() -> None:
    assert parse_bytes("0xabc") == b"\x0a\xbc"
    assert parse_bytes("0x") == b""
