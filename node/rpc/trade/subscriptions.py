"""`trade_subscribe`: the book, trades, own orders and fills, margin, marks and funding."""

from collections.abc import Callable
from functools import partial
from typing import Final

from execution.margin import EVERY_MARKET, read_account, read_market_count
from execution.margin.storage import Word
from genesis.predeploys import CLEARING_HOUSE
from node.rpc.backend import Backend
from node.rpc.codec import Tag
from node.rpc.decimals import Members, whole
from node.rpc.errors import InvalidParams
from node.rpc.subscriptions import AttachedSubscription, Notify, Stop, Tell
from node.rpc.trade.feed import TradeFeed
from node.rpc.trade.house import HouseFeed
from node.rpc.trade.limits import DEPTH_DEFAULT, DEPTH_MAX, DEPTHS
from sequencer.exchange.errors import UnknownAccount, UnknownMarket
from state.types import UINT64_MAX

Attach = Callable[[Tell], Stop]

_ACCOUNT: Final = whole(1, UINT64_MAX)
_MARKET: Final = whole(0, EVERY_MARKET - 1)
_DEPTH: Final = whole(1, DEPTH_MAX)


class HouseSubscriptions:
    """Subscriptions to what every node of the chain knows: the clearing house after each block."""

    notification: Final = "trade_subscription"

    def __init__(self, house: HouseFeed, backend: Backend) -> None:
        self._house = house
        self._backend = backend

    def subscription(self, kind: str, options: object, notify: Notify) -> AttachedSubscription:
        """Check the arguments and make a subscription, stopped.

        Raises `InvalidParams`, `UnknownAccount`, `UnknownMarket` and `LimitExceeded`.
        """
        return AttachedSubscription(self._attachment(kind, options), notify)

    def _attachment(self, kind: str, options: object) -> Attach:
        if kind == "margin":
            return self._margin(Members(options))
        if kind in ("mark", "funding"):
            return self._market_news(kind, Members(options))
        raise InvalidParams(f'no "{kind[:40]}" subscription in trade namespace')

    def _margin(self, members: Members) -> Attach:
        account = members.required("account", _ACCOUNT)
        members.end()
        if read_account(self._word(), account) is None:
            raise UnknownAccount(account)
        self._house.check_room("margin", account)
        return lambda tell: self._house.listen("margin", account, tell)

    def _market_news(self, kind: str, members: Members) -> Attach:
        market = members.required("market", _MARKET)
        members.end()
        if market >= read_market_count(self._word()):
            raise UnknownMarket(market)
        self._house.check_room(kind, market)
        return lambda tell: self._house.listen(kind, market, tell)

    def _word(self) -> Word:
        """The clearing house's slots after the newest block."""
        return partial(self._backend.state(Tag.LATEST).storage, CLEARING_HOUSE)


class TradeSubscriptions(HouseSubscriptions):
    """Subscriptions to an exchange as well as to its clearing house."""

    def __init__(self, trades: TradeFeed, house: HouseFeed, backend: Backend) -> None:
        super().__init__(house, backend)
        self._trades = trades

    def _attachment(self, kind: str, options: object) -> Attach:
        if kind == "book":
            return self._book(Members(options))
        if kind == "trades":
            return self._market_trades(Members(options))
        if kind == "orders":
            return self._orders(Members(options))
        return super()._attachment(kind, options)

    def _book(self, members: Members) -> Attach:
        market = members.required("market", _MARKET)
        depth = members.optional("depth", _DEPTH) or DEPTH_DEFAULT
        members.end()
        if depth not in DEPTHS:
            raise InvalidParams(f"depth: one of {', '.join(map(str, DEPTHS))}")
        self._check_book(market)
        self._trades.check_book(market, depth)
        return lambda tell: self._trades.watch_book(market, depth, tell)

    def _market_trades(self, members: Members) -> Attach:
        market = members.required("market", _MARKET)
        members.end()
        self._check_book(market)
        self._trades.trades.check_room(market)
        return lambda tell: self._trades.trades.add(market, tell)

    def _orders(self, members: Members) -> Attach:
        account = members.required("account", _ACCOUNT)
        members.end()
        self._trades.accounts.check_room(account)
        return lambda tell: self._trades.accounts.add(account, tell)

    def _check_book(self, market: int) -> None:
        if not self._trades.has_market(market):
            raise UnknownMarket(market)
