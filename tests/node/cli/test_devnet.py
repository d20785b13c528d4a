"""Which ports a devnet takes when only some are given, and what it hands to its nodes."""

from pathlib import Path

import pytest

from node.cli.devnet import free_l1_port
from node.devnet_nodes import DevnetSettings, l2_children
from state.types import BlockNumber


@pytest.mark.parametrize(
    ("rpc_port", "l1_port"), [(9545, 8545), (8545, 8547), (8544, 8546), (8546, 8545)]
)
def test_l1_port_left_out_never_collides_with_l2(rpc_port: int, l1_port: int) -> None:
    found = free_l1_port(rpc_port, rpc_port + 1)

    assert found == l1_port
    assert found not in (rpc_port, rpc_port + 1)


def test_accepted_violations_are_handed_to_sequencer_and_verifier(tmp_path: Path) -> None:
    accepted = frozenset({BlockNumber(12), BlockNumber(7)})

    children = l2_children(DevnetSettings(tmp_path, accepted_violations=accepted))

    for child in children:
        words = child.arguments
        named = [after for word, after in zip(words, words[1:]) if word == "--accept-violation"]
        assert named == ["7", "12"]
