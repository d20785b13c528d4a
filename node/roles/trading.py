"""The exchange of a sequencer, and how it keeps step with the chain.

Before a block its settlements are signed; after it the exchange hears, in one turn, of the new
books and of what became of its fills. Blocks that L1 took back, and those derived in their stead,
are told the same way.
"""

import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bridge.l1.accounts import Operator
from execution.margin import domain_separator
from execution.transaction import Transaction
from node.chain import Chain
from node.rpc.feed import BlockEvent
from sequencer.builder import unsafe_header
from sequencer.exchange.exchange import Exchange
from sequencer.fill_guard import FillGuard
from sequencer.house_view import HouseView
from sequencer.journal import OrderJournal
from sequencer.matching.inputs import Clear
from sequencer.pretrade import PretradeMargin
from sequencer.settlement import SettlementDesk, SettlementStatistics
from state.accounts import StateDiff, StateReader
from state.blocks import Header, SealedBlock
from state.headers import header_hash, next_base_fee
from state.types import BlockNumber, Hash32

log = logging.getLogger("tallystick.trading")

ORDERS: Final = "orders"
"""The order log's folder within a node's data folder: its writes never wait for a block's."""


@dataclass(slots=True)
class TradingDesk:
    """An exchange on one chain. Used by the role that builds its blocks, between two of them."""

    chain: Chain
    exchange: Exchange
    margin: PretradeMargin
    settlement: SettlementDesk
    view: HouseView
    guard: FillGuard
    """Keeps what is matched from being voided by the pool; for whoever builds a block."""
    _events: list[BlockEvent] = field(default_factory=list)
    _diffs: dict[Hash32, StateDiff] = field(default_factory=dict)
    """Of blocks built here that the exchange hasn't heard of."""
    _has_begun: bool = False

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(
        cls, chain: Chain, data_dir: Path, matcher: Operator
    ) -> "AsyncIterator[TradingDesk]":
        """The exchange whose log is in a node's data folder; closes the log on leaving.

        Raises what `OrderJournal.open` and `load` do.
        """
        genesis = chain.store.block_id(BlockNumber(0))
        journal = OrderJournal.open(data_dir / ORDERS, genesis.hash if genesis else b"")
        try:
            yield cls.over(chain, journal, matcher)
        finally:
            journal.close()

    @classmethod
    def over(cls, chain: Chain, journal: OrderJournal, matcher: Operator) -> "TradingDesk":
        """The exchange of an open log, which follows the chain from now on."""
        header, state = _newest(chain)
        view = HouseView(state, header)
        margin = PretradeMargin(view, chain.clock)
        domain = domain_separator(chain.config.chain_id)
        exchange = Exchange(journal, chain.clock, domain, margin)
        settlement = SettlementDesk(
            exchange.engine, chain.store, chain.config, matcher, lambda: desk.view
        )
        guard = FillGuard(exchange, lambda: desk.view, settlement.decided)
        desk = cls(chain, exchange, margin, settlement, view, guard)
        chain.feed.on_block(desk._events.append)
        chain.mempool.keep_out(desk.settlement.is_settlement)
        return desk

    @property
    def statistics(self) -> SettlementStatistics:
        """What was settled since the start."""
        return self.settlement.statistics

    def note(self, sealed: SealedBlock) -> None:
        """Remember what a block built here changed, so that following it is cheap."""
        self._diffs[sealed.hash] = sealed.update.diff

    async def before_block(self) -> tuple[Transaction, ...]:
        """What the next block begins with: auctions are held, and all that waits is settled.

        Raises `ExchangeUnavailable`.
        """
        await self.follow()
        auctions = tuple(
            market
            for market, rules in sorted(self.exchange.engine.markets().items())
            if rules.is_auction and rules.is_open
        )
        if auctions:
            await self.exchange.record(Clear(time=0, markets=auctions))
        self.guard.begin()
        return self.settlement.next_transactions(next_base_fee(unsafe_header(self.chain.store)))

    async def follow(self) -> None:
        """Tell the exchange of all that happened to the chain since the last time.

        The first call reads every block that isn't final, or came after what waits: a crash or a
        full disk may have kept their outcomes from the log. Raises `ExchangeUnavailable`.
        """
        if self._has_begun and not self._events:
            return
        events, self._events[:] = tuple(self._events), []
        if not self._has_begun or any(event.removed for event in events):
            for given in self.settlement.reverted():
                await self.exchange.record(given)
        if self._has_begun:
            final = self.chain.store.heads.finalized.number
            first = min((e.id.number for e in events if not e.removed), default=final)
        else:
            first = self.settlement.first_unheard()
        outcomes = self.settlement.outcomes(first)
        finalized = self.settlement.finalized()
        await self.exchange.on_block(lambda: self._move(events), (*outcomes, *finalized))
        self._has_begun = True

    def _move(self, events: tuple[BlockEvent, ...]) -> HouseView:
        """The books after the newest block, with what of the older ones still holds."""
        header, state = _newest(self.chain)
        diff = self._difference(events, header)
        self._diffs.clear()
        self.view = self.view.after(state, header, diff)
        self.margin.renew(self.view)
        return self.view

    def _difference(self, events: tuple[BlockEvent, ...], header: Header) -> StateDiff | None:
        """What the newest block changed, if the view was its parent's; None if that isn't known."""
        if [event.removed for event in events] != [False]:
            return None
        follows = events[0].header.parent_hash == header_hash(self.view.header)
        is_newest = events[0].id.hash == header_hash(header)
        return self._diffs.get(events[0].id.hash) if follows and is_newest else None


def _newest(chain: Chain) -> tuple[Header, StateReader]:
    """The head and its state, though the thread that writes may move on in between."""
    while True:
        header, state = unsafe_header(chain.store), chain.store.state()
        if state.root == header.state_root:
            return header, state
