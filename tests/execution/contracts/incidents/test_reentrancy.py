"""GMX v1, July 2025: a payout that let its receiver in while the books were half written."""

from collections.abc import Callable

import pytest

from execution.contracts.abi import clearing_house
from genesis.predeploys import CLEARING_HOUSE
from state.types import Address
from tests.execution.contracts.house import TIMELOCK, USD, House, Trader
from tests.execution.contracts.test_accounts import HostileHouse, calling_code

HOOK = Address(b"\x66" * 20)
BUYER, SELLER = 0, 1

Entry = Callable[[House, Trader], object]


def withdraw(house: House, trader: Trader) -> object:
    return house.send(trader.address, "withdraw", trader.account, 1, trader.address)


def deposit(house: House, trader: Trader) -> object:
    return house.deposit(trader.address, trader.account, 1)


def fund(house: House, trader: Trader) -> object:
    house.give(trader.address, 1)
    return house.send(trader.address, "fundInsurance", 0, 1)


def collect(house: House, _: Trader) -> object:
    return house.send(TIMELOCK, "collectFees", TIMELOCK, 1)


def house_with_fees() -> tuple[HostileHouse, Trader]:
    """Somebody with collateral, and fees that can be collected."""
    house = HostileHouse()
    traders = [house.trader(key, 10_000 * USD) for key in (BUYER, SELLER)]
    house.report(0, 60_000 * 10**8)
    assert not house.trade(*traders, 10**6, 60_000 * 10**8).rejections
    return house, traders[BUYER]


@pytest.mark.parametrize("entry", [withdraw, deposit, fund, collect])
def test_gmx_2025_no_function_gets_in_while_collateral_moves(entry: Entry) -> None:
    """Whatever moves tokens holds the one lock: every other function is refused, views included."""
    house, trader = house_with_fees()
    house.configure(fee_percent=0, answer=0, hook=HOOK)
    for name in clearing_house().functions:
        house.install(HOOK, calling_code(CLEARING_HOUSE, clearing_house().selector(name)), {})
        entry(house, trader)
        assert house.word(0, HOOK) == 4
        refused = clearing_house().error(house.word(1, HOOK).to_bytes(32, "big")[:4])
        assert refused.name == "Reentered"
