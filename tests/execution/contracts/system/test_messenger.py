"""L2CrossDomainMessenger.sol: delivered at most once, never lost."""

import pytest
from eth_abi import decode, encode

from genesis.builder import GenesisAccount
from genesis.predeploys import L2_CROSS_DOMAIN_MESSENGER as MESSENGER
from state.keccak import keccak
from state.types import Address
from tests.contracts.vm import SENDER, Reverted, Vm, selector
from tests.execution.contracts.system.l2 import (
    MESSAGE,
    PORTAL,
    PORTAL_ALIAS,
    relay,
    relay_data,
)

L1_SENDER = b"\xc1" * 20
RELAYED = keccak(b"RelayedMessage(bytes32)")
FAILED = keccak(b"FailedRelayedMessage(bytes32)")
RELAY_GAS = 200_000
"""Portal.RELAY_GAS: what the Portal reserves for a relay besides its calldata."""


def minimum_gas(data_size: int) -> int:
    """Portal.minimumMessageGas, less what the transaction costs before it runs."""
    return RELAY_GAS + (data_size + 31) // 32 * 32


def _asked(vm: Vm, name: str, message_hash: bytes) -> bool:
    return bool(int.from_bytes(vm.call(MESSENGER, name, ["bytes32"], [message_hash]), "big"))


def _hash(target: bytes, data: bytes = b"", value: int = 0, nonce: int = 0) -> bytes:
    return keccak(encode(MESSAGE, [nonce, L1_SENDER, target, value, data]))


def _refuse(vm: Vm, actor: Address, on: bool) -> None:
    vm.call(actor, "refuse(bool)", ["bool"], [on])


def test_relay_from_the_portal_calls_the_target(vm: Vm, actor: Address) -> None:
    relay(vm, actor, b"hello", value=5)
    assert vm.logs[-1].topics == (RELAYED, _hash(actor, b"hello", 5))
    assert vm.balance(actor) == 5
    assert decode(["bytes"], vm.call(actor, "dataSeen()"))[0] == b"hello"
    assert vm.call(actor, "senderSeen()")[12:] == MESSENGER


def test_relay_from_anyone_else_reverts(vm: Vm, actor: Address) -> None:
    for stranger in (SENDER, PORTAL):
        vm.fund(stranger, 10**20)
        with pytest.raises(Reverted) as refusal:
            relay(vm, actor, sender=stranger)
        assert refusal.value.is_error("NotDeliverable(bytes32)")


def test_relay_twice_reverts(vm: Vm, actor: Address) -> None:
    relay(vm, actor)
    for sender in (PORTAL_ALIAS, SENDER):
        with pytest.raises(Reverted) as refusal:
            relay(vm, actor, sender=sender)
        assert refusal.value.is_error("AlreadyRelayed(bytes32)")


def test_relay_with_another_value_reverts(vm: Vm, actor: Address) -> None:
    with pytest.raises(Reverted) as refusal:
        relay(vm, actor, value=5, sent=4)
    assert refusal.value.is_error("ValueMismatch(uint256,uint256)")


def test_failed_message_is_kept_and_replayed_once_by_anyone(vm: Vm, actor: Address) -> None:
    _refuse(vm, actor, True)
    relay(vm, actor, b"x", value=5)
    message_hash = _hash(actor, b"x", 5)
    assert vm.logs[-1].topics == (FAILED, message_hash)
    assert vm.balance(MESSENGER) == 5
    assert _asked(vm, "failedMessages(bytes32)", message_hash)
    assert not _asked(vm, "successfulMessages(bytes32)", message_hash)

    relay(vm, actor, b"x", value=5, sent=0, sender=SENDER)
    assert vm.logs[-1].topics == (FAILED, message_hash)

    _refuse(vm, actor, False)
    with pytest.raises(Reverted) as refusal:
        relay(vm, actor, b"x", value=5, sender=SENDER)
    assert refusal.value.is_error("ValueMismatch(uint256,uint256)")
    relay(vm, actor, b"x", value=5, sent=0, sender=SENDER)
    assert vm.logs[-1].topics == (RELAYED, message_hash)
    assert (vm.balance(actor), vm.balance(MESSENGER)) == (5, 0)
    with pytest.raises(Reverted) as refusal:
        relay(vm, actor, b"x", value=5, sent=0, sender=SENDER)
    assert refusal.value.is_error("AlreadyRelayed(bytes32)")


