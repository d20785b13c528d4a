"""All opcodes: which contract verifies which, and programs that mix them."""

from functools import cache
from random import Random

import pytest
from eth_abi.abi import encode
from pyrevm import EVM

from bridge.contracts import artifact
from bridge.dispute.local_prover import CALLER, STEP_SELECTOR, STEP_TYPES
from bridge.dispute.prover_set import PROVERS
from execution.machine.opcodes.arithmetic import ARITHMETIC
from execution.machine.opcodes.control import CONTROL
from execution.machine.opcodes.environment import ENVIRONMENT
from execution.machine.opcodes.logs import LOGS
from execution.machine.opcodes.memory import MEMORY
from execution.machine.opcodes.table import TABLE, UNDEFINED
from execution.machine.state import MACHINE_TAG
from execution.machine.status import Status
from execution.machine.witness.step import step_witness
from execution.machine.words import commit, encode_word
from state.keccak import keccak
from state.types import ZERO_ADDRESS, Hash32
from tests.bridge.prover.frames import prove_some, started
from tests.execution.machine.test_random_programs import random_program
from tests.execution.machine.world import CONTRACT, OTHER, Run, contract

ACCOUNTS = (0x31, 0x3B, 0x3C, 0x3F, 0x47)

FRAME_ONLY = frozenset(
    {*ARITHMETIC, *CONTROL, *ENVIRONMENT, *MEMORY, *LOGS}.difference(ACCOUNTS)
    | {opcode for opcode in range(256) if TABLE[opcode] is UNDEFINED}
)
"""Opcodes whose steps read no trie."""

REFUSALS = [keccak(error)[:4].hex() for error in (b"NotMyOpcode(uint256)", b"NotMyStatus(uint256)")]


@cache
def contracts() -> tuple[EVM, dict[str, str]]:
    """Each prover on its own, without the one that chooses among them."""
    evm = EVM(gas_limit=2**40, spec_id="CANCUN")
    return evm, {name: evm.deploy(CALLER, artifact(name).bytecode) for name in PROVERS}


def accepting(before: Hash32, witness: bytes) -> list[str]:
    """The contracts that take a step as their own; they may find the witness wrong."""
    arguments = (before, (0, 0, 0, ZERO_ADDRESS), witness)
    data = STEP_SELECTOR + encode(STEP_TYPES, arguments)
    return [name for name in PROVERS if accepts(name, data)]


def accepts(name: str, data: bytes) -> bool:
    evm, found = contracts()
    try:
        evm.message_call(CALLER, found[name], calldata=data, gas=2**32, is_static=True)
    except RuntimeError as error:
        return not any(refusal in str(error) for refusal in REFUSALS)
    return True


@pytest.mark.parametrize("opcode", range(256))
def test_opcode_has_exactly_one_verifier(opcode: int) -> None:
    run = started(bytes([opcode]), [0] * 20)
    verifiers = accepting(run.machine.machine_hash(), step_witness(run.state))
    assert len(verifiers) == 1, verifiers


@pytest.mark.parametrize("status", [*range(70), 255, 256, 2**64, 2**255 + 1, 2**256 - 1])
def test_status_has_exactly_one_verifier(status: int) -> None:
    """One that the machine never comes to has none. In RUN the opcode decides, see above."""
    run = started(b"\0", [0] * 20)
    words = [status, *run.state.words()[1:]]
    opening = b"".join(map(encode_word, words))
    verifiers = accepting(commit(MACHINE_TAG, words), opening + step_witness(run.state)[11 * 32 :])
    if status != Status.RUN:
        assert len(verifiers) == (status in set(Status)), verifiers


@pytest.mark.parametrize("seed", range(40))
def test_random_program_proves_each_step_that_reads_no_trie(seed: int) -> None:
    random = Random(seed)
    run = Run({address: contract(random_program(random)) for address in (CONTRACT, OTHER)})
    run.offer(gas=200_000, data=random.randbytes(random.randrange(200)))
    prove_some(run, FRAME_ONLY)
