"""What the steps of a block cost on L1 at their worst: anvil, its caps, and EIP-7623's floor."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest
from web3 import Web3
from web3.contract import Contract

from bridge.contracts import artifact
from bridge.dispute.prover_set import ONE_STEP_PROVER, PROVERS
from bridge.items import InboxItem
from bridge.machine.block_machine import BlockMachine
from bridge.machine.inputs import Leaf
from bridge.machine.limits import BLOCK_TRANSACTIONS_MAX
from execution.machine.chain import Link
from execution.machine.status import Status
from state.batch_codec import BatchBlock, decode_batch
from state.keccak import keccak
from state.limits import BATCH_POSTED_BYTES_MAX
from state.types import ZERO_ADDRESS, Gas, Timestamp
from tests.bridge.contracts.l1 import GAS_MAX, L1
from tests.bridge.derive.inbox import GENESIS_TIME, Inbox
from tests.bridge.derive.rig import ALICE, Rig
from tests.bridge.machine.chains import machine_of
from tests.bridge.prover.blocks import Step, until
from tests.conftest import Show

WITNESS_BYTES_MAX = 96 * 1024
GAS_ALLOWED = 16_000_000
PHASE_PROVERS = ("BatchProver", "BlockProver", "ListProver", "SealProver")

Measure = Callable[[str, BlockMachine], None]


@pytest.fixture(scope="module")
def l1(anvil_url: str) -> L1:
    w3 = Web3(Web3.HTTPProvider(anvil_url))
    w3.eth.default_account = w3.eth.accounts[0]
    return L1(w3)


@pytest.fixture(scope="module")
def provers(l1: L1) -> Contract:
    """OneStepProver over the contracts that verify a block's phases."""
    nowhere = Web3.to_checksum_address(ZERO_ADDRESS)
    deployed = [
        l1.deploy(artifact(name)).address if name in PHASE_PROVERS else nowhere for name in PROVERS
    ]
    return l1.deploy(artifact(ONE_STEP_PROVER), tuple(deployed))


@pytest.fixture
def measure(l1: L1, provers: Contract, show: Show) -> Measure:
    """Prove the next step in a transaction of its own, print its gas, and hold it to the caps."""

    def prove(what: str, machine: BlockMachine) -> None:
        step = Step(machine)
        machine.step()
        context = (step.trace_index, step.l2_block, step.inbox_count, put(l1, step.items))
        function = provers.functions.step(step.before, context, step.witness)
        assert function.call({"gas": GAS_MAX - 1}) == machine.machine_hash()
        gas = l1.send(function)["gasUsed"]
        show(f"  {what:32} {len(step.witness):>7,} bytes {gas:>12,} gas")
        assert gas <= GAS_ALLOWED
        assert len(step.witness) <= WITNESS_BYTES_MAX

    return prove


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


# DECODE


HEAD = (GENESIS_TIME + 2).to_bytes(8, "big") + bytes(12)


def dense(literals: int, distance: int, length: int) -> bytes:
    """As many sequences of one shape as fit the caps, after one that holds the block's head."""
    start = HEAD + Random(1).randbytes(60)
    posted = bytearray(
        b"\1\xf0" + bytes([len(start) - 15]) + start + distance.to_bytes(2, "little")
    )
    decoded, sequences = len(start) + 4, 1
    extra = length - 4
    one = bytes([literals << 4 | min(extra, 15)]) + b"\xaa" * literals
    one += distance.to_bytes(2, "little") + (bytes([extra - 15]) if extra >= 15 else b"")
    while (
        sequences < 16_384
        and decoded + literals + length <= 2**18
        and len(posted) + len(one) <= BATCH_POSTED_BYTES_MAX
    ):
        posted += one
        decoded, sequences = decoded + literals + length, sequences + 1
    assert len(decode_batch(bytes(posted))) == decoded
    return bytes(posted)


BATCHES = {
    "most sequences, fresh words": dense(2, 40, 14),
    "most sequences, repeated byte": dense(2, 1, 14),
    "most sequences, no literals": dense(0, 15, 16),
    "two rounds a sequence": dense(0, 17, 18),
    "three rounds a sequence": dense(0, 17, 52),
    "raw, 80 KB": b"\0" + (HEAD + Random(2).randbytes(BATCH_POSTED_BYTES_MAX))[: 2**16 + 2**14 - 1],
    "void: one length of 80 KB": b"\1\xf0" + b"\xff" * (BATCH_POSTED_BYTES_MAX - 2),
}


@pytest.mark.parametrize("kind", BATCHES)
def test_decoding_the_worst_batches_fits_an_l1_transaction(
    kind: str, rig: Rig, inbox: Inbox, measure: Measure
) -> None:
    inbox.mine()
    inbox.posted(BATCHES[kind])
    rig.feed(inbox)
    measure(f"DECODE {kind}", until(machine_of(rig, inbox, 1), Status.DECODE))


# Every other phase


def test_phases_of_a_block_of_the_largest_items_fit_an_l1_transaction(
    rig: Rig, inbox: Inbox, measure: Measure
) -> None:
    inbox.mine()
    inbox.deposit(data=Random(3).randbytes(65_536), gas=Gas(2**24))
    large = Random(4).randbytes(65_536)
    inbox.batch([BatchBlock(Timestamp(GENESIS_TIME + 2), 1, (large, ALICE.raw(nonce=0)))])
    rig.feed(inbox)
    machine = machine_of(rig, inbox, 1)
    while not machine.is_done:
        if machine.status is Status.NEXT or machine.status >= Status.BOUNDARY:
            measure(machine.status.name, machine)
        else:
            machine.step()


def test_root_above_the_most_leaves_fits_an_l1_transaction(
    rig: Rig, inbox: Inbox, measure: Measure
) -> None:
    inbox.tick()
    rig.feed(inbox)
    machine = until(machine_of(rig, inbox, 1), Status.TRANSACTIONS_ROOT)
    assert machine.machine is not None
    assert machine.inputs is not None
    leaves: Link[Leaf] | None = None
    for n in range(BLOCK_TRANSACTIONS_MAX):
        leaves = Link(Leaf(keccak(n.to_bytes(2, "big"))), leaves)
    block = machine.machine.state.block
    block.count = BLOCK_TRANSACTIONS_MAX
    block.inputs = machine.inputs = replace(machine.inputs, leaves=leaves)
    measure(f"TRANSACTIONS_ROOT of {BLOCK_TRANSACTIONS_MAX}", machine)
