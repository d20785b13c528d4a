"""What a node says to settings of its network that can't work."""

import subprocess
import sys
from pathlib import Path

import pytest

from node.p2p.settings import P2PSettings
from node.settings import InvalidSettings, NodeSettings, Role
from tests.limits import WAIT_SECONDS_MAX

ROOT = Path(__file__).resolve().parents[3]

BOOTNODE = "/ip4/127.0.0.1/tcp/9600/p2p/12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5"


def settings(role: Role, p2p: P2PSettings | None) -> NodeSettings:
    return NodeSettings(
        role=role,
        data_dir=Path("data"),
        rpc_port=9550,
        l1_rpc="http://127.0.0.1:8545",
        deployment=Path("deployment.json"),
        p2p=p2p,
    )


@pytest.mark.parametrize("p2p", [None, P2PSettings(port=9600)], ids=["no network", "no bootnode"])
def test_replica_without_a_bootnode_is_told_what_to_do(p2p: P2PSettings | None) -> None:
    with pytest.raises(InvalidSettings, match="--bootnode"):
        settings(Role.REPLICA, p2p)


def test_l1_with_peers_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="no peers"):
        settings(Role.L1, P2PSettings())


@pytest.mark.parametrize("role", [Role.SEQUENCER, Role.VERIFIER, Role.REPLICA])
def test_roles_of_l2_may_have_peers(role: Role) -> None:
    assert settings(role, P2PSettings(bootnodes=(BOOTNODE,))).p2p is not None


def test_network_without_its_library_is_refused_with_the_remedy() -> None:
    """An environment of requirements/runtime.txt has no libp2p: stood in for by a bare Python."""
    code = "from node.p2p.settings import require_libp2p; require_libp2p()"
    isolated = [sys.executable, "-S", "-c", code]
    ended = subprocess.run(
        isolated, cwd=ROOT, capture_output=True, text=True, timeout=WAIT_SECONDS_MAX
    )
    assert "LibraryMissing" in ended.stderr
    assert "libgmp-dev" in ended.stderr
