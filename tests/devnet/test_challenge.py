"""Whoever lies on L1 loses to one command, and the honest chain goes on.

The default run plays one lie on the embedded L1 and one on anvil; `--all` plays every kind.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.deployment import load_deployment
from bridge.dispute.challenger import OutOfFunds
from bridge.dispute.faults import FaultKind, LyingTrace, forged_withdrawal
from bridge.dispute.reader import read_dispute
from bridge.games import GameStatus, read_game
from bridge.l1 import contracts
from bridge.l1.accounts import Operator
from bridge.l1.errors import L1CallReverted
from bridge.l1.transactor import Transactor
from bridge.withdrawals import Proof, StoreEvidence, WithdrawalNotReady, Withdrawer
from genesis.accounts import dev_accounts, operator_accounts
from node.cli.main import cli
from node.derived import DerivedChain, derived_chain
from state.accounts import EMPTY_TRIE_ROOT
from state.keccak import keccak
from state.rlp import encode_uint
from state.trie import no_nodes, update_trie
from state.types import Address
from tests.devnet.challenger import ChallengerProcess, Event, challenging, trading
from tests.devnet.conftest import Devnet, devnet_in, rpc, wait_for
from tests.devnet.l1 import Endpoint, TimedAnvil
from tests.devnet.sender import Sender, call_contract, wait_for_receipt

pytestmark = pytest.mark.slow

ALL = bool(os.environ.get("TALLYSTICK_ALL"))
WINDOW = ("--dispute-window", "40")
CHALLENGER = operator_accounts().challenger.address
LEAF_DEPTH = 46

REFUTED_BY = {
    FaultKind.STATE_ROOT: {"SEAL"},
    FaultKind.BALANCE: {"SETTLE"},
    FaultKind.SKIPPED_TRANSACTION: {"NEXT"},
    FaultKind.INVENTED_TRANSACTION: {"NEXT"},
    FaultKind.RECEIPT: {"RECEIPT"},
    FaultKind.GAS: {"RUN"},
    FaultKind.DERIVATION: {"ORIGIN"},
    FaultKind.MARGIN: {"RUN"},
    FaultKind.WITHDRAWAL: {"RECEIPT"},
}
"""The status of the one step that each lie is wrong in."""


@pytest.fixture(scope="module")
def lying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A devnet whose proposer says that a withdrawal was sent which wasn't."""
    folder = tmp_path_factory.mktemp("lying")
    with devnet_in(folder, "--fault", "withdrawal@3", *WINDOW) as devnet:
        yield devnet.start()


def check_won(events: ChallengerProcess, game: str) -> None:
    """The whole story of one game: found, narrowed, proven, won, paid."""
    (claimed,) = events.of("bondClaimed", game=game)
    moves = events.of("move", game=game)
    staked = sum(int(move["bond"]) for move in moves)
    assert int(claimed["amount"]) > staked
    assert sorted({move["depth"] for move in moves}) == list(range(1, LEAF_DEPTH, 2))
    widths = [move["lastStep"] - move["firstStep"] + 1 for move in moves]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == 4
    assert events.of("gameEnded", game=game, isWon=True)
    assert not events.of("gameEnded", isWon=False)


def anchor_beyond(devnet: Devnet, block: int) -> None:
    """Wait until a right root above `block` is settled on L1."""
    l1 = json.loads(devnet.manifest.read_text())["l1"]
    rollup = devnet.deployment()["contracts"]["Rollup"]

    def settled() -> bool:
        answer = call_contract(l1, rollup, contracts.ANCHOR.call())
        root, number = answer[:66], int(answer[66:], 16)
        if number <= block:
            return False
        assert rpc(devnet.verifier, "rollup_outputAtBlock", hex(number))["outputRoot"] == root
        return True

    wait_for(settled, what="the anchor of a later root")


def hexed(value: bytes) -> str:
    return "0x" + value.hex()


# The lie about a withdrawal, and a challenger that is killed


