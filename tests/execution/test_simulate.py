"""Simulations against real states; estimates are checked by executing the transaction."""

from dataclasses import replace

import pytest

from execution import errors
from execution.attributes import InclusionRule
from execution.overrides import AccountOverride
from execution.simulate import (
    CallRequest,
    World,
    call,
    checked,
    create_access_list,
    estimate_gas,
)
from execution.simulation_errors import (
    ExecutionHalted,
    ExecutionReverted,
    GasRequiredExceedsAllowance,
)
from execution.transition import Candidate, context_of
from genesis.config import L1_RULES, TRANSACTION_GAS_CAP
from state.accounts import Account
from state.types import Address, Gas, Wei
from tests.execution.chain import MemoryChain, contract, funded
from tests.execution.wallet import ETHER, GWEI, Wallet, config

ALICE, POOR = Wallet(1), Wallet(2)
PAYEE = Address(b"\x11" * 20)
ANSWER = Address(b"\xb1" * 20)
REVERTER = Address(b"\xb2" * 20)
HALTER = Address(b"\xb3" * 20)
READER = Address(b"\xb4" * 20)
PRICES = Address(b"\xb5" * 20)
HOLDER = Address(b"\xb6" * 20)
CLEANER = Address(b"\xb7" * 20)
CHAINED = Address(b"\xb9" * 20)

CODES = {
    ANSWER: "60 2a 60 00 52 60 20 60 00 f3",  # returns 42
    REVERTER: "60 2a 60 00 52 60 20 60 00 fd",  # reverts with 42
    HALTER: "fe",
    READER: "60 05 54 60 00 52 60 20 60 00 f3",  # returns slot 5
    PRICES: "3a 60 00 52 48 60 20 52 60 40 60 00 f3",  # returns GASPRICE, BASEFEE
    # Halts unless more than 60,000 gas is left: needs much more than it uses.
    HOLDER: "62 00 ea 60 5a 11 60 0a 57 fe 5b 00",
    CLEANER: "60 00 60 01 55 60 00 60 02 55 00",  # clears slots 1 and 2: refunds
    # Calls READER with all gas and reads own slot 7.
    CHAINED: "60 00 80 80 80 80 73" + "b4" * 20 + "5a f1 50 60 07 54 50 00",
}


def chain() -> MemoryChain:
    codes = {address: contract(bytes.fromhex(code)) for address, code in CODES.items()}
    codes[CLEANER] = replace(codes[CLEANER], storage={1: 1, 2: 1})
    codes[READER] = replace(codes[READER], storage={5: 55})
    one = MemoryChain(funded(ALICE) | codes)
    one.extend()
    return one


def world(one: MemoryChain) -> World:
    header = one.head.header
    return World(one.state, context_of(header, one.config, one.hash_of), one.config)


def number(output: bytes) -> int:
    return int.from_bytes(output, "big")


# Calls


def test_call_returns_output_and_leaves_no_trace() -> None:
    here = world(chain())
    for _ in range(2):
        outcome = call(here, CallRequest(to=ANSWER))
        assert number(checked(outcome).output) == 42


def test_call_of_a_reverting_contract_carries_its_data() -> None:
    outcome = call(world(chain()), CallRequest(to=REVERTER))
    with pytest.raises(ExecutionReverted, match="^execution reverted$") as caught:
        checked(outcome)
    assert number(caught.value.data) == 42


def test_call_that_halts_names_the_reason() -> None:
    outcome = call(world(chain()), CallRequest(to=HALTER, gas=Gas(50_000)))
    with pytest.raises(ExecutionHalted, match="invalid opcode: INVALID"):
        checked(outcome)


def test_call_without_fees_sees_no_price_and_no_base_fee() -> None:
    outcome = call(world(chain()), CallRequest(to=PRICES))
    assert outcome.output == bytes(64)


