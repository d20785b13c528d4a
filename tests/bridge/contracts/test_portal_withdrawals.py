"""Portal.sol, from L2: prove, wait, finalize, and everything that must not work."""

from dataclasses import dataclass, replace

import pytest
from eth_abi import encode
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction

from bridge.boundary import Boundary
from bridge.items import Cursor, Origin
from genesis.predeploys import COLLATERAL_TOKEN
from state.accounts import EMPTY_TRIE_ROOT
from state.keccak import keccak
from state.trie import prove, update_trie
from state.types import BlockNumber, Hash32
from tests.bridge.contracts.l1 import (
    BOND_WEI,
    DISPUTE_SECONDS,
    FINALITY_SECONDS,
    Stack,
    decode_error,
    reverts,
)
from tests.conftest import Show

ALICE_L2 = Web3.to_checksum_address("0x" + "a1" * 20)
MALLORY_L2 = Web3.to_checksum_address("0x" + "a2" * 20)
BOB = Web3.to_checksum_address("0x" + "b0" * 20)
TOKEN_L2 = Web3.to_checksum_address(COLLATERAL_TOKEN)
NOBODY = "0x" + "00" * 20
L2_BLOCK = 9


@dataclass(frozen=True)
class Sent:
    """A withdrawal as the L2 contract hashes it."""

    target: str
    value: int = 0
    gas: int = 100_000
    data: bytes = b""
    nonce: int = 0
    sender: str = ALICE_L2

    @property
    def fields(self) -> tuple[int, str, str, int, int, bytes]:
        return (self.nonce, self.sender, self.target, self.value, self.gas, self.data)

    @property
    def hash(self) -> bytes:
        types = ["uint256", "address", "address", "uint256", "uint256", "bytes"]
        return keccak(encode(types, list(self.fields)))

    @property
    def key(self) -> bytes:
        """Where L2ToL1MessagePasser's storage trie has it."""
        return keccak(keccak(self.hash + bytes(32)))


class Outbox:
    """The storage of L2ToL1MessagePasser with some withdrawals in it, and its boundary."""

    def __init__(self, *withdrawals: Sent, l2_block: int = L2_BLOCK, salt: bytes = b"") -> None:
        others = {keccak(b"other" + bytes([i])): b"\x01" for i in range(20)}
        entries = others | {w.key: b"\x01" for w in withdrawals}
        update = update_trie(Hash32(EMPTY_TRIE_ROOT), entries, {}.__getitem__)
        self._root, self._nodes = update.root, update.nodes
        self.boundary = Boundary(
            config_hash=keccak(b"config"),
            number=BlockNumber(l2_block),
            header_hash=keccak(b"header" + salt),
            state_root=keccak(b"state"),
            message_passer_root=update.root,
            ring_root=keccak(b"ring"),
            cursor=Cursor(3, 0, 2),
            origin=Origin(4, 1),
        )

    @property
    def root(self) -> bytes:
        return self.boundary.output_root

    @property
    def words(self) -> tuple[int | bytes, ...]:
        encoded = self.boundary.encode()
        words = [encoded[i : i + 32] for i in range(0, len(encoded), 32)]
        numbers = {0, 2, 7, 8, 9, 10, 11}
        return tuple(int.from_bytes(w, "big") if i in numbers else w for i, w in enumerate(words))

    def proof(self, withdrawal: Sent) -> list[bytes]:
        return list(prove(self._root, withdrawal.key, self._nodes.__getitem__))

    def call(self, stack: Stack, withdrawal: Sent, game: Contract | str) -> ContractFunction:
        """The prove call, not sent."""
        address = game if isinstance(game, str) else game.address
        return stack.portal.functions.proveWithdrawal(
            withdrawal.fields, address, self.words, self.proof(withdrawal)
        )

    def propose(self, stack: Stack) -> Contract:
        """A game that claims this outbox, one block old."""
        game = stack.propose(self.root, self.boundary.number)
        stack.l1.pass_time(1)
        return game


def finalize(stack: Stack, withdrawal: Sent) -> ContractFunction:
    return stack.portal.functions.finalizeWithdrawal(withdrawal.fields)


def win(stack: Stack, game: Contract) -> None:
    stack.l1.pass_time(DISPUTE_SECONDS)
    stack.l1.send(game.functions.resolve())


def lose(stack: Stack, game: Contract) -> None:
    """Attack its root, and let nobody defend it."""
    root = game.functions.claims(0).call()[5]
    stack.l1.send(game.functions.move(0, root, b"\x66" * 32, True), value=BOND_WEI)
    stack.l1.pass_time(2 * DISPUTE_SECONDS)
    stack.l1.send(game.functions.resolveClaim(1, 0))
    stack.l1.send(game.functions.resolve())


