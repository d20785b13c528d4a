"""A transaction's way: VALIDATE, BUY, WARM, BEGIN, its frames, SETTLE, DESTRUCT, RECEIPT."""

from execution import admission
from execution.intrinsic import intrinsic_gas
from execution.limits import INITCODE_BYTES_MAX
from execution.machine.chain import Link, items
from execution.machine.gas import REFUND_QUOTIENT
from execution.machine.memory import View
from execution.machine.opcodes.creates import creation_address
from execution.machine.operations import CallOperation, CreationOperation
from execution.machine.records import RECEIPT_TAG, TRANSACTION_TAG, Access, Included
from execution.machine.state import PRECOMPILES, RIPEMD160, MachineState
from execution.machine.status import Outcome, Status
from execution.machine.transaction import PendingTx, Tx
from execution.machine.world import Values
from execution.transaction import Transaction
from state.blocks import Receipt
from state.errors import InternalError
from state.receipts import bloom_of, encode_receipt, merge_blooms
from state.types import ZERO_ADDRESS, ZERO_HASH, Gas


def validate(machine: MachineState) -> None:
    """VALIDATE: decode, and check what needs no state. Raises `InvalidTransaction`."""
    pending = machine.tx
    if not isinstance(pending, PendingTx):
        raise InternalError("no transaction is pending in status VALIDATE")
    context = machine.block.context
    tx = pending.decode(context.chain_id)
    admission.check_stateless(tx, machine.rules, context.chain_id)
    price = tx.effective_gas_price(context.base_fee)
    machine.tx = Tx(
        source=tx,
        raw=pending.raw,
        price=price,
        tip=max(price - context.base_fee, 0),
        start=machine.snapshot(),
        calldata=View.over(tx.data),
        initcode_hash=machine.world.remember_code(tx.data) if tx.to is None else ZERO_HASH,
        accesses=_accesses(tx),
        recipient=ZERO_ADDRESS if tx.to is None else tx.to,
        intrinsic=intrinsic_gas(tx),
    )
    machine.status = Status.BUY


def _accesses(tx: Transaction) -> Link[Access] | None:
    """The access list as a list that opens at its first entry."""
    accesses: Link[Access] | None = None
    for entry in reversed(tx.access_list):
        for slot in reversed(entry.slots):
            accesses = Link(Access(entry.address, slot), accesses)
        accesses = Link(Access(entry.address, None), accesses)
    return accesses


def buy(machine: MachineState) -> None:
    """BUY: check what the block and the sender decide, and take gas and nonce.

    Raises `InvalidTransaction`, with nothing changed: `GasAboveBlockLimit` before any look at the
    sender. A deposit mints instead, and when it can't even start it has used its whole gas limit.
    """
    tx, world, context = machine.running_tx, machine.world, machine.block.context
    source = tx.source
    gas_left = Gas(context.gas_limit - machine.block.gas_used)
    admission.check(
        source, world.account(source.sender), base_fee=context.base_fee, gas_left=gas_left
    )
    sender = world.values(source.sender)
    balance = sender.balance + source.mint - source.gas * tx.price
    world.set_values(source.sender, Values(sender.nonce + 1, balance, sender.code_hash))
    if source.to is None:
        tx.recipient = creation_address(source.sender, sender.nonce)
    machine.warm_by_rule = PRECOMPILES | {context.coinbase, source.sender, tx.recipient}
    tx.gas = source.gas - tx.intrinsic
    if source.is_deposit and not _can_start(machine, tx):
        machine.fail_transaction()
    else:
        machine.status = Status.WARM


def _can_start(machine: MachineState, tx: Tx) -> bool:
    """Whether a deposit has its intrinsic gas, its value, and no oversized creation code."""
    source = tx.source
    if tx.gas < 0 or machine.world.values(source.sender).balance < source.value:
        return False
    return source.to is not None or len(source.data) <= INITCODE_BYTES_MAX


def warm(machine: MachineState) -> None:
    """WARM: one entry of the access list (EIP-2930), or on when none is left."""
    tx = machine.running_tx
    if tx.accesses is None:
        machine.status = Status.BEGIN
        return
    access, tx.accesses = tx.accesses.item, tx.accesses.previous
    if access.slot is None:
        machine.warm(access.address)
    else:
        machine.journal.warm_slot(access.address, access.slot)


def begin(machine: MachineState) -> None:
    """BEGIN: the transaction's call or creation."""
    tx = machine.running_tx
    gas, tx.gas = tx.gas, 0
    source, recipient = tx.source, tx.recipient
    if source.to is None:
        creation = CreationOperation(recipient, source.sender, source.value, gas, tx.initcode_hash)
        machine.pend(Status.CREATE_WARM, creation)
        return
    call = CallOperation(
        gas=gas,
        code_address=recipient,
        code_hash=machine.world.values(recipient).code_hash,
        to=recipient,
        caller=source.sender,
        value=source.value,
        transfers=True,
        is_static=False,
        input=tx.calldata,
        output_start=0,
        output_size=0,
    )
    machine.pend(Status.ENTER, call)


def gas_used(machine: MachineState) -> int:
    """What the transaction has used once its refund is taken off (EIP-3529)."""
    tx = machine.running_tx
    used = tx.source.gas - tx.gas
    return used - min(machine.refund, used // REFUND_QUOTIENT)


def settle(machine: MachineState) -> None:
    """SETTLE: refund (EIP-3529), give back unused gas, pay the coinbase (EIP-1559)."""
    tx = machine.running_tx
    source, world = tx.source, machine.world
    used = gas_used(machine)
    tx.gas = source.gas - used
    if not source.is_deposit:
        world.add_balance(source.sender, tx.gas * tx.price)
        world.add_balance(machine.block.context.coinbase, used * tx.tip)
    machine.status = Status.DESTRUCT


def destruct(machine: MachineState) -> None:
    """DESTRUCT: delete one contract, or on when none is left."""
    if machine.destructs is not None:
        machine.world.delete(machine.destructs.item.address)
        machine.destructs = machine.destructs.previous
        return
    if machine.running_tx.ripemd_touched:
        machine.world.touch(RIPEMD160)
    machine.status = Status.RECEIPT


def finish(machine: MachineState) -> Receipt:
    """RECEIPT: add transaction and receipt to the block, and forget the transaction."""
    tx, block = machine.running_tx, machine.block
    block.gas_used += tx.source.gas - tx.gas
    logs = tuple(reversed([record.log for record in items(machine.logs)]))
    receipt = Receipt(
        type=tx.source.type,
        succeeded=tx.outcome is Outcome.SUCCESS,
        cumulative_gas_used=Gas(block.gas_used),
        logs=logs,
        logs_bloom=bloom_of(logs),
    )
    block.count += 1
    block.bloom = merge_blooms((block.bloom, receipt.logs_bloom))
    block.transactions = Link(Included(TRANSACTION_TAG, tx.raw), block.transactions)
    block.receipts = Link(Included(RECEIPT_TAG, encode_receipt(receipt)), block.receipts)
    machine.forget_transaction()
    return receipt
