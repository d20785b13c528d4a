"""The pending operation, which a witness opens and leaves pending."""

from execution.machine.state import MachineState, Op
from state.errors import InternalError


def pending(state: MachineState, kind: type[Op]) -> Op:
    """The operation that the status says is pending."""
    operation = state.operation
    if not isinstance(operation, kind):
        raise InternalError(f"{operation!r} is pending in status {state.status.name}")
    return operation
