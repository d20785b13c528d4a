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
    GAS_MAX,
    PAYOUT_SECONDS,
    Stack,
    decode_error,
    reverts,
)
from tests.conftest import Show

ROOT = b"\x11" * 32
IN_PROGRESS, DEFENDER_WINS = 0, 2
PAGE = 250


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


def test_move_after_an_l1_reorg_in_the_game_answers_nothing_else(stack: Stack) -> None:
    """The claim that it answers is gone, and another one has its place."""
    l1, before, after = stack.l1, b"\x22" * 32, b"\x33" * 32
    game = stack.propose(ROOT, 1)
    root = game.functions.claims(0).call()[5]
    l1.send(game.functions.move(0, root, before, True), value=BOND_WEI)
    l1.ask("anvil_reorg", 1, [])
    assert game.functions.claimCount().call() == 1
    l1.send(game.functions.move(0, root, after, True), value=BOND_WEI)
    with reverts("ParentMoved", before, after):
        game.functions.move(1, before, ROOT, True).call({"value": BOND_WEI})


def test_page_of_spam_answers_is_resolved_within_gas_on_the_newest_fork(
    stack: Stack, show: Show
) -> None:
    """A thousand answers are four such calls (test_dispute_game_resolution.py)."""
    l1, spammer = stack.l1, stack.l1.accounts[6]
    game = stack.propose(ROOT, 1)
    root, answer = game.functions.claims(0).call()[5], b"\x22" * 32
    made = l1.send(game.functions.move(0, root, answer, True), value=BOND_WEI)

    def spam(name: str, *arguments: object, value: int = 0) -> str:
        call = {"to": game.address, "data": game.encode_abi(name, arguments)}
        fees = {"from": spammer, "gas": hex(400_000), "value": hex(value)}
        return str(l1.ask("eth_sendTransaction", call | fees))

    for number in range(PAGE):
        last = spam("move", 1, answer, number.to_bytes(32, "big"), True, value=BOND_WEI)
    l1.w3.eth.wait_for_transaction_receipt(last)
    assert game.functions.claimCount().call() == PAGE + 2
    l1.pass_time(2 * DISPUTE_SECONDS)
    for index in range(2, PAGE + 2):
        last = spam("resolveClaim", index, 0)
    l1.w3.eth.wait_for_transaction_receipt(last)
    page = l1.send(game.functions.resolveClaim(1, PAGE))
    assert game.functions.claims(1).call()[2], "resolved"
    end = l1.send(game.functions.resolve())
    gas = made["gasUsed"], page["gasUsed"], end["gasUsed"]
    show("move {:,} gas, resolving 250 answers {:,}, resolve {:,}".format(*gas))
    assert page["gasUsed"] < GAS_MAX / 4
    assert game.functions.status().call() == DEFENDER_WINS
