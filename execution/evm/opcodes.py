"""The instruction table: py-evm's Cancun opcodes, with those that need it replaced.

An opcode is replaced where a chain rule changes it, where py-evm is wrong at an edge, or where it
takes far more time than its gas is worth. All other logic is py-evm's own.
"""

from functools import partial
from typing import Any

from eth import constants
from eth.exceptions import Halt, InvalidInstruction, OutOfGas, WriteProtection
from eth.vm import opcode_values as op
from eth.vm.forks.berlin.constants import COLD_ACCOUNT_ACCESS_COST
from eth.vm.forks.cancun.opcodes import CANCUN_OPCODES
from eth.vm.logic.arithmetic import exp

from execution.evm import arithmetic, calls
from execution.evm.addresses import creation2_address, creation_address
from execution.evm.arithmetic import Logic
from execution.evm.limits import CALL_DEPTH_MAX, INITCODE_BYTES_MAX
from execution.evm.message import FrameKind, Message
from execution.evm.size_rules import SizeRule
from execution.machine.opcodes.mnemonics import name_in_traces
from state.blocks import Log
from state.keccak import keccak
from state.types import Address, Hash32

GAS_EXP_BYTE = 50
"""For each byte of an exponent (EIP-160)."""

INITCODE_WORD_GAS = 2
"""For each word of creation code (EIP-3860)."""

NONCE_LIMIT = 2**64 - 1
"""A nonce that no creation may go beyond (EIP-2681)."""

NONCE_EXCEEDED = "nonce uint64 overflow"
ADDRESS_TAKEN = "contract address collision"
"""Why a creation didn't begin, in geth's words; its creator only sees a zero."""


def _words(size: int) -> int:
    return (size + 31) // 32


def _require_writable(computation: Any) -> None:
    if computation.msg.is_static:
        raise WriteProtection("state is read-only inside a STATICCALL")


def _invalid(opcode: int, computation: Any) -> None:
    raise InvalidInstruction(f"invalid opcode: {name_in_traces(opcode)}")


# Stack, memory and calldata


def _pop(computation: Any) -> None:
    computation.stack_pop1_int()


def _mload(computation: Any) -> None:
    start = computation.stack_pop1_int()
    computation.extend_memory(start, 32)
    computation.stack_push_bytes(computation.memory_read_bytes(start, 32))


def _mstore(computation: Any) -> None:
    start, value = computation.stack_pop_ints(2)
    computation.extend_memory(start, 32)
    computation.memory_write(start, 32, value.to_bytes(32, "big"))


def _calldataload(computation: Any) -> None:
    start = computation.stack_pop1_int()
    word = bytes(computation.msg.data[start : start + 32])
    computation.stack_push_bytes(word.ljust(32, b"\0"))


def _calldatacopy(computation: Any) -> None:
    _copy_from(computation, computation.msg.data)


def _codecopy(computation: Any) -> None:
    _copy_from(computation, computation.msg.code)


def _copy_from(computation: Any, source: bytes | memoryview) -> None:
    """Copy to memory; beyond its end the source is zero."""
    to, start, size = computation.stack_pop_ints(3)
    computation.extend_memory(to, size)
    computation.consume_gas(constants.GAS_COPY * _words(size), "copy")
    if size:
        copied = bytes(source[start : start + size])
        computation.memory_write(to, size, copied.ljust(size, b"\0"))


# Hashing and logs


def _keccak256(computation: Any) -> None:
    start, size = computation.stack_pop_ints(2)
    if computation.state.exceeds(SizeRule.HASH_INPUT, size):
        raise OutOfGas(f"chain rule: KECCAK256 of {size} bytes")
    computation.consume_gas(constants.GAS_SHA3WORD * _words(size), "KECCAK256")
    computation.extend_memory(start, size)
    computation.stack_push_bytes(keccak(computation.memory_read_bytes(start, size)))


