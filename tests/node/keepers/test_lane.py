"""Transactions of one account: tried first, sent together, no gap left behind."""

import asyncio
from collections.abc import Iterator

import pytest

from bridge.l1.accounts import Operator
from execution.contracts.abi import clearing_house
from genesis.accounts import derive_account
from node.keepers.batches import BatchClient
from node.keepers.books import Books
from node.keepers.keeper import Done
from node.keepers.lane import Deed, Lane
from state.errors import TallystickError
from state.types import Gas
from tests.node.keepers.world import OPERATORS, World, world
from tests.node.rpc.harness import L2_CONFIG

GAS = Gas(500_000)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("lane")) as made:
        yield made


def create() -> Deed:
    return Deed("create an account", clearing_house().call("createAccount"), GAS)


def do(books: World, *rows: list[Deed], account: Operator | None = None) -> list[Done]:
    """Rows of deeds at the same time, over one lane."""

    async def run() -> list[Done]:
        client = BatchClient(books.node.url)
        operator = account or Operator.of_dev_account(OPERATORS.keeper)
        lane = Lane(Books.over(client, L2_CONFIG.chain_id), operator)
        try:
            return list(await asyncio.gather(*(lane.do(row) for row in rows)))
        finally:
            await client.aclose()

    return asyncio.run(run())


def test_nothing_to_do_asks_nothing(books: World) -> None:
    assert do(books, []) == [Done()]


def test_many_are_sent_together_each_once(books: World) -> None:
    owner = OPERATORS.keeper.address
    before = len(books.view("getAccountsOf", owner))

    first, second = do(books, [create()] * 5, [create()] * 4)

    assert (len(first.sent), len(second.sent)) == (5, 4)
    assert len({one.transaction for one in first.sent + second.sent}) == 9
    assert len(books.view("getAccountsOf", owner)) == before + 9


def test_what_would_revert_is_refused_by_name_and_not_sent(books: World) -> None:
    address = f"0x{OPERATORS.keeper.address.hex()}"
    before = books.node.call("eth_getTransactionCount", address, "latest")
    hopeless = Deed("hopeless", clearing_house().call("takeOver", 1), GAS)

    (done,) = do(books, [hopeless])

    (refused,) = done.refused
    assert refused.reason.startswith("NotLiquidatable(1")
    assert books.node.call("eth_getTransactionCount", address, "latest") == before


def test_refusals_do_not_stop_the_others(books: World) -> None:
    hopeless = Deed("hopeless", clearing_house().call("takeOver", 1), GAS)

    (done,) = do(books, [create(), hopeless, create()])

    assert [one.what for one in done.sent] == ["create an account"] * 2
    assert [one.what for one in done.refused] == ["hopeless"]


def cancel(account: int, after: int) -> Deed:
    """Cancels the orders of an account that `after` new ones lead to; its owner's to do."""
    data = clearing_house().call("cancelAllOrders", account)
    return Deed("cancel all orders", data, GAS, first=(create(),) * after)


def test_what_goes_first_is_sent_before_what_needs_it(books: World) -> None:
    newest = books.trader(1, 0).id

    (done,) = do(books, [cancel(newest + 2, after=2)])

    assert [one.what for one in done.sent] == ["create an account"] * 2 + ["cancel all orders"]
    blocks = [one.block for one in done.sent]
    assert blocks == sorted(blocks)


def test_what_goes_first_is_not_sent_for_what_is_refused_even_then(books: World) -> None:
    newest = books.trader(1, 0).id

    (done,) = do(books, [cancel(newest + 2, after=1)])

    assert done.sent == ()
    assert [one.what for one in done.refused] == ["cancel all orders"]
    assert books.trader(1, 0).id == newest + 1


def test_account_that_can_not_pay_says_so(books: World) -> None:
    poor = Operator.of_dev_account(derive_account(77))

    with pytest.raises(TallystickError, match="insufficient funds"):
        do(books, [create()], account=poor)
