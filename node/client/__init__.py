"""A client of the exchange: signing, orders, books and news, for asyncio and without.

docs/trading.md has the whole story; scripts/examples/market_maker.py is a bot that uses it.
"""

from node.client.amounts import p8, s8
from node.client.async_client import AsyncTradeClient
from node.client.client import TradeClient
from node.client.drafts import BUY, SELL, Draft, limit, market_order, stop, take_profit
from node.client.errors import (
    BookGap,
    InexactAmount,
    NoAccount,
    NotConnected,
    OrderRefused,
    OutcomeUnknown,
    Refusal,
    RequestRefused,
)
from node.client.local_book import LocalBook
from node.client.signing import InvalidKey, TradingKey
from node.client.streams import GAP, Gap, Stream
from node.client.wire import (
    AccountFacts,
    BookSnapshot,
    Candle,
    FundingUpdate,
    Hash,
    MarginUpdate,
    MarketTerms,
    MarkUpdate,
    OrderState,
    OrderUpdate,
    PerpPosition,
    Placed,
    Positions,
    Standing,
    TradeFill,
)

__all__ = [
    "BUY",
    "GAP",
    "SELL",
    "AccountFacts",
    "AsyncTradeClient",
    "BookGap",
    "BookSnapshot",
    "Candle",
    "Draft",
    "FundingUpdate",
    "Gap",
    "Hash",
    "InexactAmount",
    "InvalidKey",
    "LocalBook",
    "MarginUpdate",
    "MarkUpdate",
    "MarketTerms",
    "NoAccount",
    "NotConnected",
    "OrderRefused",
    "OrderState",
    "OrderUpdate",
    "OutcomeUnknown",
    "PerpPosition",
    "Placed",
    "Positions",
    "Refusal",
    "RequestRefused",
    "Standing",
    "Stream",
    "TradeClient",
    "TradeFill",
    "TradingKey",
    "limit",
    "market_order",
    "p8",
    "s8",
    "stop",
    "take_profit",
]