def test_replay_of_another_message_reverts(vm: Vm, actor: Address) -> None:
    _refuse(vm, actor, True)
    relay(vm, actor, b"x")
    with pytest.raises(Reverted) as refusal:
        relay(vm, actor, b"y", sender=SENDER)
    assert refusal.value.is_error("NotDeliverable(bytes32)")


def test_relay_reentered_by_the_target_delivers_once(vm: Vm, actor: Address) -> None:
    """A failed message replayed from inside another message's call."""
    _refuse(vm, actor, True)
    relay(vm, actor, b"x", value=5)
    _refuse(vm, actor, False)
    inner = relay_data(L1_SENDER, actor, b"x", value=5)
    vm.call(actor, "echo(address,bytes)", ["address", "bytes"], [MESSENGER, inner])
    relay(vm, actor, b"z", nonce=1)
    answer = decode(["bytes"], vm.call(actor, "echoAnswer()"))[0]
    assert answer == selector("Reentered()")
    assert vm.balance(actor) == 0


def test_sender_is_known_only_during_a_relay(vm: Vm, actor: Address) -> None:
    ask = selector("xDomainMessageSender()")
    vm.call(actor, "echo(address,bytes)", ["address", "bytes"], [MESSENGER, ask])
    relay(vm, actor)
    answer = decode(["bytes"], vm.call(actor, "echoAnswer()"))[0]
    assert answer[12:] == L1_SENDER
    with pytest.raises(Reverted) as refusal:
        vm.send(MESSENGER, ask)
    assert refusal.value.is_error("NoMessage()")


GAS_EATER = bytes.fromhex("5b5f56")
"""Jumps to its own start until the gas is gone."""
BABBLER = bytes.fromhex("620fffff5ffd")
"""Reverts with a megabyte of nothing."""


@pytest.mark.parametrize("size", [0, 100, 32_768])
@pytest.mark.parametrize("code", [GAS_EATER, BABBLER])
def test_relay_at_the_portals_minimum_gas_always_records_a_failure(
    vm: Vm, size: int, code: bytes
) -> None:
    """Whatever the target does, the message is there afterwards to be replayed."""
    target = Address(b"\xee" * 20)
    vm.put(target, GenesisAccount(nonce=1, code=code))
    data = b"\xff" * size
    call = relay_data(L1_SENDER, target, data)
    intrinsic = 21_000 + 4 * call.count(0) + 16 * (len(call) - call.count(0))
    relay(vm, target, data, gas=intrinsic + minimum_gas(size))
    assert vm.logs[-1].topics == (FAILED, _hash(target, data))


def test_relay_records_failure_or_reverts_at_any_gas(vm: Vm) -> None:
    """Below the Portal's minimum a relay may run out, but never half-way."""
    target = Address(b"\xee" * 20)
    vm.put(target, GenesisAccount(nonce=1, code=GAS_EATER))
    outcomes = set()
    for nonce, gas in enumerate(range(25_000, 160_000, 5_000)):
        try:
            relay(vm, target, nonce=nonce, gas=gas)
        except Reverted:
            outcomes.add("reverted")
            recorded = _asked(vm, "failedMessages(bytes32)", _hash(target, nonce=nonce))
            assert not recorded
        else:
            outcomes.add("recorded")
            assert vm.logs[-1].topics[0] == FAILED
    assert outcomes == {"reverted", "recorded"}