@asynccontextmanager
async def derived_from(devnet: Devnet) -> AsyncIterator[DerivedChain]:
    """The chain as L1 determines it, derived in this process."""
    deployment = load_deployment(devnet.data_dir / "deployment.json")
    async with derived_chain(devnet.l1, deployment, None) as derived:
        await derived.catch_up()
        yield derived


def withdrawer_of(derived: DerivedChain) -> Withdrawer:
    """The liar's accomplice at the Portal."""
    deployment = derived.deployment
    account = Transactor(derived.client, Operator.of_dev_account(dev_accounts()[7]))
    evidence = StoreEvidence(derived.chain.store, derived.local.view)
    return Withdrawer(account, evidence, deployment.portal, deployment.rollup)


async def prove_forged(devnet: Devnet, game: str) -> None:
    """Prove the withdrawal that was never sent, against the liar's root: the Portal takes it."""
    async with derived_from(devnet) as derived:
        head = await derived.client.header()
        address = Address(bytes.fromhex(game[2:]))
        dispute = await read_dispute(derived.client, address, None, head)
        lie = LyingTrace(derived.local, dispute.subject, FaultKind.WITHDRAWAL)
        assert lie.output_root == dispute.output_root
        withdrawal = forged_withdrawal(derived.chain.config.coinbase)
        key = keccak(withdrawal.slot.to_bytes(32, "big"))
        trie = update_trie(EMPTY_TRIE_ROOT, {key: encode_uint(1)}, no_nodes)
        assert trie.root == lie.boundary.message_passer_root
        read = await read_game(derived.client, address, at=head.hash)
        proof = Proof(withdrawal, read, lie.boundary, tuple(trie.nodes.values()))
        await withdrawer_of(derived).send_proof(proof)


async def check_never_paid(devnet: Devnet, game: str) -> None:
    """The root is refuted, and so the Portal pays nothing that was proven against it."""
    async with derived_from(devnet) as derived:
        head = await derived.client.header()
        address = Address(bytes.fromhex(game[2:]))
        read = await read_game(derived.client, address, at=head.hash)
        assert read.status is GameStatus.CHALLENGER_WINS
        withdrawer = withdrawer_of(derived)
        withdrawal = forged_withdrawal(derived.chain.config.coinbase)
        with pytest.raises(WithdrawalNotReady, match="was lost"):
            await withdrawer.finalize(withdrawal)
        with pytest.raises(L1CallReverted):
            await derived.client.call(
                derived.deployment.portal, contracts.FINALIZE_WITHDRAWAL, withdrawal.fields
            )
        assert not await withdrawer.is_paid(withdrawal)


def test_forged_withdrawal_refuted_by_challenger_killed_between_moves_and_never_paid(
    lying: Devnet,
) -> None:
    with challenging(lying) as challenger:
        (found,) = challenger.wait("wrongRoot")
        game = found["game"]
        challenger.wait("move")
        asyncio.run(prove_forged(lying, game))
        for moves in (3, 9, 17):
            challenger.wait("move", moves, game=game)
            challenger.kill()
            challenger.start()
        (proof,) = challenger.wait("step", game=game)
        assert proof["status"] == "RECEIPT"
        challenger.kill()
        challenger.start()
        challenger.wait("bondClaimed", game=game)
        check_won(challenger, game)
        assert challenger.interrupt() == 0

    asyncio.run(check_never_paid(lying, game))
    anchor_beyond(lying, found["l2Block"])
    verified = lying.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_right_root_attacked_by_hand_is_defended(lying: Devnet) -> None:
    newest = newest_in_progress(lying)
    attack = ran(
        lying, "dispute", "move", str(newest["index"]), "0", "--attack",
        "--claim", "0x" + "66" * 32, "--key-file", str(key_file(lying, 6)), "--json",
    )  # fmt: skip
    assert attack.exit_code == 0, attack.exception

    with challenging(lying) as challenger:
        (attacked,) = challenger.wait("rightRootAttacked", game=newest["game"])
        assert attacked["attacker"] == Sender(lying.l1, 6).address
        challenger.wait("bondClaimed", game=newest["game"])
        assert challenger.of("gameEnded", game=newest["game"], isWon=True)

    shown = json.loads(ran(lying, "dispute", "show", newest["game"], "--verify", "--json").stdout)
    assert shown["status"] == "defender_wins"
    assert [claim["isRight"] for claim in shown["claims"]] == [True, False, True]
    assert shown["claims"][1]["counteredBy"] == hexed(CHALLENGER)


