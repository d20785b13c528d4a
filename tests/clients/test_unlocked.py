"""Clients that we did not write, with a node that signs for them and tries things out."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from web3 import HTTPProvider, Web3

from tests.clients.scenario import ARTIFACT, NODE_MODULES, SCRIPT_SECONDS_MAX
from tests.node.rpc.harness import (
    DEV,
    L2_CONFIG,
    RunningNode,
    deploy_counter,
    move,
    open_chain,
    running_node,
)


@pytest.fixture(scope="module", params=["l1", "l2"])
def counter(request: pytest.FixtureRequest) -> Iterator[tuple[RunningNode, str]]:
    chain = open_chain() if request.param == "l1" else open_chain(L2_CONFIG)
    with running_node(chain) as node:
        yield node, deploy_counter(node)


def run(*command: str) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=SCRIPT_SECONDS_MAX,
        env={**os.environ, "NO_COLOR": "1", "FOUNDRY_DISABLE_NIGHTLY_WARNING": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def script(name: str, node: RunningNode, address: str, *, socket: bool = False) -> dict[str, Any]:
    """What a script of this folder prints, told the node's URL and with `socket` the other too."""
    urls = (node.url, node.ws_url) if socket else (node.url,)
    path = Path(__file__).with_name(name)
    return json.loads(run("node", str(path), *urls, address, str(ARTIFACT)))


SEEN = {
    "sent": 1,
    "signed": True,
    "signedTyped": True,
    "pendingIsNext": True,
    "simulated": ["0x1", 1],
    "proven": True,
}


def test_ethers_signs_and_simulates_with_the_nodes_accounts(
    counter: tuple[RunningNode, str],
) -> None:
    assert script("unlocked.ethers.mjs", *counter) == SEEN


def test_viem_signs_and_simulates_with_the_nodes_accounts(
    counter: tuple[RunningNode, str],
) -> None:
    seen = script("unlocked.viem.mjs", *counter)
    assert seen == SEEN | {"listed": True, "overridden": 7}


def test_web3_signs_and_simulates_with_the_nodes_accounts(
    counter: tuple[RunningNode, str],
) -> None:
    node, address = counter
    w3 = Web3(HTTPProvider(node.url))
    contract = w3.eth.contract(
        address=Web3.to_checksum_address(address), abi=json.loads(ARTIFACT.read_text())["abi"]
    )
    sender = w3.eth.accounts[3]
    sent = contract.functions.move(2).transact({"from": sender})
    assert w3.eth.wait_for_transaction_receipt(sent)["status"] == 1
    assert Account.recover_transaction(w3.eth.get_raw_transaction(sent)) == sender
    signature = w3.eth.sign(sender, text="hello")
    assert Account.recover_message(encode_defunct(text="hello"), signature=signature) == sender
    typed = {
        "types": {"Move": [{"name": "by", "type": "int256"}]},
        "primaryType": "Move",
        "domain": {"name": "Counter", "chainId": 1},
        "message": {"by": -7},
    }
    signable = encode_typed_data(full_message=typed)
    signature = w3.eth.sign_typed_data(sender, json.dumps(typed))
    assert Account.recover_message(signable, signature=signature) == sender
    assert w3.eth.get_block("pending")["number"] == w3.eth.block_number + 1
    call = {"from": sender, "to": contract.address, "data": "0x" + move(3).hex()}
    (block,) = w3.eth.simulate_v1({"blockStateCalls": [{"calls": [call]}]}, "latest")
    assert (block["calls"][0]["status"], len(block["calls"][0]["logs"])) == (1, 1)
    assert len(w3.eth.create_access_list(call)["accessList"]) == 1
    proof = w3.eth.get_proof(contract.address, [0])
    assert int.from_bytes(proof["storageProof"][0]["value"]) == contract.functions.value().call()
    slot = {"stateDiff": {"0x" + "00" * 32: "0x" + (7).to_bytes(32).hex()}}
    overridden = contract.functions.value().call(state_override={contract.address: slot})
    assert overridden == 7


def test_cast_sends_unlocked_and_reads_what_is_pending(
    counter: tuple[RunningNode, str],
) -> None:
    node, address = counter

    def cast(command: str, *arguments: str) -> str:
        return run(str(NODE_MODULES / ".bin" / "cast"), command, "--rpc-url", node.url, *arguments)

    sender = "0x" + DEV[4].address.hex()
    unlocked = ["--json", "--unlocked", "--from", sender]
    sent = json.loads(cast("send", *unlocked, address, "move(int256)", "2"))
    assert int(sent["status"], 16) == 1
    raw = cast("rpc", "eth_getRawTransactionByHash", sent["transactionHash"])
    assert Account.recover_transaction(json.loads(raw)).lower() == sender
    head = int(cast("block-number"))
    assert json.loads(cast("rpc", "eth_getBlockByNumber", "pending", "false"))["number"] == hex(
        head + 1
    )
    listed = cast("access-list", "--from", sender, address, "move(int256)", "2")
    assert address in listed.lower()
    value = json.loads(cast("proof", address, "0x" + "00" * 32))["storageProof"][0]["value"]
    assert int(value, 16) == int(cast("call", address, "value()(int256)"))
