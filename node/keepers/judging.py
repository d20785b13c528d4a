"""How accounts stand at prices of the moment, and what has to be priced before one is closed.

The contract judges an account with options only while its series are priced at nearly the present
index. An index that moves by half a percent between two reports leaves them stale whenever somebody
looks, so that keepers ask how accounts would stand with their series priced, and price them in the
transactions right before the one that closes an account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from execution.margin import AccountState, read_vault
from node.keepers.books import Books, Moment, Standing
from node.keepers.census import Census, has_positions
from node.keepers.limits import ACCOUNTS_AT_ONCE_MAX, ACCOUNTS_REJUDGED_MAX
from node.keepers.pricing import (
    Pricing,
    pricing_deeds,
    pricing_of,
    read_priceable,
    series_held_by,
)


@dataclass(frozen=True, slots=True)
class Judged:
    """Accounts in the block that is looked at, and how they stand there."""

    moment: Moment
    accounts: Mapping[int, AccountState]
    known: Mapping[int, Standing]
    """By what is priced already; of accounts with positions."""
    standings: Mapping[int, Standing]
    """With what they hold priced, where that can be."""
    pricing: Mapping[int, Pricing]

    def before(self, account: int) -> Pricing:
        """What goes right before whatever asks the contract to close the account."""
        return self.pricing.get(account, ())

    @property
    def failing(self) -> list[int]:
        """Those that can be liquidated, the deepest below their maintenance margin first."""
        found = {id_: one for id_, one in self.standings.items() if _fails(one)}
        worst = sorted(found, key=lambda id_: found[id_].equity - found[id_].maintenance)
        return worst[:ACCOUNTS_AT_ONCE_MAX]

    @property
    def bankrupt(self) -> list[int]:
        """Those below zero, the deepest first."""
        found = {id_: one.equity for id_, one in self.standings.items() if not one.stale}
        below = [id_ for id_, equity in found.items() if equity < 0]
        return sorted(below, key=lambda id_: found[id_])[:ACCOUNTS_AT_ONCE_MAX]


def _fails(standing: Standing) -> bool:
    return standing.is_liquidatable and not standing.stale


async def judge_next(books: Books, moment: Moment, census: Census) -> Judged:
    """Judge the accounts whose turn it is.

    Those that can't be judged even with their series priced, because prices themselves are stale,
    keep the standing they have.
    """
    accounts = await census.next()
    known = await books.standings(
        [id_ for id_, account in accounts.items() if has_positions(account)]
    )
    stale = [id_ for id_, one in known.items() if one.stale and accounts[id_].options]
    stale.sort(key=lambda id_: known[id_].equity - known[id_].maintenance)
    pricing = await pricing_of(books, moment, stale[:ACCOUNTS_REJUDGED_MAX])
    calls = {id_: [deed.data for deed in deeds] for id_, deeds in pricing.items() if deeds}
    standings = {**known, **await books.standings_after(calls)}
    failing = {id_: accounts[id_] for id_, one in standings.items() if _fails(one)}
    to_close = await _pricing_to_close(books, moment, failing)
    return Judged(moment, accounts, known, standings, to_close)


async def _pricing_to_close(
    books: Books, moment: Moment, accounts: Mapping[int, AccountState]
) -> dict[int, Pricing]:
    """What accounts hold, and what is due of what the backstops that could take them hold: a vault
    with a stale series takes nothing, be it a perpetual."""
    if not accounts:
        return {}
    own, held = await pricing_of(books, moment, accounts), await series_held_by(books, accounts)
    strikes, due = await books.strikes(), await _due_of_vaults(books, moment)
    pricing = {}
    for id_, account in accounts.items():
        underlyings = (strikes[series & ~1].underlying for series in held[id_])
        touched = sorted({*account.markets, *underlyings})
        others = [one for market in touched for one in due[market] if one not in held[id_]]
        pricing[id_] = (*own[id_], *pricing_deeds(others))
    return pricing


async def _due_of_vaults(books: Books, moment: Moment) -> dict[int, list[int]]:
    """Series that each market's backstop holds and that are to be priced."""
    markets = list(await books.markets())
    vaults = await books.read_each([partial(read_vault, market=id_) for id_ in markets])
    accounts = {id_: vault.account for id_, vault in zip(markets, vaults) if vault is not None}
    held = await series_held_by(books, list(accounts.values()))
    known = await read_priceable(books, sorted({one for ids in held.values() for one in ids}))
    return {
        market: [
            one
            for one in (held[accounts[market]] if market in accounts else ())
            if known[one].can_be_priced(moment) and known[one].is_due(moment)
        ]
        for market in markets
    }
