"""Simulated blocks against real ones: what is simulated with all checks is what happens."""

from dataclasses import replace

import pytest

from execution.errors import InvalidTransaction, NonceTooLow
from execution.evm.transfers import ETHER_ADDRESS, TransferNote
from execution.overrides import AccountOverride, BlockOverrides, InvalidOverride
from execution.simulate import CallRequest
from execution.simulated_chain import (
    Base,
    BlockGasLimitReached,
    BlocksOutOfOrder,
    Rules,
    SimulatedBlock,
    simulate_chain,
)
from state.types import Address, BlockNumber, Gas, Timestamp, Wei
from tests.execution.chain import COINBASE, MemoryChain, contract, funded, skip
from tests.execution.wallet import ETHER, GWEI, Wallet

ALICE = Wallet(1)
PAYEE = Address(b"\x11" * 20)
STORE = Address(b"\xb1" * 20)
KEEPING = "60 01 60 00 54 01 60 00 55 00"
"""Counts its calls in slot 0."""
SPENDER = Address(b"\xb2" * 20)
ENDLESS = "5b 60 00 56"


def chain() -> MemoryChain:
    contracts = {
        STORE: contract(bytes.fromhex(KEEPING)),
        SPENDER: contract(bytes.fromhex(ENDLESS)),
    }
    return MemoryChain(funded(ALICE) | contracts)


def base(one: MemoryChain) -> Base:
    return Base(one.head.header, one.state, one.config, one.hash_of)


def request(to: Address = PAYEE, **fields: object) -> CallRequest:
    fees = {"max_fee_per_gas": Wei(2 * GWEI), "max_priority_fee_per_gas": Wei(GWEI)}
    return replace(CallRequest(sender=ALICE.address, to=to, value=Wei(1), **fees), **fields)


def test_validated_block_ends_in_the_state_that_the_real_one_has() -> None:
    """Fees, nonces, storage and all: the roots agree."""
    one = chain()
    fields = [
        {"to": PAYEE, "value": Wei(5), "gas": Gas(50_000)},
        {"to": STORE, "gas": Gas(60_000)},
        {"to": STORE, "gas": Gas(60_000)},
        {"to": SPENDER, "gas": Gas(30_000)},
        {"to": None, "data": bytes.fromhex("60006000f3"), "gas": Gas(90_000)},
    ]
    signed = [ALICE.tx(nonce=nonce, **one_of) for nonce, one_of in enumerate(fields)]
    real = one.execute(skip(*signed)).sealed.header
    overrides = BlockOverrides(
        timestamp=real.timestamp, coinbase=COINBASE, prev_randao=real.prev_randao
    )
    calls = tuple(request(**one_of) for one_of in fields)
    (result,) = simulate_chain(base(one), [SimulatedBlock(calls, overrides)], Rules(validates=True))
    simulated = result.block.header
    assert simulated.state_root == real.state_root
    assert simulated.receipts_root == real.receipts_root
    assert (simulated.gas_used, simulated.logs_bloom) == (real.gas_used, real.logs_bloom)
    assert simulated.base_fee_per_gas == real.base_fee_per_gas
    assert [call.outcome.succeeded for call in result.calls] == [True, True, True, False, True]


def test_blocks_go_on_from_each_other_and_leave_the_base_alone() -> None:
    one = chain()
    block = SimulatedBlock((CallRequest(to=STORE),))
    first, second = simulate_chain(base(one), [block, block], Rules())
    assert second.block.header.parent_hash == first.block.hash
    assert first.block.header.state_root != second.block.header.state_root
    assert one.state.storage(STORE, 0) == 0


def test_gap_is_filled_in_numbers_and_time() -> None:
    one = chain()
    far = BlockOverrides(number=BlockNumber(3), timestamp=Timestamp(2**40))
    results = simulate_chain(base(one), [SimulatedBlock(block=far)], Rules())
    assert [result.block.header.number for result in results] == [1, 2, 3]
    times = [result.block.header.timestamp for result in results]
    assert times == sorted(set(times))
    assert times[-1] == 2**40


def test_transfers_are_noted_beside_the_logs_and_not_in_receipts() -> None:
    block = SimulatedBlock((request(value=Wei(7)),))
    (result,) = simulate_chain(base(chain()), [block], Rules(notes_transfers=True))
    (note,) = result.calls[0].outcome.logs
    assert isinstance(note, TransferNote)
    assert note.address == ETHER_ADDRESS
    assert int.from_bytes(note.data) == 7
    assert result.block.receipts[0].logs == ()


def test_gas_of_all_calls_together_is_capped() -> None:
    rules = Rules(gas_cap=Gas(50_000))
    spending = SimulatedBlock((CallRequest(to=SPENDER),))
    (result,) = simulate_chain(base(chain()), [spending], rules)
    assert (result.calls[0].outcome.gas_used, result.calls[0].capped) == (50_000, True)
    twice = SimulatedBlock((CallRequest(to=SPENDER), CallRequest(to=PAYEE)))
    with pytest.raises(InvalidTransaction, match="intrinsic gas too low"):
        simulate_chain(base(chain()), [twice], rules)


def test_what_is_no_chain_of_blocks_is_refused() -> None:
    one = chain()
    for block, error in (
        (SimulatedBlock(block=BlockOverrides(number=BlockNumber(0))), BlocksOutOfOrder),
        (SimulatedBlock((request(gas=Gas(2**40)),)), BlockGasLimitReached),
        (SimulatedBlock(accounts={PAYEE: AccountOverride(precompile_to=STORE)}), InvalidOverride),
    ):
        with pytest.raises(error):
            simulate_chain(base(one), [block], Rules())


def test_nonce_counts_only_where_it_is_asked_for() -> None:
    one = chain()
    one.extend(skip(ALICE.tx(nonce=0)))
    block = SimulatedBlock((request(nonce=0),))
    (result,) = simulate_chain(base(one), [block], Rules())
    assert result.calls[0].outcome.succeeded
    with pytest.raises(NonceTooLow):
        simulate_chain(base(one), [block], Rules(validates=True))


def test_contract_may_be_the_sender() -> None:
    rich = {STORE: AccountOverride(balance=Wei(ETHER))}
    call = CallRequest(sender=STORE, to=PAYEE, value=Wei(1))
    (result,) = simulate_chain(base(chain()), [SimulatedBlock((call,), accounts=rich)], Rules())
    assert result.calls[0].outcome.succeeded
