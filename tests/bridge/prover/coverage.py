"""One step for every cell of the coverage table: each kind of step in each way that it can end."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from random import Random
from typing import Final

from bridge.dispute.coverage import CELLS, UNDEFINED, Cell, Ending, status_kind
from execution.machine.opcodes.creates import creation_address
from execution.machine.opcodes.mnemonics import MNEMONICS
from execution.machine.opcodes.table import TABLE
from execution.machine.status import Status
from execution.transaction import AccessListEntry
from state.batch_codec import BatchBlock
from state.types import Gas, Timestamp
from tests.bridge.derive import rig as rigs
from tests.bridge.derive.inbox import GENESIS_TIME, Inbox
from tests.bridge.derive.rig import ALICE, BOB, BURNER, Rig, transfer
from tests.bridge.prover.execution import at
from tests.bridge.prover.frames import GAS, started
from tests.bridge.prover.test_envelope_prover import signed
from tests.bridge.prover.test_precompile_prover import VALID, called
from tests.execution.evm.world import modexp_input
from tests.execution.machine.world import CONTRACT, OTHER, Run, contract, deposit, transaction

Maker = Callable[[], Run]
"""Makes a machine before the step that a cell is about."""

JUMPDEST: Final = b"\x5b"

ABOVE_64_KB: Final = 65_537

BIG: Final = Gas(2**24)


def code_of(opcode: int) -> bytes:
    """The instruction, and a target for it to jump to."""
    return bytes([opcode]) + JUMPDEST


# Instructions


def instruction_maker(opcode: int, ending: Ending) -> Maker:
    """Before an instruction that ends in this way."""
    code, gas = code_of(opcode), TABLE[opcode].gas
    reads_nothing = opcode == RETURNDATACOPY and ending is Ending.SUCCESS
    stack: Collection[int] = [0 if reads_nothing else 1] * 17
    if ending is Ending.OUT_OF_GAS:
        return partial(started, code, stack, max(gas - 1, 0))
    if ending is Ending.STATIC_VIOLATION:
        return partial(started, code, stack, is_static=True)
    special = STACKS.get(ending)
    if special is not None:
        return partial(started, code, special(opcode), 10 * GAS)
    return partial(started, code, stack)


RETURNDATACOPY: Final = 0x3E


def _too_few(opcode: int) -> list[int]:
    return [0] * (TABLE[opcode].takes - 1)


def _full(_opcode: int) -> list[int]:
    return [0] * 1_024


def _to_nowhere(_opcode: int) -> list[int]:
    """Jump to 0, where no JUMPDEST is; for JUMPI the condition is below."""
    return [1, 0]


def _range_too_long(opcode: int) -> list[int]:
    """KECCAK256 and LOG take start and size first."""
    return [*[0] * (TABLE[opcode].takes - 2), ABOVE_64_KB, 0]


def _initcode_too_long(opcode: int) -> list[int]:
    """CREATE takes value, start and size, and CREATE2 then a salt."""
    return [*[0] * (TABLE[opcode].takes - 3), 49_153, 0, 0]


STACKS: Final[Mapping[Ending, Callable[[int], list[int]]]] = {
    Ending.STACK_UNDERFLOW: _too_few,
    Ending.STACK_OVERFLOW: _full,
    Ending.INVALID_JUMP: _to_nowhere,
    Ending.SIZE_RULE: _range_too_long,
    Ending.CODE_TOO_LONG: _initcode_too_long,
}
"""What has to be on the stack for an instruction to end so; the last item is the top."""


# Precompiles


PRECOMPILES: Final = {
    name: number
    for number, name in enumerate(
        (
            "ecrecover",
            "sha256",
            "ripemd160",
            "identity",
            "modexp",
            "ecadd",
            "ecmul",
            "ecpairing",
            "blake2f",
            "point evaluation",
        ),
        start=1,
    )
}

TOO_LARGE: Final = {
    2: bytes(ABOVE_64_KB),
    3: bytes(ABOVE_64_KB),
    5: modexp_input(b"\1" * 1_025, b"\1", b"\1"),
    8: bytes(257 * 192),
    9: (8_000_001).to_bytes(4, "big") + bytes(209),
}
"""By precompile: an input above its size rule."""

REFUSED: Final = {6: b"\xff" * 64, 7: b"\xff" * 64, 8: b"\xff" * 192, 9: b"", 10: bytes(192)}
"""By precompile: an input that it fails on, whatever is paid."""


def precompile_maker(number: int, ending: Ending) -> Maker:
    """Before the call of a precompile that ends in this way."""
    inputs = {Ending.SIZE_RULE: TOO_LARGE, Ending.INPUT_REFUSED: REFUSED}.get(ending, VALID)
    gas = 0 if ending is Ending.OUT_OF_GAS else 10**8
    return partial(called, number, inputs[number], gas)


# Statuses of a transaction


EVERYTHING: Final = (
    "60205f5f37"  # CALLDATACOPY
    "5f5450"  # SLOAD
    "60015f55"  # SSTORE
    "303b50"  # EXTCODESIZE
    "60015f5f303c"  # EXTCODECOPY
    "5f5f5ff050"  # CREATE of no code
    "5fff"  # SELFDESTRUCT
)
"""Code with a step of every status that a frame can have, but PRECOMPILE."""


def running(code: str, status: Status, times: int = 1, gas: int | None = None) -> Run:
    """A machine before the `times`-th step of a status; `gas` is what its frame then has."""
    run = Run({CONTRACT: contract(code, balance=1), TAKEN: contract("00")})
    run.offer(access_list=(AccessListEntry(OTHER, (1,)),), gas=BIG)
    at(run, status.name, times)
    if gas is not None:
        run.state.running_frame.gas = gas
    return run


TAKEN: Final = creation_address(CONTRACT, 1)
"""Where CONTRACT's first creation would go."""


