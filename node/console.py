"""console.log of Hardhat and Foundry: calls to an address without code, shown in the node's log.

A contract that logs makes a STATICCALL to the address, with its values as the arguments of a
function `log`. For the chain that is a call of an empty account like any other; a devnet's node
listens to it while it builds a block or tries a call. Nothing is executed in another way.
"""

import logging
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from typing import Any, Final

from eth_utils.address import to_checksum_address

from execution.evm.accounts import AccountDatabase
from execution.evm.context import BlockContext
from execution.evm.engine import MakeEvm, Outcome
from execution.evm.tracer import Entry, Tracer
from execution.evm.tracing import TracedEvm
from execution.transaction import Transaction
from genesis.config import ExecutionRules
from node.decoding.abi import Abi
from node.decoding.text import is_address, printable
from node.limits import CONSOLE_BYTES_MAX, CONSOLE_LINE_CHARACTERS_MAX, CONSOLE_LINES_MAX
from state.accounts import StateReader
from state.keccak import keccak
from state.types import Address

CONSOLE_ADDRESS: Final = Address(b"console.log".rjust(20, b"\0"))
"""The eleven letters as an address (Hardhat, `console.sol`)."""

_MIXED: Final = ("uint256", "string", "bool", "address")
"""What up to four arguments may be, in any combination."""
_MIXED_MAX: Final = 4
_ALONE: Final = ("int256", "bytes", *(f"bytes{size}" for size in range(1, 33)))
_PAIRS: Final = (("string", "int256"),)
"""What there is besides: single values, and Foundry's text with a signed number."""
_OLD_NAMES: Final = {"uint256": "uint", "int256": "int"}
"""Older libraries hash these names, which are no types of the ABI."""

_PLACE: Final = re.compile(r"%[sdioOx%]")

_log = logging.getLogger("tallystick.console")


def _signatures() -> Iterator[tuple[str, tuple[str, ...]]]:
    """All functions `log`, with the types of their arguments."""
    mixed = (types for count in range(_MIXED_MAX + 1) for types in product(_MIXED, repeat=count))
    for types in (*mixed, *((one,) for one in _ALONE), *_PAIRS):
        yield f"log({','.join(types)})", types
        old = tuple(_OLD_NAMES.get(one, one) for one in types)
        yield f"log({','.join(old)})", types


@cache
def console_abi() -> Abi:
    """The console's functions by selector."""
    abi = Abi(())
    for signature, types in _signatures():
        inputs = [{"type": one, "name": ""} for one in types]
        item = {"type": "function", "name": "log", "inputs": inputs, "outputs": []}
        abi.functions[keccak(signature.encode())[:4]] = item
    return abi


def console_line(data: bytes) -> str:
    """What a call of the console says, formatted as Node.js does; other bytes as they are."""
    decoded = console_abi().call(data)
    if decoded is None:
        return printable(f"0x{data.hex()}", CONSOLE_LINE_CHARACTERS_MAX)
    values = [one.value for one in decoded.arguments]
    if values and isinstance(values[0], str) and decoded.arguments[0].type == "string":
        text = _filled(values[0], values[1:])
    else:
        text = " ".join(_shown(value) for value in values)
    return printable(text, CONSOLE_LINE_CHARACTERS_MAX)


def _filled(text: str, values: list[Any]) -> str:
    """Put values where `text` has places for them, and the rest behind it."""
    waiting = iter(values)
    used = 0

    def fill(place: re.Match[str]) -> str:
        nonlocal used
        if place[0] == "%%":
            return "%"
        if used == len(values):
            return place[0]
        used += 1
        value = next(waiting)
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return hex(value) if place[0] == "%x" and is_number else _shown(value)

    filled = _PLACE.sub(fill, text) if values else text
    return " ".join([filled, *(_shown(value) for value in waiting)])


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, str) and is_address(value):
        return to_checksum_address(value)
    return str(value)


class ConsoleTracer(Tracer):
    """Hears the console's calls of transactions, and tells them when each is done.

    What a failed call said is told too: that is what one looks for. With `once` only the first
    transaction is told, since an estimate tries one again and again.
    """

    def __init__(self, tell: Callable[[str], None], *, once: bool = False) -> None:
        self._tell = tell
        self._once = once
        self._is_done = False
        self._calls: list[bytes] = []
        self._missed = 0
        self._bytes = 0

    def begin(self, tx: Transaction, state: AccountDatabase, context: BlockContext) -> None:
        self._calls.clear()
        self._missed = self._bytes = 0

    def enter(self, entry: Entry) -> None:
        if entry.to != CONSOLE_ADDRESS or self._is_done:
            return
        size = self._bytes + len(entry.input)
        if len(self._calls) == CONSOLE_LINES_MAX or size > CONSOLE_BYTES_MAX:
            self._missed += 1
        else:
            self._calls.append(entry.input)
            self._bytes = size

    def end(self, outcome: Outcome) -> None:
        for call in self._calls:
            self._tell(console_line(call))
        if self._missed:
            self._tell(f"… and {self._missed} lines more of this transaction")
        self._is_done = self._once


def _to_log(line: str) -> None:
    _log.info("console.log: %s", line)


def listening_engine(*, once: bool = False) -> MakeEvm:
    """An engine that shows console.log in the node's log, and does all else as always."""
    tracer = ConsoleTracer(_to_log, once=once)

    def make(state: StateReader, context: BlockContext, rules: ExecutionRules) -> TracedEvm:
        return TracedEvm(state, context, rules, tracer)

    return make


def listening_to_calls() -> MakeEvm:
    """The same for one simulation, which is told once however often it runs."""
    return listening_engine(once=True)