def test_call_with_fees_sees_the_effective_price_and_the_base_fee() -> None:
    one = chain()
    request = CallRequest(
        to=PRICES, max_fee_per_gas=Wei(10 * GWEI), max_priority_fee_per_gas=Wei(3)
    )
    output = call(world(one), request).output
    base_fee = one.head.header.base_fee_per_gas
    assert number(output[:32]) == base_fee + 3
    assert number(output[32:]) == base_fee


def test_call_with_fees_below_the_base_fee_raises() -> None:
    request = CallRequest(to=PRICES, max_fee_per_gas=Wei(1))
    with pytest.raises(errors.FeeCapBelowBaseFee):
        call(world(chain()), request)


def test_call_with_tip_above_cap_raises() -> None:
    request = CallRequest(max_fee_per_gas=Wei(1), max_priority_fee_per_gas=Wei(2))
    with pytest.raises(errors.TipAboveFeeCap):
        call(world(chain()), request)


def test_call_of_more_value_than_the_sender_has_raises() -> None:
    with pytest.raises(errors.InsufficientFunds):
        call(world(chain()), CallRequest(sender=POOR.address, to=PAYEE, value=Wei(1)))


def test_call_with_too_little_gas_to_start_raises() -> None:
    with pytest.raises(errors.IntrinsicGasTooLow):
        call(world(chain()), CallRequest(to=PAYEE, gas=Gas(20_999)))


def test_call_gas_is_capped() -> None:
    spin = bytes.fromhex("5b 60 00 56")
    here = replace(world(chain()), overrides={PAYEE: AccountOverride(code=spin)})
    outcome = call(here, CallRequest(to=PAYEE, gas=Gas(10**9)), gas_cap=Gas(100_000))
    assert (outcome.succeeded, outcome.gas_used) == (False, 100_000)


def test_call_creation_returns_the_code() -> None:
    outcome = call(world(chain()), CallRequest(data=bytes.fromhex("60 00 60 00 53 60 01 60 00 f3")))
    assert checked(outcome).output == b"\0"


# Overrides


def test_overrides_replace_code_balance_and_storage() -> None:
    read = bytes.fromhex(CODES[READER])
    balance = bytes.fromhex("47 60 00 52 60 20 60 00 f3")
    here = replace(
        world(chain()),
        overrides={
            PAYEE: AccountOverride(code=read, storage_diff={5: 9}),
            READER: AccountOverride(storage={6: 1}),
            HALTER: AccountOverride(code=balance, balance=Wei(77)),
        },
    )
    assert number(call(here, CallRequest(to=PAYEE)).output) == 9
    assert number(call(here, CallRequest(to=READER)).output) == 0
    assert number(call(here, CallRequest(to=HALTER)).output) == 77


def test_override_of_some_slots_leaves_the_others() -> None:
    here = replace(world(chain()), overrides={READER: AccountOverride(storage_diff={6: 1})})
    assert number(call(here, CallRequest(to=READER)).output) == 55


def test_override_of_balance_lets_a_poor_sender_pay() -> None:
    here = replace(world(chain()), overrides={POOR.address: AccountOverride(balance=Wei(ETHER))})
    request = CallRequest(sender=POOR.address, to=PAYEE, value=Wei(ETHER))
    assert checked(call(here, request)).gas_used == 21_000
    assert estimate_gas(here, request) == 21_000


# Estimates


def works(one: MemoryChain, to: Address | None, gas: int, data: bytes = b"") -> bool:
    raw = ALICE.raw(to=to, gas=gas, data=data, value=0)
    result = one.execute([Candidate(raw, InclusionRule.SKIP)])
    return not result.skipped and result.sealed.receipts[0].succeeded


