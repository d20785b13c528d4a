"""Transactions from gas purchase to the end: fees, refunds, deposits, creations, simulations."""

import pytest

from execution.errors import (
    FeeCapBelowBaseFee,
    GasAboveBlockLimit,
    GasAboveTransactionCap,
    InsufficientFunds,
    IntrinsicGasTooLow,
    InvalidTransaction,
    NonceTooHigh,
    NonceTooLow,
    SenderHasCode,
    TipAboveFeeCap,
    TransactionTypeNotSupported,
)
from execution.evm.addresses import creation2_address, creation_address
from execution.evm.engine import Evm
from execution.transaction import AccessListEntry, TransactionType
from genesis.config import L1_RULES, L2_RULES, ExecutionRules
from state.accounts import Account, StateDiff
from state.errors import Unavailable
from state.memory_state import MemoryState
from state.types import Address, Gas, Wei
from tests.execution.evm.world import (
    BASE_FEE,
    COINBASE,
    CONTRACT,
    FUNDS,
    OTHER,
    SENDER,
    Allocated,
    World,
    contract,
    deposit,
    transaction,
)

STORE_ONE = "600160005500"
REVERT_WITH_2A = "602a60005260206000fd"
INVALID = "fe"
RETURN_STOP_AS_CODE = "60015ff3"
"""Initialisation code that deploys one zero byte."""


def test_apply_transfer_moves_value_and_pays_base_fee_to_nobody() -> None:
    world = World()
    outcome = world.apply(to=OTHER, value=Wei(5))
    assert outcome.succeeded
    assert outcome.gas_used == 21_000
    assert world.account(OTHER).balance == 5
    assert world.account(COINBASE).balance == 21_000
    assert world.account(SENDER).balance == FUNDS - 5 - 21_000 * (BASE_FEE + 1)
    assert world.account(SENDER).nonce == 1


def test_apply_revert_keeps_fee_and_nonce_and_tells_why() -> None:
    world = World({CONTRACT: contract("6001600055" + REVERT_WITH_2A)})
    outcome = world.apply()
    assert (outcome.succeeded, outcome.reverted) == (False, True)
    assert outcome.error == "execution reverted"
    assert outcome.output == (0x2A).to_bytes(32, "big")
    assert outcome.gas_used < 100_000
    assert world.after().storage(CONTRACT, 0) == 0
    assert world.account(SENDER).nonce == 1


def test_apply_halt_uses_all_gas() -> None:
    outcome = World({CONTRACT: contract(INVALID)}).apply()
    assert not outcome.succeeded
    assert not outcome.reverted
    assert outcome.gas_used == 1_000_000


def test_apply_clearing_a_slot_refunds_at_most_a_fifth() -> None:
    world = World({CONTRACT: contract("6000600055", storage={0: 1})})
    outcome = world.apply()
    before_refund = 21_000 + 2 * 3 + 5_000
    assert outcome.gas_used == before_refund - 4_800


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"nonce": 1}, NonceTooHigh),
        ({"gas": Gas(20_999)}, IntrinsicGasTooLow),
        ({"gas": Gas(2**24 + 1)}, GasAboveTransactionCap),
        ({"value": FUNDS}, InsufficientFunds),
        ({"max_fee_per_gas": Wei(6)}, FeeCapBelowBaseFee),
        ({"max_priority_fee_per_gas": Wei(101)}, TipAboveFeeCap),
        ({"sender": CONTRACT, "nonce": 1, "value": Wei(0)}, SenderHasCode),
        ({"type": TransactionType.BLOB}, TransactionTypeNotSupported),
    ],
)
def test_apply_inadmissible_transaction_touches_nothing(
    changes: dict[str, object], error: type[InvalidTransaction]
) -> None:
    world = World({CONTRACT: contract(STORE_ONE, balance=10**18)})
    with pytest.raises(error):
        world.apply(**changes)
    assert world.evm.diff() == StateDiff()


def test_apply_without_block_gas_left_touches_nothing() -> None:
    world = World()
    with pytest.raises(GasAboveBlockLimit):
        world.evm.apply(transaction(), Gas(999_999))
    assert world.evm.diff() == StateDiff()


def test_apply_same_nonce_twice_is_too_low() -> None:
    world = World()
    world.apply(to=OTHER)
    with pytest.raises(NonceTooLow):
        world.apply(to=OTHER)


def test_apply_deposit_on_l1_is_refused() -> None:
    world = World(rules=L1_RULES)
    with pytest.raises(TransactionTypeNotSupported):
        world.evm.apply(deposit(), Gas(30_000_000))


