"""`tallystick margin` on a running devnet: shown by a node, wondered about, verified from L1."""

import json
from pathlib import Path
from typing import Any

import pytest

from node.cli.margin_tables import fixed
from tests.devnet.conftest import Devnet, RpcFailed, rpc, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def traded(devnet: Devnet) -> int:
    """The account of a devnet's first trader, after a trade that L1 has a proposal of."""
    account = len(rpc(devnet.sequencer, "margin_getMarkets")["markets"]) + 1
    try:
        rpc(devnet.sequencer, "margin_getAccount", account)
    except RpcFailed:
        result = devnet.run("demo", "trade")
        assert result.returncode == 0, result.stdout + result.stderr
    return account


def margin(devnet: Devnet, *arguments: str) -> Any:
    """What a margin command prints as JSON."""
    result = devnet.run("margin", *arguments, "--json")
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout)


def test_verified_account_is_what_the_node_says_of_that_block(devnet: Devnet, traded: int) -> None:
    proven = margin(devnet, "verify", "--account", str(traded))
    number = proven["block"]["number"]
    shown = margin(devnet, "show", str(traded), "--block", str(number))
    assert {name: proven[name] for name in shown} == shown
    assert shown["perps"]
    output = rpc(devnet.verifier, "rollup_outputAtBlock", hex(number))
    assert proven["outputRoot"] == output["outputRoot"]
    assert proven["commitment"]["status"] in ("resolved", "unchallenged")


def test_saved_proof_verifies_until_a_digit_of_it_is_another(
    devnet: Devnet, traded: int, tmp_path: Path
) -> None:
    file = tmp_path / "proof.json"
    fetched = devnet.run("margin", "verify", "--account", str(traded), "--save", str(file))
    assert fetched.returncode == 0, fetched.stdout + fetched.stderr
    assert "Proven by output root 0x" in fetched.stdout
    assert devnet.run("margin", "verify", str(file)).returncode == 0

    proof = json.loads(file.read_text())
    slot = next(s for account in proof["proofs"] for s in account["storageProof"])
    slot["value"] = hex(int(slot["value"], 16) + 1)
    file.write_text(json.dumps(proof))
    refused = devnet.run("margin", "verify", str(file))
    assert refused.returncode == 1
    assert "is proven to hold" in refused.stderr


def test_resolved_verification_succeeds_once_the_window_has_passed(
    devnet: Devnet, traded: int
) -> None:
    def verified() -> bool:
        found = devnet.run("margin", "verify", "--account", str(traded), "--resolved")
        return found.returncode == 0 and "is resolved." in found.stdout

    wait_for(verified, what="a resolved proposal")


def test_show_and_simulate_print_the_same_standing(
    devnet: Devnet, traded: int, tmp_path: Path
) -> None:
    file = tmp_path / "portfolio.json"
    file.write_text(json.dumps({"account": traded}))
    standing = margin(devnet, "simulate", str(file))["standing"]
    shown = devnet.run("margin", "show", str(traded))
    assert shown.returncode == 0, shown.stderr
    assert fixed(standing["initialQ6"], 6) in shown.stdout


def test_show_of_no_account_says_so(devnet: Devnet) -> None:
    refused = devnet.run("margin", "show", "4000000000")
    assert refused.returncode == 1
    assert "there is no account 4000000000" in refused.stderr


def test_verify_needs_a_file_or_an_account(devnet: Devnet) -> None:
    refused = devnet.run("margin", "verify")
    assert refused.returncode == 2
    assert "either a FILE or --account" in refused.stderr
