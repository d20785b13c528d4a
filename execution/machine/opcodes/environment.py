"""What a frame is told: its call, its block, and other accounts (30s and 40s)."""

from collections.abc import Callable
from typing import Final

from execution.machine.frame import Frame
from execution.machine.gas import COLD_ACCOUNT, WARM_ACCESS, copy_gas
from execution.machine.opcodes.instruction import Family, Instruction
from execution.machine.operations import CodeCopyOperation, CodeSizeOperation
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.world import NOTHING
from state.types import Address

_ADDRESS_MASK: Final = 2**160 - 1


def to_address(word: int) -> Address:
    """The lowest 20 bytes of a word."""
    return Address((word & _ADDRESS_MASK).to_bytes(20, "big"))


def number_of(data: bytes) -> int:
    """The word that an address or hash is on the stack."""
    return int.from_bytes(data, "big")


def _push(value: Callable[[MachineState, Frame], int]) -> Instruction:
    """An instruction that pushes something at hand."""

    def logic(machine: MachineState, frame: Frame) -> None:
        frame.stack.append(value(machine, frame))

    return Instruction(2, 0, 1, logic)


def _calldataload(_machine: MachineState, frame: Frame) -> None:
    stack = frame.stack
    stack[-1] = number_of(frame.input.read(stack[-1], 32))


def _blockhash(machine: MachineState, frame: Frame) -> None:
    stack = frame.stack
    stack[-1] = number_of(machine.block.ancestor(stack[-1]))


def _blobhash(_machine: MachineState, frame: Frame) -> None:
    """There are no blobs (docs/chain-rules.md)."""
    frame.stack[-1] = 0


def _selfbalance(machine: MachineState, frame: Frame) -> None:
    frame.stack.append(machine.world.values(frame.address).balance)


# Other accounts: the access is paid first, so that a failing step reads no account


def access(machine: MachineState, frame: Frame, address: Address) -> None:
    """Pay for an account's access and warm it (EIP-2929)."""
    machine.charge(frame, COLD_ACCOUNT if machine.is_cold(address) else WARM_ACCESS)
    machine.warm(address)


def _balance(machine: MachineState, frame: Frame) -> None:
    stack = frame.stack
    address = to_address(stack[-1])
    access(machine, frame, address)
    stack[-1] = machine.world.values(address).balance


def _extcodehash(machine: MachineState, frame: Frame) -> None:
    """Zero where there is no account (EIP-1052)."""
    stack = frame.stack
    address = to_address(stack[-1])
    access(machine, frame, address)
    values = machine.world.values(address)
    stack[-1] = 0 if values == NOTHING else number_of(values.code_hash)


def _extcodesize(machine: MachineState, frame: Frame) -> None:
    """Two steps: the second one opens the code by its hash."""
    address = to_address(frame.stack.pop())
    access(machine, frame, address)
    code_hash = machine.world.values(address).code_hash
    machine.pend(Status.EXTCODESIZE, CodeSizeOperation(code_hash))


def _extcodecopy(machine: MachineState, frame: Frame) -> None:
    """Access and price here; then the code is opened, and copied as any view."""
    stack = frame.stack
    address = to_address(stack.pop())
    destination, start, size = stack.pop(), stack.pop(), stack.pop()
    machine.reach(frame, destination, size)
    machine.charge(frame, copy_gas(size))
    access(machine, frame, address)
    if size:
        code_hash = machine.world.values(address).code_hash
        machine.pend(Status.EXTCODECOPY, CodeCopyOperation(code_hash, destination, start, size))


ENVIRONMENT: Final[Family] = {
    0x30: _push(lambda machine, frame: number_of(frame.address)),
    0x31: Instruction(0, 1, 1, _balance),
    0x32: _push(lambda machine, frame: number_of(machine.running_tx.source.sender)),
    0x33: _push(lambda machine, frame: number_of(frame.caller)),
    0x34: _push(lambda machine, frame: frame.value),
    0x35: Instruction(3, 1, 1, _calldataload),
    0x36: _push(lambda machine, frame: frame.input.length),
    0x38: _push(lambda machine, frame: len(frame.program.data)),
    0x3A: _push(lambda machine, frame: machine.running_tx.price),
    0x3B: Instruction(0, 1, 1, _extcodesize),
    0x3C: Instruction(0, 4, 0, _extcodecopy),
    0x3D: _push(lambda machine, frame: frame.returndata.length),
    0x3F: Instruction(0, 1, 1, _extcodehash),
    0x40: Instruction(20, 1, 1, _blockhash),
    0x41: _push(lambda machine, frame: number_of(machine.block.context.coinbase)),
    0x42: _push(lambda machine, frame: machine.block.context.timestamp),
    0x43: _push(lambda machine, frame: machine.block.context.number),
    0x44: _push(lambda machine, frame: number_of(machine.block.context.prev_randao)),
    0x45: _push(lambda machine, frame: machine.block.context.gas_limit),
    0x46: _push(lambda machine, frame: machine.block.context.chain_id),
    0x47: Instruction(5, 0, 1, _selfbalance),
    0x48: _push(lambda machine, frame: machine.block.context.base_fee),
    0x49: Instruction(3, 1, 1, _blobhash),
    0x4A: _push(lambda machine, frame: machine.block.context.blob_base_fee),
}
