"""What matched fills add up to before a block shows them."""

from random import Random

from sequencer.exchange.unseen import UnseenFills
from sequencer.matching.events import Fill
from tests.sequencer.exchange.house import MemoryHouse

ACCOUNTS, MARKETS = (1, 2, 3, 4), (0, 1)


def fill(number: int, taker: int, maker: int, market: int, delta: int) -> Fill:
    return Fill(
        id=number, market=market, price=1_000, size=abs(delta), taker=b"", maker=b"",
        taker_account=taker, maker_account=maker, taker_is_buy=delta > 0, time=0,
    )  # fmt: skip


def test_random_fills_add_up_to_positions_and_open_interest_kept_by_hand() -> None:
    random = Random(7)
    house = MemoryHouse(positions={(1, 0): 50, (2, 0): -50, (3, 1): 20, (4, 1): -20})
    held = {(a, m): house.position(a, m) for a in ACCOUNTS for m in MARKETS}

    def interest(market: int) -> int:
        return sum(max(0, held[account, market]) for account in ACCOUNTS)

    before = {market: interest(market) for market in MARKETS}
    unseen = UnseenFills(house)
    for number in range(1, 200):
        (taker, maker), market = random.sample(ACCOUNTS, 2), random.choice(MARKETS)
        delta = random.choice((-1, 1)) * random.randint(1, 30)
        unseen.add(fill(number, taker, maker, market, delta))
        held[taker, market] += delta
        held[maker, market] -= delta
        assert unseen.grown(market) == interest(market) - before[market]
    assert held == {key: unseen.position(*key) for key in held}


def test_fills_of_an_account_are_its_own_in_order_and_one_list_that_grows() -> None:
    unseen = UnseenFills(MemoryHouse(), [fill(1, 1, 2, 0, 5), fill(2, 3, 2, 0, 5)])
    of_maker = unseen.of(2)
    unseen.add(fill(3, 2, 1, 0, 5))
    assert [one.id for one in of_maker] == [1, 2, 3]
    assert [one.id for one in unseen.of(1)] == [1, 3]
    assert unseen.of(9) == ()