def creating(initcode: str, gas: int | None = None) -> Run:
    """A machine before the code that a transaction's creation returns is deployed."""
    run = Run()
    run.offer(to=None, data=bytes.fromhex(initcode), gas=BIG)
    run.until(Status.DEPLOY)
    if gas is not None:
        run.state.running_frame.gas = gas
    return run


def offered(raw: bytes) -> Run:
    """A machine before these bytes are validated."""
    run = Run()
    run.machine.offer(raw)
    return run


def buying(is_deposit: bool = False, block_gas_used: int = 0, **changes: object) -> Run:
    """A machine before BUY."""
    run = Run()
    run.offer(deposit(**changes) if is_deposit else transaction(**changes))
    run.until(Status.BUY)
    run.state.block.gas_used = block_gas_used
    return run


def untaken(code: str, status: Status) -> Run:
    """A machine before a creation's step, with nothing in its way."""
    run = Run({CONTRACT: contract(code)})
    run.offer(gas=BIG)
    run.until(status)
    return run


CALL_WITHOUT_FUNDS: Final = "5f5f5f5f6002305af1"
CREATE_WITHOUT_FUNDS: Final = "5f5f6002f0"
CREATE_OF_NOTHING: Final = "5f5f5ff0"
RETURN_ONE_BYTE: Final = "60015ff3"
RETURN_24577_BYTES: Final = "6160015ff3"
RETURN_0XEF: Final = "60ef5f5360015ff3"

TRANSACTION_STATUSES: Final = frozenset(
    status for status in Status if Status.VALIDATE <= status <= Status.SELFDESTRUCT_MARK
) - {Status.RUN, Status.PRECOMPILE}

_CREATION: Final = (
    Status.CREATE_WARM,
    Status.CREATE_ENTER,
    Status.CREATE_FUND,
    Status.DEPLOY,
)

