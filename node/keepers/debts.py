"""Reports accounts below zero, and those that no longer are: what is owed closes withdrawals."""

from collections.abc import Collection, Mapping
from functools import partial

from execution.contracts.abi import clearing_house
from execution.contracts.parameters import PPM
from execution.margin import AccountState, read_account_debt, read_custody
from node.keepers.books import Books, Standing
from node.keepers.census import has_positions
from node.keepers.lane import Deed
from node.keepers.limits import ACCOUNTS_AT_ONCE_MAX, DEBT_MOVE_PPM, GAS_DEBT


async def due_reports(
    books: Books,
    accounts: Mapping[int, AccountState],
    standings: Mapping[int, Standing],
    but: Collection[int] = (),
) -> list[Deed]:
    """Reports of debts that aren't known, are off by more than a little, or can be paid now."""
    below = {id_ for id_, standing in standings.items() if standing.equity < 0}
    below |= {id_ for id_, one in accounts.items() if not has_positions(one) and one.cash < 0}
    reported = (await books.read(read_custody)).reported_debt
    asked = sorted(accounts if reported else below)
    debts = await books.read_each([partial(read_account_debt, account=id_) for id_ in asked])
    due = [
        id_
        for id_, debt in zip(asked, debts)
        if id_ not in but and _is_due(accounts[id_], standings.get(id_), debt)
    ]
    call = clearing_house().call
    return [
        Deed(f"report the debt of account {id_}", call("reportDebt", id_), GAS_DEBT)
        for id_ in due[:ACCOUNTS_AT_ONCE_MAX]
    ]


def _is_due(account: AccountState, standing: Standing | None, known: int) -> bool:
    """An account without positions owes its cash, which insurance pays as far as it goes."""
    equity = account.cash if standing is None else standing.equity
    if standing is None and has_positions(account):
        return False
    debt = max(0, -equity)
    if (debt == 0) != (known == 0):
        return True
    return abs(debt - known) * PPM > known * DEBT_MOVE_PPM