def ran(devnet: Devnet, *arguments: str) -> Result:
    """A command against a devnet, in this process."""
    return CliRunner().invoke(cli, [*arguments, "--data-dir", str(devnet.data_dir)])


def listed(devnet: Devnet, *options: str) -> list[Event]:
    """What `dispute list` says."""
    result = ran(devnet, "dispute", "list", "--json", *options)
    assert result.exit_code == 0, result.exception
    games: list[Event] = json.loads(result.stdout)
    return games


def newest_in_progress(devnet: Devnet) -> Event:
    """The last game, which has most of its time left."""
    return wait_for(
        lambda: [one for one in listed(devnet) if one["status"] == "in_progress"], what="a game"
    )[-1]


def key_file(devnet: Devnet, account: int) -> Path:
    """The key of one of the ten dev accounts, in a file as a user has it."""
    path = devnet.data_dir / f"key{account}"
    path.write_text(dev_accounts()[account].key.hex())
    path.chmod(0o600)
    return path


# Commands that look and prove


def test_dispute_list_and_show_tell_right_from_wrong(lying: Devnet) -> None:
    def judged(is_right: bool) -> list[Event]:
        return [one for one in listed(lying, "--verify") if one["isRight"] is is_right]

    wait_for(lambda: judged(True), what="a right root")
    (wrong,) = wait_for(lambda: judged(False), what="the wrong root")
    games = ran(lying, "dispute", "list", "--verify")
    assert games.exit_code == 0, games.exception
    assert "WRONG" in games.stdout
    assert "right" in games.stdout

    shown = ran(lying, "dispute", "show", str(wrong["index"]))
    assert shown.exit_code == 0, shown.exception
    assert wrong["outputRoot"] in shown.stdout