def _log(topic_count: int, computation: Any) -> None:
    _require_writable(computation)
    start, size, *topics = computation.stack_pop_ints(2 + topic_count)
    computation.consume_gas(
        constants.GAS_LOGDATA * size + constants.GAS_LOGTOPIC * topic_count, "LOG"
    )
    computation.extend_memory(start, size)
    db = computation.state.db
    data = computation.memory_read_bytes(start, size)
    encoded = encoded_log_bytes(topic_count, data)
    if computation.state.exceeds(SizeRule.LOGS, db.log_bytes + encoded):
        raise OutOfGas(f"chain rule: logs of {db.log_bytes + encoded} bytes")
    words = tuple(Hash32(topic.to_bytes(32, "big")) for topic in topics)
    db.add_log(Log(computation.msg.storage_address, words, data), encoded)


def encoded_log_bytes(topic_count: int, data: bytes) -> int:
    """Bytes of rlp([address, topics, data]): what a log takes in its receipt."""
    data_bytes = 1 if len(data) == 1 and data[0] < 0x80 else _with_prefix(len(data))
    return _with_prefix(21 + _with_prefix(33 * topic_count) + data_bytes)


def _with_prefix(size: int) -> int:
    if size < 56:
        return 1 + size
    return 1 + (size.bit_length() + 7) // 8 + size


# Storage that ends with the transaction


def _tload(computation: Any) -> None:
    slot = computation.stack_pop1_int()
    value = computation.state.db.transient(computation.msg.storage_address, slot)
    computation.stack_push_int(value)


def _tstore(computation: Any) -> None:
    _require_writable(computation)
    slot, value = computation.stack_pop_ints(2)
    computation.state.db.set_transient(computation.msg.storage_address, slot, value)


# Creating and destroying


def _create(computation: Any) -> None:
    _require_writable(computation)
    value, start, size = computation.stack_pop_ints(3)
    _create_with(computation, value, start, size, None)


def _create2(computation: Any) -> None:
    _require_writable(computation)
    value, start, size, salt = computation.stack_pop_ints(4)
    _create_with(computation, value, start, size, salt)


def _create_with(computation: Any, value: int, start: int, size: int, salt: int | None) -> None:
    """Yellow Paper appendix H.2, EIP-150, 1014, 3860; sizes are checked before anything else."""
    if size > INITCODE_BYTES_MAX:
        raise OutOfGas(f"creation code of {size} bytes (EIP-3860)")
    word_gas = INITCODE_WORD_GAS + (0 if salt is None else constants.GAS_SHA3WORD)
    computation.consume_gas(constants.GAS_CREATE + word_gas * _words(size), "CREATE")
    computation.extend_memory(start, size)
    computation.return_data = b""
    creator = computation.msg.storage_address
    db = computation.state.db
    values = db.values(creator)
    too_deep = computation.msg.depth + 1 > CALL_DEPTH_MAX
    initcode = computation.memory_read_bytes(start, size)
    remaining = computation.get_gas_remaining()
    message = Message(
        gas=remaining - remaining // 64,
        to=None,
        sender=creator,
        value=value,
        data=b"",
        code=initcode,
        depth=computation.msg.depth + 1,
        create_address=_new_address(creator, values.nonce, salt, initcode),
        kind=FrameKind.CREATE if salt is None else FrameKind.CREATE2,
    )
    if too_deep or values.balance < value or values.nonce >= NONCE_LIMIT:
        computation.refused(message, _why_refused(too_deep, values.balance < value))
        computation.stack_push_int(0)
        return
    computation.consume_gas(message.gas, "CREATE")
    db.set_nonce(creator, values.nonce + 1)
    db.warm_address(message.storage_address)
    if computation.state.has_code_or_nonce(message.storage_address):
        computation.refused(message, ADDRESS_TAKEN, gas_used=message.gas)
        computation.stack_push_int(0)
        return
    _run_creation(computation, message)