def make_final(stack: Stack, *withdrawals: Sent) -> None:
    """Prove them, win the game and wait."""
    outbox = Outbox(*withdrawals)
    game = outbox.propose(stack)
    for withdrawal in withdrawals:
        stack.l1.send(outbox.call(stack, withdrawal, game))
    win(stack, game)
    stack.l1.pass_time(FINALITY_SECONDS)
    stack.l1.send(stack.portal.functions.fundEscrow(), value=10**18)


def test_withdrawal_of_ether_is_paid_once(stack: Stack, show: Show) -> None:
    l1, target = stack.l1, BOB
    sent = Sent(target, value=123)
    outbox = Outbox(sent)
    game = outbox.propose(stack)
    assert stack.portal.functions.hashWithdrawal(sent.fields).call() == sent.hash
    proven = l1.send(outbox.call(stack, sent, game), sender=l1.accounts[3])
    at = stack.portal.functions.provenWithdrawals(sent.hash).call()
    assert at == [game.address, l1.time]
    win(stack, game)
    final_at = game.functions.resolvedAt().call() + FINALITY_SECONDS
    with reverts("NotFinal", final_at):
        finalize(stack, sent).call()
    l1.pass_time(FINALITY_SECONDS)
    l1.send(stack.portal.functions.fundEscrow(), value=1_000)
    paid = l1.send(finalize(stack, sent), sender=l1.accounts[4])
    assert l1.w3.eth.get_balance(target) == 123
    assert stack.portal.functions.finalizedWithdrawals(sent.hash).call()
    with reverts("AlreadyFinalized", sent.hash):
        finalize(stack, sent).call()
    with reverts("AlreadyFinalized", sent.hash):
        outbox.call(stack, sent, game).call()
    show(f"proveWithdrawal {proven['gasUsed']:,} gas, finalize {paid['gasUsed']:,} gas")


def test_withdrawal_calls_the_target_as_its_l2_sender(stack: Stack) -> None:
    sent = Sent(stack.actor.address, value=7, data=b"hello", gas=700_000)
    make_final(stack, sent)
    stack.l1.send(finalize(stack, sent))
    actor = stack.actor.functions
    assert actor.senderSeen().call() == stack.portal.address
    assert actor.dataSeen().call() == b"hello"
    assert actor.l2SenderSeen().call() == ALICE_L2
    assert actor.gasSeen().call() >= 690_000
    assert stack.portal.functions.l2Sender().call() == NOBODY


def test_finalize_before_the_game_is_won_reverts(stack: Stack) -> None:
    sent = Sent(BOB)
    outbox = Outbox(sent)
    game = outbox.propose(stack)
    with reverts("NotProven", sent.hash):
        finalize(stack, sent).call()
    stack.l1.send(outbox.call(stack, sent, game))
    stack.l1.pass_time(DISPUTE_SECONDS + FINALITY_SECONDS)
    with reverts("GameNotWon", game.address):
        finalize(stack, sent).call()


def test_withdrawal_of_a_root_that_lost_is_never_paid(stack: Stack) -> None:
    """Neither if it was proven while the game was played, nor later."""
    sent = Sent(BOB)
    outbox = Outbox(sent)
    game = outbox.propose(stack)
    stack.l1.send(outbox.call(stack, sent, game))
    lose(stack, game)
    stack.l1.pass_time(FINALITY_SECONDS)
    with reverts("GameNotWon", game.address):
        finalize(stack, sent).call()
    with reverts("GameLost", game.address):
        outbox.call(stack, sent, game).call()


def test_withdrawal_proven_against_a_lost_root_is_proven_again_against_a_right_one(
    stack: Stack,
) -> None:
    sent = Sent(BOB)
    false, right = Outbox(sent, salt=b"false"), Outbox(sent)
    games = false.propose(stack), right.propose(stack)
    stack.l1.send(false.call(stack, sent, games[0]))
    lose(stack, games[0])
    stack.l1.send(right.call(stack, sent, games[1]))
    stack.l1.send(games[1].functions.resolve())
    stack.l1.pass_time(FINALITY_SECONDS)
    stack.l1.send(finalize(stack, sent))
    assert stack.portal.functions.finalizedWithdrawals(sent.hash).call()


def test_prove_against_an_unknown_game_reverts(stack: Stack) -> None:
    sent = Sent(BOB)
    outbox = Outbox(sent)
    outbox.propose(stack)
    for impostor in (stack.actor.address, NOBODY, stack.rollup.address):
        with reverts("UnknownGame", impostor):
            outbox.call(stack, sent, impostor).call()


