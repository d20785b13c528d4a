"""Transactions: admission, warming, fees, deletions, receipts, deposits."""

import pytest

from execution.errors import InvalidTransaction, NonceTooHigh
from execution.machine.chain import items
from execution.machine.machine import Machine
from execution.machine.opcodes.creates import creation_address
from execution.machine.status import Status
from execution.transaction import AccessListEntry, Transaction
from execution.transactions import encode
from genesis.config import L1_RULES
from state.errors import InternalError
from state.types import ZERO_HASH, Address, Gas, Wei
from tests.execution.evm.world import CHAIN_ID, FUNDS, World
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
from tests.execution.wallet import Wallet

STORE = "5f5460010180" + "5f55" + "5f5260205fa0"
"""Counts in slot 0 and logs the count."""


def test_transactions_of_a_block_follow_one_another() -> None:
    run = Run({CONTRACT: contract(STORE)})
    for nonce in range(3):
        assert run.apply(nonce=nonce)
    assert run.after().storage(CONTRACT, 0) == 3
    block = run.state.block
    assert len(list(items(block.receipts))) == len(list(items(block.transactions))) == 3
    assert block.bloom != bytes(256)


def test_slots_are_cold_and_originals_fresh_in_the_next_transaction() -> None:
    run = Run({CONTRACT: contract("600154600155" + "5f600155")})
    assert run.apply()
    assert run.apply(nonce=1)


def test_invalid_transaction_leaves_no_trace() -> None:
    run = Run()
    before = run.machine.machine_hash()
    with pytest.raises(NonceTooHigh):
        run.machine.apply(transaction(nonce=1), Gas(30_000_000))
    assert run.machine.machine_hash() == before


@pytest.mark.parametrize(
    "tx",
    [
        transaction(nonce=2**64 - 1),
        transaction(gas=Gas(20_999)),
        transaction(gas=Gas(2**24 + 1)),
        transaction(max_fee_per_gas=Wei(6)),
        transaction(value=FUNDS),
        transaction(chain_id=1),
        transaction(to=None, data=bytes(49_153), gas=Gas(2**24)),
    ],
    ids=["nonce", "intrinsic", "cap", "fee", "funds", "chain", "initcode"],
)
def test_refusals_are_those_of_the_engine(tx: Transaction) -> None:
    run = Run()
    with pytest.raises(InvalidTransaction) as refused:
        run.machine.apply(tx, Gas(30_000_000))
    with pytest.raises(type(refused.value)):
        run.world.evm.apply(tx, Gas(30_000_000))
    assert run.root() == run.world.state.root
    assert run.machine.idle


def test_block_gas_overflow_is_unfit_before_any_look_at_the_sender() -> None:
    """Nonce and funds are wrong too; neither is what stops it."""
    run = Run()
    before = run.machine.machine_hash()
    run.state.block.gas_used = run.state.block.context.gas_limit - 20_999
    run.offer(nonce=9, value=FUNDS, gas=Gas(21_000))
    run.until(Status.BUY)
    run.machine.step()
    assert run.machine.status is Status.UNFIT
    assert run.state.tx is not None
    run.machine.step()
    assert run.machine.idle
    run.state.block.gas_used = 0
    assert run.machine.machine_hash() == before


def test_gas_limit_that_just_fits_the_block_is_bought() -> None:
    run = Run()
    run.state.block.gas_used = run.state.block.context.gas_limit - 21_000
    run.offer(gas=Gas(21_000))
    run.until(Status.WARM)


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff", b"\x03" + bytes(9), encode(deposit(source_hash=ZERO_HASH))],
    ids=["nothing", "garbage", "blob", "deposit"],
)
def test_bytes_that_are_no_transaction_are_refused_by_validate(raw: bytes) -> None:
    run = Run()
    before = run.machine.machine_hash()
    run.machine.offer(raw)
    assert run.machine.machine_hash() != before
    run.machine.step()
    assert run.machine.idle
    assert run.machine.machine_hash() == before


def test_bytes_of_a_transaction_do_what_the_transaction_does() -> None:
    runs = Run(), Run()
    wallet = Wallet(1)
    offers = wallet.raw(CHAIN_ID), wallet.tx(CHAIN_ID)
    hashes = []
    for run, given in zip(runs, offers):
        run.machine.offer(given)
        hashes.append(run.machine.machine_hash())
        run.machine.step()
        hashes.append(run.machine.machine_hash())
        assert run.machine.status is Status.BUY
    assert hashes[:2] == hashes[2:]


def test_access_list_is_warmed_one_entry_a_step() -> None:
    accesses = (
        AccessListEntry(OTHER, (1, 2)),
        AccessListEntry(CONTRACT, (7,)),
        AccessListEntry(OTHER, ()),
    )
    code = "600754" + "73" + "dd" * 20 + "31" + "00"
    run = Run({CONTRACT: contract(code)})
    run.offer(access_list=accesses)
    run.until(Status.WARM)
    assert run.until(Status.BEGIN) == 3 + 3 + 1
    assert run.state.journal.is_slot_warm(OTHER, 2)
    run = Run({CONTRACT: contract(code)})
    assert run.apply(access_list=accesses)


