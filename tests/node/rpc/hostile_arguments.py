"""Arguments that no honest client sends, made for every parameter of every method."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any, Final

from execution.evm.addresses import creation_address
from node.rpc.codec import as_given
from node.rpc.debug.config import parse_trace_config
from node.rpc.debug.state_diff import parse_kinds
from node.rpc.debug.traces import parse_call_config
from node.rpc.dispatch import Param
from node.rpc.errors import RpcError
from node.rpc.eth.accounts import parse_slot_requests
from node.rpc.eth.fees import parse_percentiles
from node.rpc.eth.requests import parse_block_overrides, parse_call, parse_overrides
from node.rpc.eth.sending import parse_transaction
from node.rpc.eth.simulate import parse_simulation
from node.rpc.eth.typed_data import parse_typed_data
from node.rpc.logs import parse_coming, parse_query
from node.rpc.margin.portfolio import parse_portfolio
from node.rpc.powers.parse import parse_mine
from node.rpc.rollup.inbox import parse_deposit_query
from node.rpc.rollup.withdrawals import parse_withdrawal_query
from node.rpc.trade.methods import parse_filter, parse_page
from node.rpc.trade.parse import (
    parse_cancel_all,
    parse_cancel_order,
    parse_interval,
    parse_options,
    parse_order,
    parse_order_name,
)
from tests.node.rpc.harness import DEV, NOBODY

ALICE, BOB = ("0x" + account.address.hex() for account in DEV[:2])
STRANGER = "0x" + NOBODY.hex()
MAKER = 7
COUNTER = "0x" + creation_address(DEV[MAKER].address, 0).hex()
"""What the maker's first transaction makes."""

HASH = "0x" + "5a" * 32

BROKEN: Final = {"code": -32603, "message": "internal error"}
"""What a client is told of a fault; eth_simulateV1 has the code for another, by specification."""

HOSTILE: Final[tuple[Any, ...]] = (
    True, False, 0, 1, -1, 2**53, 2**63, 2**64 - 1, 2**64, 2**256, -(2**255), 10**300, 0.5, -0.0,
    1e300, "", "0x", "0X1", "0x0", "0x1", "0x01", "-0x1", "0x-1", "+0x1", " 0x1", "0x1 ", "0x1_0",
    "0xg", "0x" + "f" * 16, "0x1" + "0" * 16, "0x" + "f" * 64, "0x1" + "0" * 64, "0xabc", "0xABCD",
    "0x" + "00" * 19, "0x" + "FF" * 20, "0x" + "00" * 32, "0x" + "ff" * 33, "0x" + "00" * 70_000,
    "1", "-1", "1e3", "0b1", "１", "٣", "0x１", "é\u0000\u202e", "\U0001f984" * 50, "nan",
    "latest", "LATEST", "latest ", "pending", "earliest", "safe", "finalized", "x" * 100_000,
    [], {}, [[]], [None], [0], ["0x0"], [{}], [[[[[[]]]]]], ["latest"] * 2_000, {"": None},
    {"a": {"b": {"c": []}}}, {"blockNumber": []}, {"blockHash": 1}, {"blockHash": HASH},
    {"blockNumber": "0x0", "blockHash": HASH}, {"blockNumber": "pending"}, {"__class__": "x"},
)  # fmt: skip
"""Wrong types, numbers beyond their limits, text that Python's own parsers would forgive."""

_CALL: Final = {
    "from": ALICE, "to": COUNTER, "gas": "0x186a0", "value": "0x0", "input": "0x3fa4f245",
    "maxFeePerGas": "0x77359400", "maxPriorityFeePerGas": "0x1", "chainId": "0x67932",
    "accessList": [{"address": STRANGER, "storageKeys": ["0x0"]}],
}  # fmt: skip
_LEGACY: Final = {
    "from": BOB,
    "to": STRANGER,
    "gasPrice": "0x77359400",
    "nonce": "0x0",
    "gas": "0x5208",
}
_BLOCK: Final = {
    "number": "0x7", "time": "0x7fffffff", "gasLimit": "0x1c9c380", "feeRecipient": STRANGER,
    "prevRandao": HASH, "baseFeePerGas": "0x1", "blobBaseFee": "0x1",
}  # fmt: skip
_OVERRIDES: Final = {
    STRANGER: {"balance": "0x1", "nonce": "0x1", "code": "0x00", "stateDiff": {"0x0": HASH}},
    ALICE: {"state": {HASH: HASH}},
    "0x" + "00" * 19 + "04": {"movePrecompileToAddress": "0x" + "77" * 20},
}
_TRACE: Final = {
    "tracer": "callTracer", "tracerConfig": {"withLog": True}, "timeout": "1s", "limit": 5,
    "enableMemory": True,
}  # fmt: skip
_LOGS: Final = {
    "fromBlock": "0x0", "toBlock": "latest", "address": [STRANGER], "topics": [None, HASH, [HASH]],
}  # fmt: skip
_SIGNATURE: Final = "0x" + "11" * 64
_ORDER: Final = {
    "account": 1, "market": 0, "isBuy": True, "sizeS8": "1", "priceP8": "1", "maxFeePpm": 1,
    "flags": 0, "nonce": "1", "expiry": 2**31, "signature": _SIGNATURE,
}  # fmt: skip
_SIGNED_BY: Final = {"time": 1_700_000_000_000, "signature": _SIGNATURE}

