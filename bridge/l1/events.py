"""The Inbox's event, decoded."""

from dataclasses import dataclass

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from bridge.items import ItemKind
from bridge.l1 import contracts
from bridge.l1.errors import L1EndpointInconsistent
from state.blocks import Log
from state.types import Address, Hash32

_TOPICS = 4
_ADDRESS_PADDING = bytes(12)


@dataclass(frozen=True, slots=True)
class ItemAppended:
    """One `ItemAppended` event; the L1 fields of the item are those of its block."""

    index: int
    kind: ItemKind
    sender: Address
    acc: Hash32
    data: bytes


def item_appended(log: Log) -> ItemAppended | None:
    """Decode a log of the Inbox; None for another event. Raises `L1EndpointInconsistent`."""
    if log.topics[:1] != (contracts.ITEM_APPENDED,):
        return None
    if len(log.topics) != _TOPICS or log.topics[3][:12] != _ADDRESS_PADDING:
        raise L1EndpointInconsistent("an ItemAppended log has other topics than the event")
    index, kind = (int.from_bytes(topic, "big") for topic in log.topics[1:3])
    if kind > max(ItemKind):
        raise L1EndpointInconsistent(f"inbox item {index} is of no known kind: {kind}")
    try:
        acc, data = decode(("bytes32", "bytes"), log.data)
    except (DecodingError, OverflowError):
        raise L1EndpointInconsistent("an ItemAppended log can't be decoded") from None
    return ItemAppended(index, ItemKind(kind), Address(log.topics[3][12:]), Hash32(acc), data)
