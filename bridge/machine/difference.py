"""Where an engine and the machine part ways in a block: the transaction, and in it the first step.

Both execute the block once more, transaction by transaction, and then the transaction in question
instruction by instruction, side by side: nothing is recorded, so that no transaction is too long.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import count, zip_longest
from typing import Final

from bridge.derive.engine import BlockTask, Engine
from bridge.derive.plan import envelope
from bridge.machine.block_machine import BlockMachine
from bridge.machine.execution import Offer, machine_for, offers
from execution.evm.tracing import Instant
from execution.machine.machine import Machine
from execution.machine.opcodes.mnemonics import mnemonic
from execution.machine.status import Status
from execution.replay import ReplayedBlock
from execution.transition import Candidate
from state.blocks import Header, Receipt
from state.errors import InternalError
from state.keccak import keccak
from state.types import Address, Hash32

SSTORE: Final = 0x55

ADMISSION: Final = (Status.VALIDATE, Status.BUY)
"""The steps that decide whether a transaction is in the block."""

_SEALED_BY: Final = {
    "transactions_root": Status.TRANSACTIONS_ROOT,
    "receipts_root": Status.RECEIPTS_ROOT,
    "state_root": Status.SEAL,
    "logs_bloom": Status.SEAL,
    "gas_used": Status.SEAL,
    "parent_hash": Status.SEAL,
}
"""By header field: the step that makes it. All others are the environment, which ORIGIN makes."""


@dataclass(frozen=True, slots=True)
class TransactionPlace:
    """A transaction of the block."""

    index: int
    hash: Hash32


@dataclass(frozen=True, slots=True)
class StepPlace:
    """The steps of the machine within which the difference comes up; the first gives the name."""

    first: int
    """Steps of the block before them."""
    end: int
    """Steps of the block before the first at which both sides can be compared again."""
    status: Status
    before: Instant | None
    """The instruction that the first step runs, on which both sides still agree."""
    engine: Instant | None = None
    """What the engine has before its next instruction; None where it runs none."""
    machine: Instant | None = None
    """What the machine has before its next instruction; None where it runs none."""

    @property
    def title(self) -> str:
        """The status, and the name of an instruction."""
        name = self.status.name
        return name if self.before is None else f"{name} {mnemonic(self.before.opcode)}"


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs first."""

    what: str
    transaction: TransactionPlace | None
    """None for a difference outside of transactions."""
    step: StepPlace


def find_difference(task: BlockTask, engine: Engine) -> Difference | None:
    """The first difference; None when both, executing again, agree on the whole block.

    Call it where deep recursion is safe.
    """
    replay, machine = engine.replay(task), machine_for(task)
    included, offered = _included(replay), _Offers(machine)
    for index in count():
        ours, offer = next(included, None), offered.next_included()
        if ours is None and offer is None:
            return _sealing_difference(task, replay.seal().sealed.header, machine.header)
        if ours is None or offer is None or envelope(ours.transaction) != offer.raw:
            return _choice_difference(task, replay, index, ours, offered)
        if not _is_same_outcome(replay, machine, offer):
            return _outcome_difference(task, engine, index, offer)
    return None


class _Offers:
    """The machine's transactions, one that is in the block after the other."""

    def __init__(self, machine: BlockMachine) -> None:
        self._offers = offers(machine)
        self.refused: list[Offer] = []
        """What could not be in the block since the one before the last that could."""
        self.last: Offer | None = None
        """The last that could; None at the end."""

    def next_included(self) -> Offer | None:
        self.refused, self.last = [], None
        for offer in self._offers:
            if offer.included is not None:
                self.last = offer
                break
            self.refused.append(offer)
        return self.last


def _included(replay: ReplayedBlock) -> Iterator[Candidate]:
    """Offer the candidates to the engine; those that are in the block, right after each."""
    for candidate in replay.candidates:
        before = replay.count
        replay.offer(candidate)
        if replay.count > before:
            yield candidate


def _inner(machine: BlockMachine) -> Machine:
    if machine.machine is None:
        raise InternalError(f"no transaction runs in status {machine.status.name}")
    return machine.machine