def test_prove_in_the_block_that_creates_the_game_reverts(stack: Stack) -> None:
    sent = Sent(BOB)
    outbox = Outbox(sent)
    game = stack.propose(outbox.root, L2_BLOCK)
    # anvil answers a call at the time of the latest block, the one that created the game.
    with reverts("GameTooYoung", game.address):
        outbox.call(stack, sent, game).call()


def test_prove_with_any_boundary_field_changed_reverts(stack: Stack) -> None:
    sent = Sent(BOB)
    outbox = Outbox(sent)
    game = outbox.propose(stack)
    for index, word in enumerate(outbox.words):
        changed = word + 1 if isinstance(word, int) else bytes(b ^ 1 for b in word)
        words = (*outbox.words[:index], changed, *outbox.words[index + 1 :])
        expected = "UnknownBoundaryVersion" if index == 0 else "WrongBoundary"
        with reverts(expected):
            stack.portal.functions.proveWithdrawal(
                sent.fields, game.address, words, outbox.proof(sent)
            ).call()


def test_prove_against_a_game_of_another_block_number_reverts(stack: Stack) -> None:
    """A root claimed for block 10 whose boundary says 9 is no claim about block 9."""
    sent = Sent(BOB)
    outbox = Outbox(sent)
    game = stack.propose(outbox.root, L2_BLOCK + 1)
    stack.l1.pass_time(1)
    with reverts("WrongBoundary"):
        outbox.call(stack, sent, game).call()


def test_prove_with_any_withdrawal_field_changed_reverts(stack: Stack) -> None:
    sent = Sent(stack.l1.accounts[5], value=5, data=b"data", nonce=3)
    outbox = Outbox(sent)
    game = outbox.propose(stack)
    forgeries = (
        replace(sent, nonce=4),
        replace(sent, sender=MALLORY_L2),
        replace(sent, target=stack.l1.accounts[6]),
        replace(sent, value=6),
        replace(sent, gas=sent.gas + 1),
        replace(sent, data=b"datb"),
    )
    for forged in forgeries:
        with reverts("InvalidProof"):
            stack.portal.functions.proveWithdrawal(
                forged.fields, game.address, outbox.words, outbox.proof(sent)
            ).call()


def test_prove_of_a_slot_that_is_not_true_reverts(stack: Stack) -> None:
    sent = Sent(BOB)
    update = update_trie(Hash32(EMPTY_TRIE_ROOT), {sent.key: b"\x02"}, {}.__getitem__)
    outbox = Outbox(sent)
    outbox.boundary = replace(outbox.boundary, message_passer_root=update.root)
    game = outbox.propose(stack)
    proof = list(prove(update.root, sent.key, update.nodes.__getitem__))
    with reverts("NotSent", sent.hash):
        stack.portal.functions.proveWithdrawal(
            sent.fields, game.address, outbox.words, proof
        ).call()


def test_prove_again_against_a_newer_game_reverts(stack: Stack) -> None:
    """Otherwise anyone could keep putting a payment off."""
    sent = Sent(BOB)
    first, second = Outbox(sent), Outbox(sent, l2_block=L2_BLOCK + 1)
    older, newer = first.propose(stack), second.propose(stack)
    stack.l1.send(first.call(stack, sent, older))
    with reverts("AlreadyProven", sent.hash):
        second.call(stack, sent, newer).call()
    with reverts("AlreadyProven", sent.hash):
        first.call(stack, sent, older).call()


def test_prove_again_against_an_older_or_a_won_game_succeeds(stack: Stack) -> None:
    sent = Sent(BOB)
    outboxes = [Outbox(sent, l2_block=L2_BLOCK + i) for i in range(3)]
    games = [outbox.propose(stack) for outbox in outboxes]
    stack.l1.send(outboxes[1].call(stack, sent, games[1]))
    stack.l1.send(outboxes[0].call(stack, sent, games[0]))
    win(stack, games[2])
    stack.l1.send(outboxes[2].call(stack, sent, games[2]))
    assert stack.portal.functions.provenWithdrawals(sent.hash).call()[0] == games[2].address
    stack.l1.send(games[0].functions.resolve())
    with reverts("AlreadyProven", sent.hash):
        outboxes[0].call(stack, sent, games[0]).call()


@pytest.mark.parametrize("sender", [ALICE_L2, TOKEN_L2])
@pytest.mark.parametrize("trusting", ["inbox", "token", "portal"])
def test_prove_of_a_call_to_what_trusts_the_portal_reverts(
    stack: Stack, trusting: str, sender: str
) -> None:
    """It would append forged deposits, move the escrow, or deposit as the Portal."""
    target = getattr(stack, trusting).address
    sent = Sent(target, sender=sender)
    outbox = Outbox(sent)
    game = outbox.propose(stack)
    if trusting == "portal" and sender != ALICE_L2:
        outbox.call(stack, sent, game).call()
        return
    with reverts("InvalidTarget", target):
        outbox.call(stack, sent, game).call()


