"""Portal.sol, towards L2: what a deposit costs, says and refuses."""

from typing import Any

import pytest
from eth_abi import decode
from web3 import Web3
from web3.logs import DISCARD

import bridge.contracts
import execution.contracts
import tests.contracts
from genesis.predeploys import COLLATERAL_TOKEN, L2_CROSS_DOMAIN_MESSENGER
from tests.bridge.contracts.l1 import (
    DEPOSIT_GAS_PRICE_WEI,
    L1,
    Stack,
    created_address,
    decode_error,
    deploy_stack,
    reverts,
)

ALIAS_OFFSET = 0x1111000000000000000000000000000000001111
DEPOSIT_TYPES = ["uint256", "uint256", "uint64", "bool", "address", "bytes"]
GAS_LIMIT_MAX = 2**24
NOBODY = "0x" + "00" * 20


def alias(account: str) -> str:
    """The L2 address of an L1 contract."""
    raw = (int(account, 16) + ALIAS_OFFSET) % 2**160
    return Web3.to_checksum_address(raw.to_bytes(20, "big"))


def last_deposit(stack: Stack) -> tuple[str, tuple[Any, ...]]:
    """Sender and decoded fields of the newest inbox item, a deposit."""
    args = stack.items()[-1]["args"]
    assert args["kind"] == 1
    return args["sender"], decode(DEPOSIT_TYPES, args["data"])


def price(gas: int) -> int:
    return gas * DEPOSIT_GAS_PRICE_WEI


def test_deposit_transaction_mints_what_the_gas_leaves(stack: Stack) -> None:
    l1, target = stack.l1, stack.l1.accounts[3]
    data = b"\x01" * 33
    gas = 21_000 + 16 * len(data)
    before = l1.w3.eth.get_balance(stack.portal.address)
    call = stack.portal.functions.depositTransaction(target, 99, gas, False, data)
    l1.send(call, value=price(gas) + 7, sender=l1.accounts[2])
    assert last_deposit(stack) == (
        l1.accounts[2],
        (7, 99, gas, False, target.lower(), data),
    )
    assert l1.w3.eth.get_balance(stack.portal.address) == before + price(gas) + 7


def test_deposit_transaction_of_a_creation_succeeds(stack: Stack) -> None:
    gas = 21_000 + 32_000 + 16 * 33 + 2 * 2
    assert stack.portal.functions.minimumGas(33, True).call() == gas
    call = stack.portal.functions.depositTransaction(NOBODY, 0, gas, True, b"\x60" * 33)
    stack.l1.send(call, value=price(gas))
    assert last_deposit(stack)[1][3:] == (True, NOBODY, b"\x60" * 33)
    with reverts("GasLimitTooLow", gas - 1, gas):
        stack.portal.functions.depositTransaction(NOBODY, 0, gas - 1, True, b"\x60" * 33).call(
            {"value": price(gas)}
        )


def test_deposit_transaction_of_a_creation_with_target_reverts(stack: Stack) -> None:
    target = stack.l1.accounts[3]
    with reverts("InvalidTarget", target):
        stack.portal.functions.depositTransaction(target, 0, 100_000, True, b"").call()


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_deposit_transaction_below_the_gas_floor_reverts(stack: Stack, size: int) -> None:
    floor = 21_000 + 16 * size
    deposit = stack.portal.functions.depositTransaction
    with reverts("GasLimitTooLow", floor - 1, floor):
        deposit(NOBODY, 0, floor - 1, False, b"\0" * size).call({"value": price(floor)})
    stack.l1.send(deposit(NOBODY, 0, floor, False, b"\0" * size), value=price(floor))


def test_deposit_transaction_above_the_gas_cap_reverts(stack: Stack) -> None:
    deposit = stack.portal.functions.depositTransaction
    above = GAS_LIMIT_MAX + 1
    with reverts("GasLimitTooHigh", above, GAS_LIMIT_MAX):
        deposit(NOBODY, 0, above, False, b"").call({"value": price(above)})
    stack.l1.send(deposit(NOBODY, 0, GAS_LIMIT_MAX, False, b""), value=price(GAS_LIMIT_MAX))


def test_deposit_transaction_with_too_much_data_reverts(stack: Stack) -> None:
    gas = 21_000 + 16 * 65_537
    with reverts("DataTooLarge", 65_537, 65_536):
        stack.portal.functions.depositTransaction(NOBODY, 0, gas, False, b"\0" * 65_537).call(
            {"value": price(gas)}
        )


def test_deposit_transaction_that_pays_a_wei_too_little_reverts(stack: Stack) -> None:
    needed = price(21_000)
    with reverts("GasNotPaid", needed - 1, needed):
        stack.portal.functions.depositTransaction(NOBODY, 0, 21_000, False, b"").call(
            {"value": needed - 1}
        )


def test_deposit_of_a_contract_is_aliased(stack: Stack) -> None:
    l1, actor = stack.l1, stack.actor
    data = stack.portal.encode_abi("depositTransaction", [NOBODY, 0, 21_000, False, b""])
    l1.send(actor.functions.act(stack.portal.address, price(21_000), data), value=price(21_000))
    assert last_deposit(stack)[0] == alias(actor.address)


