"""The exchange over the clearing house's own code: what it matches settles."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import pytest

from execution.contracts.devnet import BTC_USD, ETH_USD
from execution.contracts.genesis import PRICE_ONE, SIZE_ONE
from execution.margin import Match, OrderFlag, Reason, SignedOrder
from sequencer.exchange.errors import MarginTooLow, NonceUsed, OutsidePriceBand
from sequencer.exchange.exchange import Exchange
from sequencer.house_view import HouseView
from sequencer.journal import OrderJournal
from sequencer.matching.events import Fill
from sequencer.matching.inputs import CancelReason, Outcome
from sequencer.pretrade import PretradeMargin
from state.clock import ManualClock
from state.types import Timestamp
from tests.execution.contracts.desk import Desk, usd
from tests.execution.contracts.house import USD, Trader
from tests.sequencer.exchange.hall import run
from tests.sequencer.house_state import HouseState

BTC = 0
LOT = SIZE_ONE // 1_000
PRICE = 60_000


@dataclass
class Rig:
    """A clearing house on revm, and an exchange that trades on it without a node between."""

    desk: Desk = field(default_factory=lambda: Desk(markets=(BTC_USD, ETH_USD)))

    def __post_init__(self) -> None:
        self.desk.advance(1)
        self.desk.report(BTC, usd(PRICE))
        self.state = HouseState(self.desk)
        self.clock = ManualClock(self.desk.now)
        self.view = HouseView(self.state, self.state.header())
        self.margin = PretradeMargin(self.view, self.clock)
        self.journal = OrderJournal.open(None)
        self.exchange = Exchange(self.journal, self.clock, self.desk.domain, self.margin)

    def trader(self, index: int, dollars: int) -> Trader:
        return self.desk.trader(index, dollars * USD)

    def order(self, trader: Trader, is_buy: bool, lots: int, price: int = PRICE,
              flags: OrderFlag = OrderFlag.NONE) -> SignedOrder:  # fmt: skip
        expiry = Timestamp(self.desk.now + 3_600)
        return self.desk.order(trader, is_buy, lots * LOT, usd(price), flags=flags, expiry=expiry)

    def _move(self) -> HouseView:
        self.view = self.view.after(self.state, self.state.header(), self.state.changes())
        self.margin.renew(self.view)
        return self.view

    async def block(self, *given: Outcome) -> None:
        await self.exchange.on_block(self._move, given)

    async def settle(self) -> list[tuple[int, Reason]]:
        """Settle all that waits in one batch; returns what was rejected, by fill id."""
        pending = self.exchange.pending()
        rejected = dict(self.desk.settle(*map(self._match, pending)).rejections)
        settled = tuple(f.id for i, f in enumerate(pending) if i not in rejected)
        outcome = Outcome(time=0, block=self.view.number + 1, transaction=b"", settled=settled)
        await self.block(outcome)
        return [(pending[i].id, reason) for i, reason in rejected.items()]

    def _match(self, fill: Fill) -> Match:
        views = [self.exchange.engine.order(one) for one in (fill.taker, fill.maker)]
        taker, maker = (view.order.signed for view in views if view is not None)
        return Match(taker, maker, fill.size)


async def with_rig(story) -> None:
    rig = Rig()
    running = asyncio.create_task(rig.exchange.run())
    try:
        await rig.block()
        await story(rig)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_what_is_matched_settles_and_what_is_beyond_margin_is_refused() -> None:
    async def story(rig: Rig) -> None:
        maker, taker = rig.trader(0, 1_000_000), rig.trader(1, 1_000)
        await rig.block()
        await rig.exchange.place(rig.order(maker, False, 10_000))
        bought = 0
        with contextlib.suppress(MarginTooLow):
            while True:
                placed = await rig.exchange.place(rig.order(taker, True, 20))
                bought += sum(fill.size for fill in placed.fills)
        assert bought > 20 * LOT
        assert await rig.settle() == []
        assert rig.exchange.engine.pending() == []
        assert rig.view.position(taker.account, BTC) == bought
        with pytest.raises(MarginTooLow):
            await rig.exchange.place(rig.order(taker, True, 20))

    run(with_rig(story))


def test_maker_that_withdrew_leaves_before_anybody_trades_with_it() -> None:
    async def story(rig: Rig) -> None:
        poor, rich, taker = (rig.trader(i, dollars) for i, dollars in enumerate((9_000,) * 3))
        await rig.block()
        resting = await rig.exchange.place(rig.order(poor, False, 500))
        await rig.exchange.place(rig.order(rich, False, 500))
        rig.desk.send(poor.address, "withdraw", poor.account, 8_900 * USD, poor.address)
        await rig.block()
        placed = await rig.exchange.place(rig.order(taker, True, 500))
        assert [fill.maker_account for fill in placed.fills] == [rich.account]
        view = rig.exchange.engine.order(resting.order.order.hash)
        assert view is not None
        assert view.reason is CancelReason.MARGIN
        assert await rig.settle() == []

    run(with_rig(story))


def test_epochs_and_nonces_of_the_chain_take_orders_out() -> None:
    async def story(rig: Rig) -> None:
        first, second = rig.trader(0, 10_000), rig.trader(1, 10_000)
        await rig.block()
        lost = [await rig.exchange.place(rig.order(one, True, 10)) for one in (first, second)]
        rig.desk.send(first.address, "cancelAllOrders", first.account)
        rig.desk.send(second.address, "cancelOrders", second.account, [0])
        await rig.block()
        views = [rig.exchange.engine.order(one.order.order.hash) for one in lost]
        assert [view and view.reason for view in views] == [
            CancelReason.EPOCH_RAISED,
            CancelReason.CANCELLED_ON_CHAIN,
        ]
        second.next_nonce = 0
        with pytest.raises(NonceUsed):
            await rig.exchange.place(rig.order(second, True, 11))

    run(with_rig(story))


def test_order_far_from_the_mark_needs_margin_too() -> None:
    """It would be paid for with the gain that it makes, if anybody ever met it."""

    async def story(rig: Rig) -> None:
        trader = rig.trader(0, 1_000)
        await rig.block()
        for is_buy, price in ((True, 1_000), (False, 900_000)):
            await rig.exchange.place(rig.order(trader, is_buy, 10, price))
            with pytest.raises(MarginTooLow):
                await rig.exchange.place(rig.order(trader, is_buy, 10_000, price))

    run(with_rig(story))


def test_band_is_the_clearing_houses() -> None:
    async def story(rig: Rig) -> None:
        trader = rig.trader(0, 1_000_000)
        await rig.block()
        reach = PRICE * PRICE_ONE * BTC_USD.price_band // 10**6
        instrument = rig.view.instrument(BTC)
        assert instrument is not None
        assert instrument.price_high == PRICE * PRICE_ONE + reach
        with pytest.raises(OutsidePriceBand):
            await rig.exchange.place(rig.order(trader, True, 10, 2 * PRICE))

    run(with_rig(story))
