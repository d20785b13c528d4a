"""An exact model of the perpetual books, written from the specification with fractions.

It shares no code with the contracts. Amounts are in the contract's units (p8, s8, q6, r12, f12).
"""

from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, trunc

from execution.contracts.genesis import MarketParameters
from execution.margin import Order, OrderFlag, Reason

INT64 = 2**63
INT96 = 2**95


def clamp(value: Fraction, bound: Fraction) -> Fraction:
    return max(-bound, min(value, bound))


@dataclass
class Holding:
    """A position: size s8, cost q6, funding index f12 at its last settlement."""

    size: int = 0
    cost: int = 0
    funding: int = 0


@dataclass
class Book:
    """An account: owner, cash q6, positions by market, filled s8 by nonce."""

    owner: bytes
    cash: int = 0
    holdings: dict[int, Holding] = field(default_factory=dict)
    filled: dict[int, int] = field(default_factory=dict)
    cancelled: set[int] = field(default_factory=set)
    epoch: int = 0
    tier: int = 0


@dataclass
class ModelMarket:
    """A market's moving parts."""

    rules: MarketParameters
    interval_start: int
    mark: int = 0
    index: int = 0
    index_time: int = 0
    funding: int = 0
    interest: int = 0
    pool: int = 0
    samples: dict[int, int] = field(default_factory=dict)

    def is_stale(self, now: int) -> bool:
        return now > self.index_time + self.rules.stale_seconds

    def initial_fraction(self, interest: int) -> int:
        """ppm, rising in a line from oi_low to oi_high."""
        r = self.rules
        if interest <= r.oi_low:
            return r.imf
        if interest >= r.oi_high:
            return 10**6
        share = Fraction(interest - r.oi_low, r.oi_high - r.oi_low)
        return ceil(r.imf + (10**6 - r.imf) * share)

    def accrue(self, now: int) -> None:
        """Each whole interval at its own rate, the first with its samples."""
        r = self.rules
        passed = (now - self.interval_start) // r.funding_interval
        for number in range(passed):
            end = self.interval_start + (number + 1) * r.funding_interval
            if number >= r.funding_intervals_max or self.is_stale(end):
                break
            mean = (
                trunc(Fraction(sum(self.samples.values()), r.funding_samples)) if not number else 0
            )
            rate = clamp(
                mean + clamp(Fraction(r.interest - mean), Fraction(r.interest_clamp)),
                Fraction(r.funding_cap),
            )
            self.funding += trunc(rate * self.index * r.funding_interval / (28800 * 10**8))
        if passed:
            self.interval_start += passed * r.funding_interval
            self.samples = {}

    def sample(self, now: int, bid: int, ask: int) -> None:
        """A premium sample; the first one of a slot counts."""
        r = self.rules
        x = self.index
        slot = Fraction((now - self.interval_start) * r.funding_samples, r.funding_interval)
        above = max(0, bid - x)
        below = max(0, x - ask) if ask else 0
        premium = trunc(Fraction((above - below) * 10**12, x))
        if floor(slot) not in self.samples:
            self.samples[floor(slot)] = int(clamp(Fraction(premium), Fraction(r.funding_cap)))


@dataclass
class Margin:
    """Where an account stands."""

    equity: int
    initial: int
    maintenance: int
    withdrawable: int