def test_deposit_of_a_contract_under_construction_is_aliased(stack: Stack) -> None:
    """Its code is still empty, which must not make it pass for an account with a key."""
    l1 = stack.l1
    deployer = l1.accounts[0]
    address = created_address(deployer, l1.w3.eth.get_transaction_count(deployer))
    data = stack.portal.encode_abi("depositTransaction", [NOBODY, 0, 21_000, False, b""])
    factory = l1.w3.eth.contract(
        abi=list(tests.contracts.artifact("Actor").abi),
        bytecode=tests.contracts.artifact("Actor").bytecode,
    )
    creation = factory.constructor(stack.portal.address, data)
    receipt = l1.w3.eth.wait_for_transaction_receipt(
        creation.transact({"from": deployer, "value": price(21_000), "gas": 5_000_000})
    )
    assert receipt["status"] == 1
    assert last_deposit(stack)[0] == alias(address)


def test_deposit_of_a_delegated_account_is_its_own(stack: Stack) -> None:
    """EIP-7702 code at an address with a key, called by somebody else's transaction."""
    l1 = stack.l1
    account = l1.accounts[9]
    l1.ask("anvil_setCode", account, "0xef0100" + stack.actor.address[2:])
    delegated = l1.at(tests.contracts.artifact("Actor"), account)
    data = stack.portal.encode_abi("depositTransaction", [NOBODY, 0, 21_000, False, b""])
    l1.send(
        delegated.functions.act(stack.portal.address, price(21_000), data), sender=l1.accounts[8]
    )
    assert last_deposit(stack)[0] == account


def test_plain_transfer_to_the_portal_reverts(stack: Stack) -> None:
    with pytest.raises(Exception, match="revert"):
        stack.l1.w3.eth.call({"to": stack.portal.address, "value": 1})


def test_fund_escrow_adds_ether_and_no_item(stack: Stack) -> None:
    before = stack.inbox.functions.count().call()
    receipt = stack.l1.send(stack.portal.functions.fundEscrow(), value=5)
    (event,) = stack.portal.events.EscrowFunded().process_receipt(receipt)
    assert event["args"] == {"from": stack.l1.accounts[0], "amount": 5}
    assert stack.inbox.functions.count().call() == before


# Tokens


def _approve(stack: Stack, amount: int, account: str | None = None) -> None:
    account = account or stack.l1.accounts[0]
    stack.l1.send(stack.token.functions.mint(account, amount))
    stack.l1.send(stack.token.functions.approve(stack.portal.address, amount), sender=account)


def test_deposit_token_escrows_and_sends_the_credit(stack: Stack) -> None:
    l1, to = stack.l1, stack.l1.accounts[4]
    _approve(stack, 1_000)
    gas = stack.portal.functions.minimumTokenGas().call()
    l1.send(stack.portal.functions.depositToken(to, 600, gas), value=price(gas))
    sender, (mint, value, limit, creation, target, data) = last_deposit(stack)
    assert sender == alias(stack.portal.address)
    assert (mint, value, limit, creation) == (0, 0, gas, False)
    assert bytes.fromhex(target[2:]) == L2_CROSS_DOMAIN_MESSENGER
    assert _relayed(l1, data) == (stack.portal.address, to, 600, l1.accounts[0])
    assert stack.token.functions.balanceOf(stack.portal.address).call() == 600


def _relayed(l1: L1, data: bytes) -> tuple[str, str, int, str]:
    """L1 sender, receiver, amount and depositor of a relayed token credit."""
    messenger = l1.at(execution.contracts.artifact("L2CrossDomainMessenger"), NOBODY)
    token = l1.at(execution.contracts.artifact("CollateralToken"), NOBODY)
    _, relay = messenger.decode_function_input(data)
    assert bytes.fromhex(relay["target"][2:]) == COLLATERAL_TOKEN
    assert relay["value"] == 0
    _, credit = token.decode_function_input(relay["data"])
    return relay["sender"], credit["to"], credit["amount"], credit["from"]


def test_deposit_token_with_wrong_payment_or_gas_reverts(stack: Stack) -> None:
    _approve(stack, 10)
    to = stack.l1.accounts[4]
    deposit = stack.portal.functions.depositToken
    gas = stack.portal.functions.minimumTokenGas().call()
    for sent in (price(gas) - 1, price(gas) + 1):
        with reverts("WrongGasPayment", sent, price(gas)):
            deposit(to, 10, gas).call({"value": sent})
    with reverts("GasLimitTooLow", gas - 1, gas):
        deposit(to, 10, gas - 1).call({"value": price(gas - 1)})
    with reverts("InvalidTarget", NOBODY):
        deposit(NOBODY, 10, gas).call({"value": price(gas)})
    with reverts("ZeroAmount"):
        deposit(to, 0, gas).call({"value": price(gas)})


def test_deposit_token_without_allowance_reverts(stack: Stack) -> None:
    gas = stack.portal.functions.minimumTokenGas().call()
    with reverts("TransferFailed", stack.token.address):
        stack.portal.functions.depositToken(stack.l1.accounts[4], 1, gas).call(
            {"value": price(gas)}
        )


