"""BUY and SETTLE on the contracts: who may start, what is taken, and what is given back."""

from typing import Any

import pytest

from execution.machine.status import Status
from execution.transaction import AccessListEntry, Transaction, TransactionType
from state.types import ZERO_ADDRESS, Gas, Wei
from tests.bridge.prover.forgery import (
    assert_every_flip_is_refused,
    assert_no_witness_of_another_step,
)
from tests.bridge.prover.rig import prove_step, prove_transaction
from tests.execution.evm.world import FUNDS
from tests.execution.machine.world import (
    COINBASE,
    CONTRACT,
    OTHER,
    SENDER,
    Allocated,
    Run,
    contract,
    deposit,
    transaction,
)
from tests.execution.wallet import ETHER, Wallet

GAS = Gas(1_000_000)
FEE_CAP = 100
NEIGHBOURS = {OTHER: Allocated(balance=Wei(1)), COINBASE: Allocated(balance=Wei(5))}
"""With the sender they make a state of more than one leaf."""


def buying(tx: Transaction, sender: Allocated | None = None) -> Run:
    """A machine before gas is bought, by a sender as given."""
    allocated = {**NEIGHBOURS, CONTRACT: contract("00")}
    run = Run(allocated if sender is None else {**allocated, SENDER: sender})
    run.offer(tx)
    run.until(Status.BUY)
    return run


def bought(tx: Transaction, sender: Allocated | None = None) -> Status:
    """The status that follows BUY, which is proven."""
    run = buying(tx, sender)
    prove_step(run)
    return run.machine.status


# BUY


@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("nonce", [0, 1, 127, 128, 255, 256, 2**32, 2**64 - 2])
def test_purchase_at_any_nonce_proves(kind: int, nonce: int) -> None:
    funds = Allocated(balance=FUNDS, nonce=nonce)
    for to in (CONTRACT, None):
        tx = transaction(type=TransactionType(kind), nonce=nonce, to=to)
        assert bought(tx, funds) is Status.WARM


@pytest.mark.parametrize("value", [0, 1, 10**17])
def test_funds_at_the_highest_cost_and_one_wei_less_prove(value: int) -> None:
    cost = GAS * FEE_CAP + value
    tx = transaction(value=Wei(value))
    assert bought(tx, Allocated(balance=Wei(cost))) is Status.WARM
    assert bought(tx, Allocated(balance=Wei(cost - 1))) is Status.NEXT


@pytest.mark.parametrize(
    "changes",
    [
        {"max_fee_per_gas": Wei(2**256 - 1), "max_priority_fee_per_gas": Wei(2**256 - 1)},
        {"max_fee_per_gas": Wei(2**255)},
        {"value": Wei(2**256 - 1)},
        {"value": Wei(2**256 - 1), "max_fee_per_gas": Wei(2**256 - 1)},
        {"nonce": 1},
        {"max_fee_per_gas": Wei(6)},
    ],
    ids=["price", "product", "value", "sum", "nonce too high", "below the base fee"],
)
def test_refused_purchase_leaves_no_trace(changes: dict[str, Any]) -> None:
    run = buying(transaction(**changes))
    root = run.state.world.root()
    prove_step(run)
    assert run.machine.status is Status.NEXT
    assert run.state.world.root() == root


def test_nonce_that_was_used_is_refused() -> None:
    assert bought(transaction(), Allocated(balance=FUNDS, nonce=1)) is Status.NEXT


def test_sender_with_code_is_refused() -> None:
    assert bought(transaction(nonce=1), contract("00", balance=FUNDS)) is Status.NEXT
    assert bought(deposit(nonce=0), contract("00", balance=FUNDS)) is Status.WARM


def test_sender_that_is_no_account_is_refused() -> None:
    assert bought(transaction(sender=ZERO_ADDRESS)) is Status.NEXT


def test_block_gas_overflow_is_unfit_before_any_look_at_the_sender() -> None:
    for tx in (transaction(), transaction(nonce=7), deposit()):
        run = buying(tx)
        run.state.block.gas_used = run.state.block.context.gas_limit - GAS + 1
        prove_step(run)
        assert run.machine.status is Status.UNFIT
        run = buying(tx)
        run.state.block.gas_used = run.state.block.context.gas_limit - GAS
        prove_step(run)
        assert run.machine.status is not Status.UNFIT


# Deposits


@pytest.mark.parametrize("sender", [SENDER, OTHER, CONTRACT, ZERO_ADDRESS])
def test_deposit_mints_and_starts(sender: Any) -> None:
    for changes in ({}, {"mint": Wei(10**20)}, {"mint": Wei(3), "value": Wei(3), "to": None}):
        assert bought(deposit(sender=sender, **changes)) is Status.WARM


def test_deposit_below_its_intrinsic_gas_settles_at_once() -> None:
    assert bought(deposit(gas=Gas(21_000))) is Status.WARM
    assert bought(deposit(gas=Gas(20_999))) is Status.SETTLE
    assert bought(deposit(gas=Gas(0), mint=Wei(1))) is Status.SETTLE


def test_deposit_of_more_value_than_its_sender_has_settles_at_once() -> None:
    poor = Allocated(balance=Wei(7))
    assert bought(deposit(value=Wei(10), mint=Wei(3)), poor) is Status.WARM
    assert bought(deposit(value=Wei(11), mint=Wei(3)), poor) is Status.SETTLE
    assert bought(deposit(value=Wei(2**256 - 1)), poor) is Status.SETTLE


