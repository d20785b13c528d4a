"""Creations, step by step on the contracts: address, collision, frame, ether, deployed code."""

from itertools import product

import pytest

from execution.machine.opcodes.creates import creation_address, salted_address
from execution.machine.status import Status
from state.keccak import keccak
from state.types import Address, Gas
from tests.bridge.prover.execution import at, prove_edge, prove_execution, within
from tests.bridge.prover.forgery import (
    assert_every_flip_is_refused,
    assert_no_witness_of_another_step,
)
from tests.bridge.prover.frames import GAS, HUGE, prove_fails, prove_stack_edges, remember
from tests.bridge.prover.rig import prove_step
from tests.execution.machine.opcodes.test_creates import create, returning
from tests.execution.machine.world import (
    CONTRACT,
    RETURN_WORD,
    SENDER,
    Allocated,
    Run,
    contract,
    push,
)

CREATE, CREATE2 = 0xF0, 0xF5
KINDS = (CREATE, CREATE2)
PRICE = 32_000
INITCODE_BYTES_MAX, CODE_BYTES_MAX = 49_152, 24_576


def creating(
    opcode: int,
    start: int = 0,
    size: int = 40,
    value: int = 0,
    gas: int = GAS,
    salt: int = 5,
    **changes: object,
) -> Run:
    """Before a creation by CONTRACT, which has 9 wei and memory to make it of."""
    stack = [*([salt] if opcode == CREATE2 else []), size, start, value]
    run = within(bytes([opcode]), stack, gas, balance=9, **changes)
    remember(run, b"\x5b" * 50)
    return run


def outermost(initcode: str, accounts: dict[Address, Allocated] | None = None) -> Run:
    """A transaction that creates, before its first step of execution."""
    run = Run(accounts)
    run.offer(to=None, data=bytes.fromhex(initcode), value=3)
    return at(run, "CREATE_WARM")


@pytest.mark.parametrize("opcode", KINDS)
def test_instruction_at_stack_edges_proves(opcode: int) -> None:
    prove_stack_edges(opcode)


@pytest.mark.parametrize("opcode", KINDS)
@pytest.mark.parametrize("size", [0, 1, 32, 33, 64])
def test_creation_at_exact_gas_and_one_less_proves(opcode: int, size: int) -> None:
    words = (size + 31) // 32
    prove_edge(lambda: creating(opcode, size=size), PRICE + words * (8 if opcode == CREATE2 else 2))


@pytest.mark.parametrize("opcode", KINDS)
def test_creation_pays_for_its_memory(opcode: int) -> None:
    words = 10
    price = PRICE + words * (8 if opcode == CREATE2 else 2) + 3 * (words + 1 - 2)
    prove_edge(lambda: creating(opcode, start=32, size=320), price)


@pytest.mark.parametrize("opcode", KINDS)
@pytest.mark.parametrize("offset", HUGE)
def test_initcode_beyond_any_memory_fails_unless_it_is_nothing(opcode: int, offset: int) -> None:
    prove_fails(creating(opcode, offset, 1))
    prove_fails(creating(opcode, 0, offset))
    run = creating(opcode, offset, 0)
    prove_step(run)
    assert run.machine.status is Status.CREATE_HASH
    prove_step(run)
    assert run.state.operation.code_hash == keccak(b"")


@pytest.mark.parametrize("opcode", KINDS)
def test_initcode_ends_at_49152_bytes(opcode: int) -> None:
    prove_fails(creating(opcode, size=INITCODE_BYTES_MAX + 1))
    run = creating(opcode, size=INITCODE_BYTES_MAX)
    prove_step(run)
    prove_step(run)
    assert run.machine.status is Status.CREATE_WARM


@pytest.mark.parametrize("opcode", KINDS)
def test_static_frame_creates_nothing(opcode: int) -> None:
    prove_fails(creating(opcode, is_static=True))


# CREATE_HASH


@pytest.mark.parametrize("opcode", KINDS)
@pytest.mark.parametrize(("start", "size"), [(0, 0), (0, 1), (7, 40), (32, 32), (49, 1), (31, 19)])
def test_address_is_found_from_the_initcode(opcode: int, start: int, size: int) -> None:
    run = creating(opcode, start, size, salt=2**256 - 1)
    prove_step(run)
    prove_step(run)
    code_hash = keccak((b"\x5b" * 50 + bytes(50))[start : start + size])
    expected = {
        CREATE: creation_address(CONTRACT, 1),
        CREATE2: salted_address(CONTRACT, 2**256 - 1, code_hash),
    }
    assert run.state.operation.address == expected[opcode]


