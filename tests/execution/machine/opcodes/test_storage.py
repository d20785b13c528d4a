"""Storage: the matrix of EIP-2200 and 3529, the sentry, static frames, transient storage."""

from itertools import product

import pytest

from execution.machine.opcodes.storage import sstore_price
from state.types import Address, Gas
from tests.execution.machine.world import CONTRACT, OTHER, RETURN_WORD, Run, both, contract, word

INNERMOST = Address(b"\xee" * 20)


@pytest.mark.parametrize(("original", "first", "second"), list(product((0, 1, 2), repeat=3)))
def test_sstore_matrix(original: int, first: int, second: int) -> None:
    code = f"60{first:02x}5f55" + f"60{second:02x}5f55" + "5f5400"
    run = Run({CONTRACT: contract(code, storage={0: original} if original else {})})
    assert run.apply()
    assert run.after().storage(CONTRACT, 0) == second


@pytest.mark.parametrize(
    ("original", "current", "new", "gas", "refund"),
    [
        (0, 0, 0, 100, 0),
        (0, 0, 1, 20_000, 0),
        (0, 1, 0, 100, 19_900),
        (0, 1, 2, 100, 0),
        (1, 0, 0, 100, 0),
        (1, 0, 1, 100, -4_800 + 2_800),
        (1, 0, 2, 100, -4_800),
        (1, 1, 0, 2_900, 4_800),
        (1, 1, 2, 2_900, 0),
        (1, 2, 0, 100, 4_800),
        (1, 2, 1, 100, 2_800),
        (1, 2, 3, 100, 0),
    ],
)
def test_price_and_refund_are_those_of_eip_3529(
    original: int, current: int, new: int, gas: int, refund: int
) -> None:
    assert sstore_price(original, current, new) == (gas, refund)


def test_original_value_survives_a_revert_between() -> None:
    callee = "600560015560015f5ffd"
    code = "600260015560015450" + "5f5f5f5f5f73" + "dd" * 20 + "5af1" + "5f600155"
    run = Run({CONTRACT: contract(code, storage={1: 1}), OTHER: contract(callee)})
    assert run.apply()


@pytest.mark.parametrize("left", [2_299, 2_300, 2_301, 2_302, 5_000, 23_000])
def test_sstore_needs_more_than_the_stipend(left: int) -> None:
    code = "60015f55"
    Run({CONTRACT: contract(code)}).apply(gas=Gas(21_000 + 5 + left))


@pytest.mark.parametrize(
    "code", ["60015f55", "60015f5d", "5f5fa0", "5f5f5ff0", "5f5f5f5ff5", "5fff"]
)
@pytest.mark.parametrize("nested", ["", "5f5f5f5f5f73" + "ee" * 20 + "5af15f5260205ff3"])
def test_static_frame_changes_nothing(code: str, nested: str) -> None:
    """Directly, and in a CALL within a STATICCALL."""
    callee = nested or code
    accounts = {OTHER: contract(callee), INNERMOST: contract(code)}
    outer = "60205f5f5f73" + "dd" * 20 + "5afa" + RETURN_WORD
    both(outer, accounts)


def test_call_with_value_in_a_static_frame_fails() -> None:
    callee = "5f5f5f5f600173" + "ee" * 20 + "5af100"
    run = both(
        "5f5f5f5f73" + "dd" * 20 + "5afa" + RETURN_WORD, {OTHER: contract(callee, balance=9)}
    )
    assert word(run) == 0


def test_transient_storage_lasts_a_transaction_and_no_longer() -> None:
    run = Run({CONTRACT: contract("5f5c5f55" + "60075f5d" + "5f5c600155")})
    assert run.apply()
    assert run.apply(nonce=1)
    after = run.after()
    assert (after.storage(CONTRACT, 0), after.storage(CONTRACT, 1)) == (0, 7)


def test_transient_storage_is_reverted_with_its_frame() -> None:
    """The contract calls itself with data, which makes it write and fail."""
    outer = "60075f5d" + "5f5f60015f5f305af1" + "5f5c" + RETURN_WORD
    inner = "5b" + "60095f5d" + "fe"
    code = f"3660{4 + len(outer) // 2:02x}57" + outer + inner
    assert word(both(code)) == 7
