"""L1Block.sol: written by the depositor alone."""

import pytest

from genesis.predeploys import DEPOSITOR, L1_BLOCK
from tests.contracts.vm import Reverted, Vm

SET = "setL1BlockValues(uint64,uint64,uint256,bytes32,uint64)"
TYPES = ["uint64", "uint64", "uint256", "bytes32", "uint64"]
VALUES = [2**64 - 1, 1_700_000_000, 2**256 - 1, b"\x07" * 32, 3]
GAS_OF_THE_DEPOSIT = 1_000_000


def test_set_values_by_the_depositor_are_read_back(vm: Vm) -> None:
    vm.call(L1_BLOCK, SET, TYPES, VALUES, sender=DEPOSITOR, gas=GAS_OF_THE_DEPOSIT)
    read = [
        vm.call(L1_BLOCK, f"{name}()")
        for name in ("number", "timestamp", "baseFee", "hash", "sequenceNumber")
    ]
    assert [int.from_bytes(word, "big") for word in read] == [
        2**64 - 1,
        1_700_000_000,
        2**256 - 1,
        int.from_bytes(b"\x07" * 32, "big"),
        3,
    ]


def test_set_values_packs_three_of_them_into_slot_zero(vm: Vm) -> None:
    vm.call(L1_BLOCK, SET, TYPES, [1, 2, 4, b"\x05" * 32, 3], sender=DEPOSITOR)
    assert vm.storage(L1_BLOCK, 0) == 1 | 2 << 64 | 3 << 128
    assert vm.storage(L1_BLOCK, 1) == 4


def test_set_values_by_another_account_reverts(vm: Vm) -> None:
    with pytest.raises(Reverted) as refusal:
        vm.call(L1_BLOCK, SET, TYPES, VALUES)
    assert refusal.value.is_error("OnlyDepositor(address)")
