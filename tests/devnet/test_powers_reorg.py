"""Reorgs on demand, of either layer."""

from collections.abc import Iterator

import pytest

from tests.devnet.conftest import Devnet, RpcFailed, rpc, wait_for
from tests.devnet.powers import (
    assert_true,
    block,
    number,
    powerful_devnet,
    receipt,
    send,
    wait_block,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    with powerful_devnet(tmp_path_factory.mktemp("reorg")) as running:
        wait_block(running.l1, 12)
        yield running


def test_l1_reorg_other_blocks_same_transactions(devnet: Devnet) -> None:
    transaction = send(devnet.l1)
    mined = int(receipt(devnet.l1, transaction)["blockNumber"], 16)
    before = block(devnet.l1, mined)["hash"]

    rpc(devnet.l1, "anvil_reorg", number(devnet.l1) - mined + 1)

    assert block(devnet.l1, mined)["hash"] != before
    receipt(devnet.l1, transaction)
    wait_for(lambda: devnet.sync_status()["safe"], 60, "a status")
    assert_true(devnet)


def test_l1_reorg_under_posted_batches_l2_follows(devnet: Devnet) -> None:
    safe = devnet.safe_number()
    wait_for(lambda: devnet.safe_number() > safe, 60, "a batch")
    rpc(devnet.l1, "anvil_reorg", 3)

    assert_true(devnet)


def test_l1_reorg_of_final_blocks_refused_with_remedy(devnet: Devnet) -> None:
    head = number(devnet.l1)
    with pytest.raises(RpcFailed, match="revert to a snapshot"):
        rpc(devnet.l1, "anvil_reorg", 9)
    assert number(devnet.l1) >= head


def test_l2_reorg_unsafe_blocks_give_way(devnet: Devnet) -> None:
    url = devnet.sequencer
    rpc(url, "evm_setIntervalMining", 0)
    try:
        head = number(url)
        wait_for(lambda: devnet.safe_number() >= head, 60, "all posted")
        transaction = send(url)
        rpc(url, "evm_mine")
        before = block(url)["hash"]
        assert int(receipt(url, transaction)["blockNumber"], 16) == head + 1

        rpc(url, "anvil_reorg", 1)

        assert number(url) == head + 1
        assert block(url)["hash"] != before
        receipt(url, transaction)
    finally:
        rpc(url, "evm_setIntervalMining", 1)
    assert_true(devnet)


def test_l2_rollback_forgets_what_the_blocks_held(devnet: Devnet) -> None:
    url = devnet.sequencer
    rpc(url, "evm_setIntervalMining", 0)
    try:
        head = number(url)
        wait_for(lambda: devnet.safe_number() >= head, 60, "all posted")
        transaction = send(url)
        rpc(url, "evm_mine")
        rpc(url, "anvil_rollback", 1)

        assert number(url) == head
        assert rpc(url, "eth_getTransactionByHash", transaction) is None
    finally:
        rpc(url, "evm_setIntervalMining", 1)
    assert_true(devnet)


def test_l2_reorg_of_safe_blocks_refused_with_remedy(devnet: Devnet) -> None:
    depth = number(devnet.sequencer) - devnet.safe_number() + 1
    with pytest.raises(RpcFailed, match="reorg L1 instead"):
        rpc(devnet.sequencer, "anvil_reorg", depth + 5)
    assert_true(devnet)
