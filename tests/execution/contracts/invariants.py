"""The invariants of MARGIN.md: what holds of the books at any time, and what one step may do.

1, 2, 4, 5 and 11 are those of `balance`; 15 is the pricer's (test_pricing.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from execution.margin.markets import MarketStatus
from state.types import Address
from tests.execution.contracts.balance import check_balance
from tests.execution.contracts.exact.funding import RATE_SECONDS, pool_with_unsettled
from tests.execution.contracts.exact.oracle import band
from tests.execution.contracts.exact.units import F12_OF_RATED_PRICE
from tests.execution.contracts.house import House, Receipt
from tests.execution.contracts.picture import MarketPicture, Picture

Standing = Mapping[str, Any]
"""An account's equity, initial, maintenance and withdrawable (q6), as the contract reads them."""

SERIES_START = 64
SETTLING = ("FillSettled", "PositionLiquidated", "Deleveraged", "ExitExecuted", "PositionClosed")
"""Events of what settles funding; each of at most two positions."""
JUDGED = ("fill", "withdraw", "move", "mode", "exit")
"""What users do: after it they have their initial margin, or less risk than before."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call that succeeded: who made it, and the books and standings around it."""

    kind: str
    sender: Address
    receipt: Receipt
    before: Picture
    after: Picture
    stood: Mapping[int, Standing]
    stands: Mapping[int, Standing]
    subject: int = 0
    """The account that the call was about."""


@dataclass(slots=True)
class Invariants:
    """Checks each step of one house. `settlements` are those of funding so far, by market."""

    house: House
    guardian: Address
    timelock: Address
    settlements: dict[int, int] = field(default_factory=dict)

    def check(self, step: Step) -> None:
        """Fails with the first invariant that doesn't hold."""
        self._count(step.receipt)
        self.check_state(step.after, step.stands)
        self._check_operation(step)
        check_interest(step.before, step.after)
        check_funding(step.before, step.after)
        check_flat_cash(step)
        self._check_settings(step)

    def check_state(self, picture: Picture, stands: Mapping[int, Standing]) -> None:
        """What holds at any time."""
        check_balance(picture)
        for number, market in enumerate(picture.markets):
            self._check_pool(picture, number, market)
            check_mark(market)
        for account, standing in stands.items():
            self._check_requirements(account, standing)

    def _count(self, receipt: Receipt) -> None:
        for event in receipt.events:
            market = event.arguments.get("market", SERIES_START)
            if event.name in SETTLING and market < SERIES_START:
                self.settlements[market] = self.settlements.get(market, 0) + 2

    def _check_pool(self, picture: Picture, number: int, market: MarketPicture) -> None:
        """3: the pool, once every position has settled, is what rounding left."""
        holdings = ((held.size, held.funding) for _, held in picture.positions(number))
        rest = pool_with_unsettled(market.state.pool, holdings, market.state.funding_index)
        assert 0 <= rest < self.settlements.get(number, 0) + 1

    def _check_requirements(self, account: int, standing: Standing) -> None:
        """16: initial margin covers maintenance and every scenario."""
        assert standing["initial"] >= standing["maintenance"] >= 0
        _, gains = self.house.read("scenarioLosses", account)
        assert standing["initial"] >= sum(max(0, -min(one)) for one in gains)

    def _check_operation(self, step: Step) -> None:
        if step.kind in JUDGED:
            for account in _touched(step):
                assert may_stand(step.stood[account], step.stands[account])
        if step.kind == "fill":
            check_fees(step.receipt)
        elif step.kind == "withdraw":
            check_withdrawal(step)
        elif step.kind == "liquidation":
            check_liquidation(step)
        elif step.kind == "deleverage":
            check_deleveraging(step)

    def _check_settings(self, step: Step) -> None:
        """17: the timelock alone loosens; the guardian tightens; nobody else changes anything."""
        if step.sender == self.timelock:
            return
        for old, new in zip(step.before.markets, step.after.markets):
            if step.sender == self.guardian:
                assert_tightened(old, new)
            else:
                assert _settings(old) == _settings(new)
        for before, after in zip(step.before.limiters, step.after.limiters):
            if step.sender != self.guardian:
                assert (before and _window(before)) == (after and _window(after))


def may_stand(was: Standing, now: Standing) -> bool:
    """6: E' >= IM', or MM' <= MM and E' * MM >= E * MM'."""
    if now["equity"] >= now["initial"]:
        return True
    better = now["equity"] * was["maintenance"] >= was["equity"] * now["maintenance"]
    return bool(now["maintenance"] <= was["maintenance"] and better)


def check_interest(before: Picture, after: Picture) -> None:
    """5: above its cap open interest doesn't grow."""
    for old, new in zip(before.markets, after.markets):
        cap = new.config["caps"]["oiCap"]
        grown = new.state.open_interest > old.state.open_interest
        assert not grown or new.state.open_interest <= cap
    for number, series in after.series.items():
        was = before.series.get(number)
        assert was is None or series.open_interest <= max(was.open_interest, _option_cap(after))