@pytest.mark.parametrize("to", [PAYEE, ANSWER, READER, HOLDER, CLEANER, CHAINED])
def test_estimate_is_enough_and_close_to_the_least(to: Address) -> None:
    one = chain()
    estimate = estimate_gas(world(one), CallRequest(sender=ALICE.address, to=to))
    assert works(one, to, estimate)
    # The search stops within 1.5% of the least that works.
    assert not works(one, to, estimate - estimate * 16 // 1000 - 1)


def test_estimate_of_a_transfer_is_exact() -> None:
    assert estimate_gas(world(chain()), CallRequest(sender=ALICE.address, to=PAYEE)) == 21_000


def test_estimate_of_a_creation_is_enough() -> None:
    one = chain()
    initcode = bytes.fromhex("61 01 00 60 00 f3")
    estimate = estimate_gas(world(one), CallRequest(sender=ALICE.address, data=initcode))
    assert works(one, None, estimate, initcode)


def test_estimate_of_calldata_includes_the_floor_by_rule() -> None:
    one = chain()
    here = replace(world(one), config=config(L1_RULES))
    request = CallRequest(sender=ALICE.address, to=PAYEE, data=b"\1" * 100)
    assert estimate_gas(here, request) >= 21_000 + 40 * 100
    assert estimate_gas(world(one), request) < 21_000 + 40 * 100


def test_estimate_of_a_reverting_call_raises_reverted() -> None:
    with pytest.raises(ExecutionReverted):
        estimate_gas(world(chain()), CallRequest(sender=ALICE.address, to=REVERTER))


def test_estimate_of_a_halting_call_raises_halted() -> None:
    with pytest.raises(ExecutionHalted):
        estimate_gas(world(chain()), CallRequest(sender=ALICE.address, to=HALTER))


def test_estimate_of_an_endless_loop_raises_allowance() -> None:
    here = replace(
        world(chain()), overrides={PAYEE: AccountOverride(code=bytes.fromhex("5b 60 00 56"))}
    )
    request = CallRequest(sender=ALICE.address, to=PAYEE)
    with pytest.raises(GasRequiredExceedsAllowance, match=r"exceeds allowance \(200000\)"):
        estimate_gas(here, request, gas_cap=Gas(200_000))


def test_estimate_beyond_what_the_sender_can_pay_raises_allowance() -> None:
    one = chain()
    fee = Wei(100 * ETHER // 20_000)
    request = CallRequest(sender=ALICE.address, to=ANSWER, max_fee_per_gas=fee)
    with pytest.raises(GasRequiredExceedsAllowance, match=r"\(20000\)"):
        estimate_gas(world(one), request)


def test_estimate_never_exceeds_the_transaction_cap() -> None:
    one = chain()
    request = CallRequest(sender=ALICE.address, to=ANSWER, gas=Gas(2**30))
    assert estimate_gas(world(one), request) <= TRANSACTION_GAS_CAP


# Access lists


def test_access_list_names_what_was_read_and_makes_it_warm() -> None:
    here = world(chain())
    result = create_access_list(here, CallRequest(sender=ALICE.address, to=CHAINED))
    found = {entry.address: entry.slots for entry in result.access_list}
    assert found == {READER: (5,), CHAINED: (7,)}
    assert result.error is None
    again = call(
        here, CallRequest(sender=ALICE.address, to=CHAINED, access_list=result.access_list)
    )
    assert again.gas_used == result.gas_used


def test_access_list_of_a_transfer_is_empty() -> None:
    result = create_access_list(world(chain()), CallRequest(sender=ALICE.address, to=PAYEE))
    assert (result.access_list, result.gas_used) == ((), 21_000)


def test_access_list_of_a_failing_call_tells_the_error() -> None:
    result = create_access_list(world(chain()), CallRequest(sender=ALICE.address, to=REVERTER))
    assert result.error == "execution reverted"


def test_simulations_change_no_state() -> None:
    one = chain()
    before = one.state.root
    estimate_gas(world(one), CallRequest(sender=ALICE.address, to=CLEANER))
    assert one.account(ALICE.address) == Account(nonce=0, balance=Wei(100 * ETHER))
    assert one.state.storage(CLEANER, 1) == 1
    assert one.state.root == before
