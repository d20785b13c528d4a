"""The pool over a restart: what waits comes back in its order, as far as it is still valid."""

from pathlib import Path

import pytest

from sequencer.ordering import Ordering
from sequencer.pool_file import POOL, kept_pool
from tests.execution.wallet import GWEI
from tests.sequencer.test_mempool import ALICE, BOB, CAROL, Setting


def tip(gwei: int) -> dict[str, int]:
    return {"max_fee_per_gas": 20 * GWEI, "max_priority_fee_per_gas": gwei * GWEI}


def test_what_waits_when_a_node_stops_waits_when_it_starts_again_in_the_same_order(
    tmp_path: Path,
) -> None:
    first = Setting(ordering=Ordering.FIRST_COME)
    raws = [BOB.raw(**tip(1)), ALICE.raw(**tip(9)), CAROL.raw(**tip(5)), ALICE.raw(nonce=3)]
    with kept_pool(first.pool, tmp_path):
        for raw in raws:
            first.pool.add(raw)
    second = Setting(ordering=Ordering.FIRST_COME)
    with kept_pool(second.pool, tmp_path):
        assert second.order() == raws[:3]
        assert second.pool.statistics().queued == 1


def test_what_was_used_up_meanwhile_stays_away(tmp_path: Path) -> None:
    first, second = Setting(), Setting()
    used, waits = ALICE.raw(), BOB.raw()
    with kept_pool(first.pool, tmp_path):
        first.pool.add(used)
        first.pool.add(waits)
    second.include(used)
    with kept_pool(second.pool, tmp_path):
        assert second.order() == [waits]


def test_node_that_fails_keeps_what_waits(tmp_path: Path) -> None:
    first, second = Setting(), Setting()

    def fail() -> None:
        with kept_pool(first.pool, tmp_path):
            first.pool.add(ALICE.raw())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with kept_pool(second.pool, tmp_path):
        assert len(second.order()) == 1


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x92\xc4\x01", b"\x81\x01\x02"])
def test_damaged_file_is_told_and_keeps_nobody_from_starting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / POOL).write_bytes(content)
    here = Setting()
    with kept_pool(here.pool, tmp_path):
        here.pool.add(ALICE.raw())
    assert "can't be read" in caplog.text
    again = Setting()
    with kept_pool(again.pool, tmp_path):
        assert len(again.order()) == 1


def test_bytes_that_are_no_transaction_are_left_out(tmp_path: Path) -> None:
    (tmp_path / POOL).write_bytes(b"\x92\xc4\x01\x00\xc4\x00")
    here = Setting()
    with kept_pool(here.pool, tmp_path):
        assert here.order() == []


def test_folder_that_takes_nothing_is_told_and_keeps_nobody_from_stopping(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here = Setting()
    with kept_pool(here.pool, tmp_path / "gone"):
        here.pool.add(ALICE.raw())
    assert "can't be written" in caplog.text
