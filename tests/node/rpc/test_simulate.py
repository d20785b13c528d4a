"""`eth_simulateV1`, and overrides of accounts, precompiles and blocks in every simulation."""

from collections.abc import Iterator
from typing import Any

import pytest

from node import limits
from tests.node.rpc import schemas
from tests.node.rpc.harness import DEV, RunningNode, deploy_counter, open_chain, running_node

ALICE, BOB = ("0x" + account.address.hex() for account in DEV[:2])
POOR, TARGET, ELSEWHERE = ("0x" + digit * 40 for digit in "cde")
ETHER_TOKEN = "0x" + "ee" * 20
SHA256, IDENTITY = ("0x" + f"{number:040x}" for number in (2, 4))
RICH = {"balance": hex(10**18)}
MAX = "0x" + "f" * 64

# What codes return, as 32-byte words
BLOCK = "0x" + "43 42 45 41 44 48 4a".replace(" ", "")
"""Opcodes NUMBER, TIMESTAMP, GASLIMIT, COINBASE, PREVRANDAO, BASEFEE, BLOBBASEFEE."""
REVERT = "0x60006000fd"
ENDLESS = "0x5b600056"
SEND_ON = "0x6000600060006000600134" + "03" + "73" + "e" * 40 + "5af1"
"""Sends one wei less than it got to ELSEWHERE."""
KILL = "0x73" + "e" * 40 + "ff"


def returning(*opcodes: str) -> str:
    """Code that returns the words that opcodes push."""
    stored = "".join(f"{op}60{32 * place:02x}52" for place, op in enumerate(opcodes))
    return f"0x{stored}60{32 * len(opcodes):02x}6000f3"


CONTEXT = returning("43", "42", "45", "41", "44", "48", "4a")


@pytest.fixture(scope="module")
def node() -> Iterator[RunningNode]:
    with running_node(open_chain()) as running:
        deploy_counter(running)
        yield running


def block(*calls: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"calls": list(calls), **rest}


def simulate(node: RunningNode, *blocks: dict[str, Any], **options: Any) -> list[Any]:
    found = node.call("eth_simulateV1", {"blockStateCalls": list(blocks), **options})
    schemas.check_result("eth_simulateV1", found)
    return found


def refused(node: RunningNode, *blocks: dict[str, Any], **options: Any) -> dict[str, Any]:
    return node.error("eth_simulateV1", {"blockStateCalls": list(blocks), **options})


def words(data: str) -> list[int]:
    return [int(data[at : at + 64], 16) for at in range(2, len(data), 64)]


pytestmark = pytest.mark.skipif(not schemas.is_available(), reason="no execution-apis schemas")


def test_blocks_go_on_from_each_other_and_from_the_base(node: RunningNode) -> None:
    send = {"from": ALICE, "to": POOR, "value": "0x5"}
    spend = {"from": POOR, "to": BOB, "value": "0x3"}
    first, second = simulate(node, block(send), block(spend))
    base = node.call("eth_getBlockByNumber", "latest", False)
    assert first["parentHash"] == base["hash"]
    assert second["parentHash"] == first["hash"]
    assert int(second["number"], 16) == int(base["number"], 16) + 2
    assert int(second["timestamp"], 16) == int(base["timestamp"], 16) + 24
    assert [call["status"] for one in (first, second) for call in one["calls"]] == ["0x1", "0x1"]
    assert first["stateRoot"] != second["stateRoot"] != base["stateRoot"]
    assert node.call("eth_getBalance", POOR) == "0x0"


def test_gap_in_numbers_is_filled_with_empty_blocks(node: RunningNode) -> None:
    head = int(node.call("eth_blockNumber"), 16)
    blocks = simulate(node, block(blockOverrides={"number": hex(head + 4)}))
    assert [int(one["number"], 16) - head for one in blocks] == [1, 2, 3, 4]
    assert len({one["stateRoot"] for one in blocks}) == 1


