"""`eth_`: logs, filters that are polled, and subscriptions."""

import asyncio

from node.rpc.backend import Backend
from node.rpc.codec import Tag, as_given, parse_bool, parse_quantity, parse_string, quantity
from node.rpc.dispatch import Param, Session, method
from node.rpc.errors import CallFailed, InvalidParams
from node.rpc.eth.subscriptions import FeedSubscriptions
from node.rpc.filters import FilterKind, Filters
from node.rpc.format import Json, log_json
from node.rpc.logs import LogQuery, find_logs, parse_coming, parse_query
from state.types import BlockNumber

_ID = Param(parse_quantity)


class EventMethods:
    """What happened, asked for once, polled or pushed."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._filters = Filters(backend.feed)
        self._subscriptions = FeedSubscriptions(backend.feed, backend.syncing)

    @method("eth_getLogs", Param(parse_query))
    async def logs(self, query: LogQuery) -> list[Json]:
        """The logs that match, in the order of the chain; those of the pending block come last."""
        made = await self._backend.pending_block(query.last)
        pending = None if made is None else made.block
        chain = self._backend.store.reader
        after = chain.heads.unsafe.number + 1 if pending is None else pending.header.number
        first, last = self._range(query, BlockNumber(after))
        if first > after:
            return []
        found = await asyncio.to_thread(find_logs, chain, query.match, first, last, pending)
        return [log_json(placed) for placed in found]

    def _range(self, query: LogQuery, after: BlockNumber) -> tuple[BlockNumber, BlockNumber]:
        """The blocks of the chain that a query asks for; `after` is the one that comes next."""
        if query.block_hash is not None:
            number = self._backend.number_of(query.block_hash)
            if number is None:
                raise CallFailed("unknown block")
            return number, number
        first, last = self._number(query.first, after), self._number(query.last, after)
        if first > last:
            raise InvalidParams("invalid block range params: fromBlock is after toBlock")
        return first, BlockNumber(min(last, after - 1))

    def _number(self, ref: Tag | BlockNumber, after: BlockNumber) -> BlockNumber:
        if ref is Tag.PENDING:
            return after
        return self._backend.tagged(ref) if isinstance(ref, Tag) else ref

    # Filters

    @method("eth_newFilter", Param(parse_coming))
    async def new_filter(self, query: LogQuery) -> str:
        """Install a filter for logs from now on."""
        return quantity(self._filters.install(FilterKind.LOGS, query))

    @method("eth_newBlockFilter")
    async def new_block_filter(self) -> str:
        """Install a filter for hashes of new blocks."""
        return quantity(self._filters.install(FilterKind.BLOCKS))

    @method("eth_newPendingTransactionFilter", Param(parse_bool, False))
    async def new_pending_transaction_filter(self, whole: bool) -> str:
        """Install a filter for hashes of transactions new to the pool."""
        if whole:
            raise InvalidParams("whole transactions are for eth_subscribe; a filter gives hashes")
        return quantity(self._filters.install(FilterKind.TRANSACTIONS))

    @method("eth_uninstallFilter", _ID)
    async def uninstall_filter(self, identity: int) -> bool:
        """Remove a filter; whether there was one."""
        return self._filters.uninstall(identity)

    @method("eth_getFilterChanges", _ID)
    async def filter_changes(self, identity: int) -> list[object]:
        """What a filter found since the last poll."""
        return self._filters.changes(identity)

    @method("eth_getFilterLogs", _ID)
    async def filter_logs(self, identity: int) -> list[Json]:
        """All logs that a filter's query finds in the chain."""
        return await self.logs(self._filters.query(identity))

    # Subscriptions

    @method("eth_subscribe", Param(parse_string), Param(as_given, None), on_session=True)
    async def subscribe(self, session: Session, kind: str, options: object) -> str:
        """Push newHeads, logs, newPendingTransactions or syncing over this websocket."""
        return session.subscribe(self._subscriptions, kind, options)

    @method("eth_unsubscribe", Param(parse_string), on_session=True)
    async def unsubscribe(self, session: Session, identity: str) -> bool:
        """End a subscription of this websocket; whether there was one."""
        return session.unsubscribe(identity)
