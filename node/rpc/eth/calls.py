"""`eth_`: trying transactions without sending them."""

from execution.simulate import (
    AccountOverride,
    CallRequest,
    Overrides,
    call,
    checked,
    create_access_list,
    estimate_gas,
)
from execution.transaction import AccessListEntry
from node import limits
from node.rpc.backend import Backend
from node.rpc.codec import (
    BlockRef,
    Tag,
    data,
    list_of,
    parse_address,
    parse_block,
    parse_data,
    parse_object,
    parse_quantity,
    parse_slot,
    parse_uint64,
    quantity,
)
from node.rpc.dispatch import Param, method
from node.rpc.errors import InvalidParams
from node.rpc.format import Json, access_list_json
from state.types import ZERO_ADDRESS, Gas, Wei

_CALL_GAS_MAX = Gas(limits.RPC_CALL_GAS_MAX)

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
    given = {name: item for name, item in parse_object(value).items() if item is not None}
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
    )


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
    given = {name: item for name, item in parse_object(value).items() if item is not None}
    if "movePrecompileToAddress" in given:
        raise InvalidParams("precompiles can't be moved")
    if "state" in given and "stateDiff" in given:
        raise InvalidParams("account has both 'state' and 'stateDiff'")
    return AccountOverride(
        balance=Wei(parse_quantity(given["balance"])) if "balance" in given else None,
        nonce=parse_uint64(given["nonce"]) if "nonce" in given else None,
        code=parse_data(given["code"]) if "code" in given else None,
        storage=_slots(given["state"]) if "state" in given else None,
        storage_diff=_slots(given.get("stateDiff", {})),
    )


def _slots(value: object) -> dict[int, int]:
    slots = parse_object(value)
    if len(slots) > limits.RPC_OVERRIDE_SLOTS_MAX:
        raise InvalidParams(f"overrides of more than {limits.RPC_OVERRIDE_SLOTS_MAX} slots")
    return {parse_slot(slot): parse_slot(word) for slot, word in slots.items()}


_CALL = Param(parse_call)
_LATEST = Param(parse_block, Tag.LATEST)
_NO_OVERRIDES = Param(parse_overrides, {})


class CallMethods:
    """Simulations on any block's state."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @method("eth_call", _CALL, _LATEST, _NO_OVERRIDES)
    async def call(self, request: CallRequest, ref: BlockRef, overrides: Overrides) -> str:
        """What a call returns. A revert is error 3 with its data."""
        world = self._backend.world(ref, overrides)
        return data(
            await self._backend.evm.run(lambda: checked(call(world, request, _CALL_GAS_MAX)).output)
        )

    @method("eth_estimateGas", _CALL, _LATEST, _NO_OVERRIDES)
    async def estimate(self, request: CallRequest, ref: BlockRef, overrides: Overrides) -> str:
        """A gas limit that suffices."""
        world = self._backend.world(ref, overrides)
        return quantity(await self._backend.evm.run(estimate_gas, world, request, _CALL_GAS_MAX))

    @method("eth_createAccessList", _CALL, _LATEST, _NO_OVERRIDES)
    async def access_list(self, request: CallRequest, ref: BlockRef, overrides: Overrides) -> Json:
        """What a call accesses, and the gas it uses with that list."""
        world = self._backend.world(ref, overrides)
        result = await self._backend.evm.run(create_access_list, world, request, _CALL_GAS_MAX)
        found: Json = {
            "accessList": access_list_json(result.access_list),
            "gasUsed": quantity(result.gas_used),
        }
        if result.error is not None:
            found["error"] = result.error
        return found