STATUS_MAKERS: Final[Mapping[Cell, Maker]] = {
    **{
        Cell(status_kind(status), Ending.SUCCESS): partial(running, EVERYTHING, status)
        for status in TRANSACTION_STATUSES.difference(_CREATION)
    },
    **{
        Cell(status_kind(status), Ending.SUCCESS): partial(untaken, CREATE_OF_NOTHING, status)
        for status in _CREATION
    },
    Cell("status VALIDATE", Ending.SUCCESS): lambda: offered(signed()),
    Cell("status VALIDATE", Ending.SKIPPED): lambda: offered(b"garbage"),
    Cell("status BUY", Ending.SKIPPED): lambda: buying(nonce=7),
    Cell("status BUY", Ending.DOES_NOT_FIT): lambda: buying(block_gas_used=30_000_000),
    Cell("status BUY", Ending.CANNOT_START): lambda: buying(is_deposit=True, gas=Gas(20_999)),
    Cell("status DEPLOY", Ending.OUT_OF_GAS): lambda: creating(RETURN_ONE_BYTE, 199),
    Cell("status DEPLOY", Ending.CODE_TOO_LONG): lambda: creating(RETURN_24577_BYTES),
    Cell("status DEPLOY", Ending.INVALID_CODE): lambda: creating(RETURN_0XEF),
    Cell("status SSTORE_WRITE", Ending.OUT_OF_GAS): (
        lambda: running(EVERYTHING, Status.SSTORE_WRITE, gas=99)
    ),
    Cell("status ENTER", Ending.NOT_BEGUN): lambda: running(CALL_WITHOUT_FUNDS, Status.ENTER, 2),
    Cell("status CREATE_HASH", Ending.NOT_BEGUN): (
        lambda: running(CREATE_WITHOUT_FUNDS, Status.CREATE_HASH)
    ),
    Cell("status CREATE_WARM", Ending.ADDRESS_TAKEN): (
        lambda: running(CREATE_OF_NOTHING, Status.CREATE_WARM)
    ),
    Cell("status SELFDESTRUCT_SEND", Ending.OUT_OF_GAS): (
        lambda: running(EVERYTHING, Status.SELFDESTRUCT_SEND, gas=24_999)
    ),
}


# All of a transaction


def _makers() -> Iterator[tuple[Cell, Maker]]:
    opcodes = {name: opcode for opcode, name in MNEMONICS.items()} | {UNDEFINED: 0x0C}
    for cell in CELLS:
        if cell in STATUS_MAKERS:
            yield cell, STATUS_MAKERS[cell]
        elif cell.kind in PRECOMPILES:
            yield cell, precompile_maker(PRECOMPILES[cell.kind], cell.ending)
        elif cell.kind in opcodes:
            yield cell, instruction_maker(opcodes[cell.kind], cell.ending)


MAKERS: Final[Mapping[Cell, Maker]] = dict(_makers())
"""For every cell of a transaction's steps a machine before such a step."""

BLOCK_CELLS: Final = frozenset(CELLS).difference(MAKERS)
"""The cells of a block's own phases, which `eventful_log` has."""


# A block's phases


def eventful_log() -> tuple[Rig, Inbox]:
    """A node and a log with everything that can become of a block's inputs.

    What the log has of items, in this order: a batch with a transaction too many for the block's
    gas, garbage, a length beyond the payload, a deposit that is none, two that fill a block.
    """
    for wallet in (ALICE, BOB, rigs.CAROL):
        wallet.nonce = 0
    rig, inbox = Rig(), Inbox()
    burning = transfer(ALICE, to=BURNER, gas=BIG), transfer(BOB, to=BURNER, gas=BIG)
    inbox.batch([_block(2, *burning, transfer(ALICE)), _block(4, b"junk")])
    inbox.posted(b"garbage")
    inbox.batch([_block(8, bytes(65_537))])
    inbox.deposit(data=Random(1).randbytes(65_537))
    inbox.deposit(gas=20_999)
    inbox.deposit(gas=BIG, to=BURNER, value=0)
    inbox.deposit(gas=BIG, to=BURNER, value=0)
    inbox.tick()
    inbox.tick()
    rig.follow(inbox)
    return rig, inbox


def _block(seconds: int, *transactions: bytes) -> BatchBlock:
    return BatchBlock(Timestamp(GENESIS_TIME + seconds), 0, transactions)
