"""Contracts in pyrevm: an EVM that isn't ours, fast, for results and not for gas."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from eth_abi import encode
from pyrevm import EVM, AccountInfo, BlockEnv, Env

from genesis.artifacts import Artifact
from genesis.builder import GenesisAccount
from state.blocks import Log
from state.keccak import keccak
from state.types import Address, Hash32

SENDER = Address(b"\xaa" * 20)
GAS = 2**24
CHAIN_ID = 424242
NUMBER = 7
"""Of the block that all calls are in: above zero, for the Inbox asks for the parent's hash."""


class Reverted(Exception):
    """The call reverted; `data` is what it said."""

    def __init__(self, data: bytes) -> None:
        super().__init__("0x" + data.hex())
        self.data = data

    def is_error(self, signature: str) -> bool:
        """Whether this is the custom error of that signature."""
        return self.data[:4] == selector(signature)


def selector(signature: str) -> bytes:
    return keccak(signature.encode())[:4]


class Vm:
    """A state to run contracts in. Every call commits, unless it reverts."""

    def __init__(self, alloc: Mapping[Address, GenesisAccount] | None = None) -> None:
        block = BlockEnv(number=NUMBER, timestamp=1_000)
        self._evm = EVM(env=Env(block=block), gas_limit=GAS, spec_id="CANCUN")
        self.logs: list[Log] = []
        self.gas_used = 0
        for address, account in (alloc or {}).items():
            self.put(address, account)
        self.fund(SENDER, 10**24)

    def put(self, address: Address, account: GenesisAccount) -> None:
        """Set an account up as a genesis does."""
        info = AccountInfo(balance=account.balance, nonce=account.nonce, code=account.code)
        self._evm.insert_account_info(_hex(address), info)
        for slot, value in account.storage.items():
            self._evm.insert_account_storage(_hex(address), slot, value)

    def fund(self, address: bytes, wei: int) -> None:
        self._evm.set_balance(_hex(address), wei)

    def balance(self, address: bytes) -> int:
        return int(self._evm.get_balance(_hex(address)))

    def storage(self, address: bytes, slot: int) -> int:
        return int(self._evm.storage(_hex(address), slot))

    def set_time(self, timestamp: int) -> None:
        self._evm.set_block_env(BlockEnv(number=NUMBER, timestamp=timestamp))

    def deploy(
        self, artifact: Artifact, types: Sequence[str] = (), values: Sequence[Any] = ()
    ) -> Address:
        """Create a contract; returns its address."""
        code = artifact.bytecode + encode(list(types), list(values))
        return Address(bytes.fromhex(self._evm.deploy(_hex(SENDER), code)[2:]))

    def call(
        self,
        to: bytes,
        signature: str,
        types: Sequence[str] = (),
        values: Sequence[Any] = (),
        *,
        sender: bytes = SENDER,
        value: int = 0,
        gas: int = GAS,
    ) -> bytes:
        """Call a function as a transaction of its own. Raises `Reverted`."""
        data = selector(signature) + encode(list(types), list(values))
        return self.send(to, data, sender=sender, value=value, gas=gas)

    def send(
        self, to: bytes, data: bytes, *, sender: bytes = SENDER, value: int = 0, gas: int = GAS
    ) -> bytes:
        """Call with raw calldata; what it logs is in `logs`. Raises `Reverted`."""
        self._evm.reset_transient_storage()
        try:
            answer = self._evm.message_call(
                _hex(sender), _hex(to), calldata=data, value=value, gas=gas
            )
        except RuntimeError as error:
            raise Reverted(_revert_data(str(error))) from None
        result = self._evm.result
        self.gas_used = int(result.gas_used)
        self.logs = [_log(entry) for entry in result.logs]
        return bytes(answer)


def _log(entry: Any) -> Log:
    topics = tuple(Hash32(bytes.fromhex(topic[2:])) for topic in entry.topics)
    _, data = entry.data
    return Log(Address(bytes.fromhex(entry.address[2:])), topics, bytes(data))


def _revert_data(message: str) -> bytes:
    found = re.search(r"output: 0x([0-9a-f]*)", message)
    return bytes.fromhex(found.group(1)) if found else b""


def _hex(address: bytes) -> str:
    return "0x" + bytes(address).hex()
