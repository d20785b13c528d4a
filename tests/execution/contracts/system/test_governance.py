"""Governance.sol: several members, and time to leave."""

import pytest
from eth_abi import encode

from execution.contracts.system import GovernanceParameters, InvalidGovernance
from genesis.predeploys import GOVERNANCE
from state.keccak import keccak
from state.types import Address
from tests.contracts.vm import SENDER, Reverted, Vm, selector
from tests.execution.contracts.system.l2 import DELAY_SECONDS, MEMBERS

OPERATION = ["address", "uint256", "bytes", "bytes32"]
SALT = bytes(32)
NOW = 1_000
"""The vm's clock at its start, in seconds."""
GRACE_SECONDS = 14 * 86_400


def _confirm(vm: Vm, member: bytes, target: bytes, data: bytes, salt: bytes = SALT) -> bytes:
    call = "confirm(address,uint256,bytes,bytes32)"
    return vm.call(GOVERNANCE, call, OPERATION, [target, 0, data, salt], sender=member)


def _execute(
    vm: Vm, target: bytes, data: bytes, salt: bytes = SALT, *, sender: bytes = SENDER
) -> None:
    call = "execute(address,uint256,bytes,bytes32)"
    vm.call(GOVERNANCE, call, OPERATION, [target, 0, data, salt], sender=sender)


def _operation_id(target: bytes, data: bytes, salt: bytes = SALT) -> bytes:
    return keccak(encode(OPERATION, [target, 0, data, salt]))


def _read(vm: Vm, signature: str) -> int:
    return int.from_bytes(vm.call(GOVERNANCE, signature), "big")


def _govern(vm: Vm, data: bytes, now: int = NOW, salt: bytes = SALT) -> None:
    """Run an operation of governance on itself the whole way."""
    for member in MEMBERS[:2]:
        _confirm(vm, member, GOVERNANCE, data, salt)
    vm.set_time(now + DELAY_SECONDS)
    _execute(vm, GOVERNANCE, data, salt)


def test_genesis_storage_is_what_was_asked_for(vm: Vm) -> None:
    assert _read(vm, "delay()") == DELAY_SECONDS
    assert _read(vm, "threshold()") == 2
    assert _read(vm, "memberCount()") == 3
    for index, member in enumerate(MEMBERS):
        assert vm.call(GOVERNANCE, "members(uint256)", ["uint256"], [index])[12:] == member


def test_operation_runs_after_two_confirmations_and_the_delay(vm: Vm, actor: Address) -> None:
    first = _confirm(vm, MEMBERS[0], actor, b"\x01\x02\x03\x04")
    assert first == _operation_id(actor, b"\x01\x02\x03\x04")
    vm.set_time(NOW + DELAY_SECONDS * 2)
    with pytest.raises(Reverted) as refusal:
        _execute(vm, actor, b"\x01\x02\x03\x04")
    assert refusal.value.is_error("NotConfirmed(bytes32,uint256,uint256)")

    _confirm(vm, MEMBERS[1], actor, b"\x01\x02\x03\x04")
    vm.set_time(NOW + DELAY_SECONDS * 3 - 1)
    with pytest.raises(Reverted) as refusal:
        _execute(vm, actor, b"\x01\x02\x03\x04")
    assert refusal.value.is_error("NotReady(bytes32,uint256)")

    vm.set_time(NOW + DELAY_SECONDS * 3)
    _execute(vm, actor, b"\x01\x02\x03\x04")
    assert vm.call(actor, "senderSeen()")[12:] == GOVERNANCE
    with pytest.raises(Reverted) as refusal:
        _execute(vm, actor, b"\x01\x02\x03\x04")
    assert refusal.value.is_error("AlreadyExecuted(bytes32)")


def test_confirm_twice_by_one_member_counts_once(vm: Vm, actor: Address) -> None:
    for _ in range(2):
        _confirm(vm, MEMBERS[0], actor, b"")
    vm.set_time(NOW + DELAY_SECONDS)
    with pytest.raises(Reverted) as refusal:
        _execute(vm, actor, b"")
    assert refusal.value.is_error("NotConfirmed(bytes32,uint256,uint256)")


def test_confirm_by_a_stranger_reverts(vm: Vm, actor: Address) -> None:
    with pytest.raises(Reverted) as refusal:
        _confirm(vm, SENDER, actor, b"")
    assert refusal.value.is_error("OnlyMember(address)")


