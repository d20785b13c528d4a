"""DisputeGame.sol: clocks, resolution and pulled payouts."""

import pytest
from web3.contract import Contract
from web3.exceptions import ContractLogicError

import bridge.contracts
import tests.contracts
from bridge.dispute.limits import DEPTH_MAX
from tests.bridge.contracts.l1 import (
    BOND_WEI,
    DISPUTE_SECONDS,
    PAYOUT_SECONDS,
    Stack,
    decode_error,
    reverts,
)

ROOT = b"\x11" * 32
IN_PROGRESS, DEFENDER_WINS = 0, 2


def test_resolve_before_the_clock_runs_out_reverts(stack: Stack) -> None:
    game = stack.propose(ROOT, 1)
    resolvable_at = game.functions.createdAt().call() + DISPUTE_SECONDS
    assert game.functions.resolvableAt().call() == resolvable_at
    stack.l1.ask("evm_setNextBlockTimestamp", resolvable_at - 1)
    stack.l1.ask("evm_mine")
    with reverts("ClockRunning", resolvable_at):
        game.functions.resolve().call()
    assert game.functions.status().call() == IN_PROGRESS
    assert game.functions.resolvedAt().call() == 0


def test_resolve_an_unchallenged_root_succeeds_once(stack: Stack) -> None:
    game = stack.propose(ROOT, 1)
    stack.l1.pass_time(DISPUTE_SECONDS)
    stack.l1.send(game.functions.resolve(), sender=stack.l1.accounts[8])
    assert game.functions.status().call() == DEFENDER_WINS
    assert game.functions.resolvedAt().call() == stack.l1.time
    with reverts("AlreadyResolved"):
        game.functions.resolve().call()


def test_claim_credit_pays_the_bond_once(stack: Stack) -> None:
    proposer = stack.l1.accounts[5]
    game = stack.propose(ROOT, 1, sender=proposer)
    with reverts("NoCredit", proposer):
        game.functions.claimCredit(proposer).call()
    stack.l1.pass_time(DISPUTE_SECONDS)
    stack.l1.send(game.functions.resolve())
    assert game.functions.credit(proposer).call() == BOND_WEI
    payable_at = game.functions.payableAt().call()
    assert payable_at == stack.l1.time + PAYOUT_SECONDS
    with reverts("PayoutHeldBack", payable_at):
        game.functions.claimCredit(proposer).call()
    stack.l1.pass_time(PAYOUT_SECONDS)
    before = stack.l1.w3.eth.get_balance(proposer)
    stack.l1.send(game.functions.claimCredit(proposer))
    assert stack.l1.w3.eth.get_balance(proposer) == before + BOND_WEI
    with reverts("NoCredit", proposer):
        game.functions.claimCredit(proposer).call()


def _won_by_actor(stack: Stack) -> Contract:
    """A won game whose proposer is the actor contract."""
    l1, actor = stack.l1, stack.actor
    acc = stack.inbox.functions.acc(0).call()
    propose = stack.rollup.encode_abi("propose", [ROOT, 1, 1, acc])
    l1.fund(actor.address, BOND_WEI)
    l1.send(actor.functions.act(stack.rollup.address, BOND_WEI, propose))
    game = l1.at(bridge.contracts.artifact("DisputeGame"), stack.rollup.functions.gameAt(0).call())
    l1.pass_time(DISPUTE_SECONDS)
    l1.send(game.functions.resolve())
    l1.pass_time(PAYOUT_SECONDS)
    return game


def test_claim_credit_reentered_pays_once(stack: Stack) -> None:
    game, actor = _won_by_actor(stack), stack.actor
    again = game.encode_abi("claimCredit", [actor.address])
    stack.l1.send(actor.functions.echo(game.address, again))
    stack.l1.send(game.functions.claimCredit(actor.address))
    assert stack.l1.w3.eth.get_balance(actor.address) == BOND_WEI
    assert decode_error(actor.functions.echoAnswer().call()) == ("NoCredit", actor.address)


def test_claim_credit_to_a_refusing_contract_keeps_the_credit(stack: Stack) -> None:
    game, actor = _won_by_actor(stack), stack.actor
    stack.l1.send(actor.functions.refuse(True))
    with reverts("PayoutFailed", actor.address):
        game.functions.claimCredit(actor.address).call()
    stack.l1.send(actor.functions.refuse(False))
    stack.l1.send(game.functions.claimCredit(actor.address))
    assert stack.l1.w3.eth.get_balance(actor.address) == BOND_WEI


def test_initialize_again_or_by_a_stranger_reverts(stack: Stack) -> None:
    game = stack.propose(ROOT, 1)
    with reverts("OnlyRollup", stack.l1.accounts[0]):
        game.functions.initialize().call({"from": stack.l1.accounts[0]})
    with stack.l1.as_contract(stack.rollup.address) as rollup, reverts("AlreadyInitialized"):
        game.functions.initialize().call({"from": rollup})


def test_implementation_itself_is_no_game(stack: Stack) -> None:
    """It carries no arguments, so nobody can set it up or resolve it."""
    prover = stack.l1.deploy(tests.contracts.artifact("CountingProver"))
    bare = stack.l1.deploy(bridge.contracts.artifact("DisputeGame"), DEPTH_MAX, prover.address)
    for call in (bare.functions.initialize(), bare.functions.resolve()):
        with pytest.raises(ContractLogicError):
            call.call()
    assert not stack.rollup.functions.isGame(bare.address).call()
