"""A book kept from what was told of it."""

from typing import Any

import pytest

from node.rpc.trade.limits import DEPTH_MAX
from node.rpc.trade.mirror import BookMirror, InvalidBookNews

SNAPSHOT = {
    "type": "snapshot",
    "sequence": 7,
    "bids": [["900", "10"], ["90", "20"]],
    "asks": [["1000", "5"]],
}


def delta(sequence: int, previous: int, bids: Any = (), asks: Any = ()) -> dict[str, object]:
    return {
        "type": "delta",
        "sequence": sequence,
        "previous": previous,
        "bids": list(bids),
        "asks": list(asks),
    }


def test_mirror_shows_what_snapshot_and_deltas_say_best_levels_first() -> None:
    mirror = BookMirror()
    assert mirror.snapshot() is None
    mirror.take(SNAPSHOT)
    assert mirror.snapshot() == SNAPSHOT
    mirror.take(delta(9, 7, bids=[["900", "0"], ["1000", "1"]], asks=[["1000", "0"]]))
    assert mirror.snapshot() == {
        "type": "snapshot",
        "sequence": 9,
        "bids": [["1000", "1"], ["90", "20"]],
        "asks": [],
    }


def test_snapshot_replaces_what_was_there() -> None:
    mirror = BookMirror()
    mirror.take({**SNAPSHOT, "bids": [["1", "1"]]})
    mirror.take(SNAPSHOT)
    assert mirror.snapshot() == SNAPSHOT


def test_cleared_mirror_takes_no_delta() -> None:
    mirror = BookMirror()
    mirror.take(SNAPSHOT)
    mirror.clear()
    assert mirror.snapshot() is None
    with pytest.raises(InvalidBookNews):
        mirror.take(delta(8, 7))


@pytest.mark.parametrize(
    "news",
    [
        delta(9, 8),
        {**SNAPSHOT, "type": "other"},
        {**SNAPSHOT, "sequence": -1},
        {**SNAPSHOT, "sequence": "7"},
        {**SNAPSHOT, "bids": [["900"]]},
        {**SNAPSHOT, "bids": [["0900", "1"]]},
        {**SNAPSHOT, "bids": [["-900", "1"]]},
        {**SNAPSHOT, "bids": [["1" * 31, "1"]]},
        {**SNAPSHOT, "bids": [[str(price), "1"] for price in range(1, DEPTH_MAX + 2)]},
        [],
        None,
    ],
)
def test_news_that_are_none_are_refused(news: object) -> None:
    mirror = BookMirror()
    mirror.take(SNAPSHOT)
    with pytest.raises(InvalidBookNews):
        mirror.take(news)