@pytest.mark.parametrize("warm", ["aa" * 20, "cc" * 20, "fe" * 20, "00" * 19 + "0a"])
def test_what_is_warm_by_rule_is_not_in_the_journal(warm: str) -> None:
    run = Run({CONTRACT: contract("73" + warm + "3100")})
    assert run.apply()
    run = Run({CONTRACT: contract("73" + warm + "3100")})
    before = run.state.journal.root()
    run.offer()
    run.until(Status.SETTLE)
    assert run.state.journal.root() == before


def test_fees_go_to_coinbase_and_sender() -> None:
    run = Run({CONTRACT: contract("00")})
    assert run.apply(value=Wei(5))
    after = run.after()
    assert after.account(COINBASE).balance == 21_000
    assert after.account(SENDER).balance == FUNDS - 5 - 8 * 21_000


def test_refund_is_at_most_a_fifth() -> None:
    code = "".join(f"5f60{slot:02x}55" for slot in range(20))
    run = Run({CONTRACT: contract(code, storage=dict.fromkeys(range(20), 1))})
    assert run.apply()


def test_creation_by_transaction_deploys_what_it_returns() -> None:
    run = Run()
    assert run.apply(to=None, data=bytes.fromhex("6001600c60003960016000f300"), value=Wei(3))


@pytest.mark.parametrize("initcode", ["", "fe", "60ef5f5360015ff3", "6160015ff3", "5f5ffd"])
def test_creation_by_transaction_ends_as_in_the_engine(initcode: str) -> None:
    Run().apply(to=None, data=bytes.fromhex(initcode))


def test_creation_at_a_taken_address_uses_all_gas() -> None:
    taken = creation_address(SENDER, 0)
    for there in (Allocated(nonce=1), contract("00"), Allocated(storage={1: 1})):
        run = Run({taken: there})
        assert not run.apply(to=None, data=b"\0")


# Deletions


def test_contract_made_and_destroyed_is_deleted_at_the_end() -> None:
    """The creator calls what it made once more before the transaction ends."""
    initcode = "6133ff5f526002601ef3"
    size = len(initcode) // 2
    code = (
        f"69{initcode}5f52"
        + f"60{size:02x}60{32 - size:02x}6003f0"
        + "805f5f5f5f5f945af1503b5f5500"
    )
    run = Run({CONTRACT: contract(code, balance=10)})
    assert run.apply()
    assert run.after().account(CONTRACT).balance == 10


def test_destruction_in_initcode_and_twice() -> None:
    run = Run({CONTRACT: contract("6130ff5f526002601e6001f05f5f5f5f5f855af100", balance=1)})
    assert run.apply()


def test_empty_account_is_deleted_when_touched() -> None:
    run = Run({OTHER: Allocated(), CONTRACT: contract("5f5f5f5f5f73" + "dd" * 20 + "5af1")})
    assert run.apply()
    assert run.after().account(OTHER) is None


def test_touch_of_0x03_outlives_a_revert() -> None:
    ripemd = Address(bytes(19) + b"\x03")
    code = "5f5f5f5f5f60035af1" + "fe"
    run = Run({ripemd: Allocated(), CONTRACT: contract(code)})
    assert not run.apply()
    assert run.after().account(ripemd) is None


# Deposits


@pytest.mark.parametrize(
    "changes",
    [
        {"mint": Wei(100)},
        {"mint": Wei(5), "value": Wei(5)},
        {"value": FUNDS + 1},
        {"gas": Gas(20_000), "mint": Wei(1)},
        {"gas": Gas(0)},
        {"to": None, "data": bytes.fromhex("60015ff3")},
        {"to": None, "data": bytes(49_153), "gas": Gas(2**24)},
        {"to": OTHER, "data": b"calldata"},
    ],
    ids=["mint", "pass on", "too poor", "no gas", "no gas at all", "create", "too long", "fails"],
)
def test_deposits_do_what_the_engine_does(changes: dict[str, object]) -> None:
    run = Run({CONTRACT: contract(STORE), OTHER: contract("fe")})
    run.apply(deposit(source_hash=ZERO_HASH, **changes))
    run.apply(nonce=1)


def test_deposit_from_a_contract_runs() -> None:
    run = Run({CONTRACT: contract(STORE)})
    assert run.apply(deposit(sender=CONTRACT, mint=Wei(1)))


# Misuse


def test_machine_refuses_rules_that_are_not_the_l2s() -> None:
    world = World()
    with pytest.raises(InternalError, match="calldata floor"):
        Machine(world.state, world.context, L1_RULES)


def test_second_offer_is_an_error() -> None:
    run = Run()
    run.offer()
    with pytest.raises(InternalError, match="on its way: VALIDATE"):
        run.offer()


def test_gas_left_must_be_the_blocks() -> None:
    with pytest.raises(InternalError, match="gas"):
        Run().machine.apply(transaction(), Gas(1))
