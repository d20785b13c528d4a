"""From a stopped node's database to a stream of blocks."""

from collections.abc import Iterator
from typing import BinaryIO

from bridge.derive.inbox_log import encode_item
from bridge.derive.sequenced import batch_block_of
from node.database.opening import NodeDatabase
from node.database.stream import StreamBlock, StreamHead, StreamWriter
from state.batch_codec import encode_block
from state.headers import encode_header
from state.stored import damaged
from state.types import BlockNumber


def export_chain(
    database: NodeDatabase, file: BinaryIO, last: BlockNumber | None = None
) -> Iterator[tuple[int, int]]:
    """Write the chain up to block `last`, by default all of it; tells frames done, and of how many.

    The stream is whole only once this has been iterated to its end.
    """
    store, chain = database.store, database.chain
    newest = store.heads.unsafe.number if last is None else min(last, store.heads.unsafe.number)
    items = database.log.count if chain.is_l2 else 0
    total = items + newest + 1
    head = StreamHead(
        chain.config.layer, chain.identity, chain.config.genesis_time, BlockNumber(newest)
    )
    writer = StreamWriter(file, head)
    for index in range(items):
        item = database.log.item(index)
        if item is None:
            raise damaged(f"inbox item {index} is missing")
        writer.item(encode_item(item))
        yield index + 1, total
    for number in range(newest + 1):
        writer.block(_block(database, BlockNumber(number)))
        yield items + number + 1, total
    writer.end()


def _block(database: NodeDatabase, number: BlockNumber) -> StreamBlock:
    store = database.store
    block = store.block(number)
    if block is None:
        raise damaged(f"block {number} is missing")
    if number == 0:
        content: tuple[bytes, ...] = ()
    elif not database.chain.is_l2:
        content = (encode_header(block.header), *block.transactions)
    elif number <= store.heads.safe.number:
        content = ()
    else:
        content = (encode_block(batch_block_of(store, number)),)
    return StreamBlock(number, block.hash, content)
