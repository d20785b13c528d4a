"""Rollup.sol: proposals, their bonds, and the anchor."""

from tests.bridge.contracts.game import boundary_state
from tests.bridge.contracts.l1 import (
    BOND_WEI,
    DISPUTE_SECONDS,
    EXTENSION_SECONDS,
    GENESIS_ROOT,
    PAYOUT_SECONDS,
    Stack,
    reverts,
)
from tests.conftest import Show

ROOT = b"\x11" * 32


def test_anchor_at_first_is_genesis(stack: Stack) -> None:
    assert stack.rollup.functions.anchor().call() == [GENESIS_ROOT, 0]
    assert stack.rollup.functions.gameCount().call() == 0


def test_propose_opens_a_game_with_everything_fixed(stack: Stack) -> None:
    proposer = stack.l1.accounts[4]
    game = stack.propose(ROOT, 7, sender=proposer)
    args = game.functions.args().call()
    created = stack.l1.time
    assert args == (
        stack.rollup.address,
        proposer,
        ROOT,
        7,
        1,
        stack.inbox.functions.acc(0).call(),
        GENESIS_ROOT,
        0,
        created,
        DISPUTE_SECONDS,
        EXTENSION_SECONDS,
        PAYOUT_SECONDS,
        BOND_WEI,
    )
    assert stack.rollup.functions.gameAt(0).call() == game.address
    assert stack.rollup.functions.isGame(game.address).call()
    assert game.functions.claimCount().call() == 1
    assert game.functions.claims(0).call() == [
        2**32 - 1,
        "0x" + "00" * 20,
        False,
        proposer,
        BOND_WEI,
        boundary_state(ROOT),
        1,
        0,
        created,
    ]
    assert stack.l1.w3.eth.get_balance(game.address) == BOND_WEI


def test_propose_shows_and_bounds_its_gas(stack: Stack, show: Show) -> None:
    acc = stack.inbox.functions.acc(0).call()
    receipt = stack.l1.send(stack.rollup.functions.propose(ROOT, 1, 1, acc), value=BOND_WEI)
    show(f"propose: {receipt['gasUsed']:,} gas")
    assert receipt["gasUsed"] < 500_000


def test_propose_with_a_bond_one_wei_off_reverts(stack: Stack) -> None:
    acc = stack.inbox.functions.acc(0).call()
    for sent in (BOND_WEI - 1, BOND_WEI + 1, 0):
        with reverts("WrongBond", sent, BOND_WEI):
            stack.rollup.functions.propose(ROOT, 1, 1, acc).call({"value": sent})


def test_propose_over_another_inbox_prefix_reverts(stack: Stack) -> None:
    acc = stack.inbox.functions.acc(0).call()
    propose = stack.rollup.functions.propose
    with reverts("InboxMoved", 1, ROOT, acc):
        propose(ROOT, 1, 1, ROOT).call({"value": BOND_WEI})
    for count in (0, 2):
        with reverts("InboxMoved", count, acc, bytes(32)):
            propose(ROOT, 1, count, acc).call({"value": BOND_WEI})
    with reverts("InboxMoved", 2, bytes(32), bytes(32)):
        propose(ROOT, 1, 2, bytes(32)).call({"value": BOND_WEI})


def test_propose_at_or_before_the_anchor_reverts(stack: Stack) -> None:
    acc = stack.inbox.functions.acc(0).call()
    with reverts("BlockNotAfterAnchor", 0, 0):
        stack.rollup.functions.propose(ROOT, 0, 1, acc).call({"value": BOND_WEI})


def test_propose_beyond_the_reach_of_a_game_reverts(stack: Stack) -> None:
    """2^20 blocks of 2^26 steps are what the trace has."""
    acc = stack.inbox.functions.acc(0).call()
    with reverts("BlockTooFar", 2**20 + 1, 2**20):
        stack.rollup.functions.propose(ROOT, 2**20 + 1, 1, acc).call({"value": BOND_WEI})
    assert stack.propose(ROOT, 2**20).functions.l2Block().call() == 2**20


def test_anchor_is_not_moved_by_a_root_that_lost(stack: Stack) -> None:
    game = stack.propose(ROOT, 1)
    root = game.functions.claims(0).call()[5]
    stack.l1.send(game.functions.move(0, root, b"\x13" * 32, True), value=BOND_WEI)
    stack.l1.pass_time(2 * DISPUTE_SECONDS)
    stack.l1.send(game.functions.resolveClaim(1, 0))
    stack.l1.send(game.functions.resolve())
    assert game.functions.status().call() == 1
    assert stack.rollup.functions.anchor().call() == [GENESIS_ROOT, 0]


def test_proposal_lost_to_an_l1_reorg_of_its_batch_cannot_be_made_again(stack: Stack) -> None:
    """The batch is gone with the reorg, and so is the inbox prefix that the claim was about."""
    l1 = stack.l1
    l1.send(stack.inbox.functions.appendBatch(b"\x01"), sender=stack.sequencer)
    acc = stack.inbox.functions.acc(1).call()
    stack.propose(ROOT, 1)
    l1.ask("anvil_reorg", 2, [])
    assert stack.rollup.functions.gameCount().call() == 0
    with reverts("InboxMoved", 2, acc, bytes(32)):
        stack.rollup.functions.propose(ROOT, 1, 2, acc).call({"value": BOND_WEI})


def test_propose_the_same_claim_twice_reverts(stack: Stack) -> None:
    game = stack.propose(ROOT, 1)
    acc = stack.inbox.functions.acc(0).call()
    with reverts("AlreadyProposed", game.address):
        stack.rollup.functions.propose(ROOT, 1, 1, acc).call({"value": BOND_WEI})
    assert stack.propose(b"\x12" * 32, 1).address != game.address


def test_game_resolved_by_another_account_reverts(stack: Stack) -> None:
    with reverts("OnlyGame", stack.l1.accounts[0]):
        stack.rollup.functions.gameResolved().call({"from": stack.l1.accounts[0]})


def test_anchor_moves_forward_only(stack: Stack) -> None:
    older, newer = stack.propose(ROOT, 1), stack.propose(b"\x22" * 32, 2)
    stack.l1.pass_time(DISPUTE_SECONDS)
    stack.l1.send(newer.functions.resolve())
    assert stack.rollup.functions.anchor().call() == [b"\x22" * 32, 2]
    stack.l1.send(older.functions.resolve())
    assert stack.rollup.functions.anchor().call() == [b"\x22" * 32, 2]


def test_games_start_from_the_anchor_of_their_time(stack: Stack) -> None:
    first = stack.propose(ROOT, 1)
    stack.l1.pass_time(DISPUTE_SECONDS)
    stack.l1.send(first.functions.resolve())
    second = stack.propose(b"\x33" * 32, 5)
    args = second.functions.args().call()
    assert (args[6], args[7]) == (ROOT, 1)
