"""`eth_`: filling transactions in, signing and sending them for accounts that the node holds."""

import asyncio
from dataclasses import replace

from execution.signing import UnsignedTransaction
from execution.simulate import CallRequest, estimate_gas
from execution.transaction import TransactionType
from execution.transactions import decode
from node import limits
from node.rpc.backend import Backend
from node.rpc.codec import Tag, data, parse_quantity
from node.rpc.dispatch import Param, method
from node.rpc.errors import CallFailed, InvalidParams
from node.rpc.eth.requests import given_members, parse_call
from node.rpc.eth.signers import UnknownAccount
from node.rpc.eth.tips import TipOracle
from node.rpc.format import Json, signed_transaction_json, unsigned_transaction_json
from state.accounts import Account
from state.errors import Invalid
from state.types import Gas, Wei


def parse_transaction(value: object) -> tuple[CallRequest, int | None]:
    """Parse a transaction to complete, and the chain id that it is for, if it says so.

    Raises `InvalidParams`.
    """
    given = given_members(value)
    request = parse_call(given)
    if request.to is None and not request.data:
        raise InvalidParams("contract creation without any data provided")
    return request, parse_quantity(given["chainId"]) if "chainId" in given else None


_TRANSACTION = Param(parse_transaction)

Requested = tuple[CallRequest, int | None]


class SendingMethods:
    """Transactions that the node completes, in go-ethereum's way."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._tips = TipOracle(backend)
        self._sending = asyncio.Lock()

    @method("eth_fillTransaction", _TRANSACTION)
    async def fill(self, requested: Requested) -> Json:
        """The transaction with nonce, fees and gas as they should be, to be signed."""
        fields = await self._filled(*requested)
        request = replace(
            requested[0],
            max_fee_per_gas=fields.max_fee_per_gas,
            max_priority_fee_per_gas=fields.max_priority_fee_per_gas,
        )
        chain_id = self._backend.config.chain_id
        unsigned = request.as_transaction(fields.nonce, fields.gas, chain_id)
        return {"tx": unsigned_transaction_json(unsigned)}

    @method("eth_signTransaction", _TRANSACTION)
    async def sign_transaction(self, requested: Requested) -> Json:
        """A signed transaction; gas, nonce and fees have to be given, as geth wants them."""
        request = requested[0]
        if request.gas is None:
            raise CallFailed("gas not specified")
        if request.max_fee_per_gas is None or request.max_priority_fee_per_gas is None:
            raise CallFailed("missing gasPrice or maxFeePerGas/maxPriorityFeePerGas")
        if request.nonce is None:
            raise CallFailed("nonce not specified")
        raw = await self._signed(requested)
        signed = decode(raw, chain_id=self._backend.config.chain_id)
        return {"raw": data(raw), "tx": signed_transaction_json(signed)}

    @method("eth_sendTransaction", _TRANSACTION)
    async def send(self, requested: Requested) -> str:
        """Complete, sign and send a transaction; one after the other, for their nonces' sake."""
        async with self._sending:
            return data(await self._backend.submit(await self._signed(requested)))

    async def _signed(self, requested: Requested) -> bytes:
        sender = requested[0].sender
        try:
            fields = await self._filled(*requested)
        except Invalid:
            if sender not in self._backend.signers.addresses():
                raise UnknownAccount from None  # that comes first, whatever else is wrong
            raise
        return self._backend.signers.sign_transaction(sender, fields)

    async def _filled(self, request: CallRequest, chain_id: int | None) -> UnsignedTransaction:
        """What the caller left open, filled in. Raises `CallFailed` and what an estimate does."""
        config = self._backend.config
        if chain_id is not None and chain_id != config.chain_id:
            raise CallFailed(
                f"chainId does not match node's (have={chain_id}, want={config.chain_id})"
            )
        fee_cap, tip = self._fees(request)
        return UnsignedTransaction(
            nonce=self._nonce(request) if request.nonce is None else request.nonce,
            gas=await self._gas(request) if request.gas is None else request.gas,
            to=request.to,
            value=request.value,
            data=request.data,
            max_fee_per_gas=fee_cap,
            max_priority_fee_per_gas=tip,
            access_list=request.access_list,
            type=request.type,
        )

    def _fees(self, request: CallRequest) -> tuple[Wei, Wei]:
        """Fee cap and tip. By default the cap is twice the base fee and the tip, as in geth."""
        fee_cap, tip = request.max_fee_per_gas, request.max_priority_fee_per_gas
        if request.type is not TransactionType.FEE_MARKET:
            if not fee_cap:
                raise CallFailed("gasPrice must be non-zero after london fork")
            return fee_cap, fee_cap
        if tip is None:
            tip = self._tips.suggested()
        if fee_cap is None:
            base_fee = self._backend.header(Tag.LATEST).base_fee_per_gas
            fee_cap = Wei(tip + 2 * base_fee)
        if fee_cap < tip:
            raise CallFailed(f"maxFeePerGas ({fee_cap:#x}) < maxPriorityFeePerGas ({tip:#x})")
        return fee_cap, tip

    def _nonce(self, request: CallRequest) -> int:
        mempool = self._backend.mempool
        if mempool is not None:
            return mempool.next_nonce(request.sender)
        account = self._backend.state(Tag.LATEST).account(request.sender) or Account()
        return account.nonce

    async def _gas(self, request: CallRequest) -> Gas:
        """An estimate in the pending state, which what was sent before has left."""
        world = await self._backend.world_at(Tag.PENDING, {})
        return await self._backend.evm.run(
            estimate_gas, world, request, Gas(limits.RPC_CALL_GAS_MAX)
        )
