"""The state transition: blocks on a chain in memory, roots checked with the `trie` package."""

import pytest
import rlp as reference_rlp
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from execution import errors
from execution.attributes import InclusionRule
from execution.evm.engine import ChangesOf, Outcome, SlotChange
from execution.transaction import Transaction
from execution.transactions import make_deposit
from execution.transition import (
    BlockResult,
    Candidate,
    InvalidBlockAttributes,
    OpenBlock,
    ParentStateMismatch,
    execute_block,
)
from genesis.config import L1_RULES
from state.accounts import EMPTY_TRIE_ROOT
from state.blocks import EMPTY_BLOOM, SealedBlock
from state.headers import header_hash, next_base_fee
from state.keccak import keccak
from state.receipts import encode_receipt
from state.types import Address, Gas, Hash32, Wei
from tests.execution.chain import COINBASE, MemoryChain, carry, contract, funded, skip
from tests.execution.wallet import ETHER, GWEI, Wallet, config

ALICE, BOB, CAROL = Wallet(1), Wallet(2), Wallet(3)
PAYEE = Address(b"\x11" * 20)
DEPOSITOR = Address(b"\xd0" * 20)

LOGGER = Address(b"\xa1" * 20)
REVERTER = Address(b"\xa2" * 20)
HALTER = Address(b"\xa3" * 20)
HISTORIAN = Address(b"\xa4" * 20)
SPENDER = Address(b"\xa5" * 20)

CODES = {
    LOGGER: "60 07 60 00 60 00 a1 00",  # LOG1 with topic 7
    REVERTER: "60 01 60 00 55 60 00 60 00 fd",  # SSTORE, REVERT
    HALTER: "fe",  # INVALID
    HISTORIAN: "43 60 01 90 03 40 60 00 55 00",  # slot 0 = BLOCKHASH(NUMBER - 1)
    SPENDER: "60 01 43 55 00",  # slot NUMBER = 1
}


def chain(**changes: object) -> MemoryChain:
    codes = {address: contract(bytes.fromhex(code)) for address, code in CODES.items()}
    return MemoryChain(funded(ALICE, BOB, CAROL) | codes, config(**changes))


def deposit(
    *,
    to: Address | None = PAYEE,
    mint: int = 0,
    value: int = 0,
    gas: int = 100_000,
    data: bytes = b"",
    sender: Address = DEPOSITOR,
) -> Transaction:
    return make_deposit(
        source_hash=Hash32(keccak(bytes([gas % 256, mint % 256]))),
        sender=sender,
        to=to,
        mint=Wei(mint),
        value=Wei(value),
        gas=Gas(gas),
        data=data,
    )


def list_root_by_trie_package(items: list[bytes]) -> bytes:
    trie = HexaryTrie({})
    for position, item in enumerate(items):
        trie.set(reference_rlp.encode(position), item)
    return trie.root_hash


def check_roots(sealed: SealedBlock) -> None:
    header = sealed.header
    assert sealed.hash == header_hash(header)
    assert header.state_root == sealed.update.root
    assert header.transactions_root == list_root_by_trie_package(list(sealed.transactions))
    receipts = [encode_receipt(receipt) for receipt in sealed.receipts]
    assert header.receipts_root == list_root_by_trie_package(receipts)
    assert len(sealed.senders) == len(sealed.contracts) == len(receipts) == len(sealed.transactions)
    assert header.gas_used == (sealed.receipts[-1].cumulative_gas_used if receipts else 0)


def reasons(result: BlockResult) -> list[tuple[int, type]]:
    return [(skipped.position, type(skipped.reason)) for skipped in result.skipped]


# Headers


def test_empty_block_keeps_state_and_follows_its_parent() -> None:
    one = chain()
    parent = one.head.header
    header = one.extend().sealed.header
    assert header.parent_hash == one.blocks[0].hash
    assert header.number == 1
    assert header.state_root == parent.state_root
    assert header.transactions_root == header.receipts_root == EMPTY_TRIE_ROOT
    assert header.logs_bloom == EMPTY_BLOOM
    assert header.base_fee_per_gas == next_base_fee(parent)
    assert header.coinbase == COINBASE
    assert header.prev_randao == b"\x5a" * 32
    assert (header.difficulty, header.nonce, header.extra_data) == (0, bytes(8), b"")
    check_roots(one.head)


