"""Clients that we did not write, against both layers of a devnet; and what its verifier tells."""

import pytest

from genesis.networks import L1_DEVNET_CHAIN_ID, L2_DEVNET_CHAIN_ID
from tests.clients.scenario import CLIENTS, WITHOUT_WEBSOCKET, expected, run
from tests.devnet.conftest import Devnet, rpc, wait_for

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("layer", ["l1", "l2"])
@pytest.mark.parametrize("client", CLIENTS)
def test_client_connects_sends_deploys_calls_and_reads_logs(
    devnet: Devnet, client: str, layer: str
) -> None:
    url = devnet.l1 if layer == "l1" else devnet.sequencer
    chain_id = L1_DEVNET_CHAIN_ID if layer == "l1" else L2_DEVNET_CHAIN_ID
    seen = run(client, url, url.replace("http", "ws", 1))
    assert seen == expected(chain_id, pushed=client not in WITHOUT_WEBSOCKET)


def test_verifier_tells_its_subscribers_of_derived_blocks(devnet: Devnet) -> None:
    known = rpc(devnet.verifier, "eth_newBlockFilter")
    hashes = wait_for(
        lambda: rpc(devnet.verifier, "eth_getFilterChanges", known), what="blocks in the filter"
    )
    for hash in hashes:
        assert rpc(devnet.sequencer, "eth_getBlockByHash", hash, False)["hash"] == hash
