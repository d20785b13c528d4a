"""A clearing house whose oracle also reports option inputs, and what option tests ask of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from execution.contracts.abi import clearing_house
from execution.contracts.genesis import PRICE_ONE
from execution.margin import SignedOptionReport, option_report_call, sign_option_report
from genesis.accounts import DevAccount
from state.types import Address, Timestamp
from tests.execution.contracts.house import OPERATORS, House, Receipt, Trader

WAD = 10**18
MINUTE = 60
ANYONE = Address(b"\x99" * 20)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a signer says of a strike: forward p8, volatility and discount wad."""

    forward: int
    volatility: int = 6 * WAD // 10
    discount: int = WAD


class Desk(House):
    """Options beside the perpetuals of a house."""

    def on_the_minute(self, seconds: int) -> Timestamp:
        """The first full minute at least so many seconds from now."""
        return Timestamp(-(-(self.now + seconds) // MINUTE) * MINUTE)

    def list_strike(self, expiry: int, price: int, *, underlying: int = 0) -> int:
        """List a call and a put; returns the call's id."""
        receipt = self.send(self.timelock, "listStrike", underlying, expiry, price)
        (strike,) = clearing_house().result("listStrike", receipt.output)
        return int(strike)

    def report_inputs(self, strike: int, inputs: Inputs, *, age: int = 0) -> Receipt:
        """One round of the devnet's single oracle signer."""
        self.round += 1
        return self.relay_inputs(strike, self.round, {OPERATORS.oracle: inputs}, age=age)

    def relay_inputs(
        self, strike: int, round_: int, inputs: Mapping[DevAccount, Inputs], *, age: int = 0
    ) -> Receipt:
        """Anyone relays what several signers say."""
        signed = [self.sign_inputs(strike, round_, i, s, age=age) for s, i in inputs.items()]
        return self.relay_signed(strike, round_, signed)

    def sign_inputs(
        self, strike: int, round_: int, inputs: Inputs, signer: DevAccount, *, age: int = 0
    ) -> SignedOptionReport:
        """What a signer says, `age` seconds ago."""
        return sign_option_report(
            strike,
            round_,
            inputs.forward,
            inputs.discount,
            inputs.volatility,
            Timestamp(self.now - age),
            signer.key,
            self.domain,
        )

    def relay_signed(
        self, strike: int, round_: int, reports: Sequence[SignedOptionReport]
    ) -> Receipt:
        """Anyone relays a round."""
        return self.call(ANYONE, option_report_call(strike, round_, reports))

    def quote(self, strike: int, index: int, *, underlying: int = 0) -> None:
        """A second later: an index (p8), inputs with it as forward, both series priced."""
        self.advance(1)
        self.report(underlying, index)
        self.report_inputs(strike, Inputs(index))
        self.price(strike, strike + 1)

    def price(self, *series: int) -> Receipt:
        """Anyone prices series."""
        return self.send(ANYONE, "priceSeries", series)

    def gas(self, name: str, *arguments: Any) -> int:
        """What a call of anyone's costs, with what every transaction does."""
        self.send(ANYONE, name, *arguments)
        result = self.evm.result
        assert result is not None
        return result.gas_used

    def newest_bucket(self, underlying: int = 0) -> int:
        """Of the index samples."""
        _, health, _, _ = self.read("getSafety", underlying)
        return int(health["newestBucket"])

    def expire(self, expiry: int, settlement: int, *, underlying: int = 0) -> Receipt:
        """Go to an expiry that settles at a price (p8): the last report is half an hour old."""
        self.advance(expiry - 31 * MINUTE - self.now)
        self.report(underlying, settlement)
        self.advance(31 * MINUTE)
        bucket = self.newest_bucket(underlying)
        return self.send(ANYONE, "fixSettlement", underlying, expiry, bucket)

    def settle_holders(self, series: int, holders: Iterable[Trader]) -> Receipt:
        """Anyone settles a series for some accounts."""
        return self.send(ANYONE, "settleOptions", series, [h.account for h in holders])

    def cash(self, trader: Trader) -> int:
        """q6."""
        return int(self.read("getAccount", trader.account)[1]["cash"])

    def pool(self, series: int) -> int:
        """q6, of a series."""
        return int(self.read("getSeries", series)[0]["pool"])

    def unexplained(self, holders: Iterable[Trader], series: Iterable[int]) -> int:
        """q6: custody less everything it is made of; 0 when the books balance."""
        _, custody, fees = self.read("getCustody")
        insured = self.read("getDebt", 0)[0]
        owed = fees + insured + sum(self.pool(s) for s in series)
        for market in range(self.read("getMarketCount")):
            owed += self.read("getMarket", market)["funding"]["pool"]
        for holder in holders:
            owed += self.cash(holder)
            _, positions = self.read("getPositions", holder.account)
            owed -= sum(p["cost"] for p in positions)
        return int(custody - owed)


def usd(amount: int) -> int:
    """p8."""
    return amount * PRICE_ONE