def test_block_overrides_are_what_the_call_sees(node: RunningNode) -> None:
    overrides = {
        "number": hex(int(node.call("eth_blockNumber"), 16) + 1),
        "time": "0xffffffff",
        "gasLimit": "0xabcdef",
        "feeRecipient": TARGET,
        "prevRandao": "0x77",
        "baseFeePerGas": "0x9",
        "blobBaseFee": "0x8",
    }
    expected = [int(value, 16) for value in overrides.values()]
    paid = {"from": ALICE, "to": ELSEWHERE, "maxFeePerGas": "0x9"}
    account = {ELSEWHERE: {"code": CONTEXT}, ALICE: RICH}
    (one,) = simulate(node, block(paid, blockOverrides=overrides, stateOverrides=account))
    assert words(one["calls"][0]["returnData"]) == expected
    assert (one["miner"], one["gasLimit"], one["baseFeePerGas"]) == (TARGET, "0xabcdef", "0x9")
    assert words(node.call("eth_call", paid, "latest", account, overrides)) == expected
    assert int(node.call("eth_estimateGas", paid, "latest", account, overrides), 16) > 21_000


def test_block_override_that_only_a_whole_block_has_is_refused_in_a_call(
    node: RunningNode,
) -> None:
    for name, value in (("beaconRoot", "0x" + "11" * 32), ("withdrawals", [])):
        error = node.error("eth_call", {"to": POOR}, "latest", {}, {name: value})
        assert f'"{name}" is not supported' in error["message"]
    (one,) = simulate(node, block(blockOverrides={"beaconRoot": "0x" + "11" * 32}))
    assert one["parentBeaconBlockRoot"] == "0x" + "11" * 32


def test_moved_precompile_runs_there_and_no_more_here(node: RunningNode) -> None:
    moved = {SHA256: {"movePrecompileToAddress": TARGET, "code": returning("43")}}
    here, there = ({"to": address, "input": "0x"} for address in (SHA256, TARGET))
    empty = "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert node.call("eth_call", there, "latest", moved) == empty
    assert words(node.call("eth_call", here, "latest", moved)) == [1]
    assert node.call("eth_call", here) == empty
    (one, two) = simulate(node, block(there, stateOverrides=moved), block(there, here))
    assert one["calls"][0]["returnData"] == empty
    assert [call["returnData"] for call in two["calls"]] == ["0x", empty]


def test_overridden_precompile_is_an_ordinary_account(node: RunningNode) -> None:
    call = {"to": IDENTITY, "input": "0x1234"}
    assert node.call("eth_call", call) == "0x1234"
    assert node.call("eth_call", call, "latest", {IDENTITY: RICH}) == "0x"


def test_transfers_are_told_among_the_logs_but_in_no_receipt(node: RunningNode) -> None:
    accounts = {TARGET: {"code": SEND_ON}, ALICE: RICH}
    call = {"from": ALICE, "to": TARGET, "value": "0x9"}
    (told,) = simulate(node, block(call, stateOverrides=accounts), traceTransfers=True)
    (silent,) = simulate(node, block(call, stateOverrides=accounts))
    assert silent["calls"][0]["logs"] == []
    assert told["receiptsRoot"] == silent["receiptsRoot"]
    logs = told["calls"][0]["logs"]
    assert [log["address"] for log in logs] == [ETHER_TOKEN] * 2
    assert [int(log["data"], 16) for log in logs] == [9, 8]
    assert [log["logIndex"] for log in logs] == ["0x0", "0x1"]
    assert {log["blockHash"] for log in logs} == {told["hash"]}
    assert [log["topics"][2][-40:] for log in logs] == [TARGET[2:], ELSEWHERE[2:]]