def _new_address(creator: Address, nonce: int, salt: int | None, initcode: bytes) -> Address:
    if salt is None:
        return creation_address(creator, nonce)
    return creation2_address(creator, salt, initcode)


def _why_refused(too_deep: bool, poor: bool) -> str:
    if too_deep:
        return calls.DEPTH_EXCEEDED
    return calls.BALANCE_EXCEEDED if poor else NONCE_EXCEEDED


def _run_creation(computation: Any, message: Message) -> None:
    child = computation.apply_create_message(
        computation.state, message, computation.transaction_context
    )
    if child.is_error:
        computation.return_data = child.output
        computation.stack_push_int(0)
    else:
        computation.stack_push_bytes(message.storage_address)
    computation.return_gas(child.get_gas_remaining())


def _selfdestruct(computation: Any) -> None:
    """Send all ether; delete the account only if this transaction made it (EIP-6780)."""
    _require_writable(computation)
    beneficiary = calls.to_address(computation.stack_pop1_int())
    db = computation.state.db
    self_address = computation.msg.storage_address
    if db.warm_address(beneficiary):
        computation.consume_gas(COLD_ACCOUNT_ACCESS_COST, "SELFDESTRUCT")
    balance = db.values(self_address).balance
    if balance and db.is_empty(beneficiary):
        computation.consume_gas(constants.GAS_SELFDESTRUCT_NEWACCOUNT, "SELFDESTRUCT")
    db.add_balance(self_address, -balance)
    db.add_balance(beneficiary, balance)
    if balance and computation.state.notes_transfers:
        computation.state.note_transfer(self_address, beneficiary, balance)
    if self_address in db.created:
        db.set_balance(self_address, 0)
        db.mark_destroyed(self_address)
    computation.selfdestructed(beneficiary, balance)
    raise Halt("SELFDESTRUCT")


# The table

_REPLACED: dict[int, tuple[int, Logic]] = {
    **arithmetic.OPERATIONS,
    op.SHA3: (constants.GAS_SHA3, _keccak256),
    op.TLOAD: (100, _tload),
    op.TSTORE: (100, _tstore),
    op.CREATE: (0, _create),
    op.CREATE2: (0, _create2),
    op.CALL: (0, calls.call),
    op.CALLCODE: (0, calls.callcode),
    op.DELEGATECALL: (0, calls.delegatecall),
    op.STATICCALL: (0, calls.staticcall),
    op.CALLDATALOAD: (constants.GAS_VERYLOW, _calldataload),
    op.CALLDATACOPY: (constants.GAS_VERYLOW, _calldatacopy),
    op.CODECOPY: (constants.GAS_VERYLOW, _codecopy),
    op.SELFDESTRUCT: (5_000, _selfdestruct),
    op.EXP: (constants.GAS_EXP, partial(exp.func, gas_per_byte=GAS_EXP_BYTE)),
    op.POP: (constants.GAS_BASE, _pop),
    op.MLOAD: (constants.GAS_VERYLOW, _mload),
    op.MSTORE: (constants.GAS_VERYLOW, _mstore),
    **{op.LOG0 + n: (constants.GAS_LOG, partial(_log, n)) for n in range(5)},
}


def _entry(opcode: int) -> tuple[int, Logic]:
    """The fixed price of an opcode and what it does after paying that."""
    if opcode in _REPLACED:
        return _REPLACED[opcode]
    theirs: Any = CANCUN_OPCODES.get(opcode)
    if theirs is None:
        return 0, partial(_invalid, opcode)
    if hasattr(theirs, "logic_fn"):
        return theirs.gas_cost, theirs.logic_fn
    return 0, theirs.__call__


TABLE: tuple[tuple[int, Logic], ...] = tuple(_entry(opcode) for opcode in range(256))
"""By opcode: the gas charged before it runs, and what it does on a computation.

Of PUSH, DUP, SWAP, JUMP, JUMPI, PC and JUMPDEST only the gas counts: the loop does them itself.
"""
