"""L2ToL1MessagePasser.sol: what L1 will be shown."""

import pytest
from eth_abi import decode, encode

from genesis.predeploys import L2_TO_L1_MESSAGE_PASSER as PASSER
from state.keccak import keccak
from state.types import Address
from tests.contracts.vm import SENDER, Reverted, Vm, selector

SEND = "initiateWithdrawal(address,uint256,bytes)"
TYPES = ["address", "uint256", "bytes"]
WITHDRAWAL = ["uint256", "address", "address", "uint256", "uint256", "bytes"]
TARGET = b"\xd1" * 20
PASSED = "MessagePassed(uint256,address,address,uint256,uint256,bytes,bytes32)"


def test_initiate_withdrawal_stores_its_hash_where_the_portal_looks(vm: Vm) -> None:
    vm.call(PASSER, SEND, TYPES, [TARGET, 50_000, b"data"], value=9)
    withdrawal_hash = keccak(encode(WITHDRAWAL, [0, SENDER, TARGET, 9, 50_000, b"data"]))
    slot = int.from_bytes(keccak(withdrawal_hash + bytes(32)), "big")
    assert vm.storage(PASSER, slot) == 1
    assert vm.balance(PASSER) == 9
    (log,) = vm.logs
    assert log.topics[0] == keccak(PASSED.encode())
    assert [int.from_bytes(t, "big") for t in log.topics[1:]] == [
        0,
        int.from_bytes(SENDER, "big"),
        int.from_bytes(TARGET, "big"),
    ]
    assert decode(["uint256", "uint256", "bytes", "bytes32"], log.data) == (
        9,
        50_000,
        b"data",
        withdrawal_hash,
    )


def test_initiate_withdrawal_twice_makes_two_messages(vm: Vm) -> None:
    for _ in range(2):
        vm.call(PASSER, SEND, TYPES, [TARGET, 50_000, b""])
    assert int.from_bytes(vm.call(PASSER, "messageNonce()"), "big") == 2
    hashes = {keccak(encode(WITHDRAWAL, [n, SENDER, TARGET, 0, 50_000, b""])) for n in range(2)}
    for withdrawal_hash in hashes:
        sent = vm.call(PASSER, "sentMessages(bytes32)", ["bytes32"], [withdrawal_hash])
        assert int.from_bytes(sent, "big") == 1


@pytest.mark.parametrize(
    ("gas", "size", "error"),
    [
        (8_000_001, 0, "GasLimitTooHigh(uint256,uint256)"),
        (2**256 - 1, 0, "GasLimitTooHigh(uint256,uint256)"),
        (0, 32_769, "DataTooLarge(uint256,uint256)"),
    ],
)
def test_initiate_withdrawal_that_l1_could_not_finalize_reverts(
    vm: Vm, gas: int, size: int, error: str
) -> None:
    with pytest.raises(Reverted) as refusal:
        vm.call(PASSER, SEND, TYPES, [TARGET, gas, b"\0" * size])
    assert refusal.value.is_error(error)


def test_initiate_withdrawal_at_the_limits_succeeds(vm: Vm) -> None:
    vm.call(PASSER, SEND, TYPES, [TARGET, 8_000_000, b"\xff" * 32_768])


def test_initiate_withdrawal_by_a_contract_has_it_as_sender(vm: Vm, actor: Address) -> None:
    inner = selector(SEND) + encode(TYPES, [TARGET, 1, b""])
    vm.call(
        actor, "act(address,uint256,bytes)", ["address", "uint256", "bytes"], [PASSER, 0, inner]
    )
    assert vm.logs[0].topics[2][12:] == actor


def test_plain_ether_to_the_passer_reverts(vm: Vm) -> None:
    with pytest.raises(Reverted):
        vm.send(PASSER, b"", value=1)
