"""A crash played on the real bytecode without a devnet: prices, keepers and all in one process.

The keepers here make the calls that node/keepers make, in the same order, and see each report.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from execution.contracts.abi import clearing_house
from execution.contracts.devnet import DEVNET_LIMITERS, devnet_strikes
from execution.contracts.genesis import DEFAULT_MARKETS
from execution.margin import StrikeState, pack_batch
from genesis.accounts import dev_accounts
from node.demo.cast import BACKING, PARTS, Offer, Opening, Seat, put_series
from node.demo.crash_story import Gate, News, Tally, tally
from node.demo.shapes import BTC, ETH, Scene, Shape
from state.types import Address, BlockNumber
from tests.execution.contracts.balance import assert_balanced
from tests.execution.contracts.desk import Desk, Inputs
from tests.execution.contracts.house import FAR, START, Receipt, Reverted

ANYONE = Address(b"\x99" * 20)
PRICES = {BTC: 64_250 * 10**8, ETH: 318_764 * 10**6}
REPORT_SECONDS = 3
CANNOT = ("BackstopUnable", "InsuranceTooSmall")


def make_desk() -> Desk:
    """A house as a devnet's genesis has it."""
    desk = Desk(
        markets=DEFAULT_MARKETS,
        limiters=DEVNET_LIMITERS,
        vaults=True,
        strikes=devnet_strikes(START),
    )
    desk.advance(60)
    return desk


@dataclass
class Replay:
    """One crash, report by report."""

    shape: Shape
    seed: int
    desk: Desk = field(default_factory=make_desk)
    seats: dict[str, Seat] = field(default_factory=dict)
    news: list[News] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)
    refusals: set[str] = field(default_factory=set)
    """Custom errors that keepers met."""

    def run(self) -> Tally:
        """All of it; the books are added up after each report."""
        scenes = self.shape.scenes(self.seed)
        self._report(scenes[0])
        self._open()
        self.desk.advance(61)
        assert_balanced(self.desk)
        for scene in scenes[1:]:
            self._play(scene)
        for _ in range(20):
            self._keep()
        return self.tally

    @property
    def tally(self) -> Tally:
        return tally(self.news, self.gates)

    def equity(self, account: int) -> int:
        return int(self.desk.read("equity", account))

    # Before

    def _open(self) -> None:
        for part in PARTS:
            trader = self.desk.trader(part.key, part.cash)
            self.seats[part.name] = Seat(part, trader.key, trader.account)
            assert trader.key == dev_accounts()[part.key]
        for market, backing in BACKING.items():
            vault = self.desk.read("getSafety", market)[2]["account"]
            self.desk.deposit(ANYONE, vault, backing.vault)
            self.desk.give(ANYONE, backing.insurance)
            self._send("fundInsurance", market, backing.insurance)
        self.series = put_series(self._strikes(), BTC, PRICES[BTC])
        self.desk.price(self.series)
        value = self.desk.read("getSeries", self.series)[2]
        offers = {
            id_: Offer(price - price % DEFAULT_MARKETS[id_].tick, DEFAULT_MARKETS[id_].lot)
            for id_, price in PRICES.items()
        }
        rules = DEFAULT_MARKETS[BTC].options
        assert rules is not None
        offers[self.series] = Offer(value - value % rules.tick, rules.lot)
        opening = Opening(self.seats, offers, self.desk.domain, FAR)
        receipt = self.desk.settle_packed(pack_batch(opening.matches()))
        assert receipt.rejections == [], receipt.rejections

    def _strikes(self) -> dict[int, StrikeState]:
        found = {}
        for number in range(self.desk.read("getStrikeCount")):
            terms, _ = self.desk.read("getStrike", 64 + 2 * number)
            strike = StrikeState(
                terms["underlying"], terms["expiry"], terms["price"], terms["round"]
            )
            found[64 + 2 * number] = strike
        return found

    # During

    def _play(self, scene: Scene) -> None:
        self.desk.advance(REPORT_SECONDS)
        self._report(scene)
        self._keep()

    def _report(self, scene: Scene) -> None:
        prices = scene.prices(PRICES, self._strikes())
        for market, price in prices.index.items():
            self._hear(self.desk.report(market, price))
        for strike, inputs in prices.options.items():
            self.desk.report_inputs(
                strike, Inputs(inputs.forward, inputs.volatility, inputs.discount)
            )

    def _keep(self) -> None:
        """A second later: arrays, then whoever failed, then the bankrupt."""
        self.desk.advance(1)
        self._send("priceSeries", [self.series])
        for account in list(self._failing()):
            if not self._try("takeOver", account):
                continue
            assert_balanced(self.desk)
        for account in range(1, self._count() + 1):
            if self.equity(account) < 0 or self.desk.read("getDebt", account)[2]:
                self._send("reportDebt", account)
        self._look_at_gate()
        for account in range(1, self._count() + 1):
            if self.equity(account) < 0:
                self._deleverage(account)
        self._look_at_gate()
        assert_balanced(self.desk)

    def _failing(self) -> Iterator[int]:
        for account in range(1, self._count() + 1):
            standing = self.desk.read("requirements", account)
            if standing["equity"] < int(standing["maintenance"]):
                yield account

    def _count(self) -> int:
        return len(PARTS) + len(BACKING)

    def _deleverage(self, account: int) -> None:
        markets, _ = self.desk.read("getPositions", account)
        held, sizes = self.desk.read("getHoldings", account)
        shorts = [series for series, size in zip(held, sizes) if size < 0]
        for market in [*markets, *shorts]:
            standing = self.desk.read("getCandidate", account, market)
            if standing["counterparty"] and self._try("deleverage", account, market):
                assert_balanced(self.desk)
                assert self.equity(standing["counterparty"]) >= 0
                continue
            for candidate in range(1, self._count() + 1):
                self._try("proposeDeleverage", account, market, candidate)

    def _look_at_gate(self) -> None:
        insured, reported, _ = self.desk.read("getDebt", 0)
        is_closed = reported > insured
        if is_closed == (bool(self.gates) and self.gates[-1].is_closed):
            return
        refusal = self._withdrawal_refusal()
        assert (refusal == "DebtGate") == is_closed
        self.gates.append(Gate(BlockNumber(0), is_closed, reported, insured, refusal))

    def _withdrawal_refusal(self) -> str:
        """Of the market maker's, who owes nothing; nothing of it happens."""
        seat = self.seats["Mara"]
        data = clearing_house().call("withdraw", seat.account, 1, seat.owner.address)
        before = self.desk.evm.snapshot()
        try:
            self.desk.call(seat.owner.address, data)
        except Reverted as reverted:
            return _name(reverted)
        self.desk.evm.revert(before)
        return ""

    # Calls

    def _send(self, name: str, *arguments: Any) -> Receipt:
        receipt: Receipt = self.desk.send(ANYONE, name, *arguments)
        self._hear(receipt)
        return receipt

    def _try(self, name: str, *arguments: Any) -> bool:
        try:
            self._send(name, *arguments)
        except Reverted as reverted:
            self.refusals.add(_name(reverted))
            return False
        return True

    def _hear(self, receipt: Receipt) -> None:
        self.news += [News(BlockNumber(0), event) for event in receipt.events]


def _name(reverted: Reverted) -> str:
    return reverted.error.name if reverted.error else reverted.data.hex()