def test_block_not_after_its_parent_raises() -> None:
    one = chain()
    with pytest.raises(InvalidBlockAttributes, match="not after"):
        one.execute([], timestamp=one.head.header.timestamp)


def test_state_of_another_block_raises() -> None:
    one, other = chain(), chain()
    other.extend(skip(ALICE.raw()))
    with pytest.raises(ParentStateMismatch):
        execute_block(one.head.header, other.state, one.attributes(), [], one.config, one.hash_of)


# Signed transactions


def test_transfers_move_value_pay_tips_and_burn_base_fee() -> None:
    one = chain()
    result = one.extend(skip(ALICE.raw(value=5), BOB.raw(value=7)))
    header = result.sealed.header
    check_roots(result.sealed)
    assert result.skipped == ()
    assert header.gas_used == 42_000
    assert [receipt.cumulative_gas_used for receipt in result.sealed.receipts] == [21_000, 42_000]
    assert result.sealed.senders == (ALICE.address, BOB.address)
    price = min(2 * GWEI, header.base_fee_per_gas + GWEI)
    assert one.balance(PAYEE) == 12
    assert one.balance(ALICE.address) == 100 * ETHER - 5 - 21_000 * price
    assert one.balance(COINBASE) == 42_000 * (price - header.base_fee_per_gas)
    assert one.account(ALICE.address).nonce == 1


def test_created_contract_is_named_and_failed_calls_keep_their_gas() -> None:
    one = chain()
    initcode = bytes.fromhex("60 00 60 00 f3")
    result = one.extend(
        skip(
            ALICE.raw(to=None, data=initcode, gas=100_000),
            BOB.raw(to=REVERTER, gas=60_000),
            CAROL.raw(to=HALTER, gas=60_000),
        )
    )
    check_roots(result.sealed)
    created, reverted, halted = result.sealed.receipts
    assert (created.succeeded, reverted.succeeded, halted.succeeded) == (True, False, False)
    assert halted.cumulative_gas_used - reverted.cumulative_gas_used == 60_000
    assert reverted.cumulative_gas_used - created.cumulative_gas_used < 60_000
    assert result.sealed.contracts[0] is not None
    assert result.sealed.contracts[1:] == (None, None)
    assert one.account(result.sealed.contracts[0]).nonce == 1


def test_logs_reach_receipts_and_both_blooms() -> None:
    one = chain()
    sealed = one.extend(skip(ALICE.raw(to=LOGGER, gas=50_000, value=0), BOB.raw())).sealed
    check_roots(sealed)
    (log,) = sealed.receipts[0].logs
    assert (log.address, log.topics, log.data) == (LOGGER, (bytes(31) + b"\x07",), b"")
    assert sealed.header.logs_bloom == sealed.receipts[0].logs_bloom != EMPTY_BLOOM
    assert sealed.receipts[1].logs_bloom == EMPTY_BLOOM


def test_blockhash_gives_the_parents_hash() -> None:
    one = chain()
    for nonce in range(3):
        parent = one.head.hash
        one.extend(skip(ALICE.raw(to=HISTORIAN, gas=60_000, nonce=nonce, value=0)))
        assert one.state.storage(HISTORIAN, 0) == int.from_bytes(parent, "big")


def test_one_sender_twice_in_a_block_needs_nonces_in_order() -> None:
    one = chain()
    later, first = ALICE.raw(nonce=1), ALICE.raw(nonce=0)
    result = one.execute(skip(later, first, later, first))
    assert reasons(result) == [(0, errors.NonceTooHigh), (3, errors.NonceTooLow)]
    assert result.sealed.transactions == (first, later)


