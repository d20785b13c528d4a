"""Accounts in turn: all of them in one step where they are few, else some in each."""

from execution.margin import AccountState
from node.keepers.books import Books
from node.keepers.limits import ACCOUNTS_A_STEP_MAX, STANDINGS_A_STEP_MAX


class Census:
    """Goes through the accounts of the books, from where it stopped the last time."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._first = 1

    async def next(self) -> dict[int, AccountState]:
        """The next accounts by id, at most `STANDINGS_A_STEP_MAX` of them with positions."""
        count = await self._books.account_count()
        if count == 0:
            return {}
        ids = [
            (self._first - 1 + step) % count + 1 for step in range(min(count, ACCOUNTS_A_STEP_MAX))
        ]
        found = await self._books.accounts(ids)
        taken: dict[int, AccountState] = {}
        with_positions = 0
        for id_, account in found.items():
            with_positions += has_positions(account)
            if with_positions > STANDINGS_A_STEP_MAX:
                break
            taken[id_] = account
        if len(taken) < count:
            self._first = list(taken)[-1] % count + 1
        return taken


def has_positions(account: AccountState) -> bool:
    """Whether prices move what the account is worth."""
    return account.perps != 0 or account.options != 0
