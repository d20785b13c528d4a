"""What the exchange asks of the chain: the clearing house as of a block, and its margin check.

Units: prices p8 (1e-8 USD), sizes s8 (1e-8 base), rates ppm, times seconds.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from execution.margin import AccountState, Reason
from sequencer.matching.events import Fill
from state.types import Address, BlockNumber, Timestamp


@dataclass(frozen=True, slots=True)
class Instrument:
    """How a perpetual market or an option series trades in the next block."""

    tick: int
    lot: int
    is_auction: bool
    is_open: bool
    """Listed, and neither closed nor expired: at least reducing fills settle."""
    is_reduce_only: bool
    """Only fills that reduce both sides settle: by its status, a pause of it or of the house, or
    because its index (an option's array) is stale."""
    price_low: int
    """The lowest price that the band lets a fill have."""
    price_high: int
    """The highest one."""
    least_size: int = 0
    """s8 that an order has to have, unless it only reduces."""


@dataclass(frozen=True, slots=True)
class Fees:
    """What an account pays in a market (ppm of the notional, negative when it is paid)."""

    taker: int
    maker: int


class HouseView(Protocol):
    """The clearing house's books after a block. Reads are answered from memory where they can."""

    @property
    def number(self) -> BlockNumber:
        """The block."""

    @property
    def timestamp(self) -> Timestamp:
        """The block's."""

    @property
    def touched(self) -> frozenset[int] | None:
        """Accounts of which the block changed something that was read through a view before.

        None where that isn't known: after a start or a reorg, any account may have changed.
        """

    @property
    def touched_nonces(self) -> Mapping[int, frozenset[int]]:
        """By account: nonces of which the block may have changed what is filled, where `touched`
        is known; of those that were read through a view before."""

    @property
    def moved(self) -> AbstractSet[int]:
        """Accounts of which the block after this one, while it is built, changes something: what
        it will be isn't known yet."""

    def account(self, account: int) -> AccountState | None:
        """A sub-account; None when nobody has made it."""

    def position(self, account: int, market: int) -> int:
        """s8 held of a perpetual market or a series, negative when short."""

    def filled(self, account: int, nonce: int) -> int:
        """s8 filled under a nonce, or `FILLED_CANCELLED`."""

    def session_key_allows(
        self, account: int, signer: Address, market: int, now: Timestamp
    ) -> bool:
        """Whether `signer` is a session key of the account that may trade the market at `now`."""

    def instrument(self, market: int) -> Instrument | None:
        """A market or series; None when it isn't listed."""

    def instruments(self) -> Mapping[int, Instrument]:
        """All markets, and the series that haven't expired, by id."""

    def fees(self, account: int, market: int) -> Fees:
        """What an account that exists pays in a market that exists."""

    def marks(self) -> Mapping[int, int]:
        """p8 by id: the mark of each market, and the value of each series that has one."""


class MatchedFills(Protocol):
    """What is matched and a view doesn't show; as long as it is one object, it only grows."""

    def of(self, account: int) -> Sequence[Fill]:
        """An account's, in order."""

    def position(self, account: int, market: int) -> int:
        """s8 that an account holds with them."""

    def grown(self, market: int) -> int:
        """s8 by which they move a market's or series' open interest."""


class MarginCheck(Protocol):
    """Whether the clearing house would settle a fill, as far as one side's account decides it."""

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
        """Why a fill of `delta` (s8, negative for a sale) would be refused; None when it settles.

        `against` is the account of the other side, where somebody is known.
        `unseen` are all fills that the newest view doesn't hold yet, and `steps` what the account
        would trade after those and before this one, in order.
        """