def _is_same_outcome(replay: ReplayedBlock, machine: BlockMachine, offer: Offer) -> bool:
    """Whether receipt and state after the last transaction are equal."""
    if offer.included is None or offer.included.receipt != replay.last_receipt:
        return False
    return _inner(machine).state.world.root() == replay.root()


# A transaction that only one side has in the block


def _choice_difference(
    task: BlockTask,
    replay: ReplayedBlock,
    index: int,
    ours: Candidate | None,
    offered: "_Offers",
) -> Difference:
    """The engine has `ours` at that place of the block, and the machine the last offer."""
    wanted, offer = None if ours is None else envelope(ours.transaction), offered.last
    for candidate in offered.refused:
        if candidate.raw == wanted:
            what = "the engine takes a transaction into the block that the machine refuses"
            return _choice(task, index, what, candidate.raw, candidate.end - 1)
    if offer is not None:
        if any(envelope(one.transaction) == offer.raw for one in replay.candidates):
            what = "the machine takes a transaction into the block that the engine refuses"
            return _choice(task, index, what, offer.raw, offer.first, steps=len(ADMISSION))
        what = "the machine finds a transaction in the inbox that the engine doesn't"
        return _choice(task, index, what, offer.raw, offer.first - 1)
    what = "the engine finds a transaction in the inbox that the machine doesn't"
    last = _steps_before(task, Status.HASH_TRANSACTION) - 1
    return _choice(task, index, what, wanted or b"", last)


def _choice(
    task: BlockTask, index: int, what: str, raw: bytes, step: int, *, steps: int = 1
) -> Difference:
    return Difference(what, TransactionPlace(index, keccak(raw)), _place(task, step, steps))


# A transaction that ends differently


def _outcome_difference(task: BlockTask, engine: Engine, index: int, offer: Offer) -> Difference:
    """Both have the transaction, and what it does differs."""
    replay, beside = run_beside(task, engine, index, offer)
    place = TransactionPlace(index, keccak(offer.raw))
    if beside.parted is not None:
        return Difference("an instruction does another thing", place, beside.parted)
    what, first = _hidden_difference(replay, beside, offer)
    return Difference(what, place, _place(task, first))


def run_beside(
    task: BlockTask, engine: Engine, index: int, offer: Offer
) -> tuple[ReplayedBlock, "Beside"]:
    """Run a transaction, which both have at that place of the block, on both at once."""
    machine, replay = machine_for(task), engine.replay(task)
    machine.advance(offer.first)
    beside = Beside(machine)
    for candidate in replay.candidates:
        is_it = replay.count == index and envelope(candidate.transaction) == offer.raw
        replay.watch(beside.compare if is_it else None)
        replay.offer(candidate)
        if replay.count > index:
            break
    beside.finish()
    return replay, beside


class Beside:
    """The machine, kept beside the engine from instruction to instruction of one transaction."""

    def __init__(self, machine: BlockMachine) -> None:
        """The machine is right before the transaction's validation."""
        self.machine = machine
        self.parted: StepPlace | None = None
        """Where the two differ, once they do."""
        self.writes: dict[tuple[Address, int], int] = {}
        """The step of the last SSTORE to each slot."""
        self.phases: dict[Status, int] = {}
        """The step of each of the transaction's own phases."""
        self._begun = machine.steps
        self._agreed: tuple[int, Instant] | None = None

    def compare(self, theirs: Instant) -> None:
        """The engine is right before an instruction: so should the machine be."""
        if self.parted is None:
            ours = self._next_instruction()
            if ours != theirs:
                self._part(theirs, ours)
            else:
                self._agree(ours)

    def finish(self) -> None:
        """The engine is done with the transaction: so should the machine be."""
        if self.parted is None:
            ours = self._next_instruction()
            if ours is not None:
                self._part(None, ours)

    def _next_instruction(self) -> Instant | None:
        """Go on to the next instruction, or to the transaction's end."""
        machine, inner = self.machine, _inner(self.machine)
        if machine.status is Status.RUN:
            machine.step()
        while not inner.idle and machine.status is not Status.RUN:
            if machine.status < Status.RUN:
                self.phases.setdefault(machine.status, machine.steps)
            machine.step()
        return None if inner.idle else instant_of(machine)

    def _agree(self, instant: Instant) -> None:
        self._agreed = self.machine.steps, instant
        if instant.opcode == SSTORE and instant.stack:
            self.writes[instant.address, instant.stack[-1]] = self.machine.steps

    def _part(self, theirs: Instant | None, ours: Instant | None) -> None:
        """Between the last instruction on which both agree and here."""
        end = self.machine.steps
        if self._agreed is None:
            begin = self.phases.get(Status.BEGIN, self._begun)
            self.parted = StepPlace(begin, end, Status.BEGIN, None, theirs, ours)
        else:
            first, before = self._agreed
            self.parted = StepPlace(first, end, Status.RUN, before, theirs, ours)


