"""Storage, lasting and transient (54, 55, 5c, 5d; EIP-1153, 2200, 2929, 3529).

A slot's access is in the journal, its value two paths away, its original value two more: SLOAD
takes two steps and SSTORE three, so that none opens more than two tries.
"""

from typing import Final

from execution.machine import gas
from execution.machine.failure import OutOfGas, WriteProtection
from execution.machine.frame import Frame
from execution.machine.opcodes.instruction import Family, Instruction
from execution.machine.operations import SlotOperation
from execution.machine.state import MachineState
from execution.machine.status import Status


def require_writable(frame: Frame) -> None:
    """Raises `WriteProtection` inside a STATICCALL (EIP-214)."""
    if frame.is_static:
        raise WriteProtection("state is read-only inside a STATICCALL")


def _sload(machine: MachineState, frame: Frame) -> None:
    slot = frame.stack.pop()
    cold = not machine.journal.is_slot_warm(frame.address, slot)
    machine.charge(frame, gas.COLD_SLOT if cold else gas.WARM_ACCESS)
    machine.journal.warm_slot(frame.address, slot)
    machine.pend(Status.SLOAD, SlotOperation(slot))


def _sstore(machine: MachineState, frame: Frame) -> None:
    require_writable(frame)
    if frame.gas <= gas.SSTORE_SENTRY:
        raise OutOfGas("SSTORE with no more than the stipend")
    slot, value = frame.stack.pop(), frame.stack.pop()
    cold = not machine.journal.is_slot_warm(frame.address, slot)
    machine.journal.warm_slot(frame.address, slot)
    machine.pend(Status.SSTORE_READ, SlotOperation(slot, value, cold))


def _tload(machine: MachineState, frame: Frame) -> None:
    stack = frame.stack
    stack[-1] = machine.journal.transient(frame.address, stack[-1])


def _tstore(machine: MachineState, frame: Frame) -> None:
    require_writable(frame)
    slot, value = frame.stack.pop(), frame.stack.pop()
    machine.journal.set_transient(frame.address, slot, value)


# The steps that follow


def finish_sload(machine: MachineState) -> None:
    """SLOAD: read the value."""
    operation, frame = machine.take(SlotOperation), machine.running_frame
    frame.stack.append(machine.world.storage(frame.address, operation.slot))
    machine.status = Status.RUN


def read_original(machine: MachineState) -> None:
    """SSTORE_READ: what the slot held before the transaction."""
    operation, frame = machine.take(SlotOperation), machine.running_frame
    original = machine.world.original_storage(frame.address, operation.slot)
    machine.pend(
        Status.SSTORE_WRITE,
        SlotOperation(operation.slot, operation.value, operation.cold, original),
    )


def finish_sstore(machine: MachineState) -> None:
    """SSTORE_WRITE: price, refund and write."""
    operation, frame = machine.take(SlotOperation), machine.running_frame
    current = machine.world.storage(frame.address, operation.slot)
    price, refund = sstore_price(operation.original, current, operation.value)
    machine.charge(frame, price + (gas.COLD_SLOT if operation.cold else 0))
    machine.refund += refund
    if operation.value != current:
        machine.world.set_storage(frame.address, operation.slot, operation.value)
    machine.status = Status.RUN


def sstore_price(original: int, current: int, new: int) -> tuple[int, int]:
    """Gas without the cold surcharge, and the change of the refund (EIP-2200, 3529)."""
    if new == current:
        return gas.WARM_ACCESS, 0
    if current == original:
        if original == 0:
            return gas.SSTORE_SET, 0
        return gas.SSTORE_RESET, gas.SSTORE_CLEAR_REFUND if new == 0 else 0
    refund = 0
    if original and current == 0:
        refund -= gas.SSTORE_CLEAR_REFUND
    elif original and new == 0:
        refund += gas.SSTORE_CLEAR_REFUND
    if new == original:
        dirty = gas.SSTORE_SET if original == 0 else gas.SSTORE_RESET
        refund += dirty - gas.WARM_ACCESS
    return gas.WARM_ACCESS, refund


STORAGE: Final[Family] = {
    0x54: Instruction(0, 1, 1, _sload),
    0x55: Instruction(0, 2, 0, _sstore),
    0x5C: Instruction(100, 1, 1, _tload),
    0x5D: Instruction(100, 2, 0, _tstore),
}
