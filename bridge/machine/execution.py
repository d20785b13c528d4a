"""A whole block executed by the machine, in the terms of derivation.

The machine is law, since L1 runs its rules: where an engine disagrees with it, a node can be told
to go on with what comes out here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.derive.engine import BlockTask, ExecutedBlock
from bridge.machine.block_machine import BlockMachine
from bridge.machine.prefix import Prefix
from execution.machine.machine import Machine
from execution.machine.status import Status
from execution.machine.transaction import Tx
from state.blocks import Header, Receipt, SealedBlock
from state.errors import InternalError
from state.headers import header_hash
from state.receipts import decode_receipt
from state.types import Address, BlockNumber


class MachineMadeNoBlock(InternalError):
    """The machine finds no block where derivation does."""

    def __init__(self, number: int) -> None:
        super().__init__(f"the machine finds no block {number} in the inbox, though one is derived")


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A transaction that is in the block."""

    sender: Address
    contract: Address | None
    """What it created."""
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Offer:
    """A transaction that was put before the machine, and what became of it."""

    raw: bytes
    first: int
    """Steps of the block before it is validated."""
    end: int
    """Steps of the block once the machine is done with it."""
    is_leading: bool
    """Whether it comes before the sequencer's own."""
    included: Inclusion | None
    """None for one that can't be in the block."""


def machine_for(task: BlockTask) -> BlockMachine:
    """The machine before the first step of the block.

    Of the inbox it gets the batch or tick and what came before: nothing later has a say in the
    block, so that it comes out the same whenever it is asked for.
    """
    prefix = Prefix(task.log, task.plan.item.index + 1)
    number = BlockNumber(task.boundary.number + 1)
    return BlockMachine(
        task.boundary, task.header, task.state, task.ancestors, prefix, task.config, number
    )


def offers(machine: BlockMachine) -> Iterator[Offer]:
    """Run a block to its end; tell each transaction right after it.

    Whoever listens finds the machine between two transactions.
    """
    while not machine.is_done:
        machine.step()
        inner = machine.machine
        if inner is not None and machine.status is Status.VALIDATE:
            yield _offered(machine, inner)


def execute_on_machine(task: BlockTask) -> ExecutedBlock:
    """Execute a block. Raises `MachineMadeNoBlock`."""
    machine = machine_for(task)
    done = [offer for offer in offers(machine) if offer.included is not None]
    if machine.header is None:
        raise MachineMadeNoBlock(task.boundary.number + 1)
    return ExecutedBlock(
        sealed=_sealed(task, machine, machine.header, done),
        cursor=machine.boundary.cursor,
        origin=machine.boundary.origin,
        leading=sum(offer.is_leading for offer in done),
    )


def _offered(machine: BlockMachine, inner: Machine) -> Offer:
    """Take the transaction on offer to its end."""
    pending, inputs, first = inner.state.tx, machine.inputs, machine.steps
    if pending is None or inputs is None:
        raise InternalError("nothing is on offer in status VALIDATE")
    included: Inclusion | None = None
    while not inner.idle:
        ending = inner.state.tx if machine.status is Status.RECEIPT else None
        machine.step()
        if isinstance(ending, Tx):
            included = _inclusion(inner, ending)
    return Offer(pending.raw, first, machine.steps, inputs.taking, included)


def _inclusion(inner: Machine, tx: Tx) -> Inclusion:
    """What has just been added to the block."""
    last = inner.state.block.receipts
    if last is None:
        raise InternalError("a transaction ended without a receipt")
    receipt = decode_receipt(last.item.encoded)
    is_creation = tx.source.to is None and receipt.succeeded
    return Inclusion(tx.source.sender, tx.recipient if is_creation else None, receipt)


def _sealed(
    task: BlockTask, machine: BlockMachine, header: Header, done: list[Offer]
) -> SealedBlock:
    included = [offer.included for offer in done if offer.included is not None]
    return SealedBlock(
        hash=header_hash(header),
        header=header,
        transactions=tuple(offer.raw for offer in done),
        senders=tuple(one.sender for one in included),
        contracts=tuple(one.contract for one in included),
        receipts=tuple(one.receipt for one in included),
        update=task.state.update(machine.diff()),
    )