def test_finalize_with_a_refusing_target_changes_nothing_and_may_be_repeated(stack: Stack) -> None:
    l1, actor = stack.l1, stack.actor
    sent = Sent(actor.address, value=5, gas=200_000)
    make_final(stack, sent)
    l1.send(actor.functions.refuse(True))
    with reverts("WithdrawalCallFailed", sent.hash):
        finalize(stack, sent).call()
    assert not stack.portal.functions.finalizedWithdrawals(sent.hash).call()
    l1.send(actor.functions.refuse(False))
    l1.send(finalize(stack, sent))
    assert actor.functions.calls().call() == 1


def test_finalize_with_too_little_gas_reverts(stack: Stack) -> None:
    sent = Sent(stack.actor.address, gas=3_000_000)
    make_final(stack, sent)
    with reverts("GasLeftTooLow"):
        finalize(stack, sent).call({"gas": 3_050_000})
    stack.l1.send(finalize(stack, sent), gas=3_300_000)
    assert stack.actor.functions.gasSeen().call() >= 3_000_000 - 5_000


def test_finalize_of_the_largest_withdrawal_fits_an_l1_transaction(stack: Stack) -> None:
    sent = Sent(stack.actor.address, gas=8_000_000, data=b"\xff" * 32_768, value=1)
    make_final(stack, sent)
    stack.l1.send(finalize(stack, sent), gas=2**24 - 1)
    assert stack.actor.functions.gasSeen().call() >= 8_000_000 - 5_000


def test_finalize_reentered_pays_once(stack: Stack) -> None:
    """The same withdrawal again, and another one, from inside the call."""
    l1, actor = stack.l1, stack.actor
    same = Sent(actor.address, value=5, gas=1_000_000)
    other = Sent(actor.address, value=6, gas=1_000_000, nonce=1)
    make_final(stack, same, other)
    for inner in (same, other):
        data = stack.portal.encode_abi("finalizeWithdrawal", [inner.fields])
        l1.send(actor.functions.echo(stack.portal.address, data))
        snapshot = l1.ask("evm_snapshot")
        l1.send(finalize(stack, same), gas=8_000_000)
        assert decode_error(actor.functions.echoAnswer().call()) == ("Reentered",)
        assert l1.w3.eth.get_balance(actor.address) == 5
        l1.ask("evm_revert", snapshot)


def test_finalize_reentered_by_release_token_pays_nothing(stack: Stack) -> None:
    l1, actor = stack.l1, stack.actor
    sent = Sent(actor.address, value=5, gas=1_000_000)
    make_final(stack, sent)
    data = stack.portal.encode_abi("releaseToken", [actor.address, 1])
    l1.send(actor.functions.echo(stack.portal.address, data))
    l1.send(finalize(stack, sent), gas=8_000_000)
    answer = decode_error(actor.functions.echoAnswer().call())
    assert answer == ("OnlyCollateralToken", actor.address)


def test_withdrawal_above_the_escrow_waits_for_it(stack: Stack) -> None:
    l1 = stack.l1
    sent = Sent(BOB, value=10**21)
    make_final(stack, sent)
    with reverts("WithdrawalCallFailed", sent.hash):
        finalize(stack, sent).call()
    l1.send(stack.portal.functions.fundEscrow(), value=10**21)
    l1.send(finalize(stack, sent))


def _release(stack: Stack, to: str, amount: int) -> Sent:
    return Sent(
        stack.portal.address,
        gas=200_000,
        data=bytes.fromhex(stack.portal.encode_abi("releaseToken", [to, amount])[2:]),
        sender=TOKEN_L2,
    )


def test_token_withdrawal_is_paid_from_the_escrow(stack: Stack) -> None:
    l1, to = stack.l1, BOB
    l1.send(stack.token.functions.mint(stack.portal.address, 1_000))
    sent = _release(stack, to, 400)
    make_final(stack, sent)
    l1.send(finalize(stack, sent))
    assert stack.token.functions.balanceOf(to).call() == 400
    assert stack.token.functions.balanceOf(stack.portal.address).call() == 600


def test_token_withdrawal_above_the_escrow_reverts(stack: Stack) -> None:
    sent = _release(stack, BOB, 400)
    make_final(stack, sent)
    with reverts("WithdrawalCallFailed", sent.hash):
        finalize(stack, sent).call()


def test_won_game_returns_its_bond_besides(stack: Stack) -> None:
    """The escrow and the bonds are kept apart."""
    sent = Sent(BOB)
    make_final(stack, sent)
    game = stack.rollup.functions.gameAt(0).call()
    assert stack.l1.w3.eth.get_balance(game) == BOND_WEI
