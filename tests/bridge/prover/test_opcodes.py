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
from execution.machine.witness.step import step_witness
from genesis.artifacts import ArtifactDamaged
from state.keccak import keccak
from state.types import ZERO_ADDRESS
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
    found = {}
    for name in PROVERS:
        try:
            found[name] = evm.deploy(CALLER, artifact(name).bytecode)
        except ArtifactDamaged:
            continue  # not written yet
    return evm, found


def accepts(name: str, opcode: int) -> bool:
    """Whether a contract takes a step as its own; it may find the witness wrong."""
    run = started(bytes([opcode]), [0] * 20)
    arguments = (run.machine.machine_hash(), (0, 0, 0, ZERO_ADDRESS), step_witness(run.state))
    data = STEP_SELECTOR + encode(STEP_TYPES, arguments)
    evm, found = contracts()
    try:
        evm.message_call(CALLER, found[name], calldata=data, gas=2**32, is_static=True)
    except RuntimeError as error:
        return not any(refusal in str(error) for refusal in REFUSALS)
    return True


@pytest.mark.parametrize("opcode", range(256))
def test_opcode_has_exactly_one_verifier(opcode: int) -> None:
    verifiers = [name for name in contracts()[1] if accepts(name, opcode)]
    assert len(verifiers) == 1 or (opcode not in FRAME_ONLY and not verifiers), verifiers


@pytest.mark.parametrize("seed", range(40))
def test_random_program_proves_each_step_that_reads_no_trie(seed: int) -> None:
    random = Random(seed)
    run = Run({address: contract(random_program(random)) for address in (CONTRACT, OTHER)})
    run.offer(gas=200_000, data=random.randbytes(random.randrange(200)))
    prove_some(run, FRAME_ONLY)
