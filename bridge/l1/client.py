"""What we ask an L1 endpoint, with every answer checked as far as it can be.

Headers must have the hash they claim and, asked for by hash, the one asked for. State is read at
a block hash (EIP-1898), so that a reorg between two reads can't mix two chains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.l1 import wire
from bridge.l1.abi import Function, describe_revert
from bridge.l1.errors import (
    L1CallReverted,
    L1ContractMissing,
    L1EndpointBehind,
    L1EndpointInconsistent,
    L1RequestRefused,
    L1Unavailable,
    WrongL1Chain,
)
from bridge.l1.headers import L1Header, parse_header
from bridge.l1.rpc import RpcClient
from bridge.l1.wire import Json
from state.blocks import Log
from state.types import Address, BlockNumber, Gas, Hash32, Wei

LATEST = "latest"
FINALIZED = "finalized"

At = Hash32 | str
"""A block whose state is read: by hash, or a tag."""


@dataclass(frozen=True, slots=True)
class L1Log:
    """A log with the place where it was written."""

    log: Log
    block_number: BlockNumber
    block_hash: Hash32
    index: int


@dataclass(frozen=True, slots=True)
class L1Receipt:
    """The receipt of a transaction that is in a block."""

    hash: Hash32
    block_number: BlockNumber
    block_hash: Hash32
    succeeded: bool
    gas_used: Gas
    contract: Address | None
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class FeeQuote:
    """Fees for one gas, in wei (EIP-1559)."""

    base_fee: Wei
    tip: Wei


class L1Client:
    """A typed view of one endpoint. `errors` names the contracts' custom errors by selector."""

    def __init__(
        self, rpc: RpcClient, *, chain_id: int, errors: Mapping[bytes, str] | None = None
    ) -> None:
        self.rpc = rpc
        self.chain_id = chain_id
        self._errors = errors or {}
        self._chain_checked = False

    async def check_chain(self) -> None:
        """Ask for the chain id, once. Raises `WrongL1Chain`."""
        if self._chain_checked:
            return
        have = wire.quantity(await self.rpc.request("eth_chainId"), "eth_chainId")
        if have != self.chain_id:
            raise WrongL1Chain(have, self.chain_id)
        self._chain_checked = True

    async def header(self, tag_or_number: str | int = LATEST) -> L1Header:
        """The header at a tag or number. Raises `L1EndpointBehind` where there is none."""
        block = tag_or_number
        if isinstance(block, int):
            block = wire.to_quantity(block)
        answer = await self.rpc.request("eth_getBlockByNumber", block, False)
        if answer is None:
            raise L1EndpointBehind(f"the L1 endpoint has no block {tag_or_number}")
        header = parse_header(wire.object_(answer, "eth_getBlockByNumber"))
        if isinstance(tag_or_number, int) and header.number != tag_or_number:
            raise L1EndpointInconsistent(
                f"asked for L1 block {tag_or_number}, the endpoint sent block {header.number}"
            )
        return header

    async def header_by_hash(self, hash: Hash32) -> L1Header:
        """The header with this hash. Raises `L1EndpointBehind` where it isn't known."""
        answer = await self.rpc.request("eth_getBlockByHash", wire.to_data(hash), False)
        if answer is None:
            raise L1EndpointBehind(f"the L1 endpoint doesn't know block 0x{hash.hex()}")
        header = parse_header(wire.object_(answer, "eth_getBlockByHash"))
        if header.hash != hash:
            raise L1EndpointInconsistent(
                f"asked for L1 block 0x{hash.hex()}, the endpoint sent 0x{header.hash.hex()}"
            )
        return header

    async def finalized(self) -> L1Header | None:
        """The finalized header; None where the chain is too young to have one."""
        try:
            return await self.header(FINALIZED)
        except L1EndpointBehind:
            return None
        except L1RequestRefused as error:
            if "not found" in error.message or "unknown block" in error.message.lower():
                return None
            raise
        except L1Unavailable as error:
            if "finalized block not found" in str(error):
                return None
            raise

    async def logs(
        self, address: Address, topic: Hash32, first: int, last: int
    ) -> tuple[L1Log, ...]:
        """Logs of one event in blocks `first` to `last`, in order.

        A missing log can't be told from an absent one here; whoever calls compares what came with
        something that the contract commits to.
        """
        criteria = {
            "address": wire.to_data(address),
            "topics": [wire.to_data(topic)],
            "fromBlock": wire.to_quantity(first),
            "toBlock": wire.to_quantity(last),
        }
        answer = wire.list_(await self.rpc.request("eth_getLogs", criteria), "eth_getLogs")
        logs = [_parse_placed_log(wire.object_(entry, "a log")) for entry in answer]
        for entry in logs:
            foreign = entry.log.address != address or entry.log.topics[:1] != (topic,)
            if foreign or not first <= entry.block_number <= last:
                raise L1EndpointInconsistent("the L1 endpoint sent a log that we did not ask for")
        return tuple(sorted(logs, key=lambda entry: (entry.block_number, entry.index)))

    async def call(
        self,
        to: Address,
        function: Function,
        *arguments: object,
        at: At = LATEST,
        sender: Address | None = None,
        value: int = 0,
    ) -> tuple[Any, ...]:
        """Call a function in the state after a block.

        Raises `L1CallReverted` with the contract's reason, `L1ContractMissing` for no code.
        """
        request: dict[str, object] = {
            "to": wire.to_data(to),
            "data": wire.to_data(function.call(*arguments)),
        }
        if sender is not None:
            request |= {"from": wire.to_data(sender), "value": wire.to_quantity(value)}
        try:
            answer = await self.rpc.request("eth_call", request, _block_parameter(at))
        except L1CallReverted as error:
            raise self._named(error) from None
        output = wire.data(answer, function.name)
        if not output and function.returns:
            await self.require_code(to, function.name, at=at)
        return function.result(output)

    async def require_code(self, at_address: Address, what: str, *, at: At = LATEST) -> bytes:
        """The code of a contract. Raises `L1ContractMissing` for none."""
        code = await self.code(at_address, at=at)
        if not code:
            raise L1ContractMissing(at_address, what)
        return code

    async def code(self, address: Address, *, at: At = LATEST) -> bytes:
        """Code at an address; empty where there is none."""
        answer = await self.rpc.request("eth_getCode", wire.to_data(address), _block_parameter(at))
        return wire.data(answer, "eth_getCode")

    async def balance(self, address: Address, *, at: At = LATEST) -> Wei:
        """Balance in wei."""
        answer = await self.rpc.request(
            "eth_getBalance", wire.to_data(address), _block_parameter(at)
        )
        return Wei(wire.quantity(answer, "eth_getBalance"))

    async def nonce(self, address: Address, *, at: At = LATEST) -> int:
        """Next nonce of an account in the state after a block."""
        answer = await self.rpc.request(
            "eth_getTransactionCount", wire.to_data(address), _block_parameter(at)
        )
        return wire.quantity(answer, "eth_getTransactionCount")

    async def fees(self) -> FeeQuote:
        """The newest base fee, and the tip that the endpoint suggests."""
        head = await self.header(LATEST)
        try:
            answer = await self.rpc.request("eth_maxPriorityFeePerGas")
        except L1RequestRefused:
            return FeeQuote(head.base_fee, Wei(0))  # an optional method; the bidder has a minimum
        return FeeQuote(head.base_fee, Wei(wire.quantity(answer, "eth_maxPriorityFeePerGas")))

    async def estimate(self, sender: Address, to: Address | None, data: bytes, value: int) -> Gas:
        """Gas that a transaction would need now. Raises `L1CallReverted`."""
        request = {
            "from": wire.to_data(sender),
            "data": wire.to_data(data),
            "value": wire.to_quantity(value),
        }
        if to is not None:
            request["to"] = wire.to_data(to)
        try:
            answer = await self.rpc.request("eth_estimateGas", request)
        except L1CallReverted as error:
            raise self._named(error) from None
        return Gas(wire.quantity(answer, "eth_estimateGas"))

    async def send_raw(self, raw: bytes) -> None:
        """Hand in a signed transaction. Raises `L1RequestRefused` with the pool's words."""
        await self.rpc.request("eth_sendRawTransaction", wire.to_data(raw))

    async def receipt(self, hash: Hash32) -> L1Receipt | None:
        """The receipt, or None while the transaction is in no block of the endpoint's chain."""
        answer = await self.rpc.request("eth_getTransactionReceipt", wire.to_data(hash))
        if answer is None:
            return None
        receipt = _parse_receipt(wire.object_(answer, "eth_getTransactionReceipt"))
        if receipt.hash != hash:
            raise L1EndpointInconsistent("the L1 endpoint sent the receipt of another transaction")
        return receipt

    def _named(self, error: L1CallReverted) -> L1CallReverted:
        """The same revert, with the custom error's name in place of its selector."""
        reason = describe_revert(error.revert_data, self._errors) or error.reason
        return L1CallReverted(error.method, error.code, reason, error.revert_data)


