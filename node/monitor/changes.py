"""The invariants of a block: what its transactions may have done to the books.

MARGIN.md, "Invariants", 3, 5, 7 to 11, 13 and 14, as far as the state before and after, and the
events in between, tell. docs/monitor.md says what of them only tests can see.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from execution.contracts.abi import DecodedEvent, Interface, clearing_house, topic_of
from execution.margin import MarketStatus
from genesis.predeploys import CLEARING_HOUSE
from node.monitor.books import Globals, Moved
from node.monitor.findings import Finding, Invariant
from node.monitor.invariants import FUNDING_SIZE
from state.blocks import Log

PPM: Final = 1_000_000
RATE_PERIOD: Final = 28_800
"""Seconds that a funding rate is for."""
PRICE_ONE: Final = 10**8

_CASH_ONLY: Final = frozenset({"Deposited", "Withdrawn", "CashMoved", "InsuranceFunded"})
"""Events that name an account and say all of what they do to its cash."""

_NO_CASH: Final = frozenset(
    {
        "AccountCreated",
        "SessionKeySet",
        "SessionKeysRevoked",
        "OrderCancelled",
        "OrdersCancelled",
        "MarginModeSet",
        "FeeTierSet",
        "LiquidationStarted",
        "DeleverageProposed",
        "ExitRequested",
    }
)
"""Events that name an account and leave its cash as it is."""

_ACCOUNTS: Final = ("account", "taker", "maker", "from", "to", "counterparty")
"""What an argument that is an account is called."""


@dataclass(frozen=True, slots=True)
class BlockChange:
    """A block's effect. `accounts` has those that it touched.

    `slack_before` and `slack_after` are the markets' funding pools with what is unsettled, in
    1e-14 q6.
    """

    before: Globals
    after: Globals
    accounts: Moved
    events: tuple[DecodedEvent, ...]
    slack_before: Mapping[int, int]
    slack_after: Mapping[int, int]
    owners: Mapping[int, bytes]
    """Of the accounts that the events name."""


def house_events(logs: Iterable[Log]) -> tuple[DecodedEvent, ...]:
    """The ClearingHouse's events among a block's logs, in order."""
    watched = _events_by_topic()
    return tuple(
        watched[log.topics[0]].event(log.topics, log.data)
        for log in logs
        if log.address == CLEARING_HOUSE and log.topics and log.topics[0] in watched
    )


def named_accounts(event: DecodedEvent) -> set[int]:
    """The accounts that an event speaks of; addresses of the same name are text."""
    given = (event.arguments.get(name) for name in _ACCOUNTS)
    return {each for each in given if isinstance(each, int)}


def change_findings(change: BlockChange) -> Iterator[Finding]:
    """What a block did that none may."""
    yield from _pool_findings(change)
    yield from _cap_findings(change)
    yield from _event_findings(change)
    yield from _gate_findings(change)
    yield from _flat_findings(change)
    yield from _mark_findings(change)


# Markets


def _pool_findings(change: BlockChange) -> Iterator[Finding]:
    """3: each settlement of funding leaves less than one unit in the pool, and nothing else any."""
    for market, after in change.slack_after.items():
        grown = after - change.slack_before.get(market, 0)
        settlements = _settlements(change, market)
        if grown < 0 or grown >= FUNDING_SIZE * (settlements + 1) or (grown and not settlements):
            yield Finding(
                Invariant.FUNDING_POOL,
                f"market {market} change",
                "the pool moved by more than settlements leave",
                None,
                {"grownE14": grown, "settlements": settlements},
            )


def _settlements(change: BlockChange, market: int) -> int:
    """How often funding may have been settled: once an account and value of the funding index."""
    holders = {
        number
        for number, books in change.accounts.items()
        for book in books
        if book is not None and any(each.market == market for each in book.positions)
    }
    accruals = 1
    for event in change.events:
        if event.arguments.get("market") == market:
            accruals += event.name == "FundingAccrued"
            holders |= named_accounts(event)
    return len(holders) * accruals


def _cap_findings(change: BlockChange) -> Iterator[Finding]:
    """5: above its cap, open interest doesn't grow."""
    before, after = _interests(change.before), _interests(change.after)
    for market, (now, cap) in after.items():
        was, old_cap = before.get(market, (0, 0))
        if now > max(was, cap, old_cap):
            yield Finding(
                Invariant.OPEN_INTEREST,
                f"cap of market {market}",
                "open interest grew above its cap",
                None,
                {"before": was, "after": now, "cap": cap},
            )


def _interests(now: Globals) -> dict[int, tuple[int, int]]:
    """Open interest and its cap, s8, of each market and series."""
    markets = {m: (book.state.open_interest, book.oi_cap) for m, book in now.markets.items()}
    series = {s: (book.state.open_interest, book.oi_cap) for s, book in now.series.items()}
    return markets | series


def _mark_findings(change: BlockChange) -> Iterator[Finding]:
    """14: a mark that moved is within its band of the index, and funding within its cap."""
    changed = {
        event.arguments["market"] for event in change.events if event.name == "MarketChanged"
    }
    for market, book in change.after.markets.items():
        before, state = change.before.markets.get(market), book.state
        if before is None or market in changed or state.status is MarketStatus.CLOSED:
            continue
        width = state.index * book.band // PPM
        if state.mark != before.state.mark and abs(state.mark - state.index) > width:
            yield Finding(
                Invariant.MARK, f"market {market}", "the mark is out of its band", None,
                {"mark": state.mark, "index": state.index, "width": width},
            )  # fmt: skip
        yield from _funding_findings(change, market)


