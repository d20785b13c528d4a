"""Every kind of step on anvil too, as L1 runs it: newest hard fork, its cap on a call's gas."""

from collections.abc import Sequence

import pytest
from web3 import Web3
from web3.contract import Contract

from bridge.contracts import artifact
from bridge.dispute.coverage import Cell
from bridge.dispute.prover_set import ONE_STEP_PROVER, PROVERS
from bridge.items import InboxItem
from execution.machine.status import Status
from execution.machine.witness.step import step_witness
from state.keccak import keccak
from state.types import ZERO_ADDRESS, Hash32
from tests.bridge.contracts.l1 import GAS_MAX, L1
from tests.bridge.machine.chains import machine_of
from tests.bridge.prover.blocks import Step, of_the_block
from tests.bridge.prover.coverage import MAKERS, eventful_log

NOWHERE = Web3.to_checksum_address(ZERO_ADDRESS)

CELLS_A_TEST = 50


@pytest.fixture(scope="module")
def l1(anvil_url: str) -> L1:
    w3 = Web3(Web3.HTTPProvider(anvil_url))
    w3.eth.default_account = w3.eth.accounts[0]
    return L1(w3)


@pytest.fixture(scope="module")
def provers(l1: L1) -> Contract:
    """The whole set, deployed."""
    deployed = tuple(l1.deploy(artifact(name)).address for name in PROVERS)
    return l1.deploy(artifact(ONE_STEP_PROVER), deployed)


def put(l1: L1, items: Sequence[InboxItem]) -> str:
    """An Inbox with these items: its real code, over storage made for them."""
    address = Web3.to_checksum_address(items[-1].acc[:20])
    slot = int.from_bytes(keccak(bytes(32)), "big")
    l1.ask("anvil_setCode", address, "0x" + artifact("Inbox").deployed_bytecode.hex())
    stored = {0: len(items).to_bytes(32, "big")}
    stored |= {slot + item.index: item.acc for item in items}
    for place, word in stored.items():
        l1.ask("anvil_setStorageAt", address, f"0x{place:064x}", "0x" + word.hex())
    return address


def ask(provers: Contract, before: Hash32, context: tuple[object, ...], witness: bytes) -> Hash32:
    """What an eth_call of OneStepProver answers, with no more gas than a transaction may have."""
    function = provers.functions.step(before, context, witness)
    return Hash32(function.call({"gas": GAS_MAX - 1}))


def groups() -> list[list[Cell]]:
    cells = list(MAKERS)
    return [cells[at : at + CELLS_A_TEST] for at in range(0, len(cells), CELLS_A_TEST)]


@pytest.mark.parametrize("cells", groups(), ids=lambda cells: f"{cells[0].kind} and on")
def test_step_gives_the_same_state_on_anvil(cells: list[Cell], provers: Contract) -> None:
    for cell in cells:
        run = MAKERS[cell]()
        before, witness = run.machine.machine_hash(), step_witness(run.state)
        run.machine.step()
        answer = ask(provers, before, (0, 0, 0, NOWHERE), witness)
        assert answer == run.machine.machine_hash(), cell


def test_phase_of_a_block_gives_the_same_state_on_anvil(l1: L1, provers: Contract) -> None:
    node, inbox = eventful_log()
    proven: set[Status] = set()
    for number in range(1, node.safe.number + 2):
        machine = machine_of(node, inbox, number)
        while not machine.is_done:
            if not of_the_block(machine):
                machine.step()
                continue
            step = Step(machine)
            machine.step()
            context = (step.trace_index, step.l2_block, step.inbox_count, put(l1, step.items))
            answer = ask(provers, step.before, context, step.witness)
            assert answer == machine.machine_hash(), step.status.name
            proven.add(step.status)
    node.close()
    assert len(proven) == 11
