"""`tallystick l1` as a person runs it, against anvil."""

import json
import re
import subprocess
import threading
from collections import deque
from pathlib import Path

import pytest
from click.testing import CliRunner

from genesis.accounts import operator_accounts
from node.cli.l1 import l1

ANVIL = Path(__file__).resolve().parents[2] / "node_modules" / ".bin" / "anvil"


@pytest.fixture
def l1_url():
    process = subprocess.Popen(
        [str(ANVIL), "--host", "127.0.0.1", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if found := re.search(r"Listening on (127\.0\.0\.1:\d+)", line):
            break
    threading.Thread(target=deque, args=(process.stdout, 0), daemon=True).start()
    yield f"http://{found.group(1)}"
    process.terminate()
    process.wait(20)


def run(*arguments):
    return CliRunner().invoke(l1, [str(argument) for argument in arguments])


def test_deploy_dev_writes_the_file_and_check_agrees(l1_url, tmp_path):
    out = tmp_path / "deployment.json"
    done = run("deploy", "--l1-rpc", l1_url, "--dev", "--out", out)
    assert done.exit_code == 0, done.output
    inbox = json.loads(out.read_text())["contracts"]["Inbox"]
    assert inbox in done.output
    again = run("deploy", "--l1-rpc", l1_url, "--dev", "--out", out)
    assert again.exit_code == 0, again.output
    checked = run("check", "--l1-rpc", l1_url, "--deployment", out)
    assert checked.exit_code == 0, checked.output
    assert inbox in checked.output


def test_deploy_from_a_key_file_without_funds_says_so_and_hides_the_key(l1_url, tmp_path):
    key = operator_accounts().deployer.key.hex()
    file = tmp_path / "key"
    file.write_text(key)
    file.chmod(0o600)
    done = run("deploy", "--l1-rpc", l1_url, "--key-file", file, "--out", tmp_path / "d.json")
    assert done.exit_code == 1
    assert "nsufficient funds" in done.output
    assert key not in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dev", "--l1-chain-id", "1"], "serves chain id 31337, but chain id 1"),
        (["--dev", "--no-dev-accounts"], "whose key everybody knows"),
        (["--dev", "--window", "0"], "window_seconds must be above zero"),
        (["--dev", "--sequencer", "0x12"], "is no address"),
        ([], "give either --key-file or --dev"),
        (["--key-file", "/nonexistent"], "can't read the key file"),
    ],
)
def test_deploy_bad_options_say_what_is_wrong(l1_url, tmp_path, arguments, words):
    done = run("deploy", "--l1-rpc", l1_url, "--out", tmp_path / "d.json", *arguments)
    assert done.exit_code != 0
    assert words in done.output
    assert not (tmp_path / "d.json").exists()


def test_deploy_where_nobody_listens_says_so(tmp_path):
    done = run("deploy", "--l1-rpc", "http://127.0.0.1:1", "--dev", "--out", tmp_path / "d.json")
    assert done.exit_code == 1
    assert "no answer from 127.0.0.1:1" in done.output


def test_check_without_a_file_says_how_to_make_one(l1_url, tmp_path):
    done = run("check", "--l1-rpc", l1_url, "--deployment", tmp_path / "none.json")
    assert done.exit_code == 1
    assert "tallystick l1 deploy" in done.output