def instant_of(machine: BlockMachine) -> Instant | None:
    """What can be seen of the machine right before an instruction; None in other statuses."""
    if machine.status is not Status.RUN:
        return None
    frame = _inner(machine).state.running_frame
    return Instant(
        depth=frame.depth,
        address=frame.address,
        pc=frame.pc,
        opcode=frame.program.padded[frame.pc],
        gas=frame.gas,
        stack=tuple(frame.stack),
    )


def _hidden_difference(replay: ReplayedBlock, beside: Beside, offer: Offer) -> tuple[str, int]:
    """What differs though every instruction saw the same, and the step that it may come from."""
    world = _inner(beside.machine).state.world
    for (address, slot), step in sorted(beside.writes.items(), key=lambda written: written[1]):
        ours, theirs = replay.storage(address, slot), world.storage(address, slot)
        if ours != theirs:
            what = f"slot {slot:#x} of 0x{address.hex()} is {ours:#x} in the engine"
            return f"{what} and {theirs:#x} in the machine", step
    receipt = None if offer.included is None else offer.included.receipt
    if receipt is not None and receipt.logs != replay.last_receipt.logs:
        what = "the logs differ, though every instruction did the same"
        return what, beside.phases[Status.RECEIPT]
    return "gas, refund or fees differ at the transaction's end", beside.phases[Status.SETTLE]


# A difference outside of transactions


def _sealing_difference(
    task: BlockTask, engine: Header, machine: Header | None
) -> Difference | None:
    """All transactions did the same: what else is in the header."""
    if machine is None:
        return Difference("the machine finds no block in the inbox", None, _place(task, 0))
    differing = [
        field.name
        for field in fields(Header)
        if getattr(engine, field.name) != getattr(machine, field.name)
    ]
    if not differing:
        return None
    statuses = [_SEALED_BY.get(name, Status.ORIGIN) for name in differing]
    first = min(_steps_before(task, status) for status in set(statuses))
    what = f"every transaction does the same, but the header differs: {', '.join(differing)}"
    return Difference(what, None, _place(task, first))


def _steps_before(task: BlockTask, status: Status) -> int:
    """How many steps the block has before the first of that status."""
    machine = machine_for(task)
    while machine.status is not status and not machine.is_done:
        machine.step()
    return machine.steps


def _place(task: BlockTask, step: int, steps: int = 1) -> StepPlace:
    """The steps that so many steps of the block come before."""
    machine = machine_for(task)
    machine.advance(step)
    return StepPlace(step, step + steps, machine.status, instant_of(machine))


def find_stored_difference(
    task: BlockTask, transactions: Sequence[bytes], receipts: Sequence[Receipt]
) -> Difference:
    """The first difference of a block in the store, for one that the engine doesn't make again."""
    what = "the stored block is not what the engine makes now, which agrees with the machine"
    included = (offer for offer in offers(machine_for(task)) if offer.included is not None)
    stored = zip(transactions, receipts, strict=True)
    for index, (ours, offer) in enumerate(zip_longest(stored, included)):
        if offer is None:
            return Difference(what, TransactionPlace(index, keccak(ours[0])), _sealing_place(task))
        if offer.included is None or ours != (offer.raw, offer.included.receipt):
            place = TransactionPlace(index, keccak(offer.raw))
            return Difference(what, place, _place(task, offer.first))
    return Difference(what, None, _sealing_place(task))


def _sealing_place(task: BlockTask) -> StepPlace:
    return _place(task, _steps_before(task, Status.SEAL))
