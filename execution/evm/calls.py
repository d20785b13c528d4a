"""CALL, CALLCODE, DELEGATECALL and STATICCALL (Yellow Paper, H.2; EIP-150, 161, 214, 2929).

py-evm spreads a call over a dozen methods and checks each field of its message again; as calls are
cheap in gas, that made deep recursion the slowest program there is.
"""

from dataclasses import dataclass
from typing import Any

from eth import constants
from eth.exceptions import OutOfGas, WriteProtection
from eth.vm.forks.berlin.constants import COLD_ACCOUNT_ACCESS_COST, WARM_STORAGE_READ_COST

from execution.evm.limits import CALL_DEPTH_MAX
from execution.evm.message import FrameKind, Message
from state.types import Address

_ADDRESS_MASK = 2**160 - 1

DEPTH_EXCEEDED = "max call depth exceeded"
BALANCE_EXCEEDED = "insufficient balance for transfer"
"""Why a call or creation didn't begin, in geth's words; its caller only sees a zero."""


@dataclass(slots=True)
class _Call:
    """One call, as its opcode describes it."""

    kind: FrameKind
    gas: int
    code_address: Address
    to: Address
    sender: Address
    value: int
    transfers: bool
    is_static: bool
    input: tuple[int, int]
    output: tuple[int, int]
    extra_gas: int = 0


def to_address(word: int) -> Address:
    """The lowest 20 bytes of a stack word."""
    return Address((word & _ADDRESS_MASK).to_bytes(20, "big"))


def call(computation: Any) -> None:
    """CALL: run another account's code on that account."""
    gas, word, value, *ranges = computation.stack_pop_ints(7)
    message = computation.msg
    if value and message.is_static:
        raise WriteProtection("state is read-only inside a STATICCALL")
    to = to_address(word)
    extra = constants.GAS_CALLVALUE if value else 0
    if value and computation.state.db.is_empty(to):
        extra += constants.GAS_NEWACCOUNT
    _enter(
        computation,
        _Call(
            kind=FrameKind.CALL,
            gas=gas,
            code_address=to,
            to=to,
            sender=message.storage_address,
            value=value,
            transfers=True,
            is_static=message.is_static,
            input=(ranges[0], ranges[1]),
            output=(ranges[2], ranges[3]),
            extra_gas=extra,
        ),
    )


def callcode(computation: Any) -> None:
    """CALLCODE: run another account's code on this one, as called by this one."""
    gas, word, value, *ranges = computation.stack_pop_ints(7)
    message = computation.msg
    _enter(
        computation,
        _Call(
            kind=FrameKind.CALLCODE,
            gas=gas,
            code_address=to_address(word),
            to=message.storage_address,
            sender=message.storage_address,
            value=value,
            transfers=True,
            is_static=message.is_static,
            input=(ranges[0], ranges[1]),
            output=(ranges[2], ranges[3]),
            extra_gas=constants.GAS_CALLVALUE if value else 0,
        ),
    )


def delegatecall(computation: Any) -> None:
    """DELEGATECALL: run another account's code on this one, with this frame's sender and value."""
    gas, word, *ranges = computation.stack_pop_ints(6)
    message = computation.msg
    _enter(
        computation,
        _Call(
            kind=FrameKind.DELEGATECALL,
            gas=gas,
            code_address=to_address(word),
            to=message.storage_address,
            sender=message.sender,
            value=message.value,
            transfers=False,
            is_static=message.is_static,
            input=(ranges[0], ranges[1]),
            output=(ranges[2], ranges[3]),
        ),
    )


def staticcall(computation: Any) -> None:
    """STATICCALL: CALL without value, in which nothing may change."""
    gas, word, *ranges = computation.stack_pop_ints(6)
    to = to_address(word)
    _enter(
        computation,
        _Call(
            kind=FrameKind.STATICCALL,
            gas=gas,
            code_address=to,
            to=to,
            sender=computation.msg.storage_address,
            value=0,
            transfers=False,
            is_static=True,
            input=(ranges[0], ranges[1]),
            output=(ranges[2], ranges[3]),
        ),
    )


def _enter(computation: Any, call: _Call) -> None:
    """Pay, check depth and balance, run the callee, take what it returns."""
    computation.extend_memory(*call.input)
    computation.extend_memory(*call.output)
    gas = _pay(computation, call)
    db = computation.state.db
    message = computation.msg
    poor = call.transfers and call.value > db.values(message.storage_address).balance
    too_deep = message.depth >= CALL_DEPTH_MAX
    if poor or too_deep:
        reason = DEPTH_EXCEEDED if too_deep else BALANCE_EXCEEDED
        computation.refused(_message(computation, call, gas, b""), reason)
        computation.return_data = b""
        computation.return_gas(gas)
        computation.stack_push_int(0)
        return
    child = computation.apply_message(
        computation.state,
        _message(computation, call, gas, db.code(call.code_address)),
        computation.transaction_context,
    )
    _return(computation, child, call.output)


def _message(computation: Any, call: _Call, gas: int, code: bytes) -> Message:
    return Message(
        gas=gas,
        to=call.to,
        sender=call.sender,
        value=call.value,
        data=computation._memory.view(*call.input),
        code=code,
        depth=computation.msg.depth + 1,
        code_address=call.code_address,
        should_transfer_value=call.transfers,
        is_static=call.is_static,
        kind=call.kind,
    )


def _pay(computation: Any, call: _Call) -> int:
    """Charge the access, the value transfer and the callee's gas; the gas that the callee gets."""
    cold = computation.state.db.warm_address(call.code_address)
    computation.consume_gas(COLD_ACCOUNT_ACCESS_COST if cold else WARM_STORAGE_READ_COST, "CALL")
    available: int = computation.get_gas_remaining() - call.extra_gas
    if available < 0:
        raise OutOfGas("call with value")
    gas = min(call.gas, available - available // 64)
    computation.consume_gas(gas + call.extra_gas, "CALL")
    stipend = constants.GAS_CALLSTIPEND if call.value and call.transfers else 0
    return gas + stipend


def _return(computation: Any, child: Any, output: tuple[int, int]) -> None:
    computation.stack_push_int(0 if child.is_error else 1)
    returned = child.output
    computation.return_data = returned
    start, size = output
    copied = min(size, len(returned))
    computation.memory_write(start, copied, returned[:copied])
    computation.return_gas(child.get_gas_remaining())