@pytest.mark.parametrize("step", [0, 1, 2, 10, 11, 2**26 - 1])
def test_prove_step_on_l1_agrees(lying: Devnet, step: int, tmp_path: Path) -> None:
    wait_for(lambda: lying.safe_number() >= 2, what="a safe block")
    result = ran(
        lying, "prove-step", "--block", "2", "--step", str(step), "--json",
        "--witness-out", str(tmp_path / "witness"),
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    proven = json.loads(result.stdout)
    assert proven["agrees"]
    assert proven["l1PostState"] == proven["postState"]
    assert len((tmp_path / "witness").read_bytes()) == proven["witnessBytes"]
    assert (proven["status"] == "RUN") == (proven["instruction"] is not None)


def test_dispute_commands_refused_say_why(lying: Devnet) -> None:
    newest = str(newest_in_progress(lying)["index"])
    for arguments, words in (
        (("show", "999"), "there is no 999"),
        (("show", "0x" + "12" * 20), "is no game of this Rollup"),
        (("move", newest, "0", "--defend"), "can only be attacked"),
        (("move", newest, "7777", "--attack"), "there is no 7777"),
        (("step", newest, "0"), "only single steps are proven"),
        (("resolve", newest), "nothing can be resolved yet"),
        (("claim", newest), "bonds are paid after its end"),
    ):
        assert words in str(ran(lying, "dispute", *arguments).exception)


# The same on anvil


def test_lie_on_anvil_is_found_proven_and_paid(tmp_path: Path) -> None:
    anvil = TimedAnvil()
    try:
        with devnet_in(tmp_path, "--l1-rpc", anvil.url, "--fault", "gas@2", *WINDOW) as devnet:
            play_to_the_end(devnet.start(), FaultKind.GAS)
    finally:
        anvil.remove()


def play_to_the_end(devnet: Devnet, kind: FaultKind) -> None:
    """An unattended challenger wins, is paid, and the honest chain goes on."""
    with challenging(devnet) as challenger:
        (found,) = challenger.wait("wrongRoot")
        challenger.wait("bondClaimed", game=found["game"])
        check_won(challenger, found["game"])
        (proof,) = challenger.of("step", game=found["game"])
        assert proof["status"] in REFUTED_BY[kind]
    anchor_beyond(devnet, found["l2Block"])


# Every kind


@pytest.mark.skipif(not ALL, reason="two minutes each; run with --all")
@pytest.mark.parametrize("kind", [kind for kind in REFUTED_BY if kind is not FaultKind.WITHDRAWAL])
def test_every_fault_kind_is_refuted_at_its_one_wrong_step(kind: FaultKind, tmp_path: Path) -> None:
    with devnet_in(tmp_path, "--fault", f"{kind}@2", *WINDOW) as devnet:
        devnet.start()
        if kind is FaultKind.SKIPPED_TRANSACTION:
            sender = Sender(devnet.sequencer, 1)
            wait_for_receipt(devnet.sequencer, sender.send(sender.sign(b"\x5e" * 20)))
        with trading(devnet) if kind is FaultKind.MARGIN else nullcontext():
            play_to_the_end(devnet, kind)


@pytest.mark.skipif(not ALL, reason="two minutes; run with --all")
def test_lying_challenger_of_a_right_root_loses_its_bonds(tmp_path: Path) -> None:
    with devnet_in(tmp_path, "--fault", "attack@2", *WINDOW) as devnet:
        devnet.start()
        with challenging(devnet) as challenger:
            (attacked,) = challenger.wait("rightRootAttacked")
            game = attacked["game"]
            assert attacked["attacker"] == hexed(operator_accounts().keeper.address)
            challenger.wait("bondClaimed", game=game)
            (ended,) = challenger.of("gameEnded", game=game)
            assert ended["status"] == "defender_wins"
            assert ended["isWon"]
        anchor_beyond(devnet, attacked["l2Block"])


@pytest.mark.skipif(not ALL, reason="minutes; run with --all")
def test_l1_out_of_service_mid_game_is_told_once_and_the_game_goes_on(tmp_path: Path) -> None:
    anvil = TimedAnvil()
    endpoint = Endpoint(anvil)
    try:
        with devnet_in(tmp_path, "--l1-rpc", anvil.url, "--fault", "balance@2", *WINDOW) as devnet:
            devnet.start()
            with challenging(devnet, "--l1-rpc", endpoint.url, "--dev") as challenger:
                challenger.wait("move", 4)
                endpoint.in_service = False
                challenger.wait("trouble")
                endpoint.in_service = True
                challenger.wait("troubleOver")
                (claimed,) = challenger.wait("bondClaimed")
                check_won(challenger, claimed["game"])
    finally:
        endpoint.close()
        anvil.remove()


# Without anything to do


def test_challenge_once_says_whether_anything_wrong_is_in_play(lying: Devnet) -> None:
    games = listed(lying, "--verify")
    in_play = any(one["isRight"] is False and one["status"] == "in_progress" for one in games)

    result = ran(lying, "challenge", "--once", "--json")

    assert result.exit_code == int(in_play), result.exception
    assert json.loads(result.stdout.splitlines()[0])["event"] == "watching"


def test_challenge_without_ether_names_the_account(lying: Devnet, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("77" * 32)
    key.chmod(0o600)
    result = ran(
        lying, "dispute", "move", newest_in_progress(lying)["game"], "0", "--attack",
        "--claim", "0x" + "66" * 32, "--key-file", str(key),
    )  # fmt: skip

    assert isinstance(result.exception, OutOfFunds)
    assert "has 0 ETH on L1: send it ether" in str(result.exception)


def test_challenge_without_devnet_or_key_says_what_to_give(lying: Devnet, tmp_path: Path) -> None:
    nowhere = ran(Devnet(tmp_path / "none"), "challenge")
    assert "--data-dir" in str(nowhere.exception)

    keyless = ran(lying, "challenge", "--l1-rpc", lying.l1)
    assert keyless.exit_code == 2
    assert "--key-file" in keyless.output
