"""The steps of a frame that are no instruction: load, copy, precompile, deploy, leave."""

from dataclasses import replace

from execution.evm.limits import CODE_BYTES_MAX
from execution.machine import code, precompiles
from execution.machine.failure import CodeTooLong, InvalidCode
from execution.machine.frame import Frame
from execution.machine.gas import CODE_DEPOSIT_BYTE
from execution.machine.limits import COPY_BYTES_MAX
from execution.machine.memory import EMPTY_VIEW
from execution.machine.operations import (
    CodeCopyOperation,
    CodeSizeOperation,
    CopyOperation,
    PrecompileOperation,
)
from execution.machine.state import MachineState
from execution.machine.status import Outcome, Status


def load(machine: MachineState) -> None:
    """LOAD: open the code by its hash, once; from then on it is read by path."""
    frame = machine.running_frame
    frame.code = code.load(machine.world.code(frame.code_hash))
    machine.status = Status.RUN


def copy(machine: MachineState) -> None:
    """COPY: at most 32 KB into memory, until the cursor is at the end."""
    operation, frame = machine.take(CopyOperation), machine.running_frame
    size = min(COPY_BYTES_MAX, operation.size - operation.done)
    data = operation.source.read(operation.start + operation.done, size)
    done = operation.done + size
    if done == operation.size:
        # MCOPY of one byte must not cost a copy of the whole memory that it froze.
        frame.memory.thaw(frame.returndata)
    frame.memory.write(operation.destination + operation.done, data)
    if done < operation.size:
        machine.pend(Status.COPY, replace(operation, done=done))
    else:
        machine.status = Status.RUN


def finish_extcodesize(machine: MachineState) -> None:
    """EXTCODESIZE: open the code by its hash, for its length."""
    operation = machine.take(CodeSizeOperation)
    machine.running_frame.stack.append(len(machine.world.code(operation.code_hash)))
    machine.status = Status.RUN


def open_extcode(machine: MachineState) -> None:
    """EXTCODECOPY: open the code by its hash, and make it a view to copy from."""
    operation = machine.take(CodeCopyOperation)
    source = code.load(machine.world.code(operation.code_hash)).view
    machine.pend(
        Status.COPY,
        CopyOperation(source, operation.start, operation.destination, operation.size),
    )


def run_precompile(machine: MachineState) -> None:
    """PRECOMPILE: one call of it, whole."""
    operation, frame = machine.take(PrecompileOperation), machine.running_frame
    machine.halt(precompiles.run(machine, frame, operation.address))


def deploy(machine: MachineState) -> None:
    """DEPLOY: pay for the code that a creation returned, and set it (EIP-170, 3541)."""
    frame = machine.running_frame
    if frame.returndata.length > CODE_BYTES_MAX:
        raise CodeTooLong(frame.returndata.length, CODE_BYTES_MAX)
    deployed = frame.returndata.whole()
    if deployed[:1] == b"\xef":
        raise InvalidCode("code begins with 0xEF (EIP-3541)")
    machine.charge(frame, CODE_DEPOSIT_BYTE * len(deployed))
    if deployed:
        machine.world.set_code(frame.address, deployed)
    frame.returndata = EMPTY_VIEW
    machine.status = Status.LEAVE


def leave(machine: MachineState) -> None:
    """LEAVE: hand gas, result and output to the caller, or to the transaction."""
    frame = machine.running_frame
    parent = machine.frame = frame.parent
    if parent is None:
        _leave_transaction(machine, frame)
        return
    parent.resume()
    parent.gas += frame.gas
    parent.returndata = frame.returndata
    parent.memory.thaw(frame.returndata)
    succeeded = frame.outcome is Outcome.SUCCESS
    if frame.is_create:
        parent.stack.append(int.from_bytes(frame.address, "big") if succeeded else 0)
    else:
        parent.stack.append(int(succeeded))
    machine.status = Status.RUN
    size = min(frame.output_size, frame.returndata.length)
    if size:
        operation = CopyOperation(frame.returndata, 0, frame.output_start, size)
        machine.pend(Status.COPY, operation)


def _leave_transaction(machine: MachineState, frame: Frame) -> None:
    tx = machine.running_tx
    tx.gas = frame.gas
    tx.outcome = frame.outcome
    tx.output = frame.returndata
    machine.status = Status.SETTLE
