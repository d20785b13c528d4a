"""A house in which traders fail: crashes, bankrupt accounts, and the ends of markets."""

from collections.abc import Iterable, Mapping
from typing import Any

from execution.contracts.genesis import PRICE_ONE, SIZE_ONE
from state.types import Address
from tests.execution.contracts.balance import assert_balanced
from tests.execution.contracts.desk import Desk
from tests.execution.contracts.house import OPERATORS, TIMELOCK, Receipt, Trader

ANYONE = Address(b"\x99" * 20)
GUARDIAN = OPERATORS.guardian.address
BTC, ETH = 0, 1
GRACE_SECONDS = 300
DELAY_SECONDS = 10
DEAD_SECONDS = 7 * 86_400


class Wreck(Desk):
    """Both markets priced, and short words for what happens to who fails."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.advance(3600 - self.now % 3600)
        self.report(BTC, usd(60_000))
        self.report(ETH, usd(3_000))
        for _ in range(2):
            self.advance(GRACE_SECONDS // 2)
            self.crash(usd(60_000))

    def crash(self, price: int, *, market: int = BTC) -> None:
        """A second later every index is reported, one of them at `price` (p8)."""
        self.advance(1)
        for number in (BTC, ETH):
            if number == market:
                self.report(number, price)
            elif not self.is_closed(number):
                self.report(number, self.index(number))

    def index(self, market: int) -> int:
        """p8."""
        return int(self.read("getMarket", market)["price"]["index"])

    def is_closed(self, market: int) -> bool:
        return bool(self.read("getClosing", market)["price"])

    def equity(self, trader: Trader) -> int:
        """q6."""
        return int(self.read("equity", trader.account))

    def size(self, trader: Trader, market: int = BTC) -> int:
        """s8."""
        return int(self.read("getPosition", trader.account, market)["size"])

    def insure(self, market: int, amount: int) -> Receipt:
        """Anyone pays q6 into a market's insurance."""
        self.give(ANYONE, amount)
        return self.send(ANYONE, "fundInsurance", market, amount)

    def insured(self, market: int = BTC) -> int:
        """q6."""
        return int(self.read("getSafety", market)[3])

    def open_vault(self, market: int, cash: int, loss_cap: int = 10**12) -> int:
        """The timelock opens and funds a backstop; returns its account."""
        self.send(TIMELOCK, "openVault", market, loss_cap)
        account = int(self.read("getSafety", market)[2]["account"])
        self.deposit(TIMELOCK, account, cash)
        return account

    # Debts

    def report_debt(self, account: int) -> int:
        """Anyone reports; returns what the account then owes (q6)."""
        self.send(ANYONE, "reportDebt", account)
        return int(self.read("getDebt", account)[2])

    def reported(self) -> int:
        """q6: all reported debt."""
        return int(self.read("getDebt", 0)[1])

    # Deleveraging

    def propose(self, failing: Trader, counterparty: Trader, market: int = BTC) -> int:
        """Anyone names a counterparty; returns its score (wad)."""
        arguments = (failing.account, market, counterparty.account)
        receipt = self.send(ANYONE, "proposeDeleverage", *arguments)
        return int(receipt.named("DeleverageProposed")[0]["score"])

    def deleverage(self, failing: Trader, market: int = BTC) -> Mapping[str, Any]:
        """Anyone executes the standing candidate; returns the event."""
        receipt = self.send(ANYONE, "deleverage", failing.account, market)
        (event,) = receipt.named("Deleveraged")
        assert_balanced(self)
        return event

    def deleverage_against(
        self, failing: Trader, counterparty: Trader, market: int = BTC
    ) -> Mapping[str, Any]:
        """Name a counterparty, wait, execute."""
        self.propose(failing, counterparty, market)
        self.advance(DELAY_SECONDS)
        return self.deleverage(failing, market)

    # The end of a market

    def close(self, market: int = BTC, caller: Address = GUARDIAN) -> int:
        """End a market; returns the price (p8)."""
        self.send(caller, "closeMarket", market, self.newest_bucket(market))
        assert_balanced(self)
        return int(self.read("getClosing", market)["price"])

    def register(self, traders: Iterable[Trader | int], market: int = BTC) -> Receipt:
        """Anyone registers positions of a closed market."""
        receipt = self.send(ANYONE, "registerClosing", market, account_ids(traders))
        assert_balanced(self)
        return receipt

    def pay(self, traders: Iterable[Trader | int], market: int = BTC) -> dict[int, int]:
        """Anyone has claims paid; returns q6 by account."""
        receipt = self.send(ANYONE, "payClaims", market, account_ids(traders))
        assert_balanced(self)
        return {event["account"]: event["paid"] for event in receipt.named("ClaimPaid")}


def account_ids(traders: Iterable[Trader | int]) -> list[int]:
    return [t.account if isinstance(t, Trader) else t for t in traders]


def usd(amount: int) -> int:
    """p8."""
    return amount * PRICE_ONE


def coins(amount: float) -> int:
    """s8."""
    return round(amount * SIZE_ONE)
