"""Why a call failed, in words."""

from node.decoding.abi import Decoded
from node.decoding.book import AddressBook
from node.decoding.text import arguments_text, bytes_text, printable
from node.decoding.trace import TracedCall
from node.rpc.errors import PANIC_REASONS
from state.types import ZERO_ADDRESS


def failure_of(call: TracedCall, book: AddressBook) -> Decoded | None:
    """The error that a call reverted with, if it is known."""
    return book.error(call.to or ZERO_ADDRESS, call.output) if call.output else None


def failure_text(call: TracedCall, book: AddressBook) -> str:
    """One line: the reason, the panic by name, the custom error, or what the machine said."""
    error = failure_of(call, book)
    if error is None:
        said = printable(call.error or "")
        return f"{said}: {bytes_text(call.output)}" if call.output else said
    values = [one.value for one in error.arguments]
    if error.name == "Error" and len(values) == 1:
        return f'reverted: "{printable(str(values[0]))}"'
    if error.name == "Panic" and len(values) == 1:
        code = int(values[0])
        return f"panic 0x{code:02x}: {PANIC_REASONS.get(code, 'unknown panic code')}"
    return f"{printable(error.name)}({arguments_text(error.arguments, book.name)})"