def test_invalid_transactions_are_skipped_with_their_reasons() -> None:
    one = chain()
    poor = Wallet(9)
    result = one.execute(
        skip(
            b"",
            b"\x02\xc0",
            b"\x03" + ALICE.raw()[1:],
            ALICE.raw(chain_id=1),
            ALICE.raw(gas=20_999),
            ALICE.raw(max_fee_per_gas=1, max_priority_fee_per_gas=1),
            ALICE.raw(gas=2**24 + 1),
            poor.raw(),
            ALICE.raw(value=101 * ETHER),
            deposit().raw,
            ALICE.raw(),
        )
    )
    assert reasons(result) == [
        (0, errors.MalformedTransaction),
        (1, errors.MalformedTransaction),
        (2, errors.TransactionTypeNotSupported),
        (3, errors.WrongChainId),
        (4, errors.IntrinsicGasTooLow),
        (5, errors.FeeCapBelowBaseFee),
        (6, errors.GasAboveTransactionCap),
        (7, errors.InsufficientFunds),
        (8, errors.InsufficientFunds),
        (9, errors.TransactionTypeNotSupported),
    ]
    assert result.sealed == one.execute(skip(ALICE.raw())).sealed


def test_candidate_that_its_builder_declines_leaves_no_trace() -> None:
    here = chain()
    seen: list[dict[int, SlotChange]] = []

    def decline(outcome: Outcome, changes_of: ChangesOf) -> bool:
        seen.append(dict(changes_of(SPENDER)))
        return len(seen) > 1

    args = here.head.header, here.state, here.attributes(), here.config, here.hash_of
    block = OpenBlock(*args)
    spent, other = (Candidate(ALICE.tx(to=SPENDER, gas=100_000)) for _ in range(2))
    assert isinstance(block.offer(spent, decline), errors.Declined)
    assert block.seal().sealed == here.execute([]).sealed
    assert block.offer(other, decline) is None
    assert block.seal().sealed == here.execute([other]).sealed
    assert seen == [{1: SlotChange(0, 1)}] * 2


def test_transaction_that_exceeds_block_gas_is_skipped_and_smaller_ones_fit() -> None:
    one = chain(block_gas_limit=2**24)
    big = ALICE.raw(gas=2**24, to=HALTER)
    result = one.execute(skip(BOB.raw(), big, CAROL.raw()))
    assert reasons(result) == [(1, errors.GasAboveBlockLimit)]
    assert result.sealed.header.gas_used == 42_000


# Deposits


def test_deposit_mints_pays_no_fee_and_bumps_the_nonce() -> None:
    one = chain()
    sealed = one.extend(carry(deposit(mint=ETHER, value=3))).sealed
    check_roots(sealed)
    assert sealed.receipts[0].succeeded
    assert sealed.receipts[0].type == 0x7E
    assert sealed.header.gas_used == 21_000
    assert one.balance(PAYEE) == 3
    assert one.balance(COINBASE) == 0
    assert one.account(DEPOSITOR).balance == ETHER - 3
    assert one.account(DEPOSITOR).nonce == 1


@pytest.mark.parametrize(
    ("changes", "gas_used"),
    [
        ({"to": HALTER}, 100_000),
        ({"to": REVERTER}, None),
        ({"value": 2 * ETHER}, 100_000),
        ({"gas": 20_999}, 20_999),
        ({"to": None, "data": bytes(49_153), "gas": 1_000_000}, 1_000_000),
        ({"to": None, "data": b"\xfe"}, 100_000),
    ],
    ids=[
        "halts",
        "reverts",
        "value not covered",
        "below intrinsic",
        "long initcode",
        "bad initcode",
    ],
)
def test_deposit_that_fails_still_mints_and_bumps_the_nonce(
    changes: dict, gas_used: int | None
) -> None:
    one = chain()
    result = one.extend(carry(deposit(mint=ETHER, **changes)))
    check_roots(result.sealed)
    assert (result.carried_taken, result.skipped) == (1, ())
    assert not result.sealed.receipts[0].succeeded
    assert one.account(DEPOSITOR).balance == ETHER
    assert one.account(DEPOSITOR).nonce == 1
    assert one.state.storage(REVERTER, 0) == 0
    if gas_used is not None:
        assert result.sealed.header.gas_used == gas_used
    else:
        assert 21_000 < result.sealed.header.gas_used < 100_000


def test_deposit_from_a_contract_runs_though_a_sender_with_code_may_not() -> None:
    one = chain()
    sealed = one.extend(carry(deposit(sender=LOGGER, mint=9, value=9))).sealed
    assert sealed.receipts[0].succeeded
    assert one.balance(PAYEE) == 9
    assert one.account(LOGGER).nonce == 2


