"""Every account has its turn, however many there are."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.keepers import census as censuses
from node.keepers.batches import BatchClient
from node.keepers.books import Books
from node.keepers.census import Census
from tests.node.keepers.world import PRICE, SIZE, USD, World, world
from tests.node.rpc.harness import L2_CONFIG

VAULTS = 2
TRADERS = 4


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two vaults without positions, then four traders with one each."""
    folder: Path = tmp_path_factory.mktemp("census")
    with world(folder) as made:
        made.report({0: 60_000})
        traders = [made.trader(1 + number, 20_000 * USD) for number in range(TRADERS)]
        for buyer, seller in zip(traders[::2], traders[1::2]):
            made.trade(buyer, seller, SIZE // 10, 60_000 * PRICE)
        yield made


def looks(books: World, count: int) -> list[list[int]]:
    """The ids of so many looks in a row."""

    async def run() -> list[list[int]]:
        client = BatchClient(books.node.url)
        view = Books.over(client, L2_CONFIG.chain_id)
        census = Census(view)
        try:
            await view.look()
            return [sorted(await census.next()) for _ in range(count)]
        finally:
            await client.aclose()

    return asyncio.run(run())


def test_few_accounts_are_looked_at_all_at_once(books: World) -> None:
    everyone = list(range(1, VAULTS + TRADERS + 1))

    assert looks(books, 2) == [everyone, everyone]


def test_many_accounts_take_turns(books: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(censuses, "ACCOUNTS_A_STEP_MAX", 4)

    assert looks(books, 3) == [[1, 2, 3, 4], [1, 2, 5, 6], [3, 4, 5, 6]]


def test_accounts_with_positions_are_limited_apart(
    books: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(censuses, "STANDINGS_A_STEP_MAX", 3)

    assert looks(books, 2) == [[1, 2, 3, 4, 5], [1, 2, 3, 4, 6]]