def test_deposit_of_oversized_creation_code_settles_at_once() -> None:
    for size, expected in ((49_152, Status.WARM), (49_153, Status.SETTLE)):
        assert bought(deposit(to=None, data=bytes(size), gas=Gas(2**24))) is expected


# SETTLE


def settling(tx: Transaction, left: int, refund: int = 0) -> Run:
    """A machine whose transaction has run, with so much gas left."""
    run = buying(tx)
    run.until(Status.SETTLE)
    run.state.running_tx.gas, run.state.refund = left, refund
    return run


@pytest.mark.parametrize("refund", [0, 1, 4_800, 99_999, 100_000, 100_001, 10**9])
@pytest.mark.parametrize("kind", [0, 1, 2, 0x7E])
def test_refund_up_to_a_fifth_proves(refund: int, kind: int) -> None:
    make = deposit if kind == TransactionType.DEPOSIT else transaction
    run = settling(make(type=TransactionType(kind)), left=500_000, refund=refund)
    prove_step(run)
    assert run.state.running_tx.gas == 500_000 + min(refund, 100_000)
    assert run.machine.status is Status.DESTRUCT


@pytest.mark.parametrize("tip", [0, 1, 93])
@pytest.mark.parametrize("left", [0, 1, 979_000])
def test_unused_gas_and_tip_prove(tip: int, left: int) -> None:
    prove_step(settling(transaction(max_priority_fee_per_gas=Wei(tip)), left))


@pytest.mark.parametrize("tip", [0, 1])
def test_coinbase_that_is_no_account_gets_one_from_a_tip_alone(tip: int) -> None:
    run = Run({CONTRACT: contract("00")})
    run.offer(transaction(max_priority_fee_per_gas=Wei(tip)))
    run.until(Status.SETTLE)
    prove_step(run)
    assert (run.machine.account(COINBASE) is not None) == bool(tip)


def test_coinbase_that_sends_pays_itself() -> None:
    run = Run({COINBASE: Allocated(balance=FUNDS), CONTRACT: contract("00")})
    run.offer(transaction(sender=COINBASE))
    run.until(Status.BUY)
    prove_step(run)
    run.until(Status.SETTLE)
    prove_step(run)


# Whole transactions


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_signed_transaction_proves_from_envelope_to_receipt(kind: int) -> None:
    """Clears a slot, so that there is a refund, and logs."""
    wallet = Wallet(3)
    code = contract("5f5f55" + "60015f5fa1" + "00", storage={0: 1})
    run = Run({wallet.address: Allocated(balance=Wei(ETHER)), CONTRACT: code})
    fees = {"max_fee_per_gas": Wei(10**9), "max_priority_fee_per_gas": Wei(10**9)}
    for nonce in range(2):
        wallet.nonce = nonce
        kinds = {"type": TransactionType(kind), "to": CONTRACT, "gas": GAS}
        run.machine.offer(wallet.raw(**kinds, **fees, data=b"\1\0"))
        proven = prove_transaction(run)
        assert proven["RECEIPT"] == 1
    assert run.state.block.count == 2


@pytest.mark.parametrize("changes", [{}, {"gas": Gas(20_000)}, {"mint": Wei(9), "value": Wei(9)}])
def test_deposit_proves_from_envelope_to_receipt(changes: dict[str, Any]) -> None:
    run = Run({CONTRACT: contract("5f5f55" + "60015f5fa1" + "00", storage={0: 1})})
    run.offer(deposit(**changes))
    assert prove_transaction(run)["RECEIPT"] == 1
    assert run.state.block.count == 1


@pytest.mark.parametrize("initcode", ["33ff", "60005ff3", "60ef5f5360015ff3", "fe"])
def test_signed_creation_proves_from_envelope_to_receipt(initcode: str) -> None:
    """Destroys itself, becomes a contract, breaks EIP-3541, fails."""
    wallet = Wallet(4)
    run = Run({wallet.address: Allocated(balance=Wei(ETHER))})
    entries = (AccessListEntry(OTHER, (1, 2)),)
    run.machine.offer(
        wallet.raw(
            to=None, value=Wei(5), data=bytes.fromhex(initcode), gas=GAS, access_list=entries
        )
    )
    proven = prove_transaction(run)
    assert proven["WARM"] == 4
    assert proven["DESTRUCT"] == (2 if initcode == "33ff" else 1)


# Forgery


@pytest.mark.parametrize(
    "tx",
    [transaction(), transaction(nonce=1), deposit(mint=Wei(1))],
    ids=["buys", "skipped", "mints"],
)
def test_purchase_with_any_byte_flipped_is_refused(tx: Transaction) -> None:
    assert_every_flip_is_refused(buying(tx))


def test_unfit_with_any_byte_flipped_is_refused() -> None:
    run = buying(transaction())
    run.state.block.gas_used = run.state.block.context.gas_limit
    assert_every_flip_is_refused(run)


@pytest.mark.parametrize("tx", [transaction(), deposit()], ids=["signed", "deposit"])
def test_settlement_with_any_byte_flipped_is_refused(tx: Transaction) -> None:
    assert_every_flip_is_refused(settling(tx, left=10, refund=5))


def test_witness_of_another_payment_is_refused() -> None:
    last = Allocated(balance=Wei(GAS * FEE_CAP))
    assert_no_witness_of_another_step(
        [buying(transaction()), buying(transaction(), last), buying(deposit())]
    )
