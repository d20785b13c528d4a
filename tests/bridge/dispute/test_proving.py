"""Proofs of official cases: which steps are chosen, what is skipped, and that lies are found."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from bridge.dispute.coverage import Cell, Ending
from bridge.dispute.proving import ALL_STEPS, Draws, Unreachable, choose_steps, prove_case
from execution.evm.context import BlockContext
from execution.statetest import CHAIN_ID, Case, CaseId, TestAccount, offered_machine
from genesis.config import STATETEST_RULES
from state.types import ZERO_HASH, Address, BlockNumber, Gas, Timestamp, Wei
from tests.execution.wallet import ETHER, Wallet

WALLET = Wallet(1)
CONTRACT = Address(b"\xcc" * 20)
BLOCK_GAS = Gas(30_000_000)

LOOP = "60ff5b600190038060025700"
"""PUSH1 255, then JUMPDEST, PUSH1, SWAP1, SUB, DUP1, PUSH1, JUMPI until it is zero."""

HASH_OF_65537_BYTES = "620100015f2000"

PLAIN_CANCUN = replace(STATETEST_RULES, bounded_inputs=False)
"""Other rules than the contracts': the machine then hashes more than 64 KB."""


def case(code: str = LOOP, **changes: Any) -> Case:
    """A call of a contract with this code; nobody says what comes of it."""
    return Case(
        id=CaseId("test.json", "name", 0, 0, 0),
        pre={
            WALLET.address: TestAccount(0, Wei(1_000 * ETHER), b"", {}),
            CONTRACT: TestAccount(1, Wei(0), bytes.fromhex(code), {}),
        },
        context=BlockContext(
            chain_id=CHAIN_ID,
            number=BlockNumber(1),
            timestamp=Timestamp(1),
            coinbase=Address(b"\xfe" * 20),
            gas_limit=BLOCK_GAS,
            base_fee=Wei(7),
            prev_randao=ZERO_HASH,
            ancestor_hash=lambda _number: None,
        ),
        blob_base_fee=Wei(1),
        raw=WALLET.raw(CHAIN_ID, **{"to": CONTRACT, "gas": Gas(1_000_000), **changes}),
        post_root=ZERO_HASH,
        logs_hash=ZERO_HASH,
        exception=None,
    )


# Proving


def test_all_steps_of_a_case_prove() -> None:
    proof = prove_case(case(), ALL_STEPS)
    assert proof.proven.total() == proof.steps > 1_500
    assert proof.proven[Cell("JUMPI", Ending.SUCCESS)] == 255
    assert not proof.wrong
    assert not proof.skipped


def test_sample_of_a_case_proves_as_many_as_asked() -> None:
    proof = prove_case(case(), 20)
    assert proof.proven.total() == 20
    assert proof.steps == prove_case(case(), 1).steps


def test_machine_of_other_rules_than_the_contracts_is_found_out() -> None:
    """The failure that the contracts prove isn't the hash that the machine goes on with."""
    proof = prove_case(case(HASH_OF_65537_BYTES), ALL_STEPS, PLAIN_CANCUN)
    (wrong,) = proof.wrong
    assert wrong.cell == ("KECCAK256", Ending.SUCCESS)
    assert "arrive" in wrong.detail or "refused" in wrong.detail
    assert str(wrong).startswith(f"step {wrong.index}, KECCAK256 (success): ")
    assert proof.proven.total() == proof.steps - 1


def test_same_case_by_the_contracts_rules_proves_the_failure() -> None:
    proof = prove_case(case(HASH_OF_65537_BYTES), ALL_STEPS)
    assert proof.proven[Cell("KECCAK256", Ending.SIZE_RULE)] == 1
    assert not proof.wrong


# Skipping


@pytest.mark.parametrize(("extra", "skipped"), [(0, 0), (1, 1)])
def test_validation_of_more_than_2_24_gas_is_skipped_by_name(extra: int, skipped: int) -> None:
    proof = prove_case(case(gas=Gas(2**24 + extra)), ALL_STEPS)
    assert proof.skipped[Unreachable.GAS_CAP] == skipped
    assert proof.proven.total() + skipped == proof.steps
    assert not proof.wrong


def test_transaction_above_the_blocks_gas_is_skipped_where_no_block_goes_on() -> None:
    proof = prove_case(case(gas=Gas(BLOCK_GAS + 1)), ALL_STEPS)
    assert set(proof.skipped) == {Unreachable.GAS_CAP, Unreachable.NO_BLOCK}
    assert proof.proven == {Cell("status BUY", Ending.DOES_NOT_FIT): 1}
    assert proof.steps == 3


def test_bytes_that_are_no_transaction_prove_that_they_are_skipped() -> None:
    proof = prove_case(replace(case(), raw=b"\xff"), ALL_STEPS)
    assert proof.proven == {Cell("status VALIDATE", Ending.SKIPPED): 1}


# Choosing


def chosen(steps: int, seed: str = "seed") -> list[int]:
    return choose_steps(offered_machine(case()), steps, Draws(seed))


def test_choice_follows_from_the_seed() -> None:
    assert chosen(40) == chosen(40)
    assert chosen(40) != chosen(40, "another")


def test_choice_has_each_step_once_and_in_order() -> None:
    steps = chosen(300)
    assert len(steps) == 300
    assert steps == sorted(set(steps))


def test_choice_of_more_than_there_is_has_every_step() -> None:
    total = prove_case(case(), 1).steps
    assert chosen(total + 10) == list(range(total))


def test_choice_has_a_rare_kind_before_the_second_of_a_common_one() -> None:
    proof = prove_case(case(), 20)
    assert max(proof.proven.values()) == 2
    assert proof.proven[Cell("STOP", Ending.SUCCESS)] == 1
    assert proof.proven[Cell("status RECEIPT", Ending.SUCCESS)] == 1


def test_draws_are_those_of_the_name() -> None:
    assert [Draws("a").below(10**9) for _ in range(3)] == [Draws("a").below(10**9)] * 3
    assert Draws("a").below(10**9) != Draws("b").below(10**9)


def test_draws_reach_every_number_below_the_bound_about_as_often() -> None:
    draws = Draws("a")
    counts = Counter(draws.below(5) for _ in range(5_000))
    assert set(counts) == set(range(5))
    assert all(800 < count < 1_200 for count in counts.values())


def test_shuffling_loses_nothing() -> None:
    items = list(range(100))
    Draws("a").shuffle(items)
    assert items != sorted(items) == list(range(100))
