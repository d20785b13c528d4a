"""A block's own phases at their dearest: the worst batches, the largest items, the most leaves."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from random import Random
from typing import Final

from bridge.boundary import BlockHashRing
from bridge.machine.block_machine import BlockMachine
from bridge.machine.inputs import Leaf
from bridge.machine.limits import BLOCK_TRANSACTIONS_MAX
from execution.machine.chain import Link
from execution.machine.records import RECEIPT_TAG, Included
from execution.machine.status import Status
from genesis.predeploys import L2_TO_L1_MESSAGE_PASSER
from state.accounts import State, StateDiff
from state.batch_codec import BatchBlock, decode_batch
from state.blocks import Log, Receipt
from state.headers import header_hash
from state.keccak import keccak
from state.limits import BATCH_DECODED_BYTES_MAX, BATCH_POSTED_BYTES_MAX, BATCH_SEQUENCES_MAX
from state.memory_state import MemoryState
from state.receipts import bloom_of, encode_receipt
from state.types import Address, Gas, Timestamp
from tests.bridge.derive.inbox import GENESIS_TIME, Inbox
from tests.bridge.derive.rig import ALICE, BURNER, WINDOW, Rig, transfer
from tests.bridge.machine.chains import machine_of
from tests.bridge.prover.blocks import until
from tests.bridge.prover.court import Exhibit
from tests.bridge.prover.long_paths import deep_state
from tests.bridge.prover.test_block_libraries import packed
from tests.bridge.prover.worst_case import WorstCase, block_exhibit
from tests.execution.machine.world import CONTRACT, Allocated, contract

LARGEST = Random(3).randbytes(65_536)
TWO_SECONDS = Timestamp(GENESIS_TIME + 2)
HEAD = TWO_SECONDS.to_bytes(8, "big") + bytes(12)

Prepare = Callable[[Inbox], object]
"""What L1 says before the block."""

Reach = Callable[[BlockMachine], BlockMachine]
"""Goes on to the state before the step."""


def block_cases() -> Iterator[WorstCase]:
    """Each status of a block's own phases."""
    for name, posted in BATCHES.items():
        yield _case(Status.DECODE, name, partial(_post, posted))
    yield _case(Status.BOUNDARY, "two items and the last", _fill, lambda machine: machine)
    yield _case(Status.EXHAUSTED, "", _mine, lambda machine: until(machine, Status.EXHAUSTED))
    yield _case(
        Status.SCAN, "a length across two words", partial(_post_blocks, b"\1" * 5), _scanning
    )
    unusable = partial(_post, b"\0" + HEAD[:16] + b"\xff" * 30)
    yield _case(Status.SCAN, "unusable, and a boundary", unusable)
    yield _case(Status.ORIGIN, "parent's header and item", _fill)
    yield from _next_cases()
    yield _case(Status.UNFIT, "", _overflow)
    yield from _root_cases()
    yield WorstCase(Status.SEAL, "64 branches, the ring", _seal)


def _case(status: Status, what: str, prepare: Prepare, reach: Reach | None = None) -> WorstCase:
    go_on = reach or (lambda machine: until(machine, status))
    return WorstCase(status, what or "nothing large", partial(_make, prepare, go_on))


def _make(prepare: Prepare, reach: Reach) -> Exhibit:
    ALICE.nonce = 0
    inbox, rig = Inbox(), Rig()
    inbox.mine()
    prepare(inbox)
    with closing(rig):
        rig.feed(inbox)
        return block_exhibit(reach(machine_of(rig, inbox, 1)))


# What L1 says


def _mine(inbox: Inbox) -> None:
    inbox.mine()


def _post(posted: bytes, inbox: Inbox) -> None:
    inbox.posted(posted)


def _post_blocks(transaction: bytes, inbox: Inbox) -> None:
    inbox.batch([BatchBlock(TWO_SECONDS, 0, (transaction, LARGEST))])


def _fill(inbox: Inbox) -> None:
    inbox.batch([BatchBlock(TWO_SECONDS, 0, ())])
    inbox.mine()
    inbox.tick()


def _deposit(inbox: Inbox) -> None:
    """The largest deposit, and a batch after it that has it as its origin."""
    inbox.deposit(data=LARGEST, gas=Gas(2**24))
    inbox.batch([BatchBlock(TWO_SECONDS, 1, ())])


def _censor(inbox: Inbox) -> None:
    """The largest deposit, left out for the whole window."""
    inbox.deposit(data=LARGEST, gas=Gas(2**24))
    inbox.wait(WINDOW)
    inbox.batch([BatchBlock(TWO_SECONDS, 0, ())])


def _overflow(inbox: Inbox) -> None:
    burning = transfer(ALICE, to=BURNER, gas=Gas(2**24))
    inbox.batch([BatchBlock(TWO_SECONDS, 0, (burning, transfer(ALICE, gas=Gas(2**24))))])


# Where the step is


def _scanning(machine: BlockMachine) -> BlockMachine:
    """Before the length that lies across two words of the payload."""
    until(machine, Status.SCAN)
    while machine.inputs is not None and machine.inputs.at % 32 < 29:
        machine.step()
        assert machine.status is Status.SCAN, "no length lies across two words"
    return machine


def _taking(machine: BlockMachine) -> BlockMachine:
    """Before the first deposit is looked at: the L1 attributes are in."""
    until(machine, Status.ORIGIN).step()
    return until(machine, Status.NEXT)


def _from_the_payload(machine: BlockMachine) -> BlockMachine:
    """Before the first transaction of 64 KB is taken out of the payload."""
    _taking(machine)
    while not _is_next(machine, LARGEST):
        machine.step()
    return machine


