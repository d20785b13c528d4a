"""`eth_`: accounts, storage and proofs, at any block."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from node import limits
from node.rpc.backend import Backend, HeaderNotFound
from node.rpc.codec import (
    BlockRef,
    Tag,
    data,
    list_of,
    parse_address,
    parse_block,
    parse_object,
    parse_slot,
    quantity,
    word,
)
from node.rpc.dispatch import Param, method
from node.rpc.errors import InvalidParams
from node.rpc.format import Json
from state.accounts import Account
from state.proofs import AccountProof
from state.types import Address

_ADDRESS = Param(parse_address)
_BLOCK = Param(parse_block, Tag.LATEST)
_SLOT = Param(parse_slot)
_parse_slots = list_of(parse_slot, limits.RPC_PROOF_SLOTS_MAX)


class SlotKey(NamedTuple):
    """A storage key, and how it is written in the answer: whole if it was given whole."""

    slot: int
    written: str


def parse_slot_key(value: object) -> SlotKey:
    """Parse a storage key of eth_getProof; clients compare it with what they sent."""
    slot = parse_slot(value)
    is_whole = len(str(value)) == len(word(slot))
    return SlotKey(slot, word(slot) if is_whole else quantity(slot))


_parse_keys = list_of(parse_slot_key, limits.RPC_PROOF_SLOTS_MAX)


def parse_slot_requests(value: object) -> dict[Address, tuple[int, ...]]:
    """Parse addresses with the slots to read of each, so many slots together."""
    requests = {
        parse_address(address): _parse_slots(slots)
        for address, slots in parse_object(value).items()
    }
    if sum(map(len, requests.values())) > limits.RPC_PROOF_SLOTS_MAX:
        raise InvalidParams(f"too many slots (max {limits.RPC_PROOF_SLOTS_MAX})")
    return requests


class AccountMethods:
    """Reads of the state after any block, the pending one too."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def _account(self, address: Address, ref: BlockRef) -> Account:
        return (await self._backend.state_at(ref)).account(address) or Account()

    @method("eth_getBalance", _ADDRESS, _BLOCK)
    async def balance(self, address: Address, ref: BlockRef) -> str:
        """The balance in wei."""
        return quantity((await self._account(address, ref)).balance)

    @method("eth_getTransactionCount", _ADDRESS, _BLOCK)
    async def nonce(self, address: Address, ref: BlockRef) -> str:
        """The nonce to use next; "pending" counts what waits in the pool."""
        mempool = self._backend.mempool
        if ref is Tag.PENDING and mempool is not None:
            return quantity(mempool.next_nonce(address))
        return quantity((await self._account(address, ref)).nonce)

    @method("eth_getCode", _ADDRESS, _BLOCK)
    async def code(self, address: Address, ref: BlockRef) -> str:
        """The code of a contract."""
        state = await self._backend.state_at(ref)
        account = state.account(address)
        return "0x" if account is None else data(state.code(account.code_hash))

    @method("eth_getStorageAt", _ADDRESS, _SLOT, _BLOCK)
    async def storage(self, address: Address, slot: int, ref: BlockRef) -> str:
        """A storage slot, as 32 bytes."""
        return word((await self._backend.state_at(ref)).storage(address, slot))

    @method("eth_getStorageValues", Param(parse_slot_requests), _BLOCK)
    async def storage_values(self, requests: dict[Address, tuple[int, ...]], ref: BlockRef) -> Json:
        """Many storage slots of many accounts, from one state."""
        state = await self._backend.state_at(ref)
        return {
            data(address): [word(state.storage(address, slot)) for slot in slots]
            for address, slots in requests.items()
        }

    @method("eth_getProof", _ADDRESS, Param(_parse_keys), _BLOCK)
    async def proof(self, address: Address, keys: tuple[SlotKey, ...], ref: BlockRef) -> Json:
        """An account and slots of it with Merkle proofs to the state root (EIP-1186)."""
        slots = [key.slot for key in keys]
        written = proof_json(await self._prove(address, slots, ref))
        for one, key in zip(written["storageProof"], keys, strict=True):
            one["key"] = key.written
        return written

    async def _prove(self, address: Address, slots: Sequence[int], ref: BlockRef) -> AccountProof:
        pending = await self._backend.pending_block(ref)
        if pending is not None:
            return await asyncio.to_thread(pending.state.prove, address, slots)
        number = self._backend.number_of(ref)
        if number is None:
            raise HeaderNotFound
        return await asyncio.to_thread(self._backend.store.prove, number, address, slots)


def proof_json(proof: AccountProof) -> Json:
    """A proof as JSON (EIP-1186)."""
    account = proof.account or Account()
    return {
        "address": data(proof.address),
        "accountProof": [data(node) for node in proof.nodes],
        "balance": quantity(account.balance),
        "codeHash": data(account.code_hash),
        "nonce": quantity(account.nonce),
        "storageHash": data(account.storage_root),
        "storageProof": [
            {
                "key": quantity(slot.slot),
                "value": quantity(slot.value),
                "proof": [data(node) for node in slot.nodes],
            }
            for slot in proof.storage
        ],
    }
