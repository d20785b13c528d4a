"""Which ports a devnet takes when only some are given."""

import pytest

from node.cli.devnet import free_l1_port


@pytest.mark.parametrize(
    ("rpc_port", "l1_port"), [(9545, 8545), (8545, 8547), (8544, 8546), (8546, 8545)]
)
def test_l1_port_left_out_never_collides_with_l2(rpc_port: int, l1_port: int) -> None:
    found = free_l1_port(rpc_port, rpc_port + 1)

    assert found == l1_port
    assert found not in (rpc_port, rpc_port + 1)
