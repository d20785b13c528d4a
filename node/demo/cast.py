"""Who takes part in `tallystick demo crash`: what each brings, and what each has when it begins.

Amounts are chosen for the devnet's parameters: retail positions that the backstops can carry, one
that no backstop can, and insurance that pays for small gaps and not for a large one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from execution.contracts.parameters import PPM, QUOTE_ONE
from execution.margin import Match, Order, SignedOrder, StrikeState
from genesis.accounts import DevAccount
from node.demo.shapes import BTC, ETH
from state.types import Hash32, Timestamp

_SIZE_PRICE: Final = 10**10
"""s8 times p8 in q6."""


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody with one account: which of the devnet's keys, and the collateral, q6."""

    name: str
    role: str
    key: int
    cash: int


@dataclass(frozen=True, slots=True)
class Deal:
    """A perpetual trade before the crash, as large as `notional` (q6) allows."""

    buyer: str
    seller: str
    market: int
    notional: int

    def size(self, price: int, lot: int) -> int:
        """s8, in whole lots."""
        size = self.notional * _SIZE_PRICE // price
        return size - size % lot


@dataclass(frozen=True, slots=True)
class Insured:
    """What stands behind a market: its vault's collateral and its insurance, q6."""

    vault: int
    insurance: int


def _usd(amount: int) -> int:
    return amount * QUOTE_ONE


PARTS: Final = (
    Part("Ada", "long BTC, 20x", 1, _usd(6_000)),
    Part("Ben", "long BTC, 10x", 2, _usd(12_000)),
    Part("Cleo", "long BTC, 5x", 3, _usd(20_000)),
    Part("Gus", "wrote puts on BTC", 4, _usd(55_000)),
    Part("Hana", "bought those puts", 5, _usd(60_000)),
    Part("Ida", "long ETH, 8x", 6, _usd(10_000)),
    Part("Walt", "long ETH, 20x", 7, _usd(1_000_000)),
    Part("Eve", "short ETH, 10x", 8, _usd(800_000)),
    Part("Mara", "makes the market", 9, _usd(6_000_000)),
)

BACKER_KEY: Final = 0
"""The devnet's key that fills vaults and insurance."""

BACKING: Final[Mapping[int, Insured]] = MappingProxyType(
    {
        BTC: Insured(_usd(400_000), _usd(25_000)),
        ETH: Insured(_usd(150_000), _usd(15_000)),
    }
)
"""By market."""

DEALS: Final = (
    Deal("Ada", "Mara", BTC, _usd(120_000)),
    Deal("Ben", "Mara", BTC, _usd(120_000)),
    Deal("Cleo", "Mara", BTC, _usd(100_000)),
    Deal("Ida", "Mara", ETH, _usd(80_000)),
    Deal("Walt", "Eve", ETH, _usd(8_000_000)),
    Deal("Walt", "Mara", ETH, _usd(12_000_000)),
)

PUT_WRITER: Final = "Gus"
PUT_BUYER: Final = "Hana"
PUT_SIZE: Final = 5 * 10**8
"""s8."""
MAX_FEE_PPM: Final = 1_000
"""Twice the devnet's taker fee."""

PUT_MONEYNESS: Final = 950_000
"""ppm of the index: the strike wanted."""


def put_series(strikes: Mapping[int, StrikeState], market: int, index: int) -> int:
    """The put nearest to the strike wanted, of the latest expiry."""
    listed = {id_: one for id_, one in strikes.items() if one.underlying == market}
    last = max(one.expiry for one in listed.values())
    wanted = index * PUT_MONEYNESS // PPM
    distances = {id_: abs(one.price - wanted) for id_, one in listed.items() if one.expiry == last}
    return min(distances, key=lambda id_: (distances[id_], id_)) + 1


@dataclass(frozen=True, slots=True)
class Seat:
    """A part with its account in the clearing house."""

    part: Part
    owner: DevAccount
    account: int


@dataclass(frozen=True, slots=True)
class Offer:
    """At what a market or a series trades when it begins: p8 and s8."""

    price: int
    lot: int


@dataclass(frozen=True, slots=True)
class Opening:
    """Everybody's first trades, signed."""

    seats: Mapping[str, Seat]
    """By name; fresh accounts, whose orders count from nonce 0."""
    offers: Mapping[int, Offer]
    """By market, and the put's series."""
    domain: Hash32
    expiry: Timestamp

    def matches(self) -> list[Match]:
        """Every deal as a fill in which the buyer takes, the put last."""
        matches: list[Match] = []
        for deal in DEALS:
            offer = self.offers[deal.market]
            size = deal.size(offer.price, offer.lot)
            matches.append(self._match(deal.buyer, deal.seller, deal.market, size, len(matches)))
        put = max(self.offers)
        matches.append(self._match(PUT_BUYER, PUT_WRITER, put, PUT_SIZE, len(matches)))
        return matches

    def _match(self, buyer: str, seller: str, market: int, size: int, nonce: int) -> Match:
        taker = self._sign(buyer, market, True, size, nonce)
        return Match(taker, self._sign(seller, market, False, size, nonce), size)

    def _sign(self, name: str, market: int, is_buy: bool, size: int, nonce: int) -> SignedOrder:
        seat = self.seats[name]
        price = self.offers[market].price
        order = Order(seat.account, market, is_buy, size, price, MAX_FEE_PPM, nonce, self.expiry)
        return order.sign(seat.owner.key, self.domain)
