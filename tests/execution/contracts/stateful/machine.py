"""Random operations of many accounts: each is checked against the invariants and the ledger."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from genesis.accounts import derive_account
from state.types import Address
from tests.execution.contracts.house import TIMELOCK
from tests.execution.contracts.stateful.endings import Endings
from tests.execution.contracts.stateful.steps import GUARDIAN, MATCHER, History
from tests.execution.contracts.stateful.table import (
    TRADERS,
    VAULTS,
    markets,
    often,
    pairs,
    who,
)
from tests.execution.contracts.stateful.world import MARKETS

KEYS = (1, 2, 3, 4, 4)
"""The last two accounts have one owner."""


class Histories(Endings):
    """Traders, a matcher, keepers, a guardian and the timelock over one house."""

    @initialize(
        data=st.data(),
        cash=st.lists(st.integers(10**9, 10**11), min_size=TRADERS, max_size=TRADERS),
        backing=st.integers(1, 4 * 10**11),
        insured=st.integers(3, 2 * 10**10),
    )
    def open(self, data: st.DataObject, cash: list[int], backing: int, insured: int) -> None:
        self.history = History(self.install)
        for key, amount in zip(KEYS, cash):
            self.history.trader(key, amount)
        for vault in VAULTS:
            self.history.deposit(TIMELOCK, vault, backing)
        self._insure(0, insured)
        self._insure(1, insured // 3)
        self.history.list_strikes(2 * 3_600)
        self.trade(data, 4, fresh=True)
        self.trade_options(data, 3, fresh=True)

    # Prices and time

    @rule(market=markets, move=st.integers(-40, 40), seconds=st.integers(0, 300))
    def move_price(self, market: int, move: int, seconds: int) -> None:
        """By some thousandths."""
        self.house.advance(seconds)
        self._move(market, 1000 + move)

    @rule(seconds=st.sampled_from([30, 400, 2_000, 7_000]))
    def go_silent(self, seconds: int) -> None:
        self.house.advance(seconds)
        self.history.compare()

    @rule(market=markets, bid=st.integers(-90, 90), width=st.integers(1, 90))
    def sample_book(self, market: int, bid: int, width: int) -> None:
        index = self.history.index(market)
        low = index + index * bid // 1000
        high = low + max(1, index * width // 1000)
        sample = (low, high, low, high, (low + high) // 2)
        self.history.send("sample", MATCHER, "postBookSample", market, sample)
        self.history.compare()

    # Trading

    @rule(data=st.data(), count=st.integers(3, 6))
    def trade_actively(self, data: st.DataObject, count: int) -> None:
        self.trade(data, count, fresh=True)

    @rule(data=st.data(), count=st.integers(1, 4), fresh=often)
    def trade(self, data: st.DataObject, count: int, fresh: bool) -> None:
        if fresh:
            self._refresh()
        for _ in range(count):
            self._trade_perp(data, data.draw(markets))

    def _trade_perp(self, data: st.DataObject, market: int) -> None:
        """Up to thirty times what the poorer of two traders has, near the mark."""
        rules, mark = MARKETS[market], self.history.ledger.markets[market].mark
        pair = data.draw(pairs)
        means = min(self._equity(self.traders[place]) for place in pair)
        size = max(0, means) * data.draw(st.integers(1, 300)) * 10**9 // mark
        price = (mark + mark * data.draw(st.integers(-15, 15)) // 1000) // rules.tick * rules.tick
        self._settle(data, pair, market, max(size // rules.lot, 1) * rules.lot, price)

    @rule(data=st.data(), count=st.integers(1, 4), fresh=often)
    def trade_options(self, data: st.DataObject, count: int, fresh: bool) -> None:
        series = [n + put for n in self.history.live_strikes() for put in (0, 1)]
        if fresh:
            self._refresh()
        for _ in range(count if series else 0):
            self._trade_option(data, data.draw(st.sampled_from(series)))

    def _trade_option(self, data: st.DataObject, number: int) -> None:
        one = self.history.ledger.series[number]
        options = MARKETS[one.underlying].options
        assert options is not None
        pair = data.draw(pairs)
        means = min(self._equity(self.traders[place]) for place in pair)
        index = self.history.ledger.markets[one.underlying].index
        size = max(0, means) * data.draw(st.integers(1, 100)) * 10**9 // index
        price = (one.value // options.tick + data.draw(st.integers(0, 9))) * options.tick
        size = max(size // options.lot, 1) * options.lot
        self._settle(data, pair, number, size, max(price, options.tick))

    # Collateral and accounts

    @rule(data=st.data(), trader=who, market=markets, share=st.integers(1, 100))
    def give(self, data: st.DataObject, trader: int, market: int, share: int) -> None:
        """Collateral comes to a trader, a vault, the insurance, or another account of its owner."""
        to = data.draw(st.sampled_from(("trader", "vault", "insurance", "brother")))
        if to == "brother":
            self._move_cash(trader % 2 == 0, share)
        elif to == "trader":
            one = self.traders[trader]
            self.history.deposit(one.address, one.account, share**4 + 1)
        elif to == "vault":
            self.history.deposit(TIMELOCK, VAULTS[market], share * 10**8)
        else:
            self._insure(market, share**4 + 1)

    @rule(trader=who, share=st.integers(1, 101), fresh=often)
    def withdraw(self, trader: int, share: int, fresh: bool) -> None:
        if fresh:
            self._refresh()
        self._withdraw(self.traders[trader].address, self.traders[trader].account, share)
        self._withdraw(TIMELOCK, VAULTS[share % 2], share)

    def _withdraw(self, owner: Address, account: int, share: int) -> None:
        may = self.house.read("requirements", account)["withdrawable"]
        amount = max(1, may * share // 100)
        receipt = self.history.send(
            "withdraw", owner, "withdraw", account, amount, owner, subject=account
        )
        if receipt:
            self.history.ledger.withdraw(account, amount)
            self.history.compare()

    def _move_cash(self, back: bool, share: int) -> None:
        self._refresh()
        source, target = self.traders[-2:][::-1] if back else self.traders[-2:]
        may = self.house.read("requirements", source.account)["withdrawable"]
        amount = max(1, may * share // 100)
        pair = (source.account, target.account)
        receipt = self.history.send(
            "move", source.address, "moveCash", *pair, amount, subject=source.account
        )
        if receipt:
            self.history.ledger.move(*pair, amount)
            self.history.compare()

    @rule(trader=who, portfolio=st.booleans())
    def choose_mode(self, trader: int, portfolio: bool) -> None:
        one = self.traders[trader]
        receipt = self.history.send(
            "mode", one.address, "setMarginMode", one.account, int(portfolio), subject=one.account
        )
        if receipt:
            self.history.ledger.accounts[one.account].is_portfolio = portfolio
            self.history.compare()

    def _name_session_key(self, trader: int, seconds: int, revoke: bool) -> None:
        one = self.traders[trader]
        key = derive_account(60 + trader).address
        until = max(0, self.house.now + seconds)
        self.history.send("key", one.address, "setSessionKey", one.account, key, until, 3)
        if revoke:
            self.history.send("key", one.address, "revokeSessionKeys", one.account)
        self.history.send("steal", key, "withdraw", one.account, 1, key)
        self.history.send("cancel", key, "cancelOrders", one.account, [one.next_nonce])
        self.history.compare()

    # Roles

    def _tighten(self, market: int, status: int, share: int, back: bool) -> None:
        caps = self.house.read("getMarket", market)["caps"]
        arguments = (market, status, caps["oiCap"] * share // 100, caps["priceBand"])
        self.history.send("tighten", GUARDIAN, "tightenMarket", *arguments)
        if back:
            self.history.send("loosen", TIMELOCK, "setMarketStatus", market, 1)
            self.history.send("loosen", TIMELOCK, "setMarketCaps", market, tuple(caps.values()))
        self.history.compare()

    @rule(data=st.data(), trader=who, tier=st.integers(0, 3), share=st.integers(1, 100))
    def administer(self, data: st.DataObject, trader: int, tier: int, share: int) -> None:
        """A session key comes or goes; the guardian tightens and the timelock loosens again; or
        the timelock gives a trader other fees, and takes what the house has earned.
        """
        task = data.draw(st.sampled_from(("key", "guard", "fees")))
        if task == "key":
            self._name_session_key(trader, 10 * share - 20, revoke=tier == 0)
        elif task == "guard":
            self._tighten(share % len(MARKETS), tier, share, back=trader > 0)
        else:
            self._take_fees(trader, tier, share)

    def _take_fees(self, trader: int, tier: int, share: int) -> None:
        account, ledger = self.traders[trader].account, self.history.ledger
        if self.history.send("tier", TIMELOCK, "setFeeTier", account, tier):
            ledger.accounts[account].tier = tier
        amount = ledger.fees * share // 100
        if amount and self.history.send("collect", TIMELOCK, "collectFees", TIMELOCK, amount):
            ledger.fees -= amount
            ledger.custody -= amount
        self.history.compare()
