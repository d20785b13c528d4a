"""The key file that names a peer."""

import pickle
import stat
from pathlib import Path

import pytest

from node.p2p.errors import InvalidAddress, InvalidIdentity
from node.p2p.identity import load_identity
from node.p2p.settings import P2PSettings


def test_identity_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "p2p.key"
    first = load_identity(path)
    assert load_identity(path).seed == first.seed
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert first.seed.hex() not in repr(first)
    with pytest.raises(TypeError):
        pickle.dumps(first)


def test_identity_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p2p.key"
    load_identity(path)
    path.chmod(0o644)
    with pytest.raises(InvalidIdentity, match="chmod 600"):
        load_identity(path)


@pytest.mark.parametrize("content", ["", "00" * 31, "zz" * 32, "00" * 2000])
def test_file_that_is_no_key_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "p2p.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(InvalidIdentity, match="64 hex digits"):
        load_identity(path)


def test_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidIdentity, match="--p2p-key-file"):
        load_identity(tmp_path / "nowhere" / "p2p.key")


@pytest.mark.parametrize("address", ["", "127.0.0.1:9600", "/ip4/127.0.0.1/tcp/9600"])
def test_bootnode_that_is_no_peers_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidAddress, match="/p2p/PEER"):
        P2PSettings(bootnodes=(address,))
