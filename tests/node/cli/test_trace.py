"""`tallystick trace` as a process, against a node with contracts whose sources are given or not."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from genesis.artifacts import load_artifact
from state.types import Address, Gas, Wei
from tests.clients.scenario import ARTIFACT
from tests.node.rpc.debug.programs import ALLOC, EVERYTHING
from tests.node.rpc.harness import (
    L2_CONFIG,
    RunningNode,
    deploy_counter,
    move,
    open_chain,
    running_node,
    sign,
)

SECONDS_MAX = 120
Hashes = dict[str, str]


@pytest.fixture(scope="module")
def hashes() -> Hashes:
    return {}


@pytest.fixture(scope="module")
def node(hashes: Hashes) -> Iterator[RunningNode]:
    with running_node(open_chain(L2_CONFIG, alloc=ALLOC)) as running:
        hashes["counter"] = deploy_counter(running)
        counter = Address(bytes.fromhex(hashes["counter"][2:]))
        for nonce, (name, data) in enumerate({"moved": move(3), "refused": move(0)}.items(), 1):
            raw = sign(running, nonce, to=counter, value=Wei(0), data=data)
            hashes[name] = running.call("eth_sendRawTransaction", raw)
        raw = sign(running, 3, to=EVERYTHING, value=Wei(100), gas=Gas(5_000_000))
        hashes["everything"] = running.call("eth_sendRawTransaction", raw)
        creation = load_artifact(ARTIFACT).bytecode + (5).to_bytes(32)
        raw = sign(running, 4, to=None, value=Wei(10**18), data=creation)
        hashes["created"] = running.call("eth_sendRawTransaction", raw)
        yield running


def trace(node: RunningNode, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "node.cli.main", "trace", "--rpc", node.url]
    return subprocess.run(
        [*command, "--data-dir", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        env=os.environ | {"COLUMNS": "100"},
        check=False,
    )


def test_call_of_a_verified_contract_has_names(
    node: RunningNode, hashes: Hashes, tmp_path: Path
) -> None:
    shown = trace(node, hashes["moved"], "--artifacts", str(ARTIFACT.parent), folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "L2 block 2: succeeded" in shown.stdout
    assert "Counter.move(by: 3) → 8" in shown.stdout
    assert (
        "◆ Moved(who: 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266, by: 3, now_: 8)" in shown.stdout
    )
    assert "\x1b[" not in shown.stdout  # no terminal, no colour


def test_failure_is_told_by_the_contracts_own_error(
    node: RunningNode, hashes: Hashes, tmp_path: Path
) -> None:
    named = f"{hashes['counter']}={ARTIFACT}"
    shown = trace(node, hashes["refused"], "--abi", named, folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "failed" in shown.stdout
    assert "✗ NoStep(who: 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266)" in shown.stdout


def test_unknown_contract_is_shown_in_bytes(
    node: RunningNode, hashes: Hashes, tmp_path: Path
) -> None:
    shown = trace(node, hashes["moved"], folder=tmp_path)
    assert f".0x{move(3)[:4].hex()}(0x" in shown.stdout
    assert "Counter" not in shown.stdout


def test_creation_and_ether_are_shown(node: RunningNode, hashes: Hashes, tmp_path: Path) -> None:
    shown = trace(node, hashes["created"], "--artifacts", str(ARTIFACT.parent), folder=tmp_path)
    assert "new Counter(" in shown.stdout
    assert "{1 ether}" in shown.stdout


def test_every_kind_of_call_and_failure_has_its_line(
    node: RunningNode, hashes: Hashes, tmp_path: Path
) -> None:
    shown = trace(node, hashes["everything"], folder=tmp_path).stdout
    for words in (
        "[delegatecall]",
        "[staticcall]",
        "[callcode]",
        'reverted: "no go"',
        "panic 0x11: arithmetic underflow or overflow",
        "✗ out of gas",
        "✗ invalid jump destination",
        "✗ invalid opcode: INVALID",
        "✗ write protection",
        "✗ insufficient balance for transfer",
        "✗ contract address collision",
        "selfdestruct of 0xc0",
        "sha256(0x11223344)",
        "{0.000000000000000003 ether}",
    ):
        assert words in shown, words


def test_json_has_the_same_whole(node: RunningNode, hashes: Hashes, tmp_path: Path) -> None:
    folder = str(ARTIFACT.parent)
    shown = trace(node, hashes["moved"], "--artifacts", folder, "--json", folder=tmp_path)
    answer = json.loads(shown.stdout)
    assert (answer["layer"], answer["block"]) == ("l2", 2)
    call = answer["trace"]
    assert call["toName"] == "Counter"
    assert call["arguments"] == [{"name": "by", "type": "int256", "value": "3"}]
    assert call["results"] == [{"name": "", "type": "int256", "value": "8"}]
    assert call["events"][0]["event"] == "Moved"
    assert call["error"] is None


def test_artifact_of_another_contract_is_refused(
    node: RunningNode, hashes: Hashes, tmp_path: Path
) -> None:
    other = ARTIFACT.parent / "Actor.json"
    shown = trace(node, hashes["moved"], "--abi", f"{hashes['counter']}={other}", folder=tmp_path)
    assert shown.returncode == 1
    assert "Actor is not what is at" in shown.stderr
    assert "its code differs" in shown.stderr


def test_bare_abi_is_taken_with_a_note(node: RunningNode, hashes: Hashes, tmp_path: Path) -> None:
    bare = tmp_path / "Bare.json"
    bare.write_text(json.dumps(json.loads(ARTIFACT.read_text())["abi"]))
    shown = trace(node, hashes["moved"], "--abi", f"{hashes['counter']}={bare}", folder=tmp_path)
    assert "Bare.move(by: 3)" in shown.stdout
    assert "unverified" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["0x" + "00" * 32], 1, "no block of L2 has a transaction"),
        (["0x1234"], 2, "64 hexadecimal digits"),
        (["0x" + "00" * 32, "--abi", "nonsense"], 2, "is not ADDRESS=FILE"),
        (
            ["0x" + "00" * 32, "--abi", f"0x{'11' * 20}=/nowhere.json"],
            1,
            "can't read /nowhere.json",
        ),
        (["0x" + "00" * 32, "--layer", "l1"], 2, "where is L1?"),
    ],
)
def test_what_can_not_be_done_is_said(
    node: RunningNode, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    shown = trace(node, *arguments, folder=tmp_path)
    assert shown.returncode == code, shown.stdout + shown.stderr
    assert words in shown.stderr


def test_node_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "node.cli.main", "trace", "0x" + "00" * 32]
    shown = subprocess.run(
        [*command, "--rpc", "http://127.0.0.1:9", "--data-dir", str(tmp_path)],
        capture_output=True, text=True, timeout=SECONDS_MAX, check=False,
    )  # fmt: skip
    assert shown.returncode == 75
    assert "no answer from 127.0.0.1:9" in shown.stderr
