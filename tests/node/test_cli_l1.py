"""`tallystick l1` as a person runs it, against anvil."""

import json
import re
import subprocess
import threading
from collections import deque
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.deployment import InvalidDeployment
from bridge.l1.accounts import InvalidKey
from bridge.l1.errors import L1Unavailable
from genesis.accounts import dev_accounts, operator_accounts
from node.cli.l1 import l1
from node.keystore import KeyFolder, NoSuchKey
from tests.devnet.conftest import answers, tallystick, wait_for
from tests.limits import STOP_SECONDS_MAX
from tests.ports import free_ports
from tests.tied import tied

NOBODY = "http://127.0.0.1:1"
ANVIL = Path(__file__).resolve().parents[2] / "node_modules" / ".bin" / "anvil"


@pytest.fixture
def l1_url():
    process = subprocess.Popen(
        tied(str(ANVIL), "--host", "127.0.0.1", "--port", "0"), stdout=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if found := re.search(r"Listening on (127\.0\.0\.1:\d+)", line):
            break
    threading.Thread(target=deque, args=(process.stdout, 0), daemon=True).start()
    yield f"http://{found.group(1)}"
    process.terminate()
    process.wait(STOP_SECONDS_MAX)


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


@pytest.fixture
def young_l1(tmp_path):
    """An embedded L1 whose first block is still to come."""
    (port,) = free_ports(1)
    where = ("--data-dir", str(tmp_path / "l1"), "--rpc-port", str(port))
    process = subprocess.Popen(tallystick("node", "--role", "l1", "--block-time", "5", *where))
    url = f"http://127.0.0.1:{port}"
    wait_for(lambda: answers(url), what="an L1")
    yield url
    process.terminate()
    process.wait(STOP_SECONDS_MAX)


def test_deploy_before_l1_has_a_block_writes_the_file(young_l1, tmp_path):
    out = tmp_path / "deployment.json"
    done = run("deploy", "--l1-rpc", young_l1, "--dev", "--out", out)
    assert done.exit_code == 0, done.output
    assert json.loads(out.read_text())["contracts"]["Inbox"] in done.output


def test_deploy_from_a_key_file_without_funds_says_so_and_hides_the_key(l1_url, tmp_path):
    key = operator_accounts().deployer.key.hex()
    file = tmp_path / "key"
    file.write_text(key)
    file.chmod(0o600)
    done = run("deploy", "--l1-rpc", l1_url, "--key-file", file, "--out", tmp_path / "d.json")
    assert done.exit_code == 1
    assert "nsufficient funds" in str(done.exception)
    assert key not in done.output + str(done.exception)


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory):
    """A folder with the encrypted key of an account that anvil funds."""
    folder = tmp_path_factory.mktemp("keys")
    KeyFolder(folder).add("deployer", dev_accounts()[0].key, "correct horse")
    return folder


def test_deploy_with_an_encrypted_key_writes_the_file(l1_url, tmp_path, keys_dir, monkeypatch):
    monkeypatch.setenv("TALLYSTICK_PASSWORD", "correct horse")
    out = tmp_path / "deployment.json"
    done = run(
        "deploy", "--l1-rpc", l1_url, "--keystore", "deployer", "--keys-dir", keys_dir,
        "--out", out, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.exception
    assert json.loads(done.stdout) == json.loads(out.read_text())


@pytest.mark.parametrize(
    ("name", "password", "error"),
    [("deployer", "wrong", InvalidKey), ("nobody", "correct horse", NoSuchKey)],
)
def test_deploy_with_a_key_that_does_not_open_sends_nothing(
    tmp_path, keys_dir, monkeypatch, name, password, error
):
    monkeypatch.setenv("TALLYSTICK_PASSWORD", password)
    done = run(
        "deploy", "--l1-rpc", NOBODY, "--keystore", name, "--keys-dir", keys_dir,
        "--out", tmp_path / "d.json",
    )  # fmt: skip
    assert isinstance(done.exception, error)
    assert not (tmp_path / "d.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dev", "--l1-chain-id", "1"], "serves chain id 31337, but chain id 1"),
        (["--dev", "--no-dev-accounts"], "whose key everybody knows"),
        (["--dev", "--window", "0"], "window_seconds must be above zero"),
        (["--dev", "--sequencer", "0x12"], "is no address"),
        ([], "give one of --keystore, --key and --dev"),
        (["--dev", "--keystore", "alice"], "give one of --keystore, --key and --dev"),
        (["--key", "file", "--keystore", "alice"], "give either --keystore or --key"),
        (["--key-file", "/nonexistent"], "can't read the key file"),
    ],
)
def test_deploy_bad_options_say_what_is_wrong(l1_url, tmp_path, arguments, words):
    done = run("deploy", "--l1-rpc", l1_url, "--out", tmp_path / "d.json", *arguments)
    assert done.exit_code != 0
    assert words in done.output + str(done.exception)
    assert not (tmp_path / "d.json").exists()


def test_deploy_where_nobody_listens_says_so(tmp_path):
    done = run("deploy", "--l1-rpc", NOBODY, "--dev", "--out", tmp_path / "d.json")
    assert isinstance(done.exception, L1Unavailable)
    assert "no answer from 127.0.0.1:1" in str(done.exception)


def test_check_without_a_file_says_how_to_make_one(l1_url, tmp_path):
    done = run("check", "--l1-rpc", l1_url, "--deployment", tmp_path / "none.json")
    assert isinstance(done.exception, InvalidDeployment)
    assert "tallystick l1 deploy" in str(done.exception)
