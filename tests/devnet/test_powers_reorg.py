"""Reorgs on demand, of either layer."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.devnet.conftest import Devnet, RpcFailed, rpc, wait_for
from tests.devnet.powers import (
    assert_true,
    block,
    mined_by_hand,
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

    with mined_by_hand(devnet.l1):
        rpc(devnet.l1, "anvil_reorg", number(devnet.l1) - mined + 1)

    assert block(devnet.l1, mined)["hash"] != before
    receipt(devnet.l1, transaction)
    wait_for(lambda: devnet.sync_status()["safe"], what="a status")
    assert_true(devnet)


def test_l1_reorg_under_posted_batches_l2_follows(devnet: Devnet) -> None:
    safe = devnet.safe_number()
    wait_for(lambda: devnet.safe_number() > safe, what="a batch")
    rpc(devnet.l1, "anvil_reorg", 3)

    assert_true(devnet)


def test_l1_reorg_of_final_blocks_refused_with_remedy(devnet: Devnet) -> None:
    head = number(devnet.l1)
    with pytest.raises(RpcFailed, match="revert to a snapshot"):
        rpc(devnet.l1, "anvil_reorg", 9)
    assert number(devnet.l1) >= head


def mine_and_take_back(devnet: Devnet, power: str) -> tuple[dict[str, Any], str]:
    """Mine a block with a transaction and use `power` on it; the block, and the transaction.

    Again where a batch took the block to L1 first.
    """
    url = devnet.sequencer
    for _ in range(20):
        head = number(url)
        wait_for(lambda head=head: devnet.safe_number() >= head, what="all posted")
        transaction = send(url)
        rpc(url, "evm_mine")
        mined = block(url)
        assert receipt(url, transaction)["blockHash"] == mined["hash"]
        try:
            rpc(url, power, 1)
        except RpcFailed as refused:
            if "posted to L1" not in str(refused):
                raise
        else:
            return mined, transaction
    pytest.fail("each block was on its way to L1 at once")


def test_l2_reorg_unsafe_blocks_give_way(devnet: Devnet) -> None:
    url = devnet.sequencer
    with mined_by_hand(url):
        mined, transaction = mine_and_take_back(devnet, "anvil_reorg")

        assert number(url) == int(mined["number"], 16)
        assert block(url)["hash"] != mined["hash"]
        receipt(url, transaction)
    assert_true(devnet)


def test_l2_rollback_forgets_what_the_blocks_held(devnet: Devnet) -> None:
    url = devnet.sequencer
    with mined_by_hand(url):
        mined, transaction = mine_and_take_back(devnet, "anvil_rollback")

        assert number(url) == int(mined["number"], 16) - 1
        assert rpc(url, "eth_getTransactionByHash", transaction) is None
    assert_true(devnet)


def test_l2_reorg_of_safe_blocks_refused_with_remedy(devnet: Devnet) -> None:
    with mined_by_hand(devnet.sequencer):
        depth = number(devnet.sequencer) - devnet.safe_number() + 1
        with pytest.raises(RpcFailed, match="reorg L1 instead"):
            rpc(devnet.sequencer, "anvil_reorg", depth)
    assert_true(devnet)