@pytest.mark.parametrize("nonce", [1, 127, 128, 255, 256, 2**32, 2**64 - 2, 2**64 - 1])
def test_creator_with_the_last_nonce_creates_no_more(nonce: int) -> None:
    accounts = {CONTRACT: Allocated(nonce=nonce, code=bytes.fromhex(create("00") + RETURN_WORD))}
    run = at(within("00", accounts=accounts), "CREATE_HASH")
    prove_step(run)
    if nonce == 2**64 - 1:
        assert (run.machine.status, run.state.frame.stack) == (Status.RUN, [0])
    else:
        assert run.state.operation.address == creation_address(CONTRACT, nonce)


@pytest.mark.parametrize("opcode", KINDS)
@pytest.mark.parametrize(("depth", "refused"), [(1_023, False), (1_024, True)])
def test_creation_at_depth_1024_is_refused(opcode: int, depth: int, refused: bool) -> None:
    run = creating(opcode, depth=depth)
    prove_step(run)
    left = run.state.frame.gas
    prove_step(run)
    assert (run.machine.status is Status.RUN) == refused
    assert run.state.frame.gas == (left if refused else left // 64)


@pytest.mark.parametrize(("opcode", "value"), list(product(KINDS, (9, 10, 2**256 - 1))))
def test_creation_with_more_value_than_there_is_is_refused(opcode: int, value: int) -> None:
    run = creating(opcode, value=value)
    prove_step(run)
    prove_step(run)
    assert (run.machine.status is Status.RUN) == (value > 9)


# CREATE_WARM, CREATE_ENTER, CREATE_FUND


TAKEN = {
    "nonce": Allocated(nonce=1),
    "code": contract("00"),
    "storage": Allocated(storage={1: 1}),
    "balance and storage": Allocated(balance=1, storage={1: 1}),
}
FREE = {"nothing": None, "balance": Allocated(balance=1)}


@pytest.mark.parametrize("name", [*TAKEN, *FREE])
@pytest.mark.parametrize("salt", [None, "602a"])
def test_creation_at_a_taken_address_collides(name: str, salt: str | None) -> None:
    there = (TAKEN | FREE)[name]
    address = creation_address(CONTRACT, 1)
    if salt:
        address = salted_address(CONTRACT, 0x2A, keccak(b"\0"))
    accounts = {CONTRACT: contract(create("00", salt=salt) + "5f55", balance=9)}
    run = Run(accounts | ({address: there} if there else {}))
    assert prove_execution(run)["CREATE_FUND"] == (name in FREE)
    made = int.from_bytes(address, "big") if name in FREE else 0
    assert run.after().storage(CONTRACT, 0) == made


@pytest.mark.parametrize("name", [*TAKEN, *FREE])
def test_outermost_creation_at_a_taken_address_fails(name: str) -> None:
    there = (TAKEN | FREE)[name]
    address = creation_address(SENDER, 0)
    run = outermost("00", {address: there} if there else {})
    prove_step(run)
    assert run.machine.status is (Status.SETTLE if name in TAKEN else Status.CREATE_ENTER)
    assert run.state.tx.outcome.name == ("FAILURE" if name in TAKEN else "RUNNING")


@pytest.mark.parametrize("initcode", ["", "00", returning("600160015500"), "fe", "5f5ffd"])
@pytest.mark.parametrize("there", [Allocated(), Allocated(balance=1)])
def test_outermost_creation_proves(initcode: str, there: Allocated) -> None:
    run = Run({creation_address(SENDER, 0): there} if there.balance else {})
    data = bytes.fromhex(initcode)
    assert prove_execution(run, to=None, data=data, value=3)["CREATE_FUND"] == 1


@pytest.mark.parametrize(
    "initcode",
    ["", "00", returning("600160015500"), "fe", "5f5ffd", "60ff5f5260205ffd"]
    + ["60ef5f5360015ff3", "6160015ff3", "6160005ff3", "30ff", "33ff", "60015f5500", "3d5ff3"],
)
@pytest.mark.parametrize("salt", [None, "602a"])
@pytest.mark.parametrize("value", ["5f", "6001", "600a"])
def test_creation_proves_step_by_step(initcode: str, salt: str | None, value: str) -> None:
    code = create(initcode, value, salt) + "803b5f52" + "3d602052" + "60405260605ff3"
    run = Run({CONTRACT: contract(code, balance=9)})
    proven = prove_execution(run, gas=Gas(6_000_000))
    assert proven["CREATE_HASH"] == 1
    assert proven["CREATE_FUND"] == (value != "600a")


def test_created_address_stays_warm_though_the_creation_fails() -> None:
    address = creation_address(CONTRACT, 1).hex()
    run = Run({CONTRACT: contract(create("fe") + "5073" + address + "31" + "5f55")})
    run.offer()
    at(run, "31")
    before = run.state.running_frame.gas
    prove_step(run)
    assert before - run.state.running_frame.gas == 100


# DEPLOY


def deploying(size: int, first: int = 0, gas: int = 10**7) -> Run:
    """Before a creation's output of `size` bytes becomes code."""
    initcode = f"60{first:02x}5f53" + f"62{size:06x}5ff3"
    run = Run()
    run.offer(to=None, data=bytes.fromhex(initcode), gas=Gas(10**7))
    at(run, "DEPLOY")
    run.state.running_frame.gas = gas
    return run


@pytest.mark.parametrize("size", [1, 31, 32, 33, 1_000])
def test_deposit_at_exact_gas_and_one_less_proves(size: int) -> None:
    prove_edge(lambda: deploying(size), 200 * size)


@pytest.mark.parametrize("size", [24_575, CODE_BYTES_MAX])
def test_code_of_24576_bytes_is_deployed(size: int) -> None:
    run = deploying(size, first=0xFE)
    prove_step(run)
    code = b"\xfe" + bytes(size - 1)
    assert run.state.world.values(run.state.frame.address).code_hash == keccak(code)


@pytest.mark.parametrize("size", [CODE_BYTES_MAX + 1, 40_000])
def test_code_beyond_24576_bytes_is_not_deployed(size: int) -> None:
    prove_fails(deploying(size))


@pytest.mark.parametrize("size", [1, 32, 100])
def test_code_that_begins_with_0xef_is_not_deployed(size: int) -> None:
    prove_fails(deploying(size, first=0xEF))


def test_no_code_is_deployed_for_nothing() -> None:
    run = deploying(0, gas=0)
    prove_step(run)
    assert run.machine.status is Status.LEAVE
    assert run.state.running_frame.outcome.name == "SUCCESS"


@pytest.mark.parametrize("start", [0, 1, 31, 33])
def test_code_is_deployed_from_any_place_in_memory(start: int) -> None:
    initcode = push(2**256 - 1) + "5f52" + push(2**255) + "602052" + f"602060{start:02x}f3"
    run = Run()
    assert prove_execution(run, to=None, data=bytes.fromhex(initcode))["DEPLOY"] == 1
    memory = b"\xff" * 32 + b"\x80" + bytes(64)
    account = run.after().account(creation_address(SENDER, 0))
    assert account is not None
    assert account.code_hash == keccak(memory[start : start + 32])


# Forgeries


def forgeable() -> dict[str, Run]:
    made = {CONTRACT: contract(create(returning("00"), "6001"), balance=9)}
    taken = {creation_address(SENDER, 0): TAKEN["nonce"]}
    return {
        "create": creating(CREATE),
        "create2": creating(CREATE2),
        "hash": at(creating(CREATE, 7, 40), "CREATE_HASH"),
        "salted": at(creating(CREATE2, 7, 40), "CREATE_HASH"),
        "refused": at(creating(CREATE, value=10), "CREATE_HASH"),
        "warm": at(within("00", accounts=made), "CREATE_WARM"),
        "enter": at(within("00", accounts=made), "CREATE_ENTER"),
        "fund": at(within("00", accounts=made), "CREATE_FUND"),
        "deploy": at(within("00", accounts=made), "DEPLOY"),
        "outermost warm": outermost("00"),
        "outermost taken": outermost("00", taken),
        "outermost enter": at(outermost("00"), "CREATE_ENTER"),
        "0xef": deploying(3, first=0xEF),
        "too dear": deploying(3, gas=599),
    }


@pytest.mark.parametrize("name", forgeable())
def test_flipped_byte_of_a_witness_is_refused(name: str) -> None:
    assert_every_flip_is_refused(forgeable()[name], stride=7)


@pytest.mark.slow
@pytest.mark.parametrize("name", forgeable())
def test_any_flipped_byte_of_a_witness_is_refused(name: str) -> None:
    assert_every_flip_is_refused(forgeable()[name])


def test_witness_of_another_step_is_refused() -> None:
    assert_no_witness_of_another_step(list(forgeable().values()))
