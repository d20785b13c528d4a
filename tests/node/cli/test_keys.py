"""Encrypted keys from making to signing; what is wrong with them, and that they never show."""

import json
import stat
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from bridge.l1.accounts import InvalidKey
from genesis.accounts import dev_accounts
from node.keystore import InvalidKeyName, KeyExists, KeyFolder, NoSuchKey, UnlockedKey
from tests.node.cli.run import key_file, run

DEV = dev_accounts()[1]
PASSWORD = {"TALLYSTICK_PASSWORD": "correct horse"}


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the key of a dev account, called alice."""
    folder = tmp_path_factory.mktemp("keys")
    file = key_file(folder.parent / "plain", DEV.key)
    done = run("keys", "import", "alice", file, "--keys-dir", folder, "--json", env=PASSWORD)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["private"]
    return folder


def test_imported_key_is_encrypted_and_for_its_owner_alone(keys_dir: Path) -> None:
    file = keys_dir / "alice.json"

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["version"] == 3
    assert DEV.key.hex() not in file.read_text()
    assert not list(keys_dir.glob(".*")), "a temporary file was left behind"


def test_list_and_show_tell_the_address_by_name_or_address(keys_dir: Path) -> None:
    listed = json.loads(run("keys", "list", "--keys-dir", keys_dir, "--json").stdout)
    shown = run("keys", "show", f"0x{DEV.address.hex()}", "--keys-dir", keys_dir)

    assert [one["name"] for one in listed] == ["alice"]
    assert bytes.fromhex(listed[0]["address"][2:]) == DEV.address
    assert "alice" in shown.stdout


def test_signature_is_what_wallets_make(keys_dir: Path) -> None:
    done = run("keys", "sign", "alice", "it is me", "--keys-dir", keys_dir, env=PASSWORD)

    signer = Account.recover_message(encode_defunct(text="it is me"), signature=done.stdout.strip())
    assert bytes.fromhex(signer[2:]) == DEV.address


def test_wrong_password_is_told_and_nothing_of_the_key(keys_dir: Path) -> None:
    wrong = {"TALLYSTICK_PASSWORD": "wrong"}
    done = run("keys", "sign", "alice", "it is me", "--keys-dir", keys_dir, env=wrong)

    assert isinstance(done.exception, InvalidKey)
    assert "wrong password" in str(done.exception)
    assert DEV.key.hex() not in str(done.exception) + done.output


def test_key_of_a_name_that_is_taken_is_not_overwritten(keys_dir: Path) -> None:
    before = (keys_dir / "alice.json").read_bytes()
    done = run("keys", "new", "alice", "--keys-dir", keys_dir, env=PASSWORD)

    assert isinstance(done.exception, KeyExists)
    assert (keys_dir / "alice.json").read_bytes() == before


@pytest.mark.parametrize("name", ["../alice", "", "a/b", ".hidden", "a" * 65])
def test_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidKeyName):
        KeyFolder(tmp_path).add(name, DEV.key, "password")
    assert not list(tmp_path.iterdir())


def test_unknown_key_is_told_with_where_it_was_looked_for(tmp_path: Path) -> None:
    done = run("keys", "show", "bob", "--keys-dir", tmp_path)

    assert isinstance(done.exception, NoSuchKey)
    assert str(tmp_path) in str(done.exception)


def test_password_changed_is_the_only_one_that_opens(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    folder.add("carol", DEV.key, "old")
    env = {"TALLYSTICK_PASSWORD": "old", "TALLYSTICK_NEW_PASSWORD": "new"}
    done = run("keys", "change-password", "carol", "--keys-dir", tmp_path, env=env)

    assert done.exit_code == 0, done.output
    assert folder.unlock("carol", "new") == DEV.key
    with pytest.raises(InvalidKey):
        folder.unlock("carol", "old")


def test_empty_new_password_is_refused(tmp_path: Path) -> None:
    done = run("keys", "new", "dora", "--keys-dir", tmp_path, env={"TALLYSTICK_PASSWORD": ""})

    assert "empty password" in str(done.exception)
    assert not list(tmp_path.iterdir())


def test_password_without_a_terminal_to_ask_at_is_a_usage_error(tmp_path: Path) -> None:
    done = run("keys", "new", "dora", "--keys-dir", tmp_path, input="secret\nsecret\n")

    assert done.exit_code == 2
    assert "--password-file" in done.output


def test_password_file_is_read_without_its_newline(keys_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("correct horse\n")
    done = run("keys", "sign", "alice", "x", "--keys-dir", keys_dir, "--password-file", file)

    assert done.exit_code == 0, done.output


def test_file_that_others_may_read_is_pointed_out(tmp_path: Path) -> None:
    KeyFolder(tmp_path).add("eve", DEV.key, "password")
    (tmp_path / "eve.json").chmod(0o644)

    assert "chmod 600" in run("keys", "list", "--keys-dir", tmp_path).stdout
    with pytest.raises(InvalidKey, match="may be read by others"):
        KeyFolder(tmp_path).unlock("eve", "password")


def test_unlocked_key_does_not_show_and_does_not_travel() -> None:
    key = UnlockedKey.of_dev_account(DEV)

    assert DEV.key.hex() not in repr(key)
    with pytest.raises(TypeError):
        key.__reduce__()
