"""The monitor's books of the real contract, through trades, a crash and the end of a market."""

from dataclasses import dataclass

from node.monitor.books import Books
from node.monitor.findings import Finding
from node.monitor.invariants import account_findings, books_findings, scan_findings
from state.types import Address
from tests.execution.contracts.house import House
from tests.execution.contracts.test_closing import two_winners_and_a_bankrupt
from tests.execution.contracts.wreck import Wreck


@dataclass
class HouseState:
    """A house's storage as a state."""

    house: House

    def storage(self, address: Address, slot: int) -> int:
        return self.house.word(slot, address)


def findings(house: House) -> list[Finding]:
    """All that is wrong with a house."""
    state = HouseState(house)
    books = Books(state)
    books.load(state, range(1, books.globals.house.accounts + 1))
    found = [*account_findings(books, books.accounts.values), *books_findings(books)]
    scanned = (each for n in books.accounts.values for each in scan_findings(books, state, n))
    return [*found, *scanned]


def test_real_books_are_sound_at_each_step_of_the_end_of_a_market() -> None:
    house = Wreck()
    traders = two_winners_and_a_bankrupt(house)
    assert findings(house) == []
    for trader in traders:
        house.register([trader])
        assert findings(house) == []
    house.pay(traders)
    assert findings(house) == []
