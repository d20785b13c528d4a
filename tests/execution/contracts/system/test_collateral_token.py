"""CollateralToken.sol: an ERC-20 backed by the Portal's escrow."""

import pytest
from coincurve import PrivateKey
from eth_abi import decode, encode

from execution.contracts import artifact
from genesis.accounts import dev_accounts
from genesis.predeploys import (
    CLEARING_HOUSE,
    L2_CROSS_DOMAIN_MESSENGER,
    L2_TO_L1_MESSAGE_PASSER,
)
from genesis.predeploys import (
    COLLATERAL_TOKEN as TOKEN,
)
from state.keccak import keccak
from state.types import Address
from tests.contracts.vm import SENDER, Reverted, Vm, selector
from tests.execution.contracts.system.l2 import PORTAL, relay

ALICE, BOB = b"\xa1" * 20, b"\xb2" * 20
DEPOSITOR_L1 = b"\xd1" * 20
CREDIT = "finalizeDeposit(address,address,uint256)"
CREDIT_TYPES = ["address", "address", "uint256"]
TOKEN_CREDIT_GAS = 200_000
RELAY_GAS = 200_000
"""Portal.TOKEN_CREDIT_GAS and RELAY_GAS."""
CHAIN_ID = 1
"""pyrevm's."""


def credit(
    vm: Vm, to: bytes, amount: int, *, l1_sender: bytes = PORTAL, nonce: int = 0, gas: int = 2**24
) -> None:
    """A token deposit, as it arrives from L1."""
    data = selector(CREDIT) + encode(CREDIT_TYPES, [DEPOSITOR_L1, to, amount])
    relay(vm, TOKEN, data, l1_sender=l1_sender, nonce=nonce, gas=gas)


def number(vm: Vm, signature: str, *addresses: bytes) -> int:
    return int.from_bytes(vm.call(TOKEN, signature, ["address"] * len(addresses), addresses), "big")


def balance(vm: Vm, account: bytes) -> int:
    return number(vm, "balanceOf(address)", account)


def topics(vm: Vm) -> list[bytes]:
    return [log.topics[0] for log in vm.logs]


def sent_to_l1(vm: Vm) -> tuple[bytes, bytes]:
    """Target and calldata of the message to L1 among the last call's logs."""
    (log,) = (log for log in vm.logs if log.address == L2_TO_L1_MESSAGE_PASSER)
    assert log.topics[2][12:] == TOKEN
    return log.topics[3][12:], decode(["uint256", "uint256", "bytes", "bytes32"], log.data)[2]


def release_call(to: bytes, amount: int) -> bytes:
    return selector("releaseToken(address,uint256)") + encode(["address", "uint256"], [to, amount])


def test_metadata_is_that_of_a_dollar_with_six_decimals(vm: Vm) -> None:
    assert decode(["string"], vm.call(TOKEN, "name()"))[0] == "Tallystick USD"
    assert decode(["string"], vm.call(TOKEN, "symbol()"))[0] == "tUSD"
    assert number(vm, "decimals()") == 6
    assert vm.call(TOKEN, "portal()")[12:] == PORTAL


def test_deposit_credits_and_adds_to_the_supply(vm: Vm) -> None:
    credit(vm, ALICE, 700)
    assert keccak(b"DepositFinalized(address,address,uint256)") in topics(vm)
    assert (balance(vm, ALICE), number(vm, "totalSupply()")) == (700, 700)


def test_deposit_at_the_portals_minimum_gas_succeeds(vm: Vm) -> None:
    """Of both outcomes, the credit to a new account and the return."""
    gas = 21_000 + 16 * (196 + 128) + 128 + RELAY_GAS + TOKEN_CREDIT_GAS
    credit(vm, ALICE, 700, gas=gas)
    assert balance(vm, ALICE) == 700
    credit(vm, TOKEN, 700, nonce=1, gas=gas)
    assert sent_to_l1(vm) == (PORTAL, release_call(DEPOSITOR_L1, 700))


@pytest.mark.parametrize(
    "to", [bytes(20), TOKEN, CLEARING_HOUSE, L2_CROSS_DOMAIN_MESSENGER, TOKEN[:-2] + b"\xff\xff"]
)
def test_deposit_that_can_not_be_credited_is_returned(vm: Vm, to: bytes) -> None:
    credit(vm, to, 700)
    assert keccak(b"DepositReturned(address,address,uint256)") in topics(vm)
    assert sent_to_l1(vm) == (PORTAL, release_call(DEPOSITOR_L1, 700))
    assert (balance(vm, to), number(vm, "totalSupply()")) == (0, 0)


def test_deposit_that_overflows_the_supply_is_returned(vm: Vm) -> None:
    credit(vm, ALICE, 2**256 - 1)
    credit(vm, BOB, 1, nonce=1)
    assert sent_to_l1(vm) == (PORTAL, release_call(DEPOSITOR_L1, 1))
    assert balance(vm, BOB) == 0


def test_deposit_by_a_message_of_another_l1_sender_fails(vm: Vm) -> None:
    credit(vm, ALICE, 700, l1_sender=b"\x66" * 20)
    assert keccak(b"FailedRelayedMessage(bytes32)") in topics(vm)
    assert balance(vm, ALICE) == 0


def test_deposit_not_through_the_messenger_reverts(vm: Vm) -> None:
    vm.fund(PORTAL, 10**20)
    for sender in (SENDER, PORTAL):
        with pytest.raises(Reverted) as refusal:
            vm.call(TOKEN, CREDIT, CREDIT_TYPES, [ALICE, ALICE, 1], sender=sender)
        assert refusal.value.is_error("OnlyPortal()")