def _is_next(machine: BlockMachine, transaction: bytes) -> bool:
    inputs = machine.inputs
    if machine.status is not Status.NEXT or inputs is None or inputs.taking:
        return False
    assert inputs.payload is not None
    start = inputs.at + 4
    return bytes(inputs.payload.data[start : start + len(transaction)]) == transaction


def _full(status: Status, machine: BlockMachine) -> BlockMachine:
    """Before a root above as many leaves as a block can have."""
    until(machine, status)
    leaves: Link[Leaf] | None = None
    for n in range(BLOCK_TRANSACTIONS_MAX):
        leaves = Link(Leaf(keccak(n.to_bytes(2, "big"))), leaves)
    assert machine.machine is not None
    assert machine.inputs is not None
    block = machine.machine.state.block
    block.count = BLOCK_TRANSACTIONS_MAX
    block.inputs = machine.inputs = replace(machine.inputs, leaves=leaves)
    return machine


def _largest_receipt(machine: BlockMachine) -> BlockMachine:
    until(machine, Status.HASH_RECEIPT)
    log = Log(CONTRACT, (), LARGEST[:65_500])
    receipt = Receipt(2, True, Gas(2**24), (log,), bloom_of((log,)))
    assert machine.machine is not None
    block = machine.machine.state.block
    assert block.receipts is not None
    block.receipts = Link(Included(RECEIPT_TAG, encode_receipt(receipt)), block.receipts.previous)
    return machine


def _seal() -> Exhibit:
    """A block in a state of nothing but the longest paths to what the block touches."""
    ALICE.nonce = 0
    inbox, rig = Inbox(), Rig()
    inbox.mine()
    inbox.tick()
    with closing(rig):
        rig.feed(inbox)
        plain = machine_of(rig, inbox, 1)
        plain.run()
        ground = plain.ground
        state = _deepened(ground.state, plain.diff())
        header = replace(ground.header, state_root=state.root)
        block_hash = header_hash(header)
        parent = replace(
            ground.parent,
            state_root=state.root,
            header_hash=block_hash,
            ring_root=BlockHashRing(ground.parent.number, lambda number: block_hash).root,
        )
        machine = machine_of(
            rig,
            inbox,
            1,
            parent=parent,
            parent_header=header,
            state=state,
            ancestor_hash=lambda number: block_hash,
        )
        return block_exhibit(until(machine, Status.SEAL))


def _deepened(state: State, diff: StateDiff) -> MemoryState:
    """The accounts and slots that a block changes, and the message passer, on the longest paths."""
    accounts: dict[Address, Allocated | None] = {}
    for address in diff.accounts:
        account = state.account(address)
        slots = {slot: state.storage(address, slot) for slot in diff.storage.get(address, ())}
        accounts[address] = None
        if account is not None:
            code = state.code(account.code_hash)
            accounts[address] = Allocated(account.balance, account.nonce, code, slots)
    accounts[L2_TO_L1_MESSAGE_PASSER] = contract("00", balance=2**254, storage={0: 1})
    return deep_state(accounts)


def _next_cases() -> Iterator[WorstCase]:
    yield _case(Status.NEXT, "deposit of 64 KB", _deposit, _taking)
    yield _case(Status.NEXT, "deposit of 64 KB that was left out", _censor, _taking)
    posted = partial(_post_blocks, b"\1" * 5)
    yield _case(Status.NEXT, "64 KB out of the payload", posted, _from_the_payload)


def _root_cases() -> Iterator[WorstCase]:
    yield _case(Status.HASH_TRANSACTION, "deposit of 64 KB", _deposit)
    yield _case(Status.HASH_RECEIPT, "one log of 64 KB", _fill, _largest_receipt)
    for status in (Status.TRANSACTIONS_ROOT, Status.RECEIPTS_ROOT):
        what = f"{BLOCK_TRANSACTIONS_MAX:,} leaves"
        yield _case(status, what, _fill, partial(_full, status))


# DECODE


def dense(*runs: tuple[bytes, int, int, int]) -> bytes:
    """Runs of equal sequences, behind what holds a block's head: as many of each as fit the caps.

    A run is the literals, distance and length of a sequence, and how often it comes at the most.
    """
    found = [(HEAD + Random(1).randbytes(60), 40, 4)]
    decoded, posted = len(found[0][0]) + 4, len(packed(*found))
    for literals, distance, length, most in runs:
        sequence, size = (literals, distance, length), len(literals) + length
        posted_size = len(packed(sequence)) - 1
        times = min(
            most,
            BATCH_SEQUENCES_MAX - len(found),
            (BATCH_DECODED_BYTES_MAX - decoded) // size,
            (BATCH_POSTED_BYTES_MAX - posted) // posted_size,
        )
        found += [sequence] * times
        decoded, posted = decoded + times * size, posted + times * posted_size
    batch = packed(*found)
    assert len(decode_batch(batch)) == decoded
    return batch


MANY: Final = BATCH_SEQUENCES_MAX
BATCHES: Final = {
    "16,384 sequences, 256 KB, dearest mix": dense((b"a", 1, 4, 9_948), (b"", 17, 33, MANY)),
    "16,384 sequences of 16 bytes": dense((b"ab", 40, 14, MANY)),
    "16,384 sequences of one byte": dense((b"ab", 1, 14, MANY)),
    "13,781 sequences of a long length": dense((b"", 17, 19, MANY)),
    "7,934 sequences of two rounds": dense((b"", 32, 33, MANY)),
    "5,036 sequences of three rounds": dense((b"", 17, 52, MANY)),
    "80 KB as they are": b"\0" + (HEAD + Random(2).randbytes(BATCH_POSTED_BYTES_MAX - 21)),
    "void: one length of 80 KB": b"\1\xf0" + b"\xff" * (BATCH_POSTED_BYTES_MAX - 2),
}