class FailingDisk:
    """A state whose account OTHER can't be read."""

    def __init__(self, state: MemoryState) -> None:
        self.root = state.root
        self.storage = state.storage
        self.code = state.code
        self._state = state

    def account(self, address: Address) -> Account | None:
        if address == OTHER:
            raise Unavailable("disk")
        return self._state.account(address)


def test_apply_unreadable_state_leaves_earlier_transactions_and_nothing_else() -> None:
    world = World({CONTRACT: contract("6001600055" + "73" + "dd" * 20 + "3b")})
    world.evm = Evm(FailingDisk(world.state), world.context, L2_RULES)
    world.apply(to=COINBASE)
    before = world.evm.diff()
    with pytest.raises(Unavailable):
        world.apply(nonce=1)
    assert world.evm.diff() == before


# Creations


def test_apply_creation_deploys_at_the_address_of_sender_and_nonce() -> None:
    world = World()
    outcome = world.apply(to=None, data=bytes.fromhex(RETURN_STOP_AS_CODE))
    created = creation_address(SENDER, 0)
    assert outcome.created == created
    assert world.account(created).nonce == 1
    assert world.evm.code(created) == b"\0"


@pytest.mark.parametrize(
    "taken",
    [Allocated(nonce=1), Allocated(code=b"\0"), Allocated(balance=Wei(1), storage={1: 1})],
    ids=["nonce", "code", "storage (EIP-7610)"],
)
def test_apply_creation_at_a_taken_address_uses_all_gas(taken: Allocated) -> None:
    world = World({creation_address(SENDER, 0): taken})
    outcome = world.apply(to=None, data=bytes.fromhex(RETURN_STOP_AS_CODE))
    assert outcome.error == "contract address collision"
    assert outcome.created is None
    assert outcome.gas_used == 1_000_000


@pytest.mark.parametrize(
    ("initcode", "succeeds"),
    [
        ("60ef60005360016000f3", False),
        ("6160005ff3", True),
        ("6160015ff3", False),
    ],
    ids=["0xEF (EIP-3541)", "24,576 bytes", "24,577 bytes (EIP-170)"],
)
def test_apply_creation_checks_deployed_code(initcode: str, succeeds: bool) -> None:
    outcome = World().apply(to=None, data=bytes.fromhex(initcode), gas=Gas(6_000_000))
    assert outcome.succeeded is succeeds


def test_create2_address_is_that_of_eip_1014() -> None:
    # The EIP's first and fourth examples.
    assert creation2_address(Address(bytes(20)), 0, b"\0").hex() == (
        "4d1a2e2bb4f88f0250f26ffff098b0b30b26bf38"
    )
    deployer = Address(bytes.fromhex("00000000000000000000000000000000deadbeef"))
    assert creation2_address(deployer, 0xCAFEBABE, bytes.fromhex("deadbeef")).hex() == (
        "60f3f640a8508fc6a86d45df051962668e1e8ac7"
    )


def test_create_with_too_much_initcode_fails_the_creator_even_when_it_is_poor() -> None:
    world = World()
    # CREATE with value 1 from a contract that has none, and 49,153 bytes (EIP-3860).
    outcome = world.run("61c0015f6001f000")
    assert outcome.error == "out of gas"


# Destroying


def test_selfdestruct_of_an_older_contract_only_sends_its_ether() -> None:
    world = World({CONTRACT: contract("73" + "dd" * 20 + "ff", balance=9, storage={1: 1})})
    assert world.apply().succeeded
    assert world.account(OTHER).balance == 9
    assert world.evm.code(CONTRACT) != b""
    assert world.after().storage(CONTRACT, 1) == 1


def test_selfdestruct_in_the_creating_transaction_deletes_the_account() -> None:
    world = World()
    outcome = world.apply(to=None, data=bytes.fromhex("6001600055" + "30ff"), value=Wei(3))
    assert outcome.succeeded
    assert world.after().account(creation_address(SENDER, 0)) is None
    assert creation_address(SENDER, 0) not in world.evm.diff().accounts


def test_touched_empty_account_is_deleted_with_its_storage() -> None:
    world = World({OTHER: Allocated(storage={1: 1}), CONTRACT: contract("00")})
    world.apply(to=CONTRACT)
    assert OTHER not in world.evm.diff().accounts
    world.apply(to=OTHER, nonce=1)
    assert world.evm.diff().accounts[OTHER] is None
    assert world.evm.diff().cleared == {OTHER}
    assert world.after().account(OTHER) is None


# Deposits


def test_deposit_mints_runs_and_pays_no_fee() -> None:
    world = World({CONTRACT: contract(STORE_ONE)})
    outcome = world.evm.apply(deposit(mint=Wei(100), value=Wei(60)), Gas(30_000_000))
    assert outcome.succeeded
    assert world.account(SENDER).balance == FUNDS + 100 - 60
    assert world.account(SENDER).nonce == 1
    assert world.account(COINBASE).balance == 0
    assert world.after().storage(CONTRACT, 0) == 1


