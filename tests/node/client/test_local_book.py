"""The client's book follows the exchange's, and notices when it doesn't."""

import pytest

from node.client import BookGap, LocalBook
from node.client.wire import BookMessage, read

SNAPSHOT = {
    "type": "snapshot",
    "sequence": 5,
    "bids": [["100", "7"], ["90", "3"]],
    "asks": [["110", "2"]],
}


def message(**members: object) -> BookMessage:
    return read({"bids": [], "asks": [], **members}, BookMessage)


def delta(sequence: int, previous: int, **sides: object) -> BookMessage:
    return message(type="delta", sequence=sequence, previous=previous, **sides)


@pytest.fixture
def book() -> LocalBook:
    kept = LocalBook(0)
    kept.apply(message(**SNAPSHOT))
    return kept


def test_book_before_its_snapshot_is_empty() -> None:
    assert (LocalBook(0).best_bid, LocalBook(0).best_ask) == (None, None)


def test_book_after_snapshot_has_its_levels_best_first(book: LocalBook) -> None:
    assert book.levels(10).bids == ((100, 7), (90, 3))
    assert (book.best_bid, book.best_ask) == ((100, 7), (110, 2))


def test_book_after_delta_has_new_changed_and_no_gone_levels(book: LocalBook) -> None:
    book.apply(delta(8, 5, bids=[["100", "0"], ["95", "1"]], asks=[["110", "9"], ["105", "4"]]))

    assert book.sequence == 8
    assert book.levels(10).bids == ((95, 1), (90, 3))
    assert book.levels(10).asks == ((105, 4), (110, 9))
    assert book.levels(1).asks == ((105, 4),)


def test_book_that_missed_a_delta_says_so_and_keeps_what_it_had(book: LocalBook) -> None:
    with pytest.raises(BookGap):
        book.apply(delta(9, 7, bids=[["100", "0"]]))
    assert book.best_bid == (100, 7)


def test_book_takes_a_new_snapshot_in_the_old_ones_place(book: LocalBook) -> None:
    book.apply(message(type="snapshot", sequence=20, asks=[["111", "1"]]))

    assert (book.sequence, book.best_bid, book.best_ask) == (20, None, (111, 1))


def test_level_that_goes_unknown_is_no_error(book: LocalBook) -> None:
    book.apply(delta(6, 5, asks=[["500", "0"]]))

    assert book.levels(9).asks == ((110, 2),)
