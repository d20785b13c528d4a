"""`rollup_`: batches and deposits on L1, and what L2 made of them."""

import asyncio
from dataclasses import dataclass
from typing import Final

from bridge.derive.inbox_log import InboxReader
from bridge.items import InboxItem
from bridge.outcomes import (
    BatchBlocks,
    DepositOutcome,
    TokenTransfer,
    blocks_of_batch,
    deposit_outcome,
)
from node import limits
from node.rpc.backend import Backend, HeaderNotFound
from node.rpc.codec import (
    Tag,
    data,
    optional_data,
    parse_address,
    parse_object,
    parse_uint64,
    quantity,
)
from node.rpc.dispatch import Param, method
from node.rpc.errors import InvalidParams
from node.rpc.format import Json
from node.rpc.rollup.format import item_json
from state.blocks import BlockId, Heads
from state.reader import ChainReader
from state.types import Address, BlockNumber

_FIELDS: Final = frozenset({"address", "from", "to", "limit"})


def parse_index(value: object) -> Tag | int:
    """Parse an inbox index, or "latest"."""
    return Tag.LATEST if value == Tag.LATEST else parse_uint64(value)


@dataclass(frozen=True, slots=True)
class DepositQuery:
    """Which deposits are asked for: ordinals from `first` to `last`, newest first."""

    account: Address | None = None
    first: int = 0
    last: int | None = None
    limit: int = limits.RPC_DEPOSITS_MAX


def parse_deposit_query(value: object) -> DepositQuery:
    """Parse a filter of deposits. Raises `InvalidParams`."""
    given = {name: item for name, item in parse_object(value).items() if item is not None}
    unknown = given.keys() - _FIELDS
    if unknown:
        raise InvalidParams(f"deposits are found by {sorted(_FIELDS)}, not by {sorted(unknown)}")
    limit = parse_uint64(given["limit"]) if "limit" in given else limits.RPC_DEPOSITS_MAX
    if not 1 <= limit <= limits.RPC_DEPOSITS_MAX:
        raise InvalidParams(f"a limit is from 1 to {limits.RPC_DEPOSITS_MAX}")
    return DepositQuery(
        account=parse_address(given["address"]) if "address" in given else None,
        first=parse_uint64(given.get("from", "0x0")),
        last=parse_uint64(given["to"]) if "to" in given else None,
        limit=limit,
    )


class InboxMethods:
    """The inbox log as this node has verified it, beside the chain that follows from it."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @method("rollup_getBatch", Param(parse_index))
    async def batch(self, index: Tag | int) -> Json | None:
        """A batch or tick, and the blocks that came of it; null where there is no such item."""
        return await asyncio.to_thread(self._batch, index)

    def _batch(self, index: Tag | int) -> Json | None:
        reader = self._backend.store.reader
        inbox = InboxReader(reader)
        item = _newest_batch(inbox) if isinstance(index, Tag) else inbox.item(index)
        if item is None:
            return None
        if item.is_deposit:
            raise InvalidParams(f"item {item.index} is a {item.kind.name.lower()}, not a batch")
        return _batch_json(reader, item, blocks_of_batch(reader, item))

    @method("rollup_getDeposits", Param(parse_deposit_query, DepositQuery()))
    async def deposits(self, query: DepositQuery) -> Json:
        """Deposits and forced transactions, newest first, and what became of each."""
        return await asyncio.to_thread(self._deposits, query)

    def _deposits(self, query: DepositQuery) -> Json:
        reader = self._backend.store.reader
        inbox = InboxReader(reader)
        tip = inbox.tip
        last = (tip.deposits if tip is not None else 0) - 1
        if query.last is not None:
            last = min(last, query.last)
        oldest = max(query.first, last - limits.RPC_DEPOSITS_SCANNED_MAX + 1)
        found: list[Json] = []
        while last >= oldest and len(found) < query.limit:
            item = inbox.deposit(last)
            last -= 1
            if item is None:
                continue
            outcome = deposit_outcome(reader, item, self._backend.config.chain_id)
            if query.account is None or outcome.concerns(query.account):
                found.append(_deposit_json(outcome, reader.heads))
        return {"deposits": found, "next": quantity(last) if last >= query.first else None}


def _newest_batch(inbox: InboxReader) -> InboxItem | None:
    """The newest batch or tick: deposits are counted, so the rest is."""
    tip = inbox.tip
    return None if tip is None else inbox.batch(tip.index - tip.deposits)


def _batch_json(reader: ChainReader, item: InboxItem, blocks: BatchBlocks) -> Json:
    first, last = blocks.first, blocks.last
    if first is None or last is None:
        return {
            "item": item_json(item),
            "status": "waiting",
            "firstBlock": None,
            "lastBlock": None,
            "blocks": [],
            "isWhole": True,
        }
    listed = range(first, min(last, first + limits.RPC_BATCH_BLOCKS_MAX - 1) + 1)
    return {
        "item": item_json(item),
        "status": "finalized" if last <= reader.heads.finalized.number else "safe",
        "firstBlock": quantity(first),
        "lastBlock": quantity(last),
        "blocks": [_block_json(reader, BlockNumber(number)) for number in listed],
        "isWhole": listed[-1] == last,
    }


def _block_json(reader: ChainReader, number: BlockNumber) -> Json:
    block = reader.block(number)
    if block is None:
        raise HeaderNotFound
    return {
        "number": quantity(number),
        "hash": data(block.hash),
        "transactions": quantity(len(block.transactions)),
    }


def _deposit_json(outcome: DepositOutcome, heads: Heads) -> Json:
    """A deposit; what only a decoded transaction has is null where the item is void."""
    tx = outcome.transaction
    return {
        "ordinal": quantity(outcome.item.ordinal),
        "item": item_json(outcome.item),
        "hash": data(outcome.hash),
        "from": data(outcome.item.sender if tx is None else tx.sender),
        "to": None if tx is None else optional_data(tx.to),
        "mint": None if tx is None else quantity(tx.mint),
        "value": None if tx is None else quantity(tx.value),
        "gas": None if tx is None else quantity(tx.gas),
        "token": token_json(outcome.token),
        "status": outcome.status,
        "block": None if outcome.block is None else _place_json(outcome.block, heads),
    }


def token_json(token: TokenTransfer | None) -> Json | None:
    """Collateral on its way, or null."""
    if token is None:
        return None
    return {
        "from": data(token.sender),
        "to": data(token.recipient),
        "amount": quantity(token.amount),
    }


def _place_json(block: BlockId, heads: Heads) -> Json:
    safety = "unsafe"
    if block.number <= heads.finalized.number:
        safety = "finalized"
    elif block.number <= heads.safe.number:
        safety = "safe"
    return {"number": quantity(block.number), "hash": data(block.hash), "safety": safety}
