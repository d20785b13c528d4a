"""Sub-accounts from storage: cash, positions, options, fills, and what failed or was asked for.

Units: sizes s8 (1e-8 base), amounts q6 (1e-6 USD), funding indexes f12, times seconds.
"""

from dataclasses import dataclass
from typing import Final

from execution.margin.storage import Word, market_key, read_lane, read_struct, read_value
from state.types import Address, Timestamp

FILLED_CANCELLED: Final = 2**64 - 1
"""What a nonce's fill lane says once it is cancelled."""

FLAG_VAULT: Final = 1
"""Of `AccountState.flags`: a backstop vault."""

MODE_PORTFOLIO: Final = 1
"""Of `AccountState.margin_mode`; 0 is cross margin."""

_FILL_BITS = 64

FILL_LANES: Final = 4
"""Nonces whose fills share a slot."""
_SIZE_BITS = 64
_SERIES_BITS = 32
_SERIES_IN_SLOT = 8


@dataclass(frozen=True, slots=True)
class AccountState:
    """One sub-account's slot. Cash in q6; bit i of `perps`: a position in market i."""

    owner: Address
    cash: int
    perps: int
    flags: int
    margin_mode: int
    fee_tier: int
    options: int
    order_epoch: int
    session_epoch: int

    @property
    def markets(self) -> tuple[int, ...]:
        """Ids of the perpetual markets with an open position."""
        return tuple(i for i in range(64) if self.perps >> i & 1)

    @property
    def is_vault(self) -> bool:
        """Whether it is a market's backstop."""
        return bool(self.flags & FLAG_VAULT)

    @property
    def is_portfolio(self) -> bool:
        """Whether portfolio margin applies: by its mode, or because it holds options."""
        return self.margin_mode == MODE_PORTFOLIO or self.options > 0


@dataclass(frozen=True, slots=True)
class PositionState:
    """One perpetual position: size s8, cost q6, funding index f12."""

    size: int
    cost: int
    funding: int


@dataclass(frozen=True, slots=True)
class SessionKeyState:
    """A key that may trade for an account: bit i of `perps` for market i and its options."""

    expiry: Timestamp
    epoch: int
    perps: int

    def allows(self, account: AccountState, underlying: int, now: Timestamp) -> bool:
        """Whether it may trade what is priced by market `underlying`, as settlement asks."""
        is_live = self.expiry >= now and self.epoch == account.session_epoch
        return is_live and bool(self.perps >> underlying & 1)


@dataclass(frozen=True, slots=True)
class HoldingState:
    """A held option series and its size, s8, negative for a short."""

    series: int
    size: int


@dataclass(frozen=True, slots=True)
class CandidateState:
    """Who is to be deleveraged against a bankrupt account, and since when there is anybody."""

    counterparty: int
    time: Timestamp


def read_account(word: Word, account: int) -> AccountState | None:
    """A sub-account from the ClearingHouse's storage, `word` giving a slot's content."""
    owner = Address(read_value(word, "owners", account))
    if not any(owner):
        return None
    state = read_value(word, "accounts", account)
    return AccountState(
        owner,
        state["cash"],
        state["perps"],
        state["flags"],
        state["marginMode"],
        state["feeTier"],
        state["options"],
        state["orderEpoch"],
        state["sessionEpoch"],
    )


def read_account_count(word: Word) -> int:
    """Accounts so far; ids start at 1."""
    return int(read_value(word, "accountCount"))


def read_position(word: Word, account: int, market: int) -> PositionState:
    """A perpetual position; all zero when there is none."""
    return read_struct(PositionState, word, "positions", market_key(account, market))


def read_holdings(word: Word, account: int) -> tuple[HoldingState, ...]:
    """The option series that an account holds, as they are listed."""
    count = int(read_value(word, "accounts", account)["options"])
    return tuple(_read_holding(word, account, place) for place in range(count))


def _read_holding(word: Word, account: int, place: int) -> HoldingState:
    slot, lane = divmod(place, _SERIES_IN_SLOT)
    series = read_lane(word, "heldSeries", account << 8 | slot, lane, _SERIES_BITS)
    return HoldingState(series, read_option_size(word, account, series))


def read_option_size(word: Word, account: int, series: int) -> int:
    """s8 that an account holds of a series, negative for a short; 0 when it holds none."""
    key = market_key(account, series >> 2)
    lane = read_lane(word, "optionSizes", key, series & 3, _SIZE_BITS)
    return lane - (lane >> _SIZE_BITS - 1 << _SIZE_BITS)


def read_session_key(word: Word, account: int, key: Address) -> SessionKeyState:
    """What a key may do for an account; all zero for one that was never set."""
    return read_struct(SessionKeyState, word, "sessionKeys", account, key)


def read_vault_market(word: Word, account: int) -> int:
    """The one market that a backstop vault may trade."""
    return int(read_value(word, "vaultMarket", account))


def read_filled(word: Word, account: int, nonce: int) -> int:
    """s8 filled under a nonce, or `FILLED_CANCELLED`."""
    return read_fill_lanes(word, account, nonce // FILL_LANES)[nonce % FILL_LANES]


def read_fill_lanes(word: Word, account: int, group: int) -> tuple[int, ...]:
    """s8 filled, or `FILLED_CANCELLED`, under each of the nonces that share a slot.

    Nonce n is lane n % `FILL_LANES` of group n // `FILL_LANES`.
    """
    lanes = read_value(word, "orderFills", account << 64 | group)
    return tuple(lanes >> _FILL_BITS * lane & 2**_FILL_BITS - 1 for lane in range(FILL_LANES))


def read_account_debt(word: Word, account: int) -> int:
    """q6: negative equity that was last reported of an account."""
    return int(read_value(word, "debtOf", account))


def read_exit(word: Word, account: int, market: int) -> Timestamp | None:
    """When the owner asked to have a position closed against the backstop; None: not asked."""
    time = read_value(word, "exits", market_key(account, market))["time"]
    return Timestamp(time) if time else None


def read_candidate(word: Word, account: int, market: int) -> CandidateState | None:
    """Who stands to be deleveraged against a bankrupt account's position."""
    found = read_struct(CandidateState, word, "candidates", market_key(account, market))
    return found if found.counterparty else None


def read_claim(word: Word, account: int, market: int) -> int:
    """q6 that a winner of a closed market is owed."""
    return int(read_value(word, "closingClaims", market_key(account, market)))
