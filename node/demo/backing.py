"""What stands behind the markets of a devnet: vaults and insurance, and what they lack."""

from functools import partial

from execution.margin import read_insurance, read_vault
from node.demo.cast import BACKING, Insured
from node.demo.trade import DemoFailed
from node.keepers.books import Books


async def vault_of(books: Books, market: int) -> int:
    """The account of a market's backstop. Raises `DemoFailed` where there is none."""
    vault = await books.read(partial(read_vault, market=market))
    if vault is None:
        raise DemoFailed(f"market {market} has no backstop vault on this devnet")
    return vault.account


async def insurance_of(books: Books) -> dict[int, int]:
    """q6 by market."""
    ids = list(BACKING)
    found = await books.read_each([partial(read_insurance, market=id_) for id_ in ids])
    return dict(zip(ids, found))


async def missing_backing(books: Books) -> dict[int, Insured]:
    """What vaults and insurance lack of what they shall have, after other crashes perhaps."""
    await books.look()
    insurance = await insurance_of(books)
    missing = {}
    for market, wanted in BACKING.items():
        account = await vault_of(books, market)
        held = (await books.standings([account]))[account].equity
        vault, insured = wanted.vault - held, wanted.insurance - insurance[market]
        missing[market] = Insured(max(0, vault), max(0, insured))
    return missing
