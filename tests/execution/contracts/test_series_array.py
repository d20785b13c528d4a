"""How a priced series lies in storage, and how holdings of it add up."""

from random import Random

import pytest

from tests.conftest import Show
from tests.execution.contracts.exact.holdings import OptionHolding
from tests.execution.contracts.pricer import Pricer

LOWEST, HIGHEST = -(2**47), 2**47 - 1
SIZE_MAX = 2**63 - 1
ADDING_GAS = 2_100


@pytest.fixture(scope="module")
def pricer() -> Pricer:
    return Pricer()


def random_lanes(random: Random) -> list[int]:
    """Gains of every size, the extremes among them."""
    edges = (LOWEST, LOWEST + 1, -1, 0, 1, HIGHEST)
    return [
        random.choice((random.choice(edges), random.randint(LOWEST, HIGHEST))) for _ in range(24)
    ]


def test_pack_any_numbers_unpack_gives_them_back(pricer: Pricer) -> None:
    random = Random(1)
    extremes = [[LOWEST] * 24, [HIGHEST] * 24, [LOWEST, HIGHEST] * 12, [-1] * 24, [0] * 24]
    for lanes in [*extremes, *(random_lanes(random) for _ in range(200))]:
        head = random.getrandbits(32), random.getrandbits(48), random.getrandbits(47)
        time, spot, price = head
        words, _ = pricer("pack", lanes, price, time, spot)
        assert pricer("unpack", words) == (tuple(lanes), *head)


def test_pack_lanes_follow_head_as_bytes(pricer: Pricer) -> None:
    words, _ = pricer("pack", [LOWEST + i for i in range(24)], 3, 1, 2)
    stream = b"".join(word.to_bytes(32, "big") for word in words)
    assert stream[:16] == (1).to_bytes(4, "big") + (2).to_bytes(6, "big") + (3).to_bytes(6, "big")
    for i in range(24):
        lane = stream[16 + 6 * i : 22 + 6 * i]
        assert int.from_bytes(lane, "big", signed=True) == LOWEST + i


def test_fits_each_number_at_and_past_its_limit(pricer: Pricer) -> None:
    assert pricer("fits", [LOWEST, HIGHEST] * 12, 2**47 - 1, 2**48 - 1)
    assert not pricer("fits", [0] * 24, 2**47, 0)
    assert not pricer("fits", [0] * 24, 2**256 - 1, 0)
    assert not pricer("fits", [0] * 24, 0, 2**48)
    for i in range(24):
        for beyond in (LOWEST - 1, HIGHEST + 1, -(2**255), 2**255 - 1):
            lanes = [0] * 24
            lanes[i] = beyond
            assert not pricer("fits", lanes, 0, 0)


def test_add_to_random_sizes_is_the_floor_of_each_product(pricer: Pricer, show: Show) -> None:
    random = Random(2)
    sizes = [0, 1, -1, 10**10, -(10**10), SIZE_MAX, -SIZE_MAX]
    gas = 0
    for size in [*sizes, *(random.randint(-(2**b), 2**b) for b in range(1, 63) for _ in range(5))]:
        lanes = random_lanes(random)
        words, _ = pricer("pack", lanes, 0, 2**32 - 1, 2**48 - 1)
        before = [random.randint(-(2**127), 2**127) for _ in range(24)]
        after, gas = pricer("addTo", before, words, size)
        added = [b - a for a, b in zip(before, after, strict=True)]
        assert added == [size * (lane + (size < 0)) // 10**10 for lane in lanes]
        assert gas <= ADDING_GAS
    show(f"adding an option to its account's scenarios: {gas:,} gas")


def test_add_to_products_next_to_whole_numbers_are_floored(pricer: Pricer) -> None:
    whole = [q * 5**10 for q in range(-12, 12)]
    for size in (2**10, 2**62, -(2**10), -(2**62)):
        for offset in (-1, 0, 1):
            lanes = [lane + offset for lane in whole]
            words, _ = pricer("pack", lanes, 0, 0, 0)
            after, _ = pricer("addTo", [0] * 24, words, size)
            assert list(after) == [size * (lane + (size < 0)) // 10**10 for lane in lanes]


def test_holding_value_rounds_against_long_and_short(pricer: Pricer) -> None:
    random = Random(3)
    for _ in range(200):
        price, size = random.getrandbits(47), random.randint(-SIZE_MAX, SIZE_MAX)
        holding = OptionHolding(size, 0, 0, False, price, ())
        assert pricer("holdingValue", price, size) == holding.worth
    assert pricer("holdingValue", 1, 1) == 0
    assert pricer("holdingValue", 1, -1) == -1
    assert pricer("holdingValue", 0, 0) == 0