def test_revoke_starts_the_wait_over(vm: Vm, actor: Address) -> None:
    for member in MEMBERS[:2]:
        _confirm(vm, member, actor, b"")
    vm.call(
        GOVERNANCE, "revoke(bytes32)", ["bytes32"], [_operation_id(actor, b"")], sender=MEMBERS[0]
    )
    vm.set_time(NOW + DELAY_SECONDS)
    with pytest.raises(Reverted):
        _execute(vm, actor, b"")
    _confirm(vm, MEMBERS[2], actor, b"")
    with pytest.raises(Reverted) as refusal:
        _execute(vm, actor, b"")
    assert refusal.value.is_error("NotReady(bytes32,uint256)")


def test_operation_lapses_and_can_be_confirmed_anew(vm: Vm, actor: Address) -> None:
    for member in MEMBERS[:2]:
        _confirm(vm, member, actor, b"")
    late = NOW + DELAY_SECONDS + GRACE_SECONDS + 1
    vm.set_time(late)
    with pytest.raises(Reverted) as refusal:
        _execute(vm, actor, b"")
    assert refusal.value.is_error("Expired(bytes32,uint256)")
    _confirm(vm, MEMBERS[0], actor, b"")
    vm.set_time(late + DELAY_SECONDS)
    _execute(vm, actor, b"")


def test_failing_operation_reverts_and_stays_runnable(vm: Vm, actor: Address) -> None:
    for member in MEMBERS[:2]:
        _confirm(vm, member, actor, b"")
    vm.set_time(NOW + DELAY_SECONDS)
    vm.call(actor, "refuse(bool)", ["bool"], [True])
    with pytest.raises(Reverted) as refusal:
        _execute(vm, actor, b"")
    assert refusal.value.is_error("OperationFailed(bytes32,bytes)")
    vm.call(actor, "refuse(bool)", ["bool"], [False])
    _execute(vm, actor, b"")


@pytest.mark.parametrize(
    ("signature", "types", "values"),
    [
        ("addMember(address,uint256)", ["address", "uint256"], [SENDER, 1]),
        ("removeMember(address,uint256)", ["address", "uint256"], [MEMBERS[0], 1]),
        ("setDelay(uint256)", ["uint256"], [0]),
    ],
)
def test_change_of_governance_by_one_member_reverts(
    vm: Vm, signature: str, types: list[str], values: list[object]
) -> None:
    with pytest.raises(Reverted) as refusal:
        vm.call(GOVERNANCE, signature, types, values, sender=MEMBERS[0])
    assert refusal.value.is_error("OnlySelf(address)")


def test_delay_below_two_days_can_not_be_set(vm: Vm) -> None:
    too_short = selector("setDelay(uint256)") + encode(["uint256"], [DELAY_SECONDS - 1])
    with pytest.raises(Reverted) as refusal:
        _govern(vm, too_short)
    assert refusal.value.is_error("OperationFailed(bytes32,bytes)")


def test_members_change_by_an_operation(vm: Vm) -> None:
    added = selector("addMember(address,uint256)") + encode(["address", "uint256"], [SENDER, 3])
    _govern(vm, added)
    assert (_read(vm, "memberCount()"), _read(vm, "threshold()")) == (4, 3)
    assert int.from_bytes(vm.call(GOVERNANCE, "isMember(address)", ["address"], [SENDER]), "big")


def test_removed_members_confirmation_no_longer_counts(vm: Vm, actor: Address) -> None:
    removal = selector("removeMember(address,uint256)") + encode(
        ["address", "uint256"], [MEMBERS[0], 2]
    )
    for member in MEMBERS[:2]:
        _confirm(vm, member, actor, b"")
    _govern(vm, removal, salt=b"\1" * 32)
    with pytest.raises(Reverted) as refusal:
        _execute(vm, actor, b"")
    assert refusal.value.is_error("NotConfirmed(bytes32,uint256,uint256)")


@pytest.mark.parametrize(
    ("members", "threshold", "delay"),
    [
        ((), 1, 0),
        ((MEMBERS[0],), 0, 0),
        ((MEMBERS[0],), 2, 0),
        ((MEMBERS[0], MEMBERS[0]), 1, 0),
        ((Address(bytes(20)),), 1, 0),
        (tuple(Address(bytes([i + 1]) * 20) for i in range(17)), 1, 0),
        ((MEMBERS[0],), 1, -1),
    ],
)
def test_parameters_that_contradict_themselves_are_refused(
    members: tuple[Address, ...], threshold: int, delay: int
) -> None:
    with pytest.raises(InvalidGovernance):
        GovernanceParameters(members, threshold, delay)
