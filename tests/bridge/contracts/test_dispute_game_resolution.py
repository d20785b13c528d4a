"""DisputeGame.sol: who wins, in which order claims are decided, and who gets which bond."""

import pytest

import tests.contracts
from state.types import Address
from tests.bridge.contracts.game import (
    ALICE,
    ANCHOR,
    BOND,
    CAROL,
    CHALLENGER_WINS,
    CLOCK,
    DEFENDER_WINS,
    DEPTH,
    IN_PROGRESS,
    MALLORY,
    NOBODY,
    PAYOUT,
    PROPOSER,
    GameRig,
    Rig,
    boundary_state,
    constructor_types,
    refuses,
)
from tests.contracts.vm import selector

WRONG = b"\x66" * 32
SPAM = 1_000


@pytest.fixture
def rig():
    return Rig()


def claim_number(number: int) -> bytes:
    return number.to_bytes(32, "big")


def let_expire(game: GameRig) -> None:
    count = len(game.claims())
    game.rig.wait_until(max(map(game.expiry, range(count))))


# The result


def test_root_that_nobody_answers_stands_and_moves_the_anchor(rig):
    root = rig.truth.count(2**DEPTH)
    game = rig.propose(root)
    rig.wait(CLOCK)
    assert game.resolve() == game.status() == DEFENDER_WINS
    assert rig.vm.call(rig.rollup, "anchor()")[:32] == root
    assert game.credit(PROPOSER) == BOND


def test_root_with_an_uncountered_answer_loses_and_moves_no_anchor(rig):
    game = rig.propose_wrong()
    game.follow(0, rig.truth)
    let_expire(game)
    game.resolve_claim(1)
    assert game.resolve() == game.status() == CHALLENGER_WINS
    assert rig.vm.call(rig.rollup, "anchor()")[:32] == ANCHOR
    assert (game.credit(ALICE), game.credit(PROPOSER)) == (2 * BOND, 0)


def test_lost_claim_is_refused_until_the_inbox_grows_and_costs_a_bond_again(rig):
    wrong = rig.truth.lied(0).count(2**DEPTH)
    game = rig.propose(wrong, MALLORY)
    game.follow(0, rig.truth)
    game.finish()
    with refuses("AlreadyProposed"):
        rig.propose(wrong, MALLORY)
    rig.vm.call(rig.inbox, "forceTransaction(bytes)", ["bytes"], [b"\x01"])
    again = rig.propose(wrong, MALLORY, inbox_count=2)
    again.play_honestly()
    assert again.finish() == CHALLENGER_WINS
    assert rig.paid[MALLORY] == 2 * BOND
    assert game.credit(MALLORY) == again.credit(MALLORY) == 0


def test_right_root_that_nobody_defended_can_be_proposed_over_a_longer_prefix(rig):
    game = rig.propose_right()
    game.move(0, WRONG, sender=MALLORY)
    assert game.finish() == CHALLENGER_WINS
    rig.vm.call(rig.inbox, "forceTransaction(bytes)", ["bytes"], [b"\x01"])
    truth = rig.trace_of(7, 2)
    again = rig.propose(truth.count(2**DEPTH), inbox_count=2)
    rig.wait(CLOCK)
    assert again.resolve() == DEFENDER_WINS


# The order


def test_out_of_order_resolution_reverts_with_the_answer_that_is_missing(rig):
    game = rig.propose_wrong()
    first = game.move(0, WRONG)
    second, third = game.move(first, WRONG), game.move(first, WRONG, attack=False)
    let_expire(game)
    with refuses("AnswerUnresolved", 0, first):
        game.resolve()
    with refuses("AnswerUnresolved", first, second):
        game.resolve_claim(first)
    game.resolve_claim(second)
    with refuses("AnswerUnresolved", first, third):
        game.resolve_claim(first)
    game.resolve_claim(third)
    game.resolve_claim(first)
    game.resolve_claim(0)
    assert game.status() == IN_PROGRESS
    assert game.resolve() == DEFENDER_WINS
    game.requires_balance()