def _option_cap(picture: Picture) -> int:
    return max((m.options.oi_cap for m in picture.markets if m.options), default=0)


def check_funding(before: Picture, after: Picture) -> None:
    """14: the funding index moves by its cap at most."""
    for old, new in zip(before.markets, after.markets):
        moved = abs(new.state.funding_index - old.state.funding_index)
        elapsed = new.state.funding_time - old.state.funding_time
        cap = old.config["fundingRules"]["cap"]
        most = Fraction(cap * old.state.index * elapsed, RATE_SECONDS * F12_OF_RATED_PRICE)
        assert moved <= most


def check_mark(market: MarketPicture) -> None:
    """14: the mark keeps to its band of the index."""
    width = band(market.state.index, market.config["caps"]["markBand"])
    assert abs(market.state.mark - market.state.index) <= width


def check_fees(receipt: Receipt) -> None:
    """9: the house is paid by every fill."""
    for fill in receipt.named("FillSettled"):
        assert fill["takerFee"] + fill["makerFee"] >= 0


def check_withdrawal(step: Step) -> None:
    """7 and 11: what leaves leaves initial margin, every limit and no known debt behind."""
    assert step.before.custody.reported_debt <= step.before.custody.insurance
    (event,) = step.receipt.named("Withdrawn")
    standing = step.stands[event["account"]]
    assert step.after.accounts[event["account"]].state.cash >= 0
    assert standing["equity"] >= standing["initial"]
    for limiter in step.after.limiters:
        assert limiter is None or limiter.capacity >= 0


def check_liquidation(step: Step) -> None:
    """10: only below maintenance, for less of it, and never into debt."""
    was, now = step.stood[step.subject], step.stands[step.subject]
    assert was["equity"] < was["maintenance"]
    assert now["maintenance"] <= was["maintenance"]
    assert was["equity"] < 0 or now["equity"] >= 0
    for event in step.receipt.named("PositionLiquidated"):
        assert event["fee"] >= 0


def check_deleveraging(step: Step) -> None:
    """12: the counterparty had gained and stays solvent; the bankrupt ends without a debt.

    A short that owes more than its position is worth is left with a debt even at the lowest price
    there is, zero.
    """
    (event,) = step.receipt.named("Deleveraged")
    bankrupt, other = event["account"], event["counterparty"]
    assert step.stood[bankrupt]["equity"] < 0
    assert step.stands[bankrupt]["equity"] >= step.stood[bankrupt]["equity"]
    assert step.stands[other]["equity"] >= 0
    if step.after.accounts[bankrupt].is_flat:
        is_bought_for_nothing = event["price"] == 0 and event["size"] > 0
        assert step.stands[bankrupt]["equity"] >= 0 or is_bought_for_nothing
    if event["market"] < SERIES_START:
        position = step.before.accounts[other].positions[event["market"]]
        mark = step.before.markets[event["market"]].state.mark
        assert position.size * mark > position.cost * 10**10


def check_flat_cash(step: Step) -> None:
    """13: who holds nothing before and after has what was moved by itself, or its debt was paid."""
    moved = _moved(step.receipt)
    traded = set(_traders(step.receipt))
    for number, was in step.before.accounts.items():
        now = step.after.accounts[number]
        if not (was.is_flat and now.is_flat) or number in traded:
            continue
        insured = now.state.cash - was.state.cash - moved.get(number, 0)
        assert insured == 0 or (was.state.cash < 0 < insured <= -was.state.cash)


def _moved(receipt: Receipt) -> dict[int, int]:
    moved: dict[int, int] = {}
    for event in receipt.named("Deposited"):
        moved[event["account"]] = event["credited"]
    for event in receipt.named("Withdrawn"):
        moved[event["account"]] = -event["amount"]
    for event in receipt.named("CashMoved"):
        moved[event["from"]], moved[event["to"]] = -event["amount"], event["amount"]
    return moved


def _traders(receipt: Receipt) -> Iterable[int]:
    for event in receipt.named("FillSettled"):
        yield from (event["taker"], event["maker"])


def _touched(step: Step) -> set[int]:
    return {step.subject, *_traders(step.receipt)} - {0}


def assert_tightened(old: MarketPicture, new: MarketPicture) -> None:
    """What the guardian did, and nothing beside it."""
    assert new.state.status >= old.state.status or new.state.status == MarketStatus.CLOSED
    assert new.config["caps"]["oiCap"] <= old.config["caps"]["oiCap"]
    assert new.config["caps"]["priceBand"] <= old.config["caps"]["priceBand"]
    for part in ("rules", "fundingRules", "fees"):
        assert old.config[part] == new.config[part]


def _settings(market: MarketPicture) -> tuple[Any, ...]:
    parts = (market.config[part] for part in ("rules", "caps", "fundingRules", "fees"))
    return (*parts, market.options, market.state.status)


def _window(limiter: Any) -> tuple[int, ...]:
    return limiter.period, limiter.share, limiter.minimum, limiter.cap