@pytest.mark.parametrize(
    ("changes", "all_gas"),
    [
        ({"data": b"", "value": Wei(2**200)}, True),
        ({"gas": Gas(20_000)}, True),
        ({"to": None, "data": bytes(49_153)}, True),
        ({"to": OTHER}, True),
        ({"to": CONTRACT}, False),
    ],
    ids=["value above balance", "too little gas", "initcode too long", "halt", "revert"],
)
def test_failed_deposit_keeps_mint_and_nonce(changes: dict[str, object], all_gas: bool) -> None:
    world = World({CONTRACT: contract(REVERT_WITH_2A), OTHER: contract(INVALID)})
    tx = deposit(mint=Wei(100), **changes)
    outcome = world.evm.apply(tx, Gas(30_000_000))
    assert not outcome.succeeded
    assert (outcome.gas_used == tx.gas) is all_gas
    assert world.account(SENDER).balance == FUNDS + 100
    assert world.account(SENDER).nonce == 1


def test_deposit_by_a_contract_is_admitted() -> None:
    world = World({CONTRACT: contract("00")})
    assert world.evm.apply(deposit(sender=CONTRACT), Gas(30_000_000)).succeeded
    assert world.account(CONTRACT).nonce == 2


# Rules of other chains


def test_calldata_floor_is_charged_on_l1_only() -> None:
    data = b"\xff" * 1_000
    on_l2 = World(rules=L2_RULES).apply(to=OTHER, data=data).gas_used
    on_l1 = World(rules=L1_RULES).apply(to=OTHER, data=data).gas_used
    assert on_l2 == 21_000 + 16 * 1_000
    assert on_l1 == 21_000 + 40 * 1_000


def test_transaction_cap_off_admits_more() -> None:
    world = World(rules=ExecutionRules(transaction_gas_cap=None))
    assert world.apply(gas=Gas(2**24 + 1), to=OTHER).succeeded


# The block


@pytest.mark.parametrize(
    ("number", "expected"),
    [(999, 999), (744, 744), (743, 0), (1_000, 0), (1_001, 0)],
    ids=["n-1", "n-256", "n-257", "n", "n+1"],
)
def test_blockhash_sees_256_ancestors(number: int, expected: int) -> None:
    outcome = World().run(f"61{number:04x}40" + "5f5260205ff3")
    assert int.from_bytes(outcome.output, "big") == expected


def test_blobbasefee_is_one_and_blobhash_zero() -> None:
    assert World().run("4a5f5260205ff3").output == (1).to_bytes(32, "big")
    assert World().run("5f495f5260205ff3").output == bytes(32)


# Simulations


def test_call_leaves_no_trace() -> None:
    world = World({CONTRACT: contract(STORE_ONE)})
    assert world.evm.call(transaction(value=Wei(1))).succeeded
    assert world.evm.diff() == StateDiff()
    assert world.evm.storage(CONTRACT, 0) == 0


def test_call_needs_neither_nonce_nor_fee_but_funds_for_the_value() -> None:
    world = World({CONTRACT: contract("00")})
    assert world.evm.call(transaction(nonce=77, max_fee_per_gas=Wei(0))).succeeded
    with pytest.raises(InsufficientFunds):
        world.evm.call(transaction(value=Wei(FUNDS + 1)))
    with pytest.raises(NonceTooHigh):
        world.evm.call(transaction(nonce=77), check=True)


def test_call_names_what_was_accessed_also_in_failed_frames() -> None:
    # CALL OTHER, which reads slot 5 and reverts.
    world = World(
        {
            CONTRACT: contract("5f5f5f5f5f73" + "dd" * 20 + "5af100"),
            OTHER: contract("600554505f5ffd"),
        }
    )
    accessed = world.evm.call(transaction()).accessed
    assert AccessListEntry(OTHER, (5,)) in accessed


def test_set_override_pretends() -> None:
    world = World({CONTRACT: contract("5f545f5260205ff3", storage={0: 7})})
    assert world.evm.call(transaction()).output == (7).to_bytes(32, "big")
    world.evm.set_override(CONTRACT, storage_diff={0: 8})
    assert world.evm.call(transaction()).output == (8).to_bytes(32, "big")
    world.evm.set_override(CONTRACT, storage={1: 1})
    assert world.evm.call(transaction()).output == bytes(32)
    world.evm.set_override(OTHER, balance=Wei(4), nonce=3)
    account = world.evm.account(OTHER)
    assert account is not None
    assert (account.balance, account.nonce) == (4, 3)
