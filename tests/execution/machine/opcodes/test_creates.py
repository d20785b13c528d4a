"""Creations and destructions at their edges."""

import pytest

from execution.evm.addresses import creation2_address
from execution.evm.addresses import creation_address as engine_address
from execution.machine.opcodes.creates import creation_address, salted_address
from state.keccak import keccak
from state.types import Address, Gas
from tests.execution.machine.world import (
    CONTRACT,
    OTHER,
    RETURN_WORD,
    Allocated,
    Run,
    both,
    contract,
    push,
    word,
)


def create(initcode: str, value: str = "5f", salt: str | None = None) -> str:
    """CREATE, or CREATE2 with a salt, of at most 32 bytes of initcode."""
    size = len(initcode) // 2
    store = f"{0x5F + size:02x}{initcode}5f52" if size else ""
    start = 32 - size if size else 0
    return store + (salt or "") + f"60{size:02x}60{start:02x}" + value + ("f5" if salt else "f0")


def returning(code: str) -> str:
    """Initcode that deploys at most 27 bytes of code."""
    size = len(code) // 2
    return f"{0x5F + size:02x}{code}5f5260{size:02x}60{32 - size:02x}f3"


@pytest.mark.parametrize("nonce", [0, 1, 127, 128, 255, 256, 2**32, 2**64 - 2])
def test_addresses_are_those_of_the_engine(nonce: int) -> None:
    assert creation_address(OTHER, nonce) == engine_address(OTHER, nonce)
    assert salted_address(OTHER, nonce, keccak(b"code")) == creation2_address(OTHER, nonce, b"code")


@pytest.mark.parametrize("salt", [None, "602a"])
@pytest.mark.parametrize(
    "initcode",
    ["", "00", returning("600160015500"), "fe", "5f5ffd", "60ff5f5260205ffd"]
    + ["60ef5f5360015ff3", "6160015ff3", "6160005ff3", "30ff", "33ff", "60015f5500", "3d5ff3"],
)
@pytest.mark.parametrize("value", ["5f", "6001", "600a"])
def test_creation_does_what_the_engine_does(initcode: str, salt: str | None, value: str) -> None:
    code = create(initcode, value, salt) + "803b5f52" + "3d602052" + "60405260605ff3"
    both(code, balance=9, gas=Gas(6_000_000))


@pytest.mark.parametrize("there", [Allocated(nonce=1), contract("00"), Allocated(balance=1)])
def test_creation_at_a_taken_address(there: Allocated) -> None:
    taken = creation_address(CONTRACT, 1)
    both(create("00") + "3d5f52" + "5a" + RETURN_WORD, {taken: there})


def test_creation_where_storage_is_collides() -> None:
    taken = creation_address(CONTRACT, 1)
    assert (
        word(both(create("00") + RETURN_WORD, {taken: Allocated(balance=1, storage={1: 1})})) == 0
    )


@pytest.mark.parametrize("nonce", [2**64 - 2, 2**64 - 1])
def test_creator_with_the_last_nonce_creates_no_more(nonce: int) -> None:
    run = Run({CONTRACT: Allocated(nonce=nonce, code=bytes.fromhex(create("00") + RETURN_WORD))})
    assert run.apply()
    assert (word(run) == 0) == (nonce == 2**64 - 1)


@pytest.mark.parametrize("size", [49_152, 49_153, 2**32, 2**256 - 1])
@pytest.mark.parametrize("opcode", ["f0", "f5"])
def test_initcode_ends_at_49152_bytes(size: int, opcode: str) -> None:
    both("5f" + push(size) + "5f5f" + opcode + RETURN_WORD)


@pytest.mark.parametrize("size", [24_576, 24_577])
def test_code_ends_at_24576_bytes(size: int) -> None:
    both(create(f"62{size:06x}5ff3") + RETURN_WORD, gas=Gas(8_000_000))


@pytest.mark.parametrize("gas", [52_000, *range(53_000, 54_600, 100), 60_000])
def test_deposit_of_code_runs_out_of_gas(gas: int) -> None:
    both(create("60055ff3") + RETURN_WORD, gas=Gas(gas))


def test_created_address_stays_warm_though_the_creation_fails() -> None:
    address = creation_address(CONTRACT, 1).hex()
    both(create("fe") + "505a" + "73" + address + "3150" + "5a9003" + RETURN_WORD)


def test_salted_creation_twice_collides() -> None:
    once = create(returning("00"), salt="5f")
    both(once + "50" + once + RETURN_WORD)


@pytest.mark.parametrize("to", ["cc" * 20, "dd" * 20, "ee" * 20, "aa" * 20, "00" * 19 + "03"])
@pytest.mark.parametrize("balance", [0, 5])
def test_destruction_of_an_old_contract_only_sends(to: str, balance: int) -> None:
    run = both("73" + to + "ff", {OTHER: contract("00")}, balance=balance)
    assert run.after().account(CONTRACT) is not None


@pytest.mark.parametrize("to", ["30", "33", "73" + "dd" * 20, "73" + "ee" * 20])
def test_destruction_of_a_new_contract_deletes_it(to: str) -> None:
    """Created with 3 wei, called to destroy itself, called again, and paid once more."""
    made = create(returning(to + "ff"), "6003")
    call = "5f5f5f5f6001855af150"
    run = both(made + call + call + "803b5f52" + "3160205260405ff3", balance=9, gas=Gas(900_000))
    assert run.after().account(creation_address(CONTRACT, 1)) is None


def test_destroyed_address_is_free_in_the_next_transaction() -> None:
    once = create(returning("60075f5530ff"), salt="5f")
    call = "5f5f5f5f5f855af150"
    run = Run({CONTRACT: contract(once + call + RETURN_WORD)})
    assert run.apply(gas=Gas(900_000))
    first = word(run)
    assert run.apply(nonce=1, gas=Gas(900_000))
    assert word(run) == first != 0
    address = Address(first.to_bytes(20, "big"))
    assert run.after().account(address) is None
