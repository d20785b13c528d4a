"""The witness of one step of a block: what its verifier on L1 reads, in the order of reading.

The twin of BatchProver, BlockProver, ListProver and SealProver, read by read; the steps of
transactions have theirs in `execution.machine.witness`. Only the state before a step is looked at.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from bridge.derive.accumulator import item_words
from bridge.items import InboxItem, ItemKind
from bridge.limits import DEPOSIT_DATA_BYTES_MAX, DEPOSITS_PER_BLOCK_MAX
from bridge.machine.block_machine import BlockMachine
from bridge.machine.errors import PrefixIncomplete
from bridge.machine.fetch import LENGTH_BYTES, next_transaction, opened, scan
from bridge.machine.inputs import Inputs
from bridge.machine.limits import BLOCK_STEPS
from bridge.machine.prefix import Prefix
from execution.machine.chain import Link, items, list_hash
from execution.machine.records import Included
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.witness.environment import write_place
from execution.machine.witness.step import step_witness
from execution.machine.witness.trees import tree_of, write_bytes
from execution.machine.witness.tries import StateTries
from execution.machine.witness.writer import WitnessWriter
from genesis.hashing import config_words
from genesis.predeploys import L2_TO_L1_MESSAGE_PASSER
from state.errors import InternalError
from state.headers import encode_header
from state.types import ZERO_HASH

PhaseWitness: TypeAlias = Callable[[BlockMachine, WitnessWriter], None]
"""Writes what follows the machine's words."""

DEPOSIT_ITEM_BYTES_MAX: Final = 7 * 32 + DEPOSIT_DATA_BYTES_MAX
"""The data of a longer deposit item is void whatever it says, and isn't read."""


def block_witness(machine: BlockMachine) -> bytes:
    """The witness of the step that `machine` takes next. Changes nothing."""
    phase = _PHASES.get(machine.status)
    if phase is None:
        return step_witness(_state(machine))
    writer = WitnessWriter()
    writer.words(machine.words())
    phase(machine, writer)
    return writer.getvalue()


# Between blocks


def _boundary(machine: BlockMachine, writer: WitnessWriter) -> None:
    """Nothing but where a block begins; a sealed block's successor begins at its last state."""
    if machine.steps % BLOCK_STEPS:
        return
    _write_boundary(machine, writer)
    if machine.boundary.number >= machine.last_block:
        return
    prefix = machine.ground.prefix
    _write_item(prefix, prefix.last, writer)
    item = prefix.batch(machine.boundary.cursor.next_batch)
    if item is not None:
        _write_item(prefix, item, writer)


def _exhausted(_machine: BlockMachine, _writer: WitnessWriter) -> None:
    """Its own successor, without a look at anything."""


# From the batch to the first transaction


def _decode(machine: BlockMachine, writer: WitnessWriter) -> None:
    inputs = _write_ground(machine, writer)
    item = opened(machine.ground, inputs.item)
    _write_item(machine.ground.prefix, item, writer)
    writer.raw(item.data)


def _scan(machine: BlockMachine, writer: WitnessWriter) -> None:
    inputs = _inputs(machine)
    writer.words(inputs.words())
    if inputs.left == 0:
        return
    if inputs.payload is not None and inputs.at + LENGTH_BYTES <= len(inputs.payload.data):
        _write_payload(inputs, inputs.at, LENGTH_BYTES, writer)
    status, _ = scan(machine.ground, inputs)
    if status is Status.ORIGIN:
        _write_boundary(machine, writer)


def _origin(machine: BlockMachine, writer: WitnessWriter) -> None:
    inputs = _write_ground(machine, writer)
    _write_item(machine.ground.prefix, opened(machine.ground, inputs.origin), writer)


# Between transactions


def _next(machine: BlockMachine, writer: WitnessWriter) -> None:
    inputs = _write_block(machine, writer)
    if inputs.taking:
        _write_deposit(machine, inputs, writer)
    elif inputs.left:
        _, raw = next_transaction(inputs)
        _write_payload(inputs, inputs.at, LENGTH_BYTES, writer)
        _write_payload(inputs, inputs.at + LENGTH_BYTES, len(raw), writer)


