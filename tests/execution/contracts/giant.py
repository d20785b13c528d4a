"""The largest account there can be, failing: a position in every market and as many series."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from execution.contracts.genesis import BTC_USD, MarketParameters
from execution.margin import Match
from genesis.accounts import derive_account
from tests.execution.contracts.desk import Inputs
from tests.execution.contracts.house import USD, Trader
from tests.execution.contracts.wreck import ANYONE, Wreck, usd

MARKETS_MAX, SERIES_MAX = 64, 32
MONTH = 30 * 86_400
PORTFOLIO = 1
ENTRY = usd(60_000)
OPTION_LOT = 10**6
_RULES = replace(
    BTC_USD,
    stale_seconds=3_000,
    safety=replace(BTC_USD.safety, grace_seconds=0, pause_move=0),
)


@dataclass
class Giant(Wreck):
    """It is long every perpetual and short calls and puts on the markets in turn, against two
    others that hold as much. Every market has a vault and insurance."""

    markets: tuple[MarketParameters, ...] = (_RULES,) * MARKETS_MAX
    vaults: bool = True
    held: int = SERIES_MAX
    """Series."""
    lots: Sequence[int] = (1,)
    """Sizes, again from the first once they are used up."""
    is_portfolio: bool = False
    """Whether the account is in portfolio margin whatever it holds."""
    insurance: int = 10**7 * USD
    """q6, of each market."""
    full_vaults: int = 0
    """Vaults that hold as many series of their market as they may."""

    def __post_init__(self) -> None:
        keeper = derive_account(9)
        self.timelock = keeper.address
        super(Wreck, self).__post_init__()
        self.advance(3_600 - self.now % 3_600)
        self.failing = self.trader(1, 10**10 * USD)
        self.winners = [self.trader(2, 10**16), self.trader(2, 10**16)]
        self.guarded = [Trader(keeper, self.vault(n)) for n in range(len(self.markets))]
        self.expiry = self.on_the_minute(MONTH)
        self.series = self._list_series(n % len(self.markets) for n in range(self.held // 2))
        self.more = {n: self._list_series([n] * 16) for n in range(self.full_vaults)}
        self.move(ENTRY)
        for market in range(len(self.markets)):
            self.deposit(ANYONE, self.vault(market), 10**8 * USD)
            if self.insurance:
                self.insure(market, self.insurance)
        if self.is_portfolio:
            self.send(self.failing.address, "setMarginMode", self.failing.account, PORTFOLIO)
        for number, market in enumerate((*range(len(self.markets)), *self.series)):
            self._enter(market, self.lots[number % len(self.lots)])
        for number, listed in self.more.items():
            seller = self.trader(3, 10**12)
            for series in listed:
                self._trade_option(self.guarded[number], seller, series, 1)
        self._leave_least()

    def vault(self, market: int) -> int:
        """The account of a market's vault."""
        return int(self.read("getSafety", market)[2]["account"])

    def move(self, price: int) -> None:
        """Every index goes to a price (p8), and every series is priced."""
        self.advance(60)
        for market in range(len(self.markets)):
            self.report(market, price)
        for series in (*self.series, *chain.from_iterable(self.more.values())):
            if series % 2 == 0:
                self.report_inputs(series, Inputs(price))
            self.price(series)

    def fail(self, *, bankrupt: bool) -> None:
        """Move every price down until equity is below maintenance margin, or below zero."""
        for price in self._downwards():
            self.move(price)
            now = self.read("requirements", self.failing.account)
            limit = 0 if bankrupt else now["maintenance"]
            if now["equity"] < limit:
                assert bankrupt or now["equity"] >= 0
                return

    def _downwards(self) -> Iterator[int]:
        for percent in range(99, 0, -1):
            yield ENTRY * percent // 100

    def _list_series(self, underlyings: Iterable[int]) -> list[int]:
        """A call and a put for each."""
        listed = []
        for number, underlying in enumerate(underlyings):
            price = ENTRY + usd(number)
            strike = self.list_strike(self.expiry, price, underlying=underlying)
            listed += [strike, strike + 1]
        return listed

    def _leave_least(self) -> None:
        """Move what is not needed to another account of the owner."""
        spare = self.read("requirements", self.failing.account)["withdrawable"]
        other = self.trader(1, 0)
        accounts = self.failing.account, other.account
        self.send(self.failing.address, "moveCash", *accounts, spare)

    def _enter(self, market: int, lots: int) -> None:
        """Against both winners."""
        for winner in self.winners:
            if market >= MARKETS_MAX:
                self._trade_option(winner, self.failing, market, lots)
            else:
                size = lots * _RULES.lot
                self.must_trade(self.failing, winner, size, ENTRY, market=market)

    def _trade_option(self, buyer: Trader, seller: Trader, series: int, lots: int) -> None:
        value = int(self.read("getSeries", series)[2])
        price = value - value % usd(1)
        self.must_trade(buyer, seller, lots * OPTION_LOT, price, market=series)

    def must_trade(
        self, buyer: Trader, seller: Trader, size: int, price: int, *, market: int
    ) -> None:
        """A fill, whatever its gas."""
        buy = self.order(buyer, True, size, price, market=market)
        sell = self.order(seller, False, size, price, market=market)
        receipt = self.settle(Match(buy, sell, size), gas=2**40)
        assert not receipt.rejections
        assert not receipt.named("BatchStopped")
