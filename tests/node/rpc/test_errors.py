"""Reasons read out of revert data."""

import pytest
from eth_abi import encode
from hypothesis import given
from hypothesis import strategies as st

from node.rpc.errors import Reverted, revert_reason


@given(st.text())
def test_reason_of_error_string_is_quoted(reason: str) -> None:
    output = bytes.fromhex("08c379a0") + encode(["string"], [reason])
    assert revert_reason(output) == reason


@given(st.binary(max_size=200))
def test_reason_of_arbitrary_data_never_raises(output: bytes) -> None:
    for prefix in (b"", bytes.fromhex("08c379a0"), bytes.fromhex("4e487b71")):
        error = Reverted(prefix + output)
        assert error.body()["data"] == "0x" + (prefix + output).hex()
        assert error.message.startswith("execution reverted")


def test_reason_of_unknown_panic_names_its_code() -> None:
    output = bytes.fromhex("4e487b71") + (0x99).to_bytes(32)
    assert revert_reason(output) == "unknown panic code: 0x99"


@pytest.mark.parametrize("output", [b"", b"\x00" * 3, bytes.fromhex("08c379a0") + b"\xff" * 96])
def test_reason_missing_or_malformed_is_none(output: bytes) -> None:
    assert revert_reason(output) is None
