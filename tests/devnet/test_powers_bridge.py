"""Time that is skipped counts on both layers: a day's dispute window is over in moments."""

import json
from pathlib import Path

import pytest

from tests.devnet.conftest import devnet_in, rpc
from tests.devnet.powers import DAY, NOBODY, assert_true, balance, timestamp

pytestmark = pytest.mark.slow

ETHER = 10**18


def test_withdrawal_paid_after_a_window_of_a_day_then_reverted_and_paid_again(
    tmp_path: Path,
) -> None:
    with devnet_in(tmp_path, "--dispute-window", str(DAY)) as devnet:
        devnet.start()
        began = timestamp(devnet.l1)
        snapshot = rpc(devnet.l1, "evm_snapshot")
        for _ in range(2):
            paid = devnet.run("withdraw", "1.5", "eth", "--to", NOBODY, "--json")
            assert paid.returncode == 0, paid.stdout + paid.stderr
            assert json.loads(paid.stdout)
            assert balance(devnet.l1, NOBODY) == 15 * ETHER // 10
            assert timestamp(devnet.l1) >= began + DAY
            assert_true(devnet)

            assert rpc(devnet.sequencer, "evm_revert", snapshot) is True
            assert balance(devnet.l1, NOBODY) == 0
            assert timestamp(devnet.l1) < began + DAY
            snapshot = rpc(devnet.l1, "evm_snapshot")
        assert_true(devnet)
