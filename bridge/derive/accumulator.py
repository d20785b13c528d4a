"""The hash chain over the inbox log: `acc[i]` commits to item i and to all before it.

The Inbox contract keeps every `acc[i]` in storage, so that a dispute on L1 authenticates any item
with one look-up. Index and running count of deposits are part of the hash (docs/adr/0001), so that
the position of an item in either walk needs no second proof.
"""

from bridge.items import InboxItem, ItemKind
from state.keccak import keccak
from state.types import UINT64_MAX, UINT256_MAX, ZERO_HASH, Address, Hash32, Timestamp, Wei


def accumulate(previous: Hash32, item: InboxItem) -> Hash32:
    """`acc` of an item, from the one before it and the item's own fields (Inbox.sol, `_append`).

    keccak256 of the ABI encoding of twelve static words; `item.acc` is not read.
    """
    return keccak(b"".join(item_words(previous, item)))


def item_words(previous: Hash32, item: InboxItem) -> tuple[bytes, ...]:
    """The twelve words, which a proof on L1 opens the item with."""
    return (
        previous,
        _word(item.kind),
        _word(item.index),
        _word(item.deposits),
        item.sender.rjust(32, b"\0"),
        keccak(item.data),
        _word(len(item.data)),
        _word(item.l1_number),
        _word(item.l1_time),
        _word(item.l1_base_fee),
        item.prev_randao,
        item.l1_hash,
    )


def next_item(
    previous: InboxItem | None,
    *,
    kind: ItemKind,
    sender: Address,
    data: bytes,
    l1_number: int,
    l1_time: Timestamp,
    l1_base_fee: Wei,
    prev_randao: Hash32,
    l1_hash: Hash32,
) -> InboxItem:
    """The item that follows `previous` (None: the first), with index, count and `acc` filled in.

    `l1_hash` is the hash of the parent of the L1 block that holds the item.
    """
    is_deposit = kind in (ItemKind.DEPOSIT, ItemKind.FORCED)
    draft = InboxItem(
        index=0 if previous is None else previous.index + 1,
        kind=kind,
        deposits=(0 if previous is None else previous.deposits) + is_deposit,
        sender=sender,
        data=data,
        l1_number=l1_number,
        l1_time=l1_time,
        l1_base_fee=l1_base_fee,
        prev_randao=prev_randao,
        l1_hash=l1_hash,
        acc=ZERO_HASH,
    )
    return with_acc(ZERO_HASH if previous is None else previous.acc, draft)


def with_acc(previous: Hash32, item: InboxItem) -> InboxItem:
    """The same item with the `acc` that follows from `previous`."""
    return InboxItem(
        index=item.index,
        kind=item.kind,
        deposits=item.deposits,
        sender=item.sender,
        data=item.data,
        l1_number=item.l1_number,
        l1_time=item.l1_time,
        l1_base_fee=item.l1_base_fee,
        prev_randao=item.prev_randao,
        l1_hash=item.l1_hash,
        acc=accumulate(previous, item),
    )


def follows(previous: InboxItem | None, item: InboxItem) -> bool:
    """Whether `item` is a well-formed successor of `previous` (None: the start of the log).

    An item that passes is the one the contract appended there, if its `acc` is the contract's.
    """
    before = (-1, 0, 0, 0, ZERO_HASH)
    if previous is not None:
        before = (
            previous.index,
            previous.deposits,
            previous.l1_number,
            previous.l1_time,
            previous.acc,
        )
    index, deposits, l1_number, l1_time, acc = before
    return (
        item.index == index + 1
        and item.deposits == deposits + item.is_deposit
        and l1_number <= item.l1_number <= UINT64_MAX
        and l1_time <= item.l1_time <= UINT64_MAX
        and 0 <= item.l1_base_fee <= UINT256_MAX
        and item.acc == accumulate(acc, item)
    )


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