EXAMPLES: Final[dict[Callable[..., Any], tuple[Any, ...]]] = {
    parse_call: (_CALL, _LEGACY),
    parse_transaction: (_CALL, _LEGACY),
    parse_overrides: (_OVERRIDES,),
    parse_block_overrides: (_BLOCK,),
    parse_simulation: (
        {
            "blockStateCalls": [
                {"calls": [_CALL], "blockOverrides": _BLOCK, "stateOverrides": _OVERRIDES},
                {"calls": []},
            ],
            "traceTransfers": True,
        },
    ),
    parse_trace_config: (_TRACE, {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}),
    parse_call_config: ({**_TRACE, "stateOverrides": _OVERRIDES, "txIndex": "0x0"},),
    parse_query: (_LOGS, {"blockHash": HASH}),
    parse_coming: (_LOGS,),
    as_given: (_LOGS, {"market": 0, "depth": 5}),
    parse_slot_requests: ({STRANGER: ["0x0"]},),
    parse_percentiles: ([10, 50.5],),
    parse_typed_data: (
        {
            "types": {"A": [{"name": "b", "type": "B[1]"}], "B": [{"name": "n", "type": "int8"}]},
            "primaryType": "A",
            "domain": {"name": "D", "chainId": 1},
            "message": {"b": [{"n": 1}]},
        },
    ),
    parse_portfolio: (
        {
            "account": 1, "cashQ6": "1", "mode": "cross",
            "perps": [{"market": 0, "sizeS8": "1", "entryPriceP8": "100000000"}],
            "markets": [{"market": 0, "markP8": "100000000"}],
        },
    ),
    parse_deposit_query: ({"address": ALICE, "from": "0x0", "to": "0x1", "limit": "0x1"},),
    parse_withdrawal_query: (
        {"address": ALICE, "fromBlock": "0x0", "toBlock": "latest", "limit": "0x1"},
        {"transactionHash": HASH},
    ),
    parse_mine: ({"blocks": 1, "timestamp": 1},),
    parse_order: (_ORDER,),
    parse_options: (
        {
            "selfTradePrevention": "expire-maker", "clientOrderId": "x",
            "trigger": {"kind": "stop", "priceP8": "1"},
        },
    ),
    parse_cancel_order: ({"account": 1, "orderHash": HASH, **_SIGNED_BY},),
    parse_cancel_all: ({"account": 1, "market": 0, **_SIGNED_BY},),
    parse_order_name: ({"account": 1, "clientOrderId": "x"}, HASH),
    parse_interval: ("1m",),
    parse_kinds: (["stateDiff"],),
    parse_filter: ({"market": 0},),
    parse_page: ({"limit": 1, "before": 1},),
}  # fmt: skip
"""What an honest client sends where one value doesn't say it all."""

SIMPLE: Final = ("latest", ALICE, "0x1", HASH, "0x", 1, True, ["0x0"], {})
"""Honest values of all other parameters: the first that is taken stands for it."""


def honest(param: Param) -> Any:
    """A value that the parameter takes."""
    return next(value for value in (*EXAMPLES.get(param.parse, ()), *SIMPLE) if takes(param, value))


def takes(param: Param, value: object) -> bool:
    """Whether a value is parsed."""
    return refusal(param, value) is None


def refusal(param: Param, value: object) -> object:
    """The code of the error that parsing ends with; None where the value is taken."""
    try:
        param.parse(value)
    except RpcError as error:
        return error.body()["code"]
    return None


def taken(params: Sequence[Param], usual: Sequence[Any]) -> Iterator[list[Any]]:
    """Usual arguments with one of them hostile and taken by its parser; at last as they are."""
    for position, param in enumerate(params):
        for value in hostile(param):
            if takes(param, value):
                yield [*usual[:position], value, *usual[position + 1 :]]
    yield [*usual]


def hostile(param: Param) -> Iterator[Any]:
    """Every hostile value, and the honest ones with each of their parts made hostile."""
    yield from HOSTILE
    for example in EXAMPLES.get(param.parse, ()):
        if isinstance(example, str):
            continue
        for path in _paths(example):
            for value in (None, *HOSTILE):
                yield _with(example, path, value)
            yield _without(example, path)
        if isinstance(example, dict):
            yield {**example, "é": 1}


def _paths(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]
    for key, item in items:
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from _paths(item, (*path, key))


def _with(example: Any, path: tuple[Any, ...], value: object) -> Any:
    changed, place = _opened(example, path)
    place[path[-1]] = value
    return changed


def _without(example: Any, path: tuple[Any, ...]) -> Any:
    changed, place = _opened(example, path)
    del place[path[-1]]
    return changed


def _opened(example: Any, path: tuple[Any, ...]) -> tuple[Any, Any]:
    changed = deepcopy(example)
    place = changed
    for key in path[:-1]:
        place = place[key]
    return changed, place
