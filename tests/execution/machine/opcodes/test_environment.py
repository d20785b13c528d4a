"""What a frame is told."""

import pytest

from tests.execution.machine.world import (
    CONTRACT,
    OTHER,
    RETURN_WORD,
    SENDER,
    Run,
    both,
    contract,
    push,
    word,
)


@pytest.mark.parametrize(
    "opcode",
    ["30", "32", "33", "34", "36", "38", "3a", "3d", "41", "42", "43", "44", "45", "46", "47"]
    + ["48", "4a", "58", "59", "5a"],
)
def test_value_at_hand_is_that_of_the_engine(opcode: str) -> None:
    both(opcode + RETURN_WORD, data=b"data", value=3)


def test_origin_and_caller_differ_in_a_call() -> None:
    callee = "3233" + "03" + RETURN_WORD
    call = "60205f5f5f5f73" + "dd" * 20 + "5af1"
    run = both(call + "60205ff3", {OTHER: contract(callee)})
    expected = int.from_bytes(CONTRACT, "big") - int.from_bytes(SENDER, "big")
    assert word(run) == expected


@pytest.mark.parametrize("address", ["cc" * 20, "dd" * 20, "ee" * 20, "aa" * 20, "00" * 19 + "01"])
@pytest.mark.parametrize("opcode", ["31", "3b", "3f"])
def test_other_account_is_read_cold_and_warm(opcode: str, address: str) -> None:
    once = "73" + address + opcode
    both(once + once + "18" + RETURN_WORD, {OTHER: contract("6001600155")})


def test_upper_bytes_of_an_address_word_do_not_count() -> None:
    code = push(2**256 - 2**160 + int("dd" * 20, 16)) + "3b" + RETURN_WORD
    assert word(both(code, {OTHER: contract("6001600155")})) == 5


@pytest.mark.parametrize("back", [0, 1, 2, 255, 256, 257, 1000, 1001])
def test_blockhash_sees_256_blocks(back: int) -> None:
    """The block's number is 1,000."""
    number = (1000 - back) % 2**256
    result = word(both(push(number) + "40" + RETURN_WORD))
    assert result == (number if 1 <= back <= 256 else 0)


@pytest.mark.parametrize("start", [0, 1, 3, 4, 31, 2**64, 2**256 - 1])
def test_calldata_beyond_its_end_is_zero(start: int) -> None:
    assert len(both(push(start) + "35" + RETURN_WORD, data=b"\xff" * 4).output) == 32


def test_there_are_no_blobs() -> None:
    assert word(both("5f49" + RETURN_WORD)) == 0
    assert word(both("4a" + RETURN_WORD)) == 1


@pytest.mark.parametrize(
    ("start", "size"), [(0, 5), (3, 40), (2**256 - 1, 33), (5, 0), (0, 2**32), (0, 2**256 - 1)]
)
def test_extcodecopy_fills_with_zeros(start: int, size: int) -> None:
    for address in ("dd" * 20, "ee" * 20, "cc" * 20):
        code = push(size) + push(start) + "6001" + "73" + address + "3c" + "60405ff3"
        run = Run({CONTRACT: contract(code), OTHER: contract("6001600155")})
        run.apply()
