"""What all random histories do: hold a house, tell it prices, trade, pay in."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from execution.margin import Match, OrderFlag
from state.types import Address
from tests.execution.contracts.desk import ANYONE, Desk
from tests.execution.contracts.house import Trader
from tests.execution.contracts.stateful.model import Fill
from tests.execution.contracts.stateful.steps import MATCHER, History
from tests.execution.contracts.stateful.world import MARKETS

TRADERS = 5

GRACE_SECONDS = max(market.safety.grace_seconds for market in MARKETS)

VAULTS = (1, 2)
"""Accounts of the vaults, by market."""

who = st.integers(0, TRADERS - 1)
pairs = st.permutations(range(TRADERS)).map(lambda places: places[:2])
markets = st.integers(0, len(MARKETS) - 1)
often = st.sampled_from([True] * 4 + [False])
seldom = st.sampled_from([False] * 3 + [True])
rarely = st.sampled_from([False] * 9 + [True])


class Table(RuleBasedStateMachine):
    """A history, and what every kind of step needs of it."""

    install: ClassVar[Mapping[Address, bytes]] = {}
    """Code in place of that of some modules."""

    history: History

    @property
    def house(self) -> Desk:
        return self.history.house

    @property
    def traders(self) -> list[Trader]:
        return self.history.traders

    def _refresh(self) -> None:
        """Fresh prices, and as much later as an outage would keep liquidations waiting."""
        self.history.report()
        self.house.advance(GRACE_SECONDS)
        self.history.report()
        self.history.quote()

    def _move(self, market: int, thousandths: int) -> None:
        self._refresh()
        self.history.report({market: self.history.index(market) * thousandths // 1000})
        self.history.quote()
        self.history.compare()

    def _insure(self, market: int, amount: int) -> None:
        self.house.give(ANYONE, amount)
        if self.history.send("insure", ANYONE, "fundInsurance", market, amount):
            self.history.ledger.insure(market, amount)
            self.history.compare()

    # Trading

    def _equity(self, trader: Trader) -> int:
        """q6."""
        return int(self.house.read("equity", trader.account))

    def _settle(
        self, data: st.DataObject, pair: Sequence[int], market: int, size: int, price: int
    ) -> None:
        taker, maker = (self.traders[place] for place in pair)
        buys = data.draw(st.booleans())
        flags = data.draw(st.sampled_from([OrderFlag.NONE] * 14 + [OrderFlag.REDUCE_ONLY]))
        orders = (
            self.house.order(taker, buys, size, price, market=market, max_fee=10**6, flags=flags),
            self.house.order(maker, not buys, size, price, market=market, max_fee=10**6),
        )
        parts = [size // 2 // 10**10 * 10**10, size] if data.draw(rarely) else [size]
        for part in parts:
            if part:
                self._fill(Match(*orders, part))

    def _fill(self, match: Match) -> None:
        receipt = self.history.step("fill", MATCHER, lambda: self.house.settle(match))
        assert receipt is not None
        for event in receipt.named("FillSettled"):
            taker, maker = match.taker.order, match.maker.order
            assert event["price"] == maker.price
            assert taker.price >= maker.price if taker.is_buy else taker.price <= maker.price
            size = event["size"] if event["takerBuys"] else -event["size"]
            trade = Fill(event["market"], event["taker"], event["maker"], size, event["price"])
            assert self.history.ledger.fill(trade) == (event["takerFee"], event["makerFee"])
            for order in (taker, maker):
                assert self.house.read("getFilled", order.account, order.nonce) <= order.size
            self.history.done["settled"] += 1
        for _, reason in receipt.rejections:
            self.history.done[f"fill: {reason.name}"] += 1
        self.history.compare()