def test_withdraw_burns_and_tells_the_portal(vm: Vm) -> None:
    credit(vm, SENDER, 700)
    vm.call(TOKEN, "withdrawTo(address,uint256)", ["address", "uint256"], [BOB, 200])
    assert sent_to_l1(vm) == (PORTAL, release_call(BOB, 200))
    assert (balance(vm, SENDER), number(vm, "totalSupply()")) == (500, 500)


@pytest.mark.parametrize(
    ("to", "amount", "error"),
    [
        (bytes(20), 1, "InvalidRecipient(address)"),
        (PORTAL, 1, "InvalidRecipient(address)"),
        (BOB, 0, "ZeroAmount()"),
        (BOB, 701, "InsufficientBalance(address,uint256,uint256)"),
    ],
)
def test_withdraw_that_makes_no_sense_reverts(vm: Vm, to: bytes, amount: int, error: str) -> None:
    credit(vm, SENDER, 700)
    with pytest.raises(Reverted) as refusal:
        vm.call(TOKEN, "withdrawTo(address,uint256)", ["address", "uint256"], [to, amount])
    assert refusal.value.is_error(error)


def test_transfer_moves_and_refuses(vm: Vm) -> None:
    credit(vm, SENDER, 700)
    transfer = ("transfer(address,uint256)", ["address", "uint256"])
    assert int.from_bytes(vm.call(TOKEN, *transfer, [BOB, 300]), "big") == 1
    assert (balance(vm, SENDER), balance(vm, BOB)) == (400, 300)
    vm.call(TOKEN, *transfer, [SENDER, 400])
    assert balance(vm, SENDER) == 400
    with pytest.raises(Reverted) as refusal:
        vm.call(TOKEN, *transfer, [BOB, 401])
    assert refusal.value.is_error("InsufficientBalance(address,uint256,uint256)")
    for nobody in (bytes(20), TOKEN):
        with pytest.raises(Reverted) as refusal:
            vm.call(TOKEN, *transfer, [nobody, 1])
        assert refusal.value.is_error("InvalidRecipient(address)")


def test_transfer_from_uses_up_the_allowance(vm: Vm) -> None:
    credit(vm, ALICE, 700)
    vm.fund(ALICE, 10**20)
    spend = ("transferFrom(address,address,uint256)", ["address", "address", "uint256"])
    approve = ("approve(address,uint256)", ["address", "uint256"])
    vm.call(TOKEN, *approve, [SENDER, 300], sender=ALICE)
    vm.call(TOKEN, *spend, [ALICE, BOB, 200])
    assert number(vm, "allowance(address,address)", ALICE, SENDER) == 100
    with pytest.raises(Reverted) as refusal:
        vm.call(TOKEN, *spend, [ALICE, BOB, 101])
    assert refusal.value.is_error("InsufficientAllowance(address,uint256,uint256)")
    vm.call(TOKEN, *approve, [SENDER, 2**256 - 1], sender=ALICE)
    vm.call(TOKEN, *spend, [ALICE, BOB, 500])
    assert number(vm, "allowance(address,address)", ALICE, SENDER) == 2**256 - 1


# ERC-2612

PERMIT = "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"
PERMIT_TYPES = ["address", "address", "uint256", "uint256", "uint8", "bytes32", "bytes32"]
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def _permit(vm: Vm, value: int, deadline: int, *, flip: bool = False) -> None:
    """Have the first dev account allow BOB `value`; `flip` turns the signature into its twin."""
    owner = dev_accounts()[0]
    struct = keccak(
        encode(
            ["bytes32", "address", "address", "uint256", "uint256", "uint256"],
            [
                keccak(
                    b"Permit(address owner,address spender,uint256 value,uint256 nonce,"
                    b"uint256 deadline)"
                ),
                owner.address,
                BOB,
                value,
                number(vm, "nonces(address)", owner.address),
                deadline,
            ],
        )
    )
    digest = keccak(b"\x19\x01" + vm.call(TOKEN, "DOMAIN_SEPARATOR()") + struct)
    signature = PrivateKey(owner.key).sign_recoverable(digest, hasher=None)
    r, s, parity = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
    if flip:
        s, parity = CURVE_ORDER - s, parity ^ 1
    vm.call(
        TOKEN,
        PERMIT,
        PERMIT_TYPES,
        [owner.address, BOB, value, deadline, 27 + parity, r, s.to_bytes(32, "big")],
    )


def test_permit_approves_once(vm: Vm) -> None:
    owner = dev_accounts()[0].address
    _permit(vm, 55, deadline=1_000)
    assert number(vm, "allowance(address,address)", owner, BOB) == 55
    assert number(vm, "nonces(address)", owner) == 1


def test_permit_too_late_or_with_a_high_s_reverts(vm: Vm) -> None:
    with pytest.raises(Reverted) as refusal:
        _permit(vm, 55, deadline=999)
    assert refusal.value.is_error("PermitExpired(uint256)")
    with pytest.raises(Reverted) as refusal:
        _permit(vm, 55, deadline=1_000, flip=True)
    assert refusal.value.is_error("InvalidPermit(address,address)")


def test_token_has_no_administrator() -> None:
    names = {e["name"] for e in artifact("CollateralToken").abi if e["type"] == "function"}
    assert not {n for n in names if n.lower().startswith(("pause", "set", "mint", "burn", "owner"))}
    assert Address(TOKEN)
