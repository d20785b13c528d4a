"""Transactions, accounts and blocks as the methods that simulate and send take them."""

from collections.abc import Mapping
from typing import Any

from execution.overrides import AccountOverride, BlockOverrides, Overrides
from execution.simulate import CallRequest
from execution.transaction import AccessListEntry, TransactionType
from node import limits
from node.rpc.codec import (
    list_of,
    parse_address,
    parse_data,
    parse_object,
    parse_quantity,
    parse_slot,
    parse_uint64,
)
from node.rpc.errors import InvalidParams
from state.types import ZERO_ADDRESS, BlockNumber, Gas, Hash32, Timestamp, Wei

_parse_slots = list_of(parse_slot, limits.RPC_PROOF_SLOTS_MAX)


def _parse_access_list_entry(value: object) -> AccessListEntry:
    entry = parse_object(value)
    return AccessListEntry(
        parse_address(entry.get("address")), _parse_slots(entry.get("storageKeys", []))
    )


_parse_access_list = list_of(_parse_access_list_entry, limits.RPC_PROOF_SLOTS_MAX)


def parse_call(value: object) -> CallRequest:
    """Parse a transaction to try (execution-apis, "Transaction object generic to all types").

    Unknown members are ignored, as in go-ethereum; blob and set-code transactions don't exist here.
    Raises `InvalidParams`.
    """
    given = given_members(value)
    for name in ("blobVersionedHashes", "authorizationList"):
        if given.get(name):
            raise InvalidParams(f"transaction type not supported: {name}")
    fee_cap, tip = _fees(given)
    return CallRequest(
        sender=parse_address(given["from"]) if "from" in given else ZERO_ADDRESS,
        to=parse_address(given["to"]) if "to" in given else None,
        gas=Gas(parse_uint64(given["gas"])) if "gas" in given else None,
        value=Wei(parse_quantity(given.get("value", "0x0"))),
        data=_input(given),
        nonce=parse_uint64(given["nonce"]) if "nonce" in given else None,
        max_fee_per_gas=fee_cap,
        max_priority_fee_per_gas=tip,
        access_list=_parse_access_list(given.get("accessList", [])),
        type=_type(given),
    )


def given_members(value: object) -> dict[str, object]:
    """The members of an object that are not null. Raises `InvalidParams`."""
    return {name: item for name, item in parse_object(value).items() if item is not None}


def _type(given: Mapping[str, object]) -> TransactionType:
    """The type that the members call for: one price makes it an older one, whatever it says."""
    if "gasPrice" not in given:
        return TransactionType.FEE_MARKET
    return TransactionType.ACCESS_LIST if "accessList" in given else TransactionType.LEGACY


def _fees(given: dict[str, object]) -> tuple[Wei | None, Wei | None]:
    """Fee cap and tip; a gas price is both."""

    def wei(name: str) -> Wei | None:
        return Wei(parse_quantity(given[name])) if name in given else None

    price, fee_cap, tip = wei("gasPrice"), wei("maxFeePerGas"), wei("maxPriorityFeePerGas")
    if price is None:
        return fee_cap, tip
    if fee_cap is not None or tip is not None:
        raise InvalidParams("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
    return price, price


def _input(given: dict[str, object]) -> bytes:
    """The input under its new name or its old one."""
    if "input" not in given:
        return parse_data(given.get("data", "0x"))
    found = parse_data(given["input"])
    if "data" in given and parse_data(given["data"]) != found:
        raise InvalidParams(
            'both "data" and "input" are set and not equal.'
            ' Please use "input" to pass transaction call data'
        )
    return found


def parse_overrides(value: object) -> Overrides:
    """Parse go-ethereum's state overrides: accounts to pretend. Raises `InvalidParams`."""
    accounts = parse_object(value)
    if len(accounts) > limits.RPC_OVERRIDE_ACCOUNTS_MAX:
        raise InvalidParams(f"overrides of more than {limits.RPC_OVERRIDE_ACCOUNTS_MAX} accounts")
    return {parse_address(address): _override(given) for address, given in accounts.items()}


def _override(value: object) -> AccountOverride:
    given = given_members(value)
    if "state" in given and "stateDiff" in given:
        raise InvalidParams("account has both 'state' and 'stateDiff'")
    moved = given.get("movePrecompileToAddress")
    return AccountOverride(
        balance=Wei(parse_quantity(given["balance"])) if "balance" in given else None,
        nonce=parse_uint64(given["nonce"]) if "nonce" in given else None,
        code=parse_data(given["code"]) if "code" in given else None,
        storage=_slots(given["state"]) if "state" in given else None,
        storage_diff=_slots(given.get("stateDiff", {})),
        precompile_to=None if moved is None else parse_address(moved),
    )


def _slots(value: object) -> dict[int, int]:
    slots = parse_object(value)
    if len(slots) > limits.RPC_OVERRIDE_SLOTS_MAX:
        raise InvalidParams(f"overrides of more than {limits.RPC_OVERRIDE_SLOTS_MAX} slots")
    return {parse_slot(slot): parse_slot(word) for slot, word in slots.items()}


def _word(value: int) -> Hash32:
    return Hash32(value.to_bytes(32, "big"))


_CALL_BLOCK = frozenset({"beaconRoot", "withdrawals"})
"""What only a whole simulated block can have (eth_simulateV1)."""


def parse_block_overrides(value: object) -> BlockOverrides:
    """Parse what a call is to see of its block. Raises `InvalidParams`, in go-ethereum's words."""
    given = given_members(value)
    for name in sorted(_CALL_BLOCK & given.keys()):
        raise InvalidParams(f'block override "{name}" is not supported for this RPC method')
    return block_overrides(given)


def block_overrides(given: Mapping[str, object]) -> BlockOverrides:
    """What is overridden of a block's context; a difficulty means nothing since the merge.

    Raises `InvalidParams`.
    """

    def parsed(name: str, parse: Any, kind: Any) -> Any:
        return kind(parse(given[name])) if name in given else None

    return BlockOverrides(
        number=parsed("number", parse_uint64, BlockNumber),
        timestamp=parsed("time", parse_uint64, Timestamp),
        gas_limit=parsed("gasLimit", parse_uint64, Gas),
        coinbase=parse_address(given["feeRecipient"]) if "feeRecipient" in given else None,
        prev_randao=parsed("prevRandao", parse_slot, _word),
        base_fee=parsed("baseFeePerGas", parse_quantity, Wei),
        blob_base_fee=parsed("blobBaseFee", parse_quantity, Wei),
    )