def _write_deposit(machine: BlockMachine, inputs: Inputs, writer: WitnessWriter) -> None:
    """What decides whether the block takes one more deposit or forced transaction, and which."""
    if inputs.taken == DEPOSITS_PER_BLOCK_MAX:
        return
    ground = machine.ground
    _write_item(ground.prefix, ground.prefix.last, writer)
    item = ground.prefix.deposit(inputs.next_deposit)
    if item is None:
        return
    _write_item(ground.prefix, item, writer)
    if item.index > inputs.origin:
        _write_boundary(machine, writer)
        writer.words(config_words(ground.config))
        if item.l1_time + ground.config.derivation.window_seconds > inputs.time:
            return
    if item.kind is ItemKind.DEPOSIT and len(item.data) <= DEPOSIT_ITEM_BYTES_MAX:
        writer.raw(item.data)


def _unfit(machine: BlockMachine, writer: WitnessWriter) -> None:
    _write_block(machine, writer)


# From the last transaction to the boundary


def _hash_transaction(machine: BlockMachine, writer: WitnessWriter) -> None:
    _write_last(_write_block(machine, writer), _state(machine).block.transactions, writer)


def _hash_receipt(machine: BlockMachine, writer: WitnessWriter) -> None:
    _write_last(_write_block(machine, writer), _state(machine).block.receipts, writer)


def _write_last(inputs: Inputs, waiting: Link[Included] | None, writer: WitnessWriter) -> None:
    """The list without its last item, and that item."""
    if inputs.left and waiting is not None:
        writer.word(list_hash(waiting.previous))
        writer.blob(waiting.item.encoded)


def _root(machine: BlockMachine, writer: WitnessWriter) -> None:
    """The leaf nodes by index: the first was pushed last."""
    inputs = _write_block(machine, writer)
    writer.words(leaf.node_hash for leaf in items(inputs.leaves))


def _seal(machine: BlockMachine, writer: WitnessWriter) -> None:
    _write_block(machine, writer)
    _write_boundary(machine, writer)
    state = _state(machine)
    StateTries(state.world).open_account(L2_TO_L1_MESSAGE_PASSER, writer)
    write_place(writer, state.block.ring(), state.block.context.number)


# What several of them read


def _write_boundary(machine: BlockMachine, writer: WitnessWriter) -> None:
    writer.raw(machine.boundary.encode())


def _write_ground(machine: BlockMachine, writer: WitnessWriter) -> Inputs:
    """Inputs, and what the parent and the configuration say; before the block has words."""
    inputs = _inputs(machine)
    writer.words(inputs.words())
    _write_boundary(machine, writer)
    writer.words(config_words(machine.ground.config))
    writer.blob(encode_header(machine.ground.header))
    return inputs


def _write_block(machine: BlockMachine, writer: WitnessWriter) -> Inputs:
    """The block, and the inputs that its last word commits to."""
    inputs = _inputs(machine)
    writer.words(_state(machine).block.words())
    writer.words(inputs.words())
    return inputs


def _write_item(prefix: Prefix, item: InboxItem, writer: WitnessWriter) -> None:
    """The twelve words, of which the first is what the items before it add up to."""
    before = ZERO_HASH
    if item.index:
        previous = prefix.item(item.index - 1)
        if previous is None:
            raise PrefixIncomplete(prefix.count)
        before = previous.acc
    writer.words(item_words(before, item))


def _write_payload(inputs: Inputs, start: int, size: int, writer: WitnessWriter) -> None:
    if inputs.payload is None:
        raise InternalError(f"{size} bytes at {start} of a payload that isn't decoded")
    write_bytes(writer, tree_of(inputs.payload), start, size)


def _inputs(machine: BlockMachine) -> Inputs:
    if machine.inputs is None:
        raise InternalError(f"no block is being made in status {machine.status.name}")
    return machine.inputs


def _state(machine: BlockMachine) -> MachineState:
    if machine.machine is None:
        raise InternalError(f"nothing is executed in status {machine.status.name}")
    return machine.machine.state


_PHASES: Final[Mapping[Status, PhaseWitness]] = {
    Status.BOUNDARY: _boundary,
    Status.EXHAUSTED: _exhausted,
    Status.DECODE: _decode,
    Status.SCAN: _scan,
    Status.ORIGIN: _origin,
    Status.NEXT: _next,
    Status.UNFIT: _unfit,
    Status.HASH_TRANSACTION: _hash_transaction,
    Status.TRANSACTIONS_ROOT: _root,
    Status.HASH_RECEIPT: _hash_receipt,
    Status.RECEIPTS_ROOT: _root,
    Status.SEAL: _seal,
}
"""What each verifier of a block's own phases reads after the machine's words."""