def _funding_findings(change: BlockChange, market: int) -> Iterator[Finding]:
    before, book = change.before.markets[market], change.after.markets[market]
    reported = (
        event.arguments["index"]
        for event in change.events
        if event.name == "IndexReported" and event.arguments["market"] == market
    )
    index = max(before.state.index, book.state.index, *reported, 0)
    seconds = book.state.funding_time - before.state.funding_time
    moved = book.state.funding_index - before.state.funding_index
    most = book.funding_cap * index * seconds // (RATE_PERIOD * PRICE_ONE)
    if seconds < 0 or abs(moved) > most:
        yield Finding(
            Invariant.MARK, f"funding of market {market}", "funding moved beyond its cap", None,
            {"moved": moved, "most": most, "seconds": seconds},
        )  # fmt: skip


# Events


def _event_findings(change: BlockChange) -> Iterator[Finding]:
    for place, event in enumerate(change.events):
        if event.name == "FillSettled":
            yield from _fill_findings(change, event.arguments)
        elif event.name == "LiquidationStarted":
            yield from _liquidation_findings(event.arguments)
        elif event.name in ("Withdrawn", "CashMoved"):
            yield from _withdrawal_findings(change, place, event)


def _fill_findings(change: BlockChange, fill: Mapping[str, Any]) -> Iterator[Finding]:
    taker, maker = fill["taker"], fill["maker"]
    if change.owners[taker] == change.owners[maker]:
        yield Finding(
            Invariant.SELF_TRADE, f"accounts {taker} and {maker}", "one owner traded with himself",
            None, {"size": fill["size"], "price": fill["price"]}, (taker, maker),
        )  # fmt: skip
    if fill["takerFee"] + fill["makerFee"] < 0:
        yield Finding(
            Invariant.FEES, f"accounts {taker} and {maker}", "a fill paid more than it took", None,
            {"takerFee": fill["takerFee"], "makerFee": fill["makerFee"]}, (taker, maker),
        )  # fmt: skip


def _liquidation_findings(started: Mapping[str, Any]) -> Iterator[Finding]:
    if started["equity"] >= started["maintenance"]:
        yield Finding(
            Invariant.LIQUIDATION,
            f"account {started['account']}",
            "an account with its maintenance margin was liquidated",
            None,
            {"equity": started["equity"], "maintenance": started["maintenance"]},
            (started["account"],),
        )


def _withdrawal_findings(change: BlockChange, place: int, event: DecodedEvent) -> Iterator[Finding]:
    """7: nobody takes out more cash than he has; later events may lower it again."""
    account = event.arguments["account" if event.name == "Withdrawn" else "from"]
    later = change.events[place + 1 :]
    if account not in change.accounts or any(account in named_accounts(each) for each in later):
        return
    cash = change.accounts[account][1].cash
    if cash < 0:
        yield Finding(
            Invariant.WITHDRAWAL, f"account {account}", "a withdrawal left negative cash", None,
            {"cash": cash, "amount": event.arguments["amount"]}, (account,),
        )  # fmt: skip


def _gate_findings(change: BlockChange) -> Iterator[Finding]:
    """11: no withdrawal while reported debt exceeds the insurance, as each event leaves them."""
    custody = change.before.house.custody
    debt, insurance = custody.reported_debt, custody.insurance
    for event in change.events:
        if event.name == "DebtReported":
            debt = event.arguments["total"]
        elif event.name == "InsuranceMoved":
            insurance += event.arguments["change"]
        elif event.name == "Withdrawn" and debt > insurance:
            account = event.arguments["account"]
            yield Finding(
                Invariant.INSURANCE, f"gate of account {account}",
                "a withdrawal passed while bad debt exceeded the insurance", None,
                {"debt": debt, "insurance": insurance}, (account,),
            )  # fmt: skip


# Accounts without positions


def _flat_findings(change: BlockChange) -> Iterator[Finding]:
    """13: who holds nothing has what he brought; only of a debt insurance may pay a part."""
    traded: set[int] = set()
    moved: dict[int, int] = {}
    for event in change.events:
        if event.name not in _CASH_ONLY | _NO_CASH | {"DebtReported"}:
            traded |= named_accounts(event)
        for account, amount in _cash_of(event):
            moved[account] = moved.get(account, 0) + amount
    for number, (before, after) in change.accounts.items():
        if number in traded or not after.is_flat or not (before is None or before.is_flat):
            continue
        was = before.cash if before else 0
        paid = after.cash - was - moved.get(number, 0)
        if not 0 <= paid <= max(0, -was):
            yield Finding(
                Invariant.FLAT_CASH, f"account {number}",
                "cash of an account without positions changed by itself", None,
                {"before": was, "after": after.cash, "moved": moved.get(number, 0)}, (number,),
            )  # fmt: skip


def _cash_of(event: DecodedEvent) -> Iterator[tuple[int, int]]:
    given = event.arguments
    if event.name == "Deposited":
        yield given["account"], given["credited"]
    elif event.name == "Withdrawn":
        yield given["account"], -given["amount"]
    elif event.name == "CashMoved":
        yield given["from"], -given["amount"]
        yield given["to"], given["amount"]


@cache
def _events_by_topic() -> Mapping[bytes, Interface]:
    """An interface of its own for each event: finding one among all of them hashes them all."""
    events = [item for item in clearing_house().items if item["type"] == "event"]
    return {topic_of(item): Interface((item,)) for item in events}
