"""The demos do on a running devnet what they say."""

import re

import pytest

from tests.devnet.conftest import Devnet, rpc

pytestmark = pytest.mark.slow


def test_demo_trade_tells_whole_story_and_is_paid_on_l1(devnet: Devnet) -> None:
    result = devnet.run("demo", "trade")

    assert result.returncode == 0, result.stdout + result.stderr
    assert "Alice bought 1.5 BTC from Bob at $64,250.30" in result.stdout
    assert "soft confirmation: on the sequencer's disk" in result.stdout
    assert "It is settled: unsafe, not on L1 yet" in result.stdout
    assert "refused before it met anybody: margin-too-low" in result.stdout
    assert "L1 alone leads to it now" in result.stdout
    assert "Paid on L1: 5,000.00 USD" in result.stdout
    (root,) = re.findall(r"Output root on L1\s+(0x[0-9a-f]{64})", result.stdout)
    (block,) = re.findall(r"L2 block\s+(\d+)\s*\n", result.stdout)
    output = rpc(devnet.verifier, "rollup_outputAtBlock", hex(int(block)))
    assert output["outputRoot"] == root


def test_demo_without_devnet_says_how_to_start_one(tmp_path) -> None:
    result = Devnet(tmp_path / "none").run("demo", "trade")

    assert result.returncode == 1
    assert "start one with ./scripts/devnet" in result.stderr
