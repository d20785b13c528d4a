"""CALL, CALLCODE, DELEGATECALL and STATICCALL (f1, f2, f4, fa; EIP-150, 161, 214, 2929).

The instruction pays, which takes the callee's account; ENTER moves the ether and makes the frame.
"""

from typing import Final, NamedTuple

from execution.evm.limits import CALL_DEPTH_MAX
from execution.machine.frame import Frame
from execution.machine.gas import CALL_NEW_ACCOUNT, CALL_STIPEND, CALL_VALUE, all_but_64th
from execution.machine.memory import EMPTY_VIEW
from execution.machine.opcodes.environment import access, to_address
from execution.machine.opcodes.instruction import Family, Instruction
from execution.machine.opcodes.storage import require_writable
from execution.machine.operations import CallOperation, PrecompileOperation
from execution.machine.state import PRECOMPILES, MachineState
from execution.machine.status import Status
from execution.machine.world import World
from state.accounts import EMPTY_CODE_HASH
from state.types import Address


class _Target(NamedTuple):
    """Whose code runs where, as whose call."""

    code_address: Address
    to: Address
    caller: Address
    value: int
    transfers: bool
    is_static: bool


def _call(machine: MachineState, frame: Frame) -> None:
    stack = frame.stack
    gas, to, value = stack.pop(), to_address(stack.pop()), stack.pop()
    if value:
        require_writable(frame)
    _pay(machine, frame, gas, _Target(to, to, frame.address, value, True, frame.is_static))


def _callcode(machine: MachineState, frame: Frame) -> None:
    stack = frame.stack
    gas, code_address, value = stack.pop(), to_address(stack.pop()), stack.pop()
    here = frame.address
    _pay(machine, frame, gas, _Target(code_address, here, here, value, True, frame.is_static))


def _delegatecall(machine: MachineState, frame: Frame) -> None:
    stack = frame.stack
    gas, code_address = stack.pop(), to_address(stack.pop())
    here, caller, value = frame.address, frame.caller, frame.value
    target = _Target(code_address, here, caller, value, False, frame.is_static)
    _pay(machine, frame, gas, target)


def _staticcall(machine: MachineState, frame: Frame) -> None:
    stack = frame.stack
    gas, to = stack.pop(), to_address(stack.pop())
    _pay(machine, frame, gas, _Target(to, to, frame.address, 0, False, True))


def _pay(machine: MachineState, frame: Frame, requested: int, target: _Target) -> None:
    """Charge memory, access, value and the callee's gas; the ranges are still on the stack."""
    stack = frame.stack
    input_start, input_size = stack.pop(), stack.pop()
    output_start, output_size = stack.pop(), stack.pop()
    machine.reach(frame, input_start, input_size)
    machine.reach(frame, output_start, output_size)
    access(machine, frame, target.code_address)
    sends = target.transfers and target.value > 0
    if sends:
        machine.charge(frame, CALL_VALUE)
        # What runs has code or a nonce, so that only another account can be new.
        if target.to != frame.address and machine.world.is_empty(target.to):
            machine.charge(frame, CALL_NEW_ACCOUNT)
    gas = min(requested, all_but_64th(frame.gas))
    machine.charge(frame, gas)
    operation = CallOperation(
        gas=gas + (CALL_STIPEND if sends else 0),
        code_address=target.code_address,
        code_hash=machine.world.values(target.code_address).code_hash,
        to=target.to,
        caller=target.caller,
        value=target.value,
        transfers=target.transfers,
        is_static=target.is_static,
        input=frame.memory.view(input_start, input_size),
        output_start=output_start,
        output_size=output_size,
    )
    machine.pend(Status.ENTER, operation)


# The steps that follow


def enter(machine: MachineState) -> None:
    """ENTER: check depth and balance, move the ether, make the frame."""
    call = machine.take(CallOperation)
    parent = machine.frame
    if parent is not None and _is_refused(machine.world, parent, call):
        parent.gas += call.gas
        refuse(machine, parent)
        return
    snapshot = machine.snapshot()
    if call.transfers and call.value:
        machine.world.add_balance(call.caller, -call.value)
        machine.world.add_balance(call.to, call.value)
    machine.touch(call.to)
    machine.frame = Frame(
        parent=parent,
        address=call.to,
        caller=call.caller,
        value=call.value,
        gas=call.gas,
        code_hash=call.code_hash,
        snapshot=snapshot,
        input=call.input,
        is_static=call.is_static,
        output_start=call.output_start,
        output_size=call.output_size,
    )
    _start(machine, call)


def _is_refused(world: World, parent: Frame, call: CallOperation) -> bool:
    if parent.depth >= CALL_DEPTH_MAX:
        return True
    return call.transfers and call.value > world.values(parent.address).balance


def refuse(machine: MachineState, frame: Frame) -> None:
    """A call or creation that doesn't start: zero, and no return data."""
    frame.returndata = EMPTY_VIEW
    frame.stack.append(0)
    machine.status = Status.RUN


def _start(machine: MachineState, call: CallOperation) -> None:
    if call.code_address in PRECOMPILES:
        machine.pend(Status.PRECOMPILE, PrecompileOperation(call.code_address))
    elif call.code_hash == EMPTY_CODE_HASH:
        machine.halt(EMPTY_VIEW)
    else:
        machine.status = Status.LOAD


CALLS: Final[Family] = {
    0xF1: Instruction(0, 7, 1, _call),
    0xF2: Instruction(0, 7, 1, _callcode),
    0xF4: Instruction(0, 6, 1, _delegatecall),
    0xFA: Instruction(0, 6, 1, _staticcall),
}
