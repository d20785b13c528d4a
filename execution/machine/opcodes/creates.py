"""CREATE, CREATE2 and SELFDESTRUCT (f0, f5, ff; EIP-150, 161, 684, 1014, 3860, 6780, 7610).

A creation takes four steps after the instruction: hash the initcode, warm the new address and look
for a collision, make the frame, fund the account. A destruction takes two.
"""

from typing import Final

from execution.evm.limits import CALL_DEPTH_MAX, INITCODE_BYTES_MAX
from execution.machine import gas
from execution.machine.chain import Link
from execution.machine.failure import CodeTooLong
from execution.machine.frame import Frame
from execution.machine.journal import CREATED
from execution.machine.limits import NONCE_END
from execution.machine.memory import EMPTY_VIEW
from execution.machine.opcodes.calls import refuse
from execution.machine.opcodes.environment import to_address
from execution.machine.opcodes.instruction import Family, Instruction
from execution.machine.opcodes.storage import require_writable
from execution.machine.operations import (
    CreationOperation,
    InitcodeOperation,
    SelfdestructOperation,
)
from execution.machine.records import Destructed
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.words import words_of
from execution.machine.world import Values
from state import rlp
from state.accounts import EMPTY_CODE_HASH
from state.keccak import keccak
from state.types import Address, Hash32


def creation_address(creator: Address, nonce: int) -> Address:
    """Where a contract goes that `creator` makes with this nonce (Yellow Paper, section 7)."""
    return Address(keccak(rlp.encode([creator, rlp.encode_uint(nonce)]))[12:])


def salted_address(creator: Address, salt: int, code_hash: Hash32) -> Address:
    """Where CREATE2 puts a contract (EIP-1014)."""
    return Address(keccak(b"\xff" + creator + salt.to_bytes(32, "big") + code_hash)[12:])


def _create(machine: MachineState, frame: Frame) -> None:
    stack = frame.stack
    value, start, size = stack.pop(), stack.pop(), stack.pop()
    _pay(machine, frame, InitcodeOperation(value, start, size, False, 0), gas.INITCODE_WORD)


def _create2(machine: MachineState, frame: Frame) -> None:
    stack = frame.stack
    value, start, size, salt = stack.pop(), stack.pop(), stack.pop(), stack.pop()
    word_gas = gas.INITCODE_WORD + gas.KECCAK_WORD
    _pay(machine, frame, InitcodeOperation(value, start, size, True, salt), word_gas)


def _pay(machine: MachineState, frame: Frame, initcode: InitcodeOperation, word_gas: int) -> None:
    require_writable(frame)
    if initcode.size > INITCODE_BYTES_MAX:
        raise CodeTooLong(initcode.size, INITCODE_BYTES_MAX)
    machine.charge(frame, word_gas * words_of(initcode.size))
    machine.reach(frame, initcode.start, initcode.size)
    frame.returndata = EMPTY_VIEW
    machine.pend(Status.CREATE_HASH, initcode)


def hash_initcode(machine: MachineState) -> None:
    """CREATE_HASH: find the address, bump the creator's nonce, take all but a 64th of the gas."""
    initcode, frame = machine.take(InitcodeOperation), machine.running_frame
    values = machine.world.values(frame.address)
    too_deep = frame.depth >= CALL_DEPTH_MAX
    if values.balance < initcode.value or values.nonce >= NONCE_END or too_deep:
        refuse(machine, frame)
        return
    code = frame.memory.read(initcode.start, initcode.size)
    code_hash = machine.world.remember_code(code)
    if initcode.salted:
        address = salted_address(frame.address, initcode.salt, code_hash)
    else:
        address = creation_address(frame.address, values.nonce)
    passed = gas.all_but_64th(frame.gas)
    machine.charge(frame, passed)
    machine.world.set_nonce(frame.address, values.nonce + 1)
    machine.pend(
        Status.CREATE_WARM,
        CreationOperation(address, frame.address, initcode.value, passed, code_hash),
    )


def warm_created(machine: MachineState) -> None:
    """CREATE_WARM: warm the address, which stays warm; a taken address costs all the gas."""
    creation = machine.take(CreationOperation)
    machine.warm(creation.address)
    if not _is_taken(machine, creation.address):
        machine.pend(Status.CREATE_ENTER, creation)
    elif machine.frame is not None:
        refuse(machine, machine.frame)
    else:
        machine.fail_transaction()


def _is_taken(machine: MachineState, address: Address) -> bool:
    """Code, a nonce or storage (EIP-684, EIP-7610)."""
    values = machine.world.values(address)
    if values.nonce or values.code_hash != EMPTY_CODE_HASH:
        return True
    return machine.world.has_storage(address)


def enter_created(machine: MachineState) -> None:
    """CREATE_ENTER: make the frame, and note that this transaction made the contract."""
    creation = machine.take(CreationOperation)
    snapshot = machine.snapshot()
    machine.journal.mark(creation.address, CREATED)
    machine.frame = Frame(
        parent=machine.frame,
        address=creation.address,
        caller=creation.creator,
        value=creation.value,
        gas=creation.gas,
        code_hash=creation.code_hash,
        snapshot=snapshot,
        is_create=True,
    )
    machine.status = Status.CREATE_FUND


def fund_created(machine: MachineState) -> None:
    """CREATE_FUND: move the ether; the new account's nonce is 1 (EIP-161)."""
    frame, world = machine.running_frame, machine.world
    if frame.value:
        world.add_balance(frame.caller, -frame.value)
    balance = world.values(frame.address).balance + frame.value
    world.set_values(frame.address, Values(1, balance, EMPTY_CODE_HASH))
    if frame.code_hash == EMPTY_CODE_HASH:
        machine.halt(EMPTY_VIEW)
    else:
        machine.status = Status.LOAD


# Destruction


def _selfdestruct(machine: MachineState, frame: Frame) -> None:
    require_writable(frame)
    beneficiary = to_address(frame.stack.pop())
    if machine.is_cold(beneficiary):
        machine.charge(frame, gas.COLD_ACCOUNT)
    machine.warm(beneficiary)
    machine.pend(Status.SELFDESTRUCT_SEND, SelfdestructOperation(beneficiary))


def send_balance(machine: MachineState) -> None:
    """SELFDESTRUCT_SEND: pay for a new account if it takes one, and send all ether."""
    operation, frame = machine.take(SelfdestructOperation), machine.running_frame
    world, beneficiary = machine.world, operation.beneficiary
    balance = world.values(frame.address).balance
    if balance and world.is_empty(beneficiary):
        machine.charge(frame, gas.SELFDESTRUCT_NEW_ACCOUNT)
    if balance and beneficiary != frame.address:
        world.add_balance(frame.address, -balance)
        world.add_balance(beneficiary, balance)
    machine.touch(beneficiary)
    machine.status = Status.SELFDESTRUCT_MARK


def mark_destructed(machine: MachineState) -> None:
    """SELFDESTRUCT_MARK: only what this transaction made is deleted, at its end (EIP-6780)."""
    frame, world = machine.running_frame, machine.world
    if machine.journal.is_created(frame.address):
        values = world.values(frame.address)
        world.set_values(frame.address, Values(values.nonce, 0, values.code_hash))
        machine.destructs = Link(Destructed(frame.address), machine.destructs)
    machine.halt(EMPTY_VIEW)


CREATES: Final[Family] = {
    0xF0: Instruction(gas.CREATE, 3, 1, _create),
    0xF5: Instruction(gas.CREATE, 4, 1, _create2),
    0xFF: Instruction(gas.SELFDESTRUCT, 1, 0, _selfdestruct),
}
