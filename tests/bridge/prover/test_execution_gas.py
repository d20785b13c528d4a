"""What the steps of a frame cost on L1 at their worst: anvil, its caps, and EIP-7623's floor."""

from collections.abc import Callable
from random import Random

import pytest
from web3 import Web3
from web3.contract import Contract

from bridge.contracts import artifact
from bridge.dispute.prover_set import ONE_STEP_PROVER, PROVERS
from execution.machine.memory import FrozenMemory, View
from execution.machine.opcodes.creates import creation_address
from execution.machine.witness.step import step_witness
from state.types import ZERO_ADDRESS, Gas, Wei
from tests.bridge.contracts.l1 import GAS_MAX, L1
from tests.bridge.prover.deep_tries import deep_run
from tests.bridge.prover.execution import at
from tests.bridge.prover.frames import remember
from tests.conftest import Show
from tests.execution.machine.opcodes.test_calls import call
from tests.execution.machine.world import (
    COINBASE,
    CONTRACT,
    OTHER,
    SENDER,
    Allocated,
    Run,
    contract,
    push,
)

WITNESS_BYTES_MAX = 96 * 1024
GAS_ALLOWED = 16_000_000
FAMILY = ("AccountProver", "StorageProver", "CallProver", "CreateProver", "DestructProver")

INITCODE_BYTES_MAX, CODE_BYTES_MAX = 49_152, 24_576
VALUE = 2**255
"""Of a slot: a leaf of 32 bytes and more, which no branch holds in place."""

Measure = Callable[[Run, str], None]


@pytest.fixture(scope="module")
def l1(anvil_url: str) -> L1:
    w3 = Web3(Web3.HTTPProvider(anvil_url))
    w3.eth.default_account = w3.eth.accounts[0]
    return L1(w3)


@pytest.fixture(scope="module")
def provers(l1: L1) -> Contract:
    """OneStepProver over the contracts that verify what a frame does to accounts."""
    nowhere = Web3.to_checksum_address(ZERO_ADDRESS)
    deployed = [
        l1.deploy(artifact(name)).address if name in FAMILY else nowhere for name in PROVERS
    ]
    return l1.deploy(artifact(ONE_STEP_PROVER), tuple(deployed))


@pytest.fixture
def measure(l1: L1, provers: Contract, show: Show) -> Measure:
    """Prove the next step in a transaction of its own, print its gas, and hold it to the caps."""

    def prove(run: Run, what: str) -> None:
        before, witness = run.machine.machine_hash(), step_witness(run.state)
        run.machine.step()
        nowhere = Web3.to_checksum_address(ZERO_ADDRESS)
        function = provers.functions.step(before, (0, 0, 0, nowhere), witness)
        assert function.call({"gas": GAS_MAX - 1}) == run.machine.machine_hash()
        gas = l1.send(function)["gasUsed"]
        show(f"  {what:32} {len(witness):>7,} bytes {gas:>12,} gas")
        assert gas <= GAS_ALLOWED
        assert len(witness) <= WITNESS_BYTES_MAX

    return prove


def deep(code: str, **changes: object) -> Run:
    """A transaction to CONTRACT, which runs `code`, in a state of nothing but the longest paths."""
    run = deep_run(
        {
            SENDER: Allocated(balance=Wei(10**20)),
            COINBASE: Allocated(balance=Wei(1)),
            CONTRACT: contract(code, balance=9, storage={5: VALUE}),
            OTHER: contract(Random(1).randbytes(CODE_BYTES_MAX), balance=3),
            creation_address(CONTRACT, 1): None,
            creation_address(SENDER, 0): None,
        }
    )
    run.offer(gas=Gas(2**24), value=Wei(1), **changes)
    return run


@pytest.mark.parametrize("pattern", ["60", "605b", "5b", "7f", "00"])
def test_loading_the_worst_codes_fits_an_l1_transaction(pattern: str, measure: Measure) -> None:
    unit = bytes.fromhex(pattern)
    code = (unit * INITCODE_BYTES_MAX)[:INITCODE_BYTES_MAX]
    measure(at(deep("00", to=None, data=code), "LOAD"), f"LOAD of 0x{pattern}..")


@pytest.mark.parametrize(
    ("code", "step", "times"),
    [
        ("00", "ENTER", 1),
        (call("f1", value="6001"), "f1", 1),
        (call("f1", value="6001"), "ENTER", 2),
        ("600554", "SLOAD", 1),
        ("5f600555", "SSTORE_READ", 1),
        ("5f600555", "SSTORE_WRITE", 1),
        (push(VALUE + 1) + "600555", "SSTORE_WRITE", 1),
        ("73" + "dd" * 20 + "ff", "SELFDESTRUCT_SEND", 1),
        ("73" + "dd" * 20 + "31", "31", 1),
        ("73" + "dd" * 20 + "3b", "EXTCODESIZE", 1),
        ("60015f5f73" + "dd" * 20 + "3c", "EXTCODECOPY", 1),
        ("5f5f6001f0", "CREATE_WARM", 1),
        ("5f5f6001f0", "CREATE_FUND", 1),
    ],
)
def test_longest_paths_fit_an_l1_transaction(
    code: str, step: str, times: int, measure: Measure
) -> None:
    measure(at(deep(code), step, times), f"{step} in {code[:16]}")


@pytest.mark.parametrize("opcode", ["f0", "f5"])
def test_largest_initcode_fits_an_l1_transaction(opcode: str, measure: Measure) -> None:
    run = at(deep("5f" + push(INITCODE_BYTES_MAX) + "601f5f" + opcode), opcode)
    remember(run, Random(2).randbytes(INITCODE_BYTES_MAX + 31))
    run.state.running_frame.gas = 2**23
    run.machine.step()
    measure(run, f"CREATE_HASH after 0x{opcode}")


def test_largest_code_deployed_fits_an_l1_transaction(measure: Measure) -> None:
    run = at(deep("00", to=None, data=b"\0"), "DEPLOY")
    memory = FrozenMemory(b"\1" + Random(3).randbytes(CODE_BYTES_MAX + 100))
    run.state.running_frame.returndata = View(memory, 31, CODE_BYTES_MAX)
    measure(run, "DEPLOY")
