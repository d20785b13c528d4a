"""`eth_`: logs, filters that are polled, and subscriptions."""

import asyncio

from node.rpc.backend import Backend
from node.rpc.codec import Tag, as_given, parse_bool, parse_quantity, parse_string, quantity
from node.rpc.dispatch import Param, Session, method
from node.rpc.errors import CallFailed, InvalidParams
from node.rpc.eth.subscriptions import FeedSubscriptions
from node.rpc.filters import FilterKind, Filters
from node.rpc.format import Json, log_json
from node.rpc.logs import LogQuery, find_logs, parse_query
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
        """The logs that match, in the order of the chain."""
        first, last = self._range(query)
        if first > last:
            return []
        chain = self._backend.store.reader
        found = await asyncio.to_thread(find_logs, chain, query.match, first, last)
        return [log_json(placed) for placed in found]

    def _range(self, query: LogQuery) -> tuple[BlockNumber, BlockNumber]:
        """The blocks a query asks for; past the head there is nothing yet."""
        if query.block_hash is not None:
            number = self._backend.number_of(query.block_hash)
            if number is None:
                raise CallFailed("unknown block")
            return number, number
        first, last = self._number(query.first), self._number(query.last)
        if first > last:
            raise InvalidParams("invalid block range params: fromBlock is after toBlock")
        return first, min(last, self._backend.store.heads.unsafe.number)

    def _number(self, ref: Tag | BlockNumber) -> BlockNumber:
        return self._backend.tagged(ref) if isinstance(ref, Tag) else ref

    # Filters

    @method("eth_newFilter", Param(parse_query))
    async def new_filter(self, query: LogQuery) -> str:
        """Install a filter for logs from now on."""
        if query.block_hash is not None:
            raise InvalidParams("a filter can't be of one block: use eth_getLogs")
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
