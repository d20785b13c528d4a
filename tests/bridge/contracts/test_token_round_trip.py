"""Tokens from L1 to L2 and back, each side by its own contracts: anvil below, pyrevm above.

What crosses is what the node would carry: the Inbox item down to the deposit transaction, and the
storage of L2ToL1MessagePasser up to a proof.
"""

import pytest
from eth_abi import decode
from web3 import Web3

from bridge.derive.deposits import decode_deposit
from execution.contracts.system import system_alloc
from genesis.predeploys import COLLATERAL_TOKEN, L2_TO_L1_MESSAGE_PASSER
from state.blocks import Log
from tests.bridge.contracts.l1 import DEPOSIT_GAS_PRICE_WEI, FINALITY_SECONDS, Stack, reverts
from tests.bridge.contracts.test_portal_withdrawals import Outbox, Sent, finalize, win
from tests.contracts.vm import Vm

USER = b"\xa1" * 20
AMOUNT = 1_000_000


@pytest.fixture
def l2(stack: Stack) -> Vm:
    """An L2 whose bridge is the stack's Portal."""
    vm = Vm(system_alloc(bytes.fromhex(stack.portal.address[2:])))
    vm.fund(USER, 10**20)
    return vm


def _deposit(stack: Stack, to: bytes) -> None:
    portal, token, l1 = stack.portal.functions, stack.token.functions, stack.l1
    l1.send(token.mint(l1.accounts[0], AMOUNT))
    l1.send(token.approve(stack.portal.address, AMOUNT))
    gas = portal.minimumTokenGas().call()
    call = portal.depositToken(Web3.to_checksum_address(to), AMOUNT, gas)
    l1.send(call, value=gas * DEPOSIT_GAS_PRICE_WEI)


def _carry_up(stack: Stack, vm: Vm) -> None:
    """Run the newest deposit of the inbox as the L2 transaction that it stands for."""
    args = stack.items()[-1]["args"]
    deposit = decode_deposit(args["data"])
    sender = bytes.fromhex(args["sender"][2:])
    assert deposit.to is not None
    vm.fund(sender, vm.balance(sender) + deposit.mint)
    vm.send(deposit.to, deposit.data, sender=sender, value=deposit.value, gas=deposit.gas)


def _sent(vm: Vm) -> Sent:
    """The message to L1 among the last logs."""
    (log,) = (entry for entry in vm.logs if entry.address == L2_TO_L1_MESSAGE_PASSER)
    sent = _message_of(log)
    stored = decode(["uint256", "uint256", "bytes", "bytes32"], log.data)[3]
    assert sent.hash == stored
    return sent


def _message_of(log: Log) -> Sent:
    nonce, sender, target = log.topics[1:]
    value, gas, data, _ = decode(["uint256", "uint256", "bytes", "bytes32"], log.data)
    return Sent(
        target=Web3.to_checksum_address(target[12:]),
        value=value,
        gas=gas,
        data=data,
        nonce=int.from_bytes(nonce, "big"),
        sender=Web3.to_checksum_address(sender[12:]),
    )


def _carry_down(stack: Stack, sent: Sent) -> None:
    outbox = Outbox(sent)
    game = outbox.propose(stack)
    stack.l1.send(outbox.call(stack, sent, game))
    win(stack, game)
    stack.l1.pass_time(FINALITY_SECONDS)
    stack.l1.send(finalize(stack, sent))


def _l2_balance(vm: Vm, account: bytes) -> int:
    word = vm.call(COLLATERAL_TOKEN, "balanceOf(address)", ["address"], [account])
    return int.from_bytes(word, "big")


def test_tokens_go_up_and_come_back(stack: Stack, l2: Vm) -> None:
    _deposit(stack, USER)
    _carry_up(stack, l2)
    assert _l2_balance(l2, USER) == AMOUNT
    home = Web3.to_checksum_address("0x" + "c3" * 20)
    l2.call(
        COLLATERAL_TOKEN,
        "withdrawTo(address,uint256)",
        ["address", "uint256"],
        [home, 400_000],
        sender=USER,
    )
    _carry_down(stack, _sent(l2))
    balance_of = stack.token.functions.balanceOf
    assert balance_of(home).call() == 400_000
    assert balance_of(stack.portal.address).call() == AMOUNT - 400_000


def test_tokens_that_nobody_can_own_come_back_to_the_depositor(stack: Stack, l2: Vm) -> None:
    _deposit(stack, COLLATERAL_TOKEN)
    _carry_up(stack, l2)
    returned = _sent(l2)
    assert _l2_balance(l2, COLLATERAL_TOKEN) == 0
    _carry_down(stack, returned)
    balance_of = stack.token.functions.balanceOf
    assert balance_of(stack.l1.accounts[0]).call() == AMOUNT
    assert balance_of(stack.portal.address).call() == 0


def test_release_forged_by_an_l2_user_is_refused(stack: Stack) -> None:
    """The same call, sent to L1 by anyone but the token, never reaches the escrow."""
    _deposit(stack, USER)
    release = stack.portal.encode_abi("releaseToken", [stack.actor.address, 1])
    forged = Sent(stack.portal.address, data=bytes.fromhex(release[2:]))
    outbox = Outbox(forged)
    game = outbox.propose(stack)
    with reverts("InvalidTarget", stack.portal.address):
        outbox.call(stack, forged, game).call()
