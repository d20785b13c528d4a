"""The exchange's ports in memory, and traders with keys.

A margin account here may hold as much as its `room` (s8) says: real margin is the clearing house's,
and tested with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from execution.margin import AccountState, Order, OrderFlag, Reason, SignedOrder, domain_separator
from genesis.accounts import derive_account
from sequencer.exchange.ports import Fees, Instrument, MatchedFills
from sequencer.matching.events import Fill
from state.types import Address, BlockNumber, Timestamp

CHAIN_ID = 424242
DOMAIN = domain_separator(CHAIN_ID)
START = Timestamp(1_700_000_000)
LATER = Timestamp(START + 3_600)
TICK, LOT = 10, 5
PERP = Instrument(TICK, LOT, is_auction=False, is_open=True, is_reduce_only=False,
                  price_low=500, price_high=1_500)  # fmt: skip
TRADERS = 4
"""Account i + 1 is owned by test key i."""


def key(index: int) -> bytes:
    """The private key of a trader."""
    return derive_account(index).key


def owner(index: int) -> Address:
    return derive_account(index).address


def state_of(index: int, *, epoch: int = 0) -> AccountState:
    return AccountState(owner(index), 0, 0, 0, 0, 0, 0, epoch, 0)


@dataclass
class MemoryHouse:
    """Both ports: books that a test writes, and a margin that counts."""

    number: BlockNumber = BlockNumber(0)
    timestamp: Timestamp = START
    touched: frozenset[int] | None = None
    moved: frozenset[int] = frozenset()
    accounts: dict[int, AccountState] = field(
        default_factory=lambda: {i + 1: state_of(i) for i in range(TRADERS)}
    )
    positions: dict[tuple[int, int], int] = field(default_factory=dict)
    fills: dict[tuple[int, int], int] = field(default_factory=dict)
    session_keys: dict[tuple[int, Address, int], Timestamp] = field(default_factory=dict)
    """Last second by account, signer and market."""
    listed: dict[int, Instrument] = field(default_factory=lambda: {0: PERP, 1: PERP})
    prices: dict[int, int] = field(default_factory=lambda: {0: 1_000, 1: 1_000})
    rates: Fees = Fees(taker=500, maker=-100)
    room: dict[int, int] = field(default_factory=dict)
    """s8 that an account may hold either way; without an entry, anything."""
    verdicts: dict[int, Reason] = field(default_factory=dict)
    """Reasons other than margin, by account."""

    @property
    def touched_nonces(self) -> Mapping[int, frozenset[int]]:
        accounts = {account for account, _ in self.fills}
        return {a: frozenset(n for b, n in self.fills if a == b) for a in accounts}

    def account(self, account: int) -> AccountState | None:
        return self.accounts.get(account)

    def position(self, account: int, market: int) -> int:
        return self.positions.get((account, market), 0)

    def filled(self, account: int, nonce: int) -> int:
        return self.fills.get((account, nonce), 0)

    def session_key_allows(
        self, account: int, signer: Address, market: int, now: Timestamp
    ) -> bool:
        return self.session_keys.get((account, signer, market), 0) >= now

    def instrument(self, market: int) -> Instrument | None:
        return self.listed.get(market)

    def instruments(self) -> Mapping[int, Instrument]:
        return self.listed

    def fees(self, account: int, market: int) -> Fees:
        return self.rates

    def marks(self) -> Mapping[int, int]:
        return self.prices

    def check(
        self,
        account: int,
        market: int,
        delta: int,
        price: int,
        max_fee_ppm: int,
        unseen: MatchedFills,
        steps: Sequence[Fill] = (),
        *,
        against: int | None = None,
    ) -> Reason | None:
        if account in self.verdicts:
            return self.verdicts[account]
        held = self.position(account, market) + delta
        for fill in (*unseen.of(account), *steps):
            if fill.market == market:
                buys = fill.taker_is_buy == (fill.taker_account == account)
                held += fill.size if buys else -fill.size
        return Reason.TAKER_MARGIN if abs(held) > self.room.get(account, 2**62) else None


@dataclass
class Trader:
    """Signs orders for account `index + 1`, each with a fresh nonce."""

    index: int
    nonces: int = 0

    @property
    def account(self) -> int:
        return self.index + 1

    def order(
        self,
        is_buy: bool,
        size: int,
        price: int,
        *,
        market: int = 0,
        flags: OrderFlag = OrderFlag.NONE,
        expiry: Timestamp = LATER,
        max_fee: int = 1_000,
        nonce: int | None = None,
        signer: bytes | None = None,
    ) -> SignedOrder:
        if nonce is None:
            nonce, self.nonces = self.nonces, self.nonces + 1
        order = Order(self.account, market, is_buy, size, price, max_fee, nonce, expiry, flags)
        return order.sign(signer or key(self.index), DOMAIN)

    def buy(self, size: int, price: int, **rest: object) -> SignedOrder:
        return self.order(True, size, price, **rest)  # type: ignore[arg-type]

    def sell(self, size: int, price: int, **rest: object) -> SignedOrder:
        return self.order(False, size, price, **rest)  # type: ignore[arg-type]
