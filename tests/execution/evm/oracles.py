"""Two engines that are not ours, asked what a random state test should do.

revm, through pyrevm, runs in this process and is fast. It runs a message: fees, nonces and refusals
are not its business, so the sender is charged beforehand. The execution specification (EELS) is the
judge: it needs a Python of its own, because it pins other versions than we do.
"""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyrevm import EVM, AccountInfo, BlockEnv, CfgEnv, Env, TxEnv

from execution.transaction import Transaction
from state.blocks import Log
from state.types import Address, Hash32, Wei
from tests.execution.evm.scenarios import (
    BLOCK_GAS,
    CHAIN_ID,
    COINBASE,
    PREV_RANDAO,
    TIMESTAMP,
    Scenario,
)

EELS_SCRIPT = Path(__file__).with_name("eels_oracle.py")


@dataclass(frozen=True)
class Ran:
    """What a transaction did: all that a receipt says, and its output."""

    succeeded: bool
    gas_used: int
    output: bytes
    logs: tuple[Log, ...]


@dataclass(frozen=True)
class AccountView:
    """An account, with the slots that were asked for."""

    balance: int
    nonce: int
    code_hash: bytes
    storage: Mapping[int, int]


class Revm:
    """revm after one scenario whose transaction is a call: creations have no gas price in it."""

    def __init__(self, scenario: Scenario) -> None:
        self._tx = scenario.transaction
        self._price = self._tx.effective_gas_price(Wei(scenario.base_fee))
        self._tip = self._price - scenario.base_fee
        self._evm = EVM(env=_environment(scenario), gas_limit=BLOCK_GAS, spec_id="CANCUN")
        for address, account in scenario.pre.items():
            self._put(address, account)
        self.ran = self._run()

    def _put(self, address: Address, account: Any) -> None:
        tx = self._tx
        balance, nonce = account.balance, account.nonce
        if address == tx.sender:
            balance -= tx.gas * self._price
            nonce += 1
        info = AccountInfo(balance=balance, nonce=nonce, code=account.code or None)
        self._evm.insert_account_info(_hex(address), info)
        for slot, value in account.storage.items():
            self._evm.insert_account_storage(_hex(address), slot, value)

    def _run(self) -> Ran:
        tx, output = self._tx, b""
        sender, price = _hex(tx.sender), self._price
        try:
            output = self._evm.message_call(
                sender, _hex(tx.to or b""), tx.data, tx.value, tx.gas, price
            )
        except RuntimeError as error:
            found = re.search(r"output: 0x([0-9a-f]*)", str(error))
            output = bytes.fromhex(found.group(1)) if found else b""
        result = self._evm.result
        assert result is not None, "revm refused the transaction"
        logs = tuple(_log(entry) for entry in result.logs) if result.is_success else ()
        return Ran(bool(result.is_success), int(result.gas_used), bytes(output), logs)

    def account(self, address: Address, slots: Iterable[int]) -> AccountView:
        """An account after the transaction, the fees settled as the protocol does."""
        tx, name = self._tx, _hex(address)
        info = self._evm.basic(name)
        balance = int(info.balance)
        if address == tx.sender:
            balance += (tx.gas - self.ran.gas_used) * self._price
        if address == COINBASE:
            balance += self.ran.gas_used * self._tip
        storage = {slot: int(self._evm.storage(name, slot)) for slot in slots}
        return AccountView(balance, int(info.nonce), bytes(info.code_hash), storage)

    def addresses(self) -> set[Address]:
        """Every account that revm has loaded."""
        return {Address(bytes.fromhex(name[2:])) for name in self._evm.db_accounts}


def _environment(scenario: Scenario) -> Env:
    tx: Transaction = scenario.transaction
    return Env(
        cfg=CfgEnv(chain_id=CHAIN_ID),
        block=BlockEnv(
            number=scenario.number,
            coinbase=_hex(COINBASE),
            timestamp=TIMESTAMP,
            prevrandao=PREV_RANDAO,
            basefee=scenario.base_fee,
            gas_limit=BLOCK_GAS,
            excess_blob_gas=0,
        ),
        tx=TxEnv(
            caller=_hex(tx.sender),
            gas_limit=tx.gas,
            gas_price=tx.effective_gas_price(Wei(scenario.base_fee)),
            to=_hex(tx.to or b""),
            access_list=[(_hex(entry.address), list(entry.slots)) for entry in tx.access_list],
            chain_id=CHAIN_ID,
        ),
    )


def _log(entry: Any) -> Log:
    topics = tuple(Hash32(bytes.fromhex(topic[2:])) for topic in entry.topics)
    _, data = entry.data
    return Log(Address(bytes.fromhex(entry.address[2:])), topics, bytes(data))


def _hex(data: bytes) -> str:
    return "0x" + bytes(data).hex()


class Specification:
    """EELS in a process of its own, one question at a time."""

    def __init__(self, python: str) -> None:
        self._process = subprocess.Popen(
            [python, str(EELS_SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, state_test: Any) -> dict[str, Any]:
        """The root, logs' hash and gas used of the only case, or why it is `invalid`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(state_test) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