def test_transfer_of_a_failed_frame_is_not_told_and_that_of_selfdestruct_is(
    node: RunningNode,
) -> None:
    accounts = {TARGET: {"code": REVERT}, ELSEWHERE: {"code": KILL, **RICH}, ALICE: RICH}
    failed = {"from": ALICE, "to": TARGET, "value": "0x9"}
    (one,) = simulate(
        node,
        block(failed, {"to": ELSEWHERE}, stateOverrides=accounts),
        traceTransfers=True,
    )
    assert one["calls"][0]["error"] == {
        "code": 3, "message": "execution reverted", "data": "0x"}  # fmt: skip
    assert one["calls"][0]["logs"] == []
    assert [int(log["data"], 16) for log in one["calls"][1]["logs"]] == [10**18]


def test_full_transactions_have_their_senders(node: RunningNode) -> None:
    price = {"from": BOB, "to": POOR, "gasPrice": "0x0"}
    (one,) = simulate(node, block({"from": ALICE, "to": POOR}, price), returnFullTransactions=True)
    assert [tx["from"] for tx in one["transactions"]] == [ALICE, BOB]
    assert [tx["type"] for tx in one["transactions"]] == ["0x2", "0x0"]
    assert {tx["blockHash"] for tx in one["transactions"]} == {one["hash"]}


def test_validation_charges_fees_that_go_where_they_belong(node: RunningNode) -> None:
    call = {"from": POOR, "to": BOB, "maxFeePerGas": "0x64", "maxPriorityFeePerGas": "0x2"}
    overrides = {"baseFeePerGas": "0x50", "feeRecipient": TARGET}
    look = {"to": ELSEWHERE, "maxFeePerGas": "0x50"}
    accounts = {
        POOR: RICH,
        "0x" + "00" * 20: RICH,
        ELSEWHERE: {"code": returning(f"73{POOR[2:]}31", f"73{TARGET[2:]}31")},
    }
    (one,) = simulate(
        node,
        block(call, look, blockOverrides=overrides, stateOverrides=accounts),
        validation=True,
    )
    assert words(one["calls"][1]["returnData"]) == [10**18 - 21_000 * 82, 21_000 * 2]


TOO_MUCH = {"from": POOR, "to": BOB, "value": "0x1"}

