"""The prefix of the inbox that counts: nothing is beyond it, and what is missing is no answer."""

import pytest

from bridge.derive.source import ItemList
from bridge.machine.errors import PrefixIncomplete
from bridge.machine.prefix import Prefix
from tests.bridge.derive.inbox import Inbox


def inbox_of_both_walks() -> Inbox:
    inbox = Inbox()
    inbox.deposit()
    inbox.tick()
    inbox.forced(b"raw")
    inbox.tick()
    return inbox


def test_items_beyond_the_prefix_do_not_exist() -> None:
    inbox = inbox_of_both_walks()
    prefix = Prefix(ItemList(inbox.items), 3)
    assert prefix.item(2) == prefix.last == prefix.batch(1) == inbox.items[2]
    assert prefix.deposit(0) == inbox.items[1]
    assert prefix.item(3) is prefix.deposit(1) is prefix.batch(2) is None


def test_last_item_says_how_many_of_each_walk_there_are() -> None:
    """What the verifier on L1 decides by, for every length of prefix."""
    inbox = inbox_of_both_walks()
    for count in range(1, len(inbox.items) + 1):
        prefix = Prefix(ItemList(inbox.items), count)
        deposits = prefix.last.deposits
        for ordinal in range(5):
            assert (prefix.deposit(ordinal) is not None) == (ordinal < deposits)
            assert (prefix.batch(ordinal) is not None) == (ordinal < count - deposits)


@pytest.mark.parametrize("count", [0, 6])
def test_prefix_that_the_log_does_not_have_is_unavailable(count: int) -> None:
    with pytest.raises(PrefixIncomplete):
        Prefix(ItemList(inbox_of_both_walks().items), count)
