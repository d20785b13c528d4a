"""What makes a rollup of it: L1 alone determines the chain, and everybody arrives at it."""

import shutil
import signal

import pytest

from tests.devnet.conftest import Devnet, devnet_in, rpc, wait_for

pytestmark = pytest.mark.slow


def test_verifier_derives_the_sequencers_blocks_from_l1(devnet: Devnet) -> None:
    number = wait_for(lambda: devnet.safe_number(devnet.verifier) or None, what="a safe block")

    sequenced = rpc(devnet.sequencer, "eth_getBlockByNumber", hex(number), False)
    derived = rpc(devnet.verifier, "eth_getBlockByNumber", hex(number), False)
    assert derived == sequenced
    wait_for(lambda: devnet.safe_number() >= number)
    mine = rpc(devnet.sequencer, "rollup_outputAtBlock", hex(number))
    theirs = rpc(devnet.verifier, "rollup_outputAtBlock", hex(number))
    assert mine == theirs


def test_verify_command_shows_all_right(devnet: Devnet) -> None:
    wait_for(lambda: devnet.safe_number() > 3, what="safe blocks")
    result = devnet.run("verify")

    assert result.returncode == 0, result.stderr + result.stdout
    assert "All right" in result.stdout


def test_sequencer_database_deleted_rebuilds_same_chain_from_l1(tmp_path) -> None:
    with devnet_in(tmp_path) as devnet:
        devnet.start()
        number = wait_for(lambda: devnet.safe_number() > 5 and devnet.safe_number())
        before = rpc(devnet.sequencer, "eth_getBlockByNumber", hex(number), True)
        devnet.stop(signal.SIGINT)
        shutil.rmtree(devnet.data_dir / "sequencer")

        devnet.start()
        wait_for(lambda: devnet.safe_number() >= number, what="the safe chain again")
        assert rpc(devnet.sequencer, "eth_getBlockByNumber", hex(number), True) == before
        head = int(rpc(devnet.sequencer, "eth_blockNumber"), 16)
        wait_for(lambda: devnet.safe_number() > head, what="new blocks on the rebuilt chain")
