"""Fills as `settleBatch` calls: how many a transaction holds, and which fills one held.

Fills keep the order in which they were matched, because what an account may do depends on what it
did before.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from execution.contracts.abi import clearing_house
from execution.intrinsic import NONZERO_BYTE_GAS, TRANSACTION_GAS
from execution.limits import BATCH_ORDERS_MAX
from execution.margin import (
    FILL_BYTES,
    ORDER_BYTES,
    AccountState,
    Match,
    PackedBatch,
    SignedOrder,
    pack_batch,
)
from sequencer.limits import (
    SETTLEMENT_ACCOUNT_GAS,
    SETTLEMENT_BYTES_MAX,
    SETTLEMENT_FILL_GAS,
    SETTLEMENT_FILLS_MAX,
    SETTLEMENT_HOLDING_GAS,
    SETTLEMENT_RESERVE_GAS,
)
from sequencer.matching.events import Fill
from state.types import Gas

OrderOf = Callable[[bytes], SignedOrder]
"""The signed order of a hash; pending fills' orders are always known."""

AccountOf = Callable[[int], AccountState | None]


@dataclass(frozen=True, slots=True)
class SettlementBatch:
    """What one transaction settles, and the gas that is enough for it."""

    fills: tuple[Fill, ...]
    packed: PackedBatch
    gas: Gas


@dataclass(slots=True)
class _Draft:
    """A batch in the making."""

    matches: list[Match] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    orders: set[bytes] = field(default_factory=set)
    accounts: set[int] = field(default_factory=set)
    clearing: dict[int, int] = field(default_factory=dict)
    gas: int = TRANSACTION_GAS + SETTLEMENT_RESERVE_GAS
    bytes: int = 0


class BatchPlanner:
    """Splits fills into batches that fit one transaction and, together, a block's share of gas."""

    def __init__(
        self,
        order_of: OrderOf,
        account_of: AccountOf,
        transaction_gas: Gas,
        batch_gas: Gas,
        fills_max: int = SETTLEMENT_FILLS_MAX,
    ) -> None:
        """`batch_gas` is the most that several fills may need, and `transaction_gas` the most that
        one may: whatever its accounts hold, no fill is left out for good, for others wait behind.
        """
        self._order_of = order_of
        self._account_of = account_of
        self._transaction_gas = transaction_gas
        self._batch_gas = batch_gas
        self._fills_max = fills_max

    def plan(self, fills: Sequence[Fill], gas_room: int) -> list[SettlementBatch]:
        """Batches of the first fills, in order, as many as `gas_room` has gas for."""
        batches: list[SettlementBatch] = []
        draft = _Draft()
        for fill in fills:
            if self._add(draft, fill, gas_room):
                continue
            if not draft.fills:
                break
            batches.append(self._close(draft))
            gas_room -= draft.gas
            draft = _Draft()
            if not self._add(draft, fill, gas_room):
                break
        if draft.fills:
            batches.append(self._close(draft))
        return batches

    def _add(self, draft: _Draft, fill: Fill, gas_room: int) -> bool:
        """Take a fill in; False, and nothing changed, when it doesn't fit."""
        match = Match(self._order_of(fill.taker), self._order_of(fill.maker), fill.size)
        packed = {match.taker.packed, match.maker.packed} - draft.orders
        accounts = {fill.taker_account, fill.maker_account} - draft.accounts
        size = ORDER_BYTES * len(packed) + FILL_BYTES
        gas = SETTLEMENT_FILL_GAS + sum(map(self._account_gas, accounts)) + NONZERO_BYTE_GAS * size
        most = self._batch_gas if draft.fills else self._transaction_gas
        fits = (
            draft.gas + gas <= min(gas_room, most)
            and len(draft.fills) < self._fills_max
            and draft.bytes + size <= SETTLEMENT_BYTES_MAX
            and len(draft.orders) + len(packed) <= BATCH_ORDERS_MAX
            and (not fill.is_auction or draft.clearing.get(fill.market, fill.price) == fill.price)
        )
        if fits:
            draft.gas, draft.bytes = draft.gas + gas, draft.bytes + size
            draft.matches.append(match)
            draft.fills.append(fill)
            draft.orders |= packed
            draft.accounts |= accounts
            if fill.is_auction:
                draft.clearing[fill.market] = fill.price
        return fits

    def _account_gas(self, account: int) -> int:
        state = self._account_of(account)
        held = 0 if state is None else len(state.markets) + state.options
        return SETTLEMENT_ACCOUNT_GAS + SETTLEMENT_HOLDING_GAS * held

    def _close(self, draft: _Draft) -> SettlementBatch:
        packed = pack_batch(draft.matches, draft.clearing)
        return SettlementBatch(tuple(draft.fills), packed, Gas(draft.gas))


_ACCOUNT_BYTES: Final = 8
"""A packed order begins with its account."""

FillKey = tuple[bytes, bytes, int]
"""What a batch says of a fill: the packed taker and maker orders, and the size (s8)."""


def fills_in(calldata: bytes) -> tuple[FillKey, ...] | None:
    """The fills of a `settleBatch` call, in order; None for any other call."""
    if calldata[:4] != clearing_house().selector("settleBatch"):
        return None
    try:
        orders, fills, _ = decode(["bytes", "bytes", "bytes"], calldata[4:])
    except DecodingError:
        return None
    starts = range(0, len(fills) - FILL_BYTES + 1, FILL_BYTES)
    return tuple(_key(orders, fills[start : start + FILL_BYTES]) for start in starts)


def _key(orders: bytes, fill: bytes) -> FillKey:
    taker, maker = (int.from_bytes(fill[at : at + 2], "big") * ORDER_BYTES for at in (0, 2))
    size = int.from_bytes(fill[4:], "big")
    return orders[taker : taker + ORDER_BYTES], orders[maker : maker + ORDER_BYTES], size


def recognise(
    keys: Iterable[FillKey], pending: Iterable[Fill], order_of: OrderOf
) -> list[Fill | None]:
    """Which pending fills a batch's are, by content; None for one that nobody waits for.

    Two fills that say the same are settled in their order, so that the first one is meant.
    """
    keys = tuple(keys)
    traders = {(_account_of(taker), _account_of(maker), size) for taker, maker, size in keys}
    waiting: defaultdict[FillKey, deque[Fill]] = defaultdict(deque)
    for fill in pending:
        # Packing two orders takes longer than telling that they are others'.
        if (fill.taker_account, fill.maker_account, fill.size) in traders:
            key = (order_of(fill.taker).packed, order_of(fill.maker).packed, fill.size)
            waiting[key].append(fill)
    return [waiting[key].popleft() if waiting.get(key) else None for key in keys]


def _account_of(packed: bytes) -> int:
    return int.from_bytes(packed[:_ACCOUNT_BYTES], "big")