def test_deposit_that_creates_names_its_contract_by_the_bumped_nonce() -> None:
    one = chain()
    first = one.extend(carry(deposit(to=None, data=bytes.fromhex("60 00 60 00 f3")))).sealed
    second = one.extend(carry(deposit(to=None, data=bytes.fromhex("60 00 60 00 f3")))).sealed
    assert first.contracts[0] != second.contracts[0]
    assert first.contracts[0] == keccak(reference_rlp.encode([DEPOSITOR, 0]))[12:]
    assert second.contracts[0] == keccak(reference_rlp.encode([DEPOSITOR, 1]))[12:]


def test_deposit_on_a_chain_without_deposits_is_skipped() -> None:
    one = chain(rules=L1_RULES)
    result = one.execute(skip(deposit(mint=ETHER)))
    assert reasons(result) == [(0, errors.TransactionTypeNotSupported)]


# Carrying over


def test_carry_stops_at_the_first_that_does_not_fit_and_skip_goes_on() -> None:
    one = chain(block_gas_limit=2**24)
    fits = deposit(to=HALTER, gas=10_000_000)
    too_much = deposit(to=HALTER, gas=10_000_001)
    small = deposit(gas=50_000)
    result = one.execute([*carry(fits, too_much, small), *skip(ALICE.raw())])
    assert result.carried_taken == 1
    assert result.skipped == ()
    assert result.sealed.transactions == (fits.raw, ALICE.raw())


def test_carry_that_does_not_fit_fits_the_next_block() -> None:
    one = chain(block_gas_limit=2**24)
    queue = carry(*(deposit(to=HALTER, gas=9_000_000 + n) for n in range(3)))
    blocks = 0
    while queue:
        queue = queue[one.extend(queue).carried_taken :]
        blocks += 1
    assert blocks == 3


def test_forced_transactions_that_are_invalid_count_as_taken() -> None:
    one = chain()
    good = ALICE.raw()
    forced = carry(b"", b"\xff" * 100, ALICE.raw(nonce=7), deposit().raw, good)
    result = one.execute([*forced, *skip(BOB.raw())])
    assert result.carried_taken == 5
    assert [position for position, _ in reasons(result)] == [0, 1, 2, 3]
    assert result.sealed.transactions == (good, BOB.raw())


def test_forced_transaction_above_the_cap_is_skipped_not_carried() -> None:
    # Otherwise it would wait for ever and hold up everything behind it.
    one = chain(block_gas_limit=2**24)
    result = one.execute(carry(ALICE.raw(gas=2**24 + 1), deposit()))
    assert result.carried_taken == 2
    assert reasons(result) == [(0, errors.GasAboveTransactionCap)]


# Properties

WALLETS = [Wallet(number) for number in range(1, 4)]


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    made = []
    for _ in range(draw(st.integers(0, 8))):
        rule = draw(st.sampled_from(InclusionRule))
        kind = draw(st.sampled_from(["signed", "deposit", "noise"]))
        to = draw(st.sampled_from([None, PAYEE, *CODES]))
        gas = draw(st.sampled_from([20_000, 60_000, 200_000, 2**24]))
        if kind == "signed":
            wallet = draw(st.sampled_from(WALLETS))
            raw = wallet.raw(nonce=draw(st.integers(0, 2)), to=to, gas=gas, value=0)
            made.append(Candidate(raw, rule))
        elif kind == "deposit":
            mint = draw(st.integers(0, 3))
            made.append(Candidate(deposit(to=to, gas=gas, mint=mint, value=2), rule))
        else:
            made.append(Candidate(draw(st.binary(max_size=40)), rule))
    return sorted(made, key=lambda one: -one.rule)


@given(candidates())
@settings(max_examples=40, deadline=None)
def test_block_of_what_was_included_is_the_same_block(offered: list[Candidate]) -> None:
    one = chain(block_gas_limit=2**24)
    result = one.execute(offered)
    check_roots(result.sealed)
    included = set(result.sealed.transactions)
    envelopes = [
        given if isinstance(given, bytes) else given.raw
        for given in (one.transaction for one in offered)
    ]
    again = one.execute(
        [one for one, raw in zip(offered, envelopes, strict=True) if raw in included]
    )
    assert again.sealed.hash == result.sealed.hash
    carried = sum(one.rule is InclusionRule.CARRY for one in offered)
    assert result.carried_taken <= carried
    assert one.execute(offered).sealed == result.sealed