@pytest.mark.parametrize("page", [1, 2, 3, 4, 5, 6, 0])
@pytest.mark.parametrize("winner", range(5))
def test_paged_resolution_finds_the_leftmost_answer_wherever_it_is(rig, page, winner):
    game = rig.propose_wrong()
    first = game.move(0, WRONG)
    for number in range(5):
        sender = CAROL if number == winner else MALLORY
        game.move(first, claim_number(number), attack=number >= winner, sender=sender)
    let_expire(game)
    for index in range(2, 7):
        game.resolve_claim(index)
    for _ in range(-(-5 // page) if page else 1):
        assert not game.claim(first).resolved
        game.resolve_claim(first, page)
    assert game.claim(first).resolved
    assert game.claim(first).countered_by == CAROL
    assert game.resolve() == DEFENDER_WINS
    game.requires_balance()


def test_page_with_an_unresolved_answer_keeps_what_came_before(rig):
    game = rig.propose_wrong()
    first = game.move(0, WRONG)
    answers = [game.move(first, claim_number(n)) for n in range(3)]
    let_expire(game)
    game.resolve_claim(answers[0])
    game.resolve_claim(first, 1)
    with refuses("AnswerUnresolved", first, answers[1]):
        game.resolve_claim(first, 1)
    for index in answers[1:]:
        game.resolve_claim(index)
    game.resolve_claim(first, 2)
    assert game.claim(first).resolved


def test_thousand_spam_answers_are_resolved_in_pages_and_change_nothing(rig):
    """What it costs in gas is asked of anvil, in test_dispute_game.py."""
    game = rig.propose_right()
    first = game.move(0, WRONG, sender=MALLORY)
    game.follow(first, rig.truth)
    for number in range(SPAM):
        game.move(first, claim_number(number), sender=MALLORY)
    let_expire(game)
    for index in range(2, SPAM + 3):
        game.resolve_claim(index)
    for _ in range(5):
        assert not game.claim(first).resolved
        game.resolve_claim(first, 250)
    assert game.claim(first).resolved
    assert game.claim(first).countered_by == ALICE, "her answer came first"
    assert game.resolve() == DEFENDER_WINS
    game.requires_balance()


# The bonds


def test_leftmost_uncountered_answer_wins_the_bond_whenever_it_came(rig):
    game = rig.propose_wrong()
    first = game.move(0, WRONG, sender=MALLORY)
    game.move(first, WRONG, attack=False, sender=CAROL)
    game.move(first, WRONG, sender=ALICE)
    game.finish()
    assert game.claim(first).countered_by == ALICE
    # The root, no longer countered, gets its bond back; the others theirs.
    assert game.credit(ALICE) == 2 * BOND
    assert (game.credit(CAROL), game.credit(MALLORY)) == (BOND, 0)
    game.requires_balance()


def test_countered_answer_wins_nothing_however_far_left(rig):
    game = rig.propose_wrong()
    first = game.move(0, WRONG, sender=MALLORY)
    left = game.move(first, WRONG, sender=CAROL)
    game.move(left, ANCHOR, sender=MALLORY)
    game.move(first, ANCHOR, attack=False, sender=ALICE)
    game.finish()
    assert game.claim(first).countered_by == ALICE
    assert game.claim(left).countered_by == MALLORY
    game.requires_balance()


def test_stepper_wins_the_bond_of_the_leaf_without_one_of_its_own(rig):
    game = rig.propose(rig.truth.lied(1).count(2**DEPTH), MALLORY)
    tip = game.follow(0, rig.truth)
    tip = game.move(tip, WRONG, sender=MALLORY)
    tip = game.follow(tip, rig.truth)
    leaf = game.move(tip, WRONG, sender=MALLORY)
    game.step(leaf, sender=CAROL)
    assert game.finish() == CHALLENGER_WINS
    assert game.credit(CAROL) == BOND
    assert game.credit(ALICE) == rig.paid[ALICE] + 2 * BOND
    assert game.credit(MALLORY) == 0
    game.requires_balance()


# Free-loaders: those who want a bond that another's work wins


def test_free_loader_who_copies_a_claim_first_does_not_keep_the_truth_out(rig):
    """The same answer can't be given twice; whoever gave it, it wins, and it is defended."""
    game = rig.propose_wrong()
    copy = game.follow(0, rig.truth, sender=CAROL)
    with refuses("AlreadyClaimed"):
        game.follow(0, rig.truth)
    game.move(copy, WRONG, sender=MALLORY)
    game.play_honestly()
    assert game.finish() == CHALLENGER_WINS
    assert game.credit(CAROL) == 2 * BOND
    assert game.credit(ALICE) > rig.paid[ALICE]
    game.requires_balance()


def test_free_loader_who_answers_wrongly_in_the_same_place_costs_the_honest_nothing(rig):
    game = rig.propose_wrong()
    game.follow(0, rig.truth)
    game.move(0, ANCHOR, sender=CAROL)
    game.play_honestly()
    assert game.finish() == CHALLENGER_WINS
    assert game.credit(ALICE) == 2 * BOND, "she was first in that place"
    game.requires_balance()


def test_free_loader_further_left_takes_a_bond_but_no_stake_and_no_result(rig):
    """Where the right answer is to defend, an attack with anything stands further left. Whoever is
    attacked may refute it; if nobody does, the honest side only misses a reward."""
    game = rig.propose_right()
    liar = rig.truth.lied(16)
    first = game.follow(0, liar, sender=MALLORY)  # right, as far as it goes
    honest = game.follow(first, rig.truth, attack=False)
    game.move(first, WRONG, sender=CAROL)
    game.play_honestly()
    assert game.finish() == DEFENDER_WINS
    assert game.claim(first).countered_by == CAROL
    assert game.claim(honest).countered_by == NOBODY
    assert game.credit(ALICE) == rig.paid[ALICE]
    game.requires_balance()


def test_free_loader_too_far_to_the_right_wins_nothing(rig):
    """A claim that is wrong is attacked; who defends it is right of the one that does."""
    game = rig.propose_right()
    first = game.move(0, WRONG, sender=MALLORY)
    game.move(first, WRONG, attack=False, sender=CAROL)
    game.play_honestly()
    assert game.finish() == DEFENDER_WINS
    assert game.claim(first).countered_by == ALICE
    game.requires_balance()


def test_free_loader_with_a_right_claim_under_a_wrong_parent_wins_nothing_from_it(rig):
    game = rig.propose_right()
    first = game.move(0, WRONG, sender=MALLORY)
    second = game.move(first, WRONG, sender=MALLORY)
    game.follow(second, rig.truth, sender=CAROL)
    game.play_honestly()
    assert game.finish() == DEFENDER_WINS
    assert game.credit(ALICE) >= rig.paid[ALICE]
    game.requires_balance()


def test_liar_who_counters_herself_first_gets_the_bond_back_and_loses_the_root(rig):
    """She pays gas and the time of her money; what she must not get is a root."""
    game = rig.propose(rig.truth.lied(0).count(2**DEPTH), MALLORY)
    game.move(0, WRONG, sender=MALLORY)
    game.follow(0, rig.truth)
    assert game.finish() == CHALLENGER_WINS
    assert game.credit(MALLORY) == 2 * BOND
    assert game.credit(ALICE) == BOND
    game.requires_balance()


# The payout


def test_credit_is_held_back_for_the_payout_delay(rig):
    game = rig.propose_wrong()
    game.follow(0, rig.truth)
    let_expire(game)
    game.resolve_claim(1)
    with refuses("GameInProgress"):
        game.claim_credit(ALICE)
    assert game.read("payableAt()", ["uint256"]) == 0
    game.resolve()
    payable_at = rig.now + PAYOUT
    assert game.read("payableAt()", ["uint256"]) == payable_at
    rig.wait_until(payable_at - 1)
    with refuses("PayoutHeldBack", payable_at):
        game.claim_credit(ALICE)
    rig.wait_until(payable_at)
    before = rig.vm.balance(ALICE)
    game.claim_credit(ALICE)
    assert rig.vm.balance(ALICE) == before + 2 * BOND


def test_double_credit_is_refused_for_every_account(rig):
    game = rig.propose_right()
    game.move(0, WRONG, sender=MALLORY)
    game.play_honestly()
    game.finish()
    rig.wait(PAYOUT)
    for account in (ALICE, PROPOSER):
        game.claim_credit(account)
        with refuses("NoCredit"):
            game.claim_credit(account)
    assert rig.vm.balance(game.address) == 0
    with refuses("AlreadyResolved"):
        game.resolve()


@pytest.mark.parametrize("attack", ["claimCredit(address)", "resolve()"])
def test_reentrant_payout_pays_once(rig, attack):
    """An attacker that claims again, or ends the game again, while it is being paid."""
    actor = new_actor(rig)
    game = rig.propose_wrong()
    act(rig, actor, game, WRONG)
    for number in range(3):
        game.move(0, claim_number(number), sender=CAROL)
    game.finish()
    rig.wait(PAYOUT)
    rig.vm.fund(actor, 0)
    again = selector(attack) + bytes(12) + actor
    rig.vm.call(actor, "echo(address,bytes)", ["address", "bytes"], [game.address, again])
    game.claim_credit(actor)
    assert int.from_bytes(rig.vm.call(actor, "calls()"), "big") == 1
    assert rig.vm.call(actor, "echoSucceeded()") == bytes(32)
    assert rig.vm.balance(actor) == 2 * BOND
    assert rig.vm.balance(game.address) == 3 * BOND, "what Carol put in: enough to pay twice"


def test_claimant_that_refuses_ether_blocks_nobody_else(rig):
    actor = new_actor(rig)
    game = rig.propose_right()
    act(rig, actor, game, WRONG)
    game.play_honestly()
    rig.vm.call(actor, "refuse(bool)", ["bool"], [True])
    assert game.finish() == DEFENDER_WINS
    rig.wait(PAYOUT)
    game.claim_credit(ALICE)
    game.claim_credit(PROPOSER)


def new_actor(rig: Rig) -> Address:
    """A contract account with ether that does as it is told."""
    artifact = tests.contracts.artifact("Actor")
    actor = rig.vm.deploy(artifact, constructor_types(artifact), [NOBODY, b""])
    rig.vm.fund(actor, 10**20)
    return actor


def act(rig: Rig, actor: Address, game: GameRig, claim: bytes) -> None:
    """Have the actor contract attack the root claim."""
    move = selector("move(uint256,bytes32,bytes32,bool)")
    words = (0).to_bytes(32, "big"), game.claim(0).claim, claim, (1).to_bytes(32, "big")
    rig.vm.call(
        actor,
        "act(address,uint256,bytes)",
        ["address", "uint256", "bytes"],
        [game.address, BOND, move + b"".join(words)],
    )


def test_boundary_state_is_the_machines_own(rig):
    """What the contract hashes for the anchor is what docs/machine.md says."""
    game = rig.propose(ANCHOR)
    assert game.claim(0).claim == boundary_state(ANCHOR)