class Model:
    """Accounts and markets, moved by the same operations as the contract."""

    def __init__(self, markets: tuple[MarketParameters, ...], now: int) -> None:
        self.markets = [ModelMarket(m, now) for m in markets]
        self.accounts: dict[int, Book] = {}
        self.fees = 0
        self.custody = 0
        self.payments = [0 for _ in markets]

    def due(self, book: Book, market: int) -> int:
        """Unsettled funding of one position, floored."""
        held = book.holdings.get(market, Holding())
        change = self.markets[market].funding - held.funding
        return floor(Fraction(-held.size * change, 10**14))

    def margin(self, book: Book) -> Margin:
        gains, dues = [], []
        initial = maintenance = 0
        notional = Fraction(0)
        for market_id, held in book.holdings.items():
            market = self.markets[market_id]
            worth = Fraction(held.size * market.mark, 10**10)
            gains.append(floor(worth) - held.cost)
            dues.append(self.due(book, market_id))
            fraction = market.initial_fraction(market.interest)
            initial += ceil(abs(worth) * Fraction(fraction, 10**6))
            maintenance += ceil(abs(worth) * Fraction(market.rules.mmf, 10**6))
            notional += abs(worth)
        losses = sum(min(0, g) for g in gains)
        needed = max(initial, ceil(notional / 10))
        free = min(book.cash, book.cash + sum(dues) + losses - needed)
        return Margin(book.cash + sum(gains) + sum(dues), initial, maintenance, max(0, free))

    def settle(self, taker: Order, maker: Order, size: int, now: int) -> Reason:
        """One fill at the maker's price; both orders are signed by the owners.

        Funding is accrued for the look at the books, and stays so only in a market that is traded.
        """
        stored = self.markets
        self.markets = self.accrued(now)
        reason = self._settle(taker, maker, size, now)
        if reason is Reason.NONE:
            stored[taker.market] = self.markets[taker.market]
        self.markets = stored
        return reason

    def accrued(self, now: int) -> list[ModelMarket]:
        """The markets with funding up to the last whole interval."""
        copies = deepcopy(self.markets)
        for market in copies:
            market.accrue(now)
        return copies

    def margin_at(self, account: int, now: int) -> "Margin":
        """Where an account stands with funding accrued."""
        stored, self.markets = self.markets, self.accrued(now)
        margin = self.margin(self.accounts[account])
        self.markets = stored
        return margin

    def _settle(self, taker: Order, maker: Order, size: int, now: int) -> Reason:
        refusal = self._refusal(taker, maker, size, now)
        if refusal is not Reason.NONE:
            return refusal
        market = self.markets[taker.market]
        notional = Fraction(size * maker.price, 10**10)
        sides = [(taker, 0, Reason.TAKER_MARGIN), (maker, 1, Reason.MAKER_MARGIN)]
        reducing = [self._reduces(order, size) for order, _, _ in sides]
        saved = [self._save(order) for order, _, _ in sides]
        before = [self.margin(self.accounts[order.account]) for order, _, _ in sides]
        old_interest, old_pool, old_fees = market.interest, market.pool, self.fees
        for order, lane, _ in sides:
            book = self.accounts[order.account]
            fee = ceil(notional * Fraction(market.rules.fees[2 * book.tier + lane], 10**6))
            self._trade(book, order, size, maker.price, fee)
        market.interest = sum(
            max(0, b.holdings[taker.market].size)
            for b in self.accounts.values()
            if taker.market in b.holdings
        )
        reason = self._after(market, old_interest, [s[0].account for s in sides], taker.market)
        for (order, _, failure), was, red in zip(sides, before, reducing):
            held = self.accounts[order.account].holdings
            open_ = [m for m in held if held[m].size]
            stale = any(self.markets[m].is_stale(now) for m in open_)
            if reason is Reason.NONE and stale and not red:
                reason = Reason.ORACLE_STALE
            if reason is Reason.NONE and not self._holds(order.account, was):
                reason = failure
        if reason is not Reason.NONE:
            for (order, _, _), book in zip(sides, saved):
                self.accounts[order.account] = book
            market.interest, market.pool, self.fees = old_interest, old_pool, old_fees
            return reason
        for order, _, _ in sides:
            book = self.accounts[order.account]
            book.filled[order.nonce] = book.filled.get(order.nonce, 0) + size
            if not book.holdings[taker.market].size:
                del book.holdings[taker.market]
        self.payments[taker.market] += 2
        return Reason.NONE

    def _refusal(self, taker: Order, maker: Order, size: int, now: int) -> Reason:
        market = self.markets[taker.market]
        books = [self.accounts[o.account] for o in (taker, maker)]
        reducing = [self._reduces(o, size) for o in (taker, maker)]
        limits = [o.price >= maker.price if o.is_buy else o.price <= maker.price for o in (taker,)]
        fees = [market.rules.fees[2 * b.tier + lane] for lane, b in enumerate(books)]
        stale = not all(reducing) and market.is_stale(now)
        over = [b.filled.get(o.nonce, 0) + size > o.size for o, b in zip((taker, maker), books)]
        cancelled = [o.nonce in b.cancelled for o, b in zip((taker, maker), books)]
        checks = (
            (taker.expiry < now or maker.expiry < now, Reason.ORDER_EXPIRED),
            (taker.nonce >> 32 != books[0].epoch, Reason.WRONG_EPOCH),
            (maker.nonce >> 32 != books[1].epoch, Reason.WRONG_EPOCH),
            (taker.market != maker.market, Reason.MARKET_MISMATCH),
            (taker.is_buy == maker.is_buy, Reason.SAME_SIDE),
            (books[0].owner == books[1].owner, Reason.SELF_TRADE),
            (bool(taker.flags & OrderFlag.POST_ONLY), Reason.POST_ONLY_WOULD_TAKE),
            (bool(maker.flags & (OrderFlag.IOC | OrderFlag.FOK)), Reason.IMMEDIATE_WOULD_REST),
            (size == 0, Reason.ZERO_SIZE),
            (cancelled[0], Reason.ORDER_CANCELLED),
            (over[0], Reason.ORDER_OVERFILLED),
            (cancelled[1], Reason.ORDER_CANCELLED),
            (over[1], Reason.ORDER_OVERFILLED),
            (not all(limits), Reason.LIMIT_EXCEEDED),
            (size % market.rules.lot != 0, Reason.OFF_LOT),
            (not maker.price or maker.price % market.rules.tick != 0, Reason.OFF_TICK),
            (fees[0] > taker.max_fee_ppm or fees[1] > maker.max_fee_ppm, Reason.FEE_ABOVE_MAXIMUM),
            (self._breaks_reduce_only(taker, maker, reducing), Reason.NOT_REDUCING),
            (stale, Reason.ORACLE_STALE),
            (self._far(market, maker.price), Reason.OUTSIDE_PRICE_BAND),
        )
        return next((reason for broken, reason in checks if broken), Reason.NONE)

    @staticmethod
    def _far(market: ModelMarket, price: int) -> bool:
        return abs(price - market.mark) > Fraction(market.mark * market.rules.price_band, 10**6)

    @staticmethod
    def _breaks_reduce_only(taker: Order, maker: Order, reducing: list[bool]) -> bool:
        pairs = zip((taker, maker), reducing)
        return any(o.flags & OrderFlag.REDUCE_ONLY and not red for o, red in pairs)

    def _reduces(self, order: Order, size: int) -> bool:
        held = self.accounts[order.account].holdings.get(order.market, Holding()).size
        return held >= size if held > 0 and not order.is_buy else held <= -size and order.is_buy

    def _save(self, order: Order) -> Book:
        """A copy to go back to."""
        b = self.accounts[order.account]
        holdings = {m: Holding(h.size, h.cost, h.funding) for m, h in b.holdings.items()}
        return Book(b.owner, b.cash, holdings, dict(b.filled), set(b.cancelled), b.epoch, b.tier)

    def _trade(self, book: Book, order: Order, size: int, price: int, fee: int) -> None:
        market = self.markets[order.market]
        payment = self.due(book, order.market)
        held = book.holdings.setdefault(order.market, Holding())
        held.funding = market.funding
        market.pool -= payment
        delta = size if order.is_buy else -size
        closing = 0
        if held.size * delta < 0:
            closing = min(size, abs(held.size)) * (1 if delta > 0 else -1)
        realised = 0
        if closing:
            released = ceil(Fraction(held.cost * abs(closing), abs(held.size)))
            realised = -closing * price // 10**10 - released
            held.cost -= released
        held.cost += (delta - closing) * price // 10**10
        held.size += delta
        book.cash += payment + realised - fee
        self.fees += fee

    def _after(
        self, market: ModelMarket, old_interest: int, accounts: list[int], market_id: int
    ) -> Reason:
        for account in accounts:
            book = self.accounts[account]
            held = book.holdings[market_id]
            if abs(held.size) >= INT64 or not -INT96 <= held.cost < INT96:
                return Reason.FIELD_OVERFLOW
        if market.interest > max(old_interest, market.rules.oi_cap):
            return Reason.OPEN_INTEREST_CAP
        return Reason.NONE

    def _holds(self, account: int, was: Margin) -> bool:
        now = self.margin(self.accounts[account])
        if now.equity >= now.initial:
            return True
        return (
            now.maintenance <= was.maintenance
            and now.equity * was.maintenance >= was.equity * now.maintenance
        )
