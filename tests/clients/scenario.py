"""What four client libraries do first with a chain, each in its own way.

Every client connects, reads balances, sends a legacy and an EIP-1559 transaction, deploys and
calls a contract, waits for receipts, reads logs and meets two kinds of revert; those with
websockets also wait for a pushed event. `run(client, url, ws_url)` works against any chain on
which the dev accounts have ether, and what it returns equals `expected(chain_id)`.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3, HTTPProvider, Web3, WebSocketProvider
from web3.exceptions import ContractCustomError, ContractLogicError

from genesis.accounts import dev_accounts

ROOT = Path(__file__).resolve().parent.parent.parent
ARTIFACT = ROOT / "tests" / "contracts" / "artifacts" / "Counter.json"
NODE_MODULES = ROOT / "node_modules"

RECEIPT_SECONDS_MAX = 60
"""A receipt takes a block time; this is for a busy machine."""

SCRIPT_SECONDS_MAX = 240

Result = dict[str, Any]


def expected(chain_id: int, *, pushed: bool = True) -> Result:
    """What every client sees. `pushed` is whether it waited for an event over a websocket."""
    seen: Result = {
        "chainId": chain_id,
        "hasBalance": True,
        "received": 3000,
        "legacy": [0, 1],
        "feeMarket": [2, 1],
        "legacyType": 0,
        "deployedCode": True,
        "value": -1 if pushed else -2,
        "events": [[True, -7, -2]],
        "reason": "counter refuses",
        "customError": "NoStep",
        "inBlock": True,
    }
    return seen | {"pushed": 1} if pushed else seen


def run(client: str, url: str, ws_url: str) -> Result:
    """Run the scenario with one of `CLIENTS`. Each has a dev account of its own."""
    return CLIENTS[client](url, ws_url, dev_accounts()[_ACCOUNT[client]].key)


def _recipient() -> str:
    """A new account for each run, so that what it receives can be counted."""
    return Account.create().address


def _run_script(name: str, url: str, ws_url: str, key: bytes) -> Result:
    arguments = [url, ws_url, "0x" + key.hex(), _recipient(), str(ARTIFACT)]
    script = Path(__file__).with_name(name)
    done = subprocess.run(
        ["node", str(script), *arguments],
        capture_output=True,
        text=True,
        timeout=SCRIPT_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _run_ethers(url: str, ws_url: str, key: bytes) -> Result:
    return _run_script("ethers.mjs", url, ws_url, key)


def _run_viem(url: str, ws_url: str, key: bytes) -> Result:
    return _run_script("viem.mjs", url, ws_url, key)


# web3.py


def _run_web3(url: str, ws_url: str, key: bytes) -> Result:
    w3 = Web3(HTTPProvider(url, request_kwargs={"timeout": RECEIPT_SECONDS_MAX}))
    account: LocalAccount = Account.from_key(key)
    recipient = _recipient()
    balance = w3.eth.get_balance(account.address)
    legacy = _send(w3, account, {"to": recipient, "value": 1000, "gasPrice": w3.eth.gas_price})
    fees = {"maxFeePerGas": 2 * w3.eth.gas_price, "maxPriorityFeePerGas": w3.eth.max_priority_fee}
    fee_market = _send(w3, account, {"to": recipient, "value": 2000, **fees})
    artifact = json.loads(ARTIFACT.read_text())
    factory = w3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
    deployed = _send(w3, account, factory.constructor(5).build_transaction(_options(account)))
    counter = w3.eth.contract(address=deployed["contractAddress"], abi=artifact["abi"])
    moved = _send(w3, account, counter.functions.move(-7).build_transaction(_options(account)))
    pushed = asyncio.run(_pushed_event(ws_url, w3, account, counter))
    return {
        "chainId": w3.eth.chain_id,
        "hasBalance": balance > 0,
        "received": w3.eth.get_balance(recipient),
        "legacy": [legacy["type"], legacy["status"]],
        "feeMarket": [fee_market["type"], fee_market["status"]],
        "legacyType": w3.eth.get_transaction(legacy["transactionHash"])["type"],
        "deployedCode": len(w3.eth.get_code(counter.address)) > 0,
        "value": counter.functions.value().call(),
        "events": _moves_in(counter, moved, account.address),
        **_web3_reverts(counter, account.address),
        "inBlock": any(
            transaction["hash"] == moved["transactionHash"]
            for transaction in w3.eth.get_block(moved["blockNumber"], True)["transactions"]
        ),
        "pushed": pushed,
    }


def _options(account: LocalAccount) -> Any:
    return {"from": account.address}


def _send(w3: Web3, account: LocalAccount, fields: Any) -> Any:
    fields = {"from": account.address, "chainId": w3.eth.chain_id, **fields}
    fields["nonce"] = w3.eth.get_transaction_count(account.address, "pending")
    if "gas" not in fields:
        fields["gas"] = w3.eth.estimate_gas(fields)
    signed = account.sign_transaction({k: v for k, v in fields.items() if k != "from"})
    sent = w3.eth.send_raw_transaction(signed.raw_transaction)
    return w3.eth.wait_for_transaction_receipt(sent, RECEIPT_SECONDS_MAX, poll_latency=0.05)


def _moves_in(counter: Any, receipt: Any, sender: str) -> list[list[object]]:
    number = receipt["blockNumber"]
    logs = counter.events.Moved.get_logs(from_block=number, to_block=number)
    mine = [log for log in logs if log["transactionHash"] == receipt["transactionHash"]]
    return [[log["args"]["who"] == sender, log["args"]["by"], log["args"]["now_"]] for log in mine]


def _web3_reverts(counter: Any, sender: str) -> Result:
    found: Result = {}
    try:
        counter.functions.refuse().call()
    except ContractLogicError as error:
        found["reason"] = str(error.message).removeprefix("execution reverted: ")
    try:
        counter.functions.move(0).estimate_gas({"from": sender})
    except ContractCustomError as error:
        found["customError"] = {NO_STEP_SELECTOR: "NoStep"}.get(str(error.data)[2:10])
    return found


async def _pushed_event(ws_url: str, w3: Web3, account: LocalAccount, counter: Any) -> int:
    async with AsyncWeb3(WebSocketProvider(ws_url)) as socket:
        topic = counter.events.Moved().topic
        await socket.eth.subscribe("logs", {"address": counter.address, "topics": [topic]})
        move = counter.functions.move(1).build_transaction(_options(account))
        await asyncio.to_thread(_send, w3, account, move)
        async with asyncio.timeout(RECEIPT_SECONDS_MAX):
            async for message in socket.socket.process_subscriptions():
                return counter.events.Moved().process_log(message["result"])["args"]["by"]
    raise AssertionError("the websocket closed without an event")


# cast


def _run_cast(url: str, ws_url: str, key: bytes) -> Result:
    def cast(command_name: str, *arguments: str) -> str:
        program = str(NODE_MODULES / ".bin" / "cast")
        command = [program, command_name, "--rpc-url", url, *arguments]
        environment = {**os.environ, "NO_COLOR": "1", "FOUNDRY_DISABLE_NIGHTLY_WARNING": "1"}
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=SCRIPT_SECONDS_MAX,
            env=environment,
            check=False,
        )
        return (done.stdout if done.returncode == 0 else done.stderr).strip()

    def send(*arguments: str) -> Any:
        output = cast("send", "--json", "--private-key", "0x" + key.hex(), *arguments)
        return json.loads(output)

    artifact = json.loads(ARTIFACT.read_text())
    recipient, sender = _recipient(), Account.from_key(key).address
    legacy = send(recipient, "--value", "1000", "--legacy")
    fee_market = send(recipient, "--value", "2000")
    start = (5).to_bytes(32).hex()
    deployed = send("--create", artifact["bytecode"] + start)
    counter = deployed["contractAddress"]
    moved = send(counter, "move(int256)", "--", "-7")
    number = str(int(moved["blockNumber"], 16))
    event = "Moved(address indexed,int256,int256)"
    where = ["--from-block", number, "--to-block", number, "--address", counter, "--json"]
    logs = json.loads(cast("logs", event, *where))
    noted = [log for log in logs if log["transactionHash"] == moved["transactionHash"]]
    no_step = cast("estimate", "--from", sender, counter, "move(int256)", "0")
    block = json.loads(cast("block", number, "--json"))
    return {
        "chainId": int(cast("chain-id")),
        "hasBalance": int(cast("balance", sender)) > 0,
        "received": int(cast("balance", recipient)),
        "legacy": [int(legacy["type"], 16), int(legacy["status"], 16)],
        "feeMarket": [int(fee_market["type"], 16), int(fee_market["status"], 16)],
        "legacyType": int(
            json.loads(cast("tx", legacy["transactionHash"], "--json")).get("type", "0x0"), 16
        ),
        "deployedCode": cast("code", counter) != "0x",
        "value": int(cast("call", counter, "value()(int256)")),
        "events": [_cast_event(log, sender) for log in noted],
        "reason": "counter refuses"
        if "execution reverted: counter refuses" in cast("call", counter, "refuse()")
        else None,
        "customError": "NoStep" if NO_STEP_SELECTOR in no_step else no_step,
        "inBlock": moved["transactionHash"] in block["transactions"],
    }


NO_STEP_SELECTOR = Web3.keccak(text="NoStep(address)")[:4].hex()


def _cast_event(log: Any, sender: str) -> list[object]:
    data = bytes.fromhex(log["data"][2:])
    by, now = (int.from_bytes(data[i : i + 32], signed=True) for i in (0, 32))
    return [log["topics"][1][-40:] == sender[2:].lower(), by, now]


CLIENTS: dict[str, Callable[[str, str, bytes], Result]] = {
    "cast": _run_cast,
    "web3.py": _run_web3,
    "ethers": _run_ethers,
    "viem": _run_viem,
}

WITHOUT_WEBSOCKET = frozenset({"cast"})

_ACCOUNT = {"cast": 6, "web3.py": 7, "ethers": 8, "viem": 9}
"""Dev accounts by client, so that several may run at once."""
