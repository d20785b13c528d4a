"""The invariants of margin: what an account may have done to its standing within a block.

MARGIN.md, "Invariants", 6, 7, 10, 12 and 16. The contract's own code gives the numbers, before and
after the block and at the block's time; they are compared only where no price moved in between. A
block is judged as a whole, so each rule is the one that follows for many operations in a row:
initial margin depends on what others trade meanwhile, maintenance margin doesn't.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from execution.contracts.abi import UndecodableAnswer
from execution.margin.calls import HouseCalls, HouseRefused
from execution.margin.statement import Standing
from node.monitor.changes import BlockChange, named_accounts
from node.monitor.findings import Finding, Invariant
from node.monitor.limits import STANDINGS_A_BLOCK_MAX

log = logging.getLogger("tallystick.monitor")

_PRICES: Final = frozenset(
    {
        "IndexReported",
        "ExternalReported",
        "MarkMoved",
        "FundingAccrued",
        "SeriesPriced",
        "OptionInputsReported",
        "SettlementFixed",
        "MarketChanged",
        "MarketClosed",
        "MarketListed",
    }
)
"""Events after which an account's standing is another without its doing."""

_OWN: Final = frozenset({"FillSettled", "Withdrawn", "CashMoved", "Deposited", "MarginModeSet"})
"""What an account does by its owner's will."""

_SUFFERED: Final = frozenset({"LiquidationStarted", "PositionLiquidated", "DebtReported"})
"""What liquidations do to an account."""

_TO_OTHERS: Final = " of another"
"""Added to the name of what an account was the counterparty of."""

_DELEVERAGED: Final = frozenset({"Deleveraged", f"Deleveraged{_TO_OTHERS}", "DebtReported"})


@dataclass(frozen=True, slots=True)
class Judges:
    """The contract before and after a block, both at the block's time."""

    before: HouseCalls
    after: HouseCalls


def standing_findings(change: BlockChange, judges: Callable[[], Judges]) -> Iterator[Finding]:
    """What accounts may not have done; of many accounts in a block only some are asked about."""
    doings = _doings(change)
    if not doings:
        return
    at = judges()
    moved = any(event.name in _PRICES for event in change.events)
    for account, names in list(doings.items())[:STANDINGS_A_BLOCK_MAX]:
        after = _standing(at.after, account)
        yield from _requirement_findings(account, after)
        if moved or after is None:
            continue
        before = _standing(at.before, account) if change.accounts[account][0] else None
        if names <= _OWN:
            yield from _operation_findings(account, before, after)
        elif "LiquidationStarted" in names <= _SUFFERED and before is not None:
            yield from _liquidation_findings(account, before, after)
        elif names <= _DELEVERAGED:
            yield from _deleverage_findings(account, before, after)


def _doings(change: BlockChange) -> dict[int, set[str]]:
    """The events of each account that the block touched: those that cost something come first."""
    found: dict[int, set[str]] = {}
    for event in change.events:
        for account in named_accounts(event) & change.accounts.keys():
            is_other = account == event.arguments.get("counterparty")
            name = f"{event.name}{_TO_OTHERS}" if is_other else event.name
            found.setdefault(account, set()).add(name)
    return dict(sorted(found.items(), key=lambda one: one[1] <= {"FillSettled", "Deposited"}))


def _requirement_findings(account: int, standing: Standing | None) -> Iterator[Finding]:
    """16: IM >= MM; an account that has no standing could never be liquidated."""
    if standing is None:
        what = "the contract doesn't say where the account stands"
        yield Finding(Invariant.REQUIREMENTS, f"account {account}", what, accounts=(account,))
    elif standing.initial < standing.maintenance:
        yield _finding(Invariant.REQUIREMENTS, account, "less initial than maintenance margin",
                       None, standing)  # fmt: skip


def _operation_findings(
    account: int, before: Standing | None, after: Standing
) -> Iterator[Finding]:
    """6, 7: whoever ends below maintenance margin was there before, and is no worse off."""
    if after.equity >= after.maintenance:
        return
    is_better = (
        before is not None
        and after.maintenance <= before.maintenance
        and after.equity * before.maintenance >= before.equity * after.maintenance
    )
    if not is_better:
        yield _finding(Invariant.MARGIN, account, "trading or withdrawing left too little margin",
                       before, after)  # fmt: skip


def _liquidation_findings(account: int, before: Standing, after: Standing) -> Iterator[Finding]:
    """10: a liquidation lowers the requirement, and takes nobody's last."""
    if after.maintenance > before.maintenance or (before.equity >= 0 > after.equity):
        yield _finding(Invariant.LIQUIDATION, account, "a liquidation left the account worse",
                       before, after)  # fmt: skip


def _deleverage_findings(
    account: int, before: Standing | None, after: Standing
) -> Iterator[Finding]:
    """12: a counterparty isn't left below zero; the bankrupt one was there, and isn't deeper."""
    if after.equity < min(0, before.equity if before else 0):
        yield _finding(Invariant.DELEVERAGING, account, "deleveraging left an account below zero",
                       before, after)  # fmt: skip


def _standing(house: HouseCalls, account: int) -> Standing | None:
    try:
        (found,) = house.ask("requirements", account)
    except (HouseRefused, UndecodableAnswer) as error:
        log.warning("account %d: %s", account, error)
        return None
    return Standing(**found)


def _finding(
    invariant: Invariant, account: int, what: str, before: Standing | None, after: Standing
) -> Finding:
    numbers = {
        "equity": after.equity,
        "initial": after.initial,
        "maintenance": after.maintenance,
    }
    if before is not None:
        numbers |= {"equityBefore": before.equity, "maintenanceBefore": before.maintenance}
    return Finding(invariant, f"account {account}", what, None, numbers, (account,))