@pytest.fixture
def hostile(stack: Stack) -> Stack:
    """A Portal that escrows a token which misbehaves on command."""
    token = stack.l1.deploy(tests.contracts.artifact("HostileToken"))
    other = deploy_stack(stack.l1, token)
    other.l1.send(token.functions.mint(other.l1.accounts[0], 10_000))
    return other


def _deposit_hostile(stack: Stack, amount: int) -> Any:
    gas = stack.portal.functions.minimumTokenGas().call()
    return stack.portal.functions.depositToken(stack.l1.accounts[4], amount, gas), price(gas)


def test_deposit_token_that_keeps_a_fee_credits_what_arrived(hostile: Stack) -> None:
    hostile.l1.send(hostile.token.functions.configure(10, 0, NOBODY))
    call, value = _deposit_hostile(hostile, 1_000)
    receipt = hostile.l1.send(call, value=value)
    (event,) = hostile.portal.events.TokenDeposited().process_receipt(receipt, errors=DISCARD)
    assert event["args"]["received"] == 900
    assert _relayed(hostile.l1, last_deposit(hostile)[1][5])[2] == 900


def test_deposit_token_that_returns_nothing_succeeds(hostile: Stack) -> None:
    hostile.l1.send(hostile.token.functions.configure(0, 2, NOBODY))
    call, value = _deposit_hostile(hostile, 1_000)
    hostile.l1.send(call, value=value)
    assert _relayed(hostile.l1, last_deposit(hostile)[1][5])[2] == 1_000


def test_deposit_token_that_returns_false_reverts(hostile: Stack) -> None:
    hostile.l1.send(hostile.token.functions.configure(0, 1, NOBODY))
    call, value = _deposit_hostile(hostile, 1_000)
    with reverts("TransferFailed", hostile.token.address):
        call.call({"value": value})


def test_deposit_token_reentered_by_the_token_is_counted_once(hostile: Stack) -> None:
    """Balances are compared around the transfer, so a deposit inside it would count twice."""
    l1, actor = hostile.l1, hostile.actor
    call, value = _deposit_hostile(hostile, 1_000)
    inner = hostile.portal.encode_abi(
        "depositToken", [actor.address, 500, hostile.portal.functions.minimumTokenGas().call()]
    )
    l1.send(actor.functions.echo(hostile.portal.address, inner))
    l1.send(hostile.token.functions.configure(0, 0, actor.address))
    before = hostile.inbox.functions.count().call()
    l1.send(call, value=value)
    assert decode_error(actor.functions.echoAnswer().call()) == ("Reentered",)
    assert hostile.inbox.functions.count().call() == before + 1
    assert _relayed(l1, last_deposit(hostile)[1][5])[2] == 1_000


# Messages


def test_send_message_names_the_caller_and_carries_the_rest(stack: Stack) -> None:
    l1, target = stack.l1, stack.l1.accounts[6]
    gas = stack.portal.functions.minimumMessageGas(3).call() + 1_000
    call = stack.portal.functions.sendMessage(target, gas, b"abc")
    l1.send(call, value=price(gas) + 40, sender=l1.accounts[2])
    sender, (mint, value, limit, _, _, data) = last_deposit(stack)
    assert (sender, mint, value, limit) == (alias(stack.portal.address), 40, 40, gas)
    messenger = l1.at(execution.contracts.artifact("L2CrossDomainMessenger"), NOBODY)
    _, relay = messenger.decode_function_input(data)
    assert relay == {
        "nonce": 0,
        "sender": l1.accounts[2],
        "target": target,
        "value": 40,
        "data": b"abc",
    }
    assert stack.portal.functions.messageNonce().call() == 1


def test_send_message_with_too_little_gas_or_too_much_data_reverts(stack: Stack) -> None:
    portal = stack.portal.functions
    gas = portal.minimumMessageGas(3).call()
    with reverts("GasLimitTooLow", gas - 1, gas):
        portal.sendMessage(NOBODY, gas - 1, b"abc").call({"value": price(gas)})
    gas = portal.minimumMessageGas(32_769).call()
    with reverts("DataTooLarge", 32_769, 32_768):
        portal.sendMessage(NOBODY, gas, b"\0" * 32_769).call({"value": price(gas)})


def test_release_token_by_anyone_reverts(stack: Stack) -> None:
    for caller in (stack.l1.accounts[0], stack.sequencer):
        with reverts("OnlyCollateralToken", caller):
            stack.portal.functions.releaseToken(caller, 1).call({"from": caller})


def test_portal_artifact_has_no_owner(stack: Stack) -> None:
    """No function of any L1 contract is for an administrator."""
    words = ("owner", "admin", "pause", "upgrade", "guardian", "set")
    for name in ("Inbox", "Portal", "Rollup", "DisputeGame"):
        abi = bridge.contracts.artifact(name).abi
        functions = [entry["name"].lower() for entry in abi if entry["type"] == "function"]
        assert not [f for f in functions if f.startswith(words)]