ERRORS: dict[str, tuple[int, str, list[dict[str, Any]], dict[str, Any]]] = {
    "nonce too low": (
        -38010,
        "nonce too low",
        [block({"from": ALICE, "to": BOB, "nonce": "0x0", "maxFeePerGas": "0x77359400"})],
        {"validation": True},
    ),
    "nonce too high": (
        -38011,
        "nonce too high",
        [block({"from": ALICE, "to": BOB, "nonce": "0x9", "maxFeePerGas": "0x77359400"})],
        {"validation": True},
    ),
    "fee too low": (
        -38012,
        "max fee per gas less than block base fee: address 0x",
        [block({"from": ALICE, "to": BOB})],
        {"validation": True},
    ),
    "intrinsic gas": (
        -38013,
        "intrinsic gas too low",
        [block({"from": ALICE, "to": BOB, "gas": "0x5207"})],
        {},
    ),
    "no funds": (
        -38014,
        "insufficient funds for gas * price + value: address 0xCcCCccccCC",
        [block(TOO_MUCH)],
        {},
    ),
    "block gas": (
        -38015,
        "block gas limit reached: remaining: 100, required: 21000",
        [block({"from": ALICE, "gas": "0x5208"}, blockOverrides={"gasLimit": "0x64"})],
        {},
    ),
    "block number": (
        -38020,
        "block numbers must be in order: 0 <= ",
        [block(blockOverrides={"number": "0x0"})],
        {},
    ),
    "block time": (
        -38021,
        "block timestamps must be in order: 1 <= ",
        [block(blockOverrides={"time": "0x1"})],
        {},
    ),
    "moved to itself": (
        -38022,
        "MovePrecompileToAddress referenced itself",
        [block(stateOverrides={SHA256: {"movePrecompileToAddress": SHA256}})],
        {},
    ),
    "moved to one address": (
        -38023,
        "multiple MovePrecompileToAddress",
        [
            block(
                stateOverrides={
                    SHA256: {"movePrecompileToAddress": TARGET},
                    IDENTITY: {"movePrecompileToAddress": TARGET},
                }
            )
        ],
        {},
    ),
    "no precompile": (
        -32000,
        "is not a precompile",
        [block(stateOverrides={TARGET: {"movePrecompileToAddress": POOR}})],
        {},
    ),
    "moved onto an override": (
        -32000,
        "is already overridden",
        [block(stateOverrides={SHA256: {"movePrecompileToAddress": POOR}, POOR: RICH})],
        {},
    ),
    "initcode": (
        -38025,
        "max initcode size exceeded",
        [block({"from": ALICE, "input": "0x" + "00" * 49_153})],
        {},
    ),
    "too many blocks": (
        -38026,
        "too many blocks",
        [block()] * (limits.RPC_SIMULATED_BLOCKS_MAX + 1),
        {},
    ),
    "too wide a gap": (
        -38026,
        "too many blocks",
        [block(blockOverrides={"number": "0xffffffffffffffff"})],
        {},
    ),
    "too many calls": (
        -38026,
        "too many calls",
        [block(*[{"from": ALICE}] * (limits.RPC_SIMULATED_CALLS_MAX + 1))],
        {},
    ),
    "tip above fee cap": (
        -32602,
        "max priority fee per gas higher than max fee per gas",
        [block({"from": ALICE, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"})],
        {},
    ),
    "nothing": (-32602, "invalid argument 0: empty input", [], {}),
    "withdrawals": (
        -32602,
        "invalid argument 0: blocks of this chain have no withdrawals",
        [block(blockOverrides={"withdrawals": [{}]})],
        {},
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_reason_has_its_own_code(node: RunningNode, name: str) -> None:
    code, words_, blocks, options = ERRORS[name]
    error = refused(node, *blocks, **options)
    assert error["code"] == code
    assert words_ in error["message"]


def test_call_that_uses_up_its_gas_leaves_the_others_less(node: RunningNode) -> None:
    accounts = {TARGET: {"code": ENDLESS}}
    (one,) = simulate(
        node,
        block({"to": TARGET, "gas": "0x186a0"}, {"to": POOR}, stateOverrides=accounts),
    )
    failed, other = one["calls"]
    assert failed["error"] == {"code": -32015, "message": "vm execution error: out of gas"}
    assert failed["gasUsed"] == failed["maxUsedGas"] == "0x186a0"
    assert other["status"] == "0x1"
    spent = refused(node, block({"to": TARGET}, {"to": POOR}, stateOverrides=accounts))
    assert spent["code"] == -38013


def test_refund_shows_in_what_was_used_at_most(node: RunningNode) -> None:
    clear = {"code": "0x600060005500", "stateDiff": {"0x" + "00" * 32: "0x" + "11" * 32}}
    (one,) = simulate(node, block({"to": TARGET}, stateOverrides={TARGET: clear}))
    call = one["calls"][0]
    assert int(call["maxUsedGas"], 16) - int(call["gasUsed"], 16) == 4_800


@pytest.mark.parametrize(
    "accounts",
    [
        {POOR: {"stateDiff": {"0x" + "00" * 32: "0x" + "11" * 32}}},
        {POOR: {"nonce": "0xffffffffffffffff"}},
        {POOR: {"balance": MAX}, BOB: {"balance": MAX}},
        {ALICE: {"nonce": "0x0", "balance": "0x0", "code": "0x"}},
    ],
)
def test_extreme_overrides_break_nothing(node: RunningNode, accounts: dict[str, Any]) -> None:
    call = {
        "from": POOR,
        "to": BOB,
        "value": "0x1" if "balance" in accounts.get(POOR, {}) else "0x0",
    }
    for one in simulate(node, block(call, call, stateOverrides=accounts), block(call)):
        assert {made["status"] for made in one["calls"]} == {"0x1"}
    reads = {**accounts, BOB: {**accounts.get(BOB, {}), "code": returning("47")}}
    assert len(words(node.call("eth_call", call, "latest", reads))) == 1