def _block_parameter(at: At) -> object:
    """A tag as it is; a hash as EIP-1898's object."""
    return at if isinstance(at, str) else {"blockHash": wire.to_data(at)}


def _parse_placed_log(entry: Json) -> L1Log:
    if entry.get("removed") is True:
        raise L1EndpointInconsistent("the L1 endpoint sent a log that a reorg removed")
    return L1Log(
        log=_parse_log(entry),
        block_number=BlockNumber(wire.quantity(entry.get("blockNumber"), "blockNumber")),
        block_hash=wire.hash_(entry.get("blockHash"), "blockHash"),
        index=wire.quantity(entry.get("logIndex"), "logIndex"),
    )


def _parse_log(entry: Json) -> Log:
    topics = wire.list_(entry.get("topics"), "topics")
    return Log(
        address=wire.address(entry.get("address"), "the log's address"),
        topics=tuple(wire.hash_(topic, "a topic") for topic in topics),
        data=wire.data(entry.get("data"), "the log's data"),
    )


def _parse_receipt(entry: Json) -> L1Receipt:
    contract = entry.get("contractAddress")
    logs = wire.list_(entry.get("logs"), "logs")
    return L1Receipt(
        hash=wire.hash_(entry.get("transactionHash"), "transactionHash"),
        block_number=BlockNumber(wire.quantity(entry.get("blockNumber"), "blockNumber")),
        block_hash=wire.hash_(entry.get("blockHash"), "blockHash"),
        succeeded=wire.quantity(entry.get("status"), "status") == 1,
        gas_used=Gas(wire.quantity(entry.get("gasUsed"), "gasUsed")),
        contract=None if contract is None else wire.address(contract, "contractAddress"),
        logs=tuple(_parse_log(wire.object_(log, "a log")) for log in logs),
    )
