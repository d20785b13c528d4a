"""Reports, index, mark, book samples and funding, as the books take them."""

import pytest

from execution.contracts.abi import DecodedEvent
from execution.contracts.genesis import BTC_USD, PRICE_ONE, RATE_ONE, SIZE_ONE
from execution.margin import ReportKind, SignedReport, read_market, sign_report
from genesis.accounts import DevAccount, derive_account
from state.types import Timestamp
from tests.execution.contracts.house import OPERATORS, START, TIMELOCK, USD, House, Reverted

PRICE = 64_250 * PRICE_ONE
SIGNERS = tuple(derive_account(60 + i) for i in range(5))
MATCHER = OPERATORS.matcher.address


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def council() -> House:
    """Five signers of weights 1, 1, 1, 1 and 3."""
    return House(signers={s.address: 3 if i == 4 else 1 for i, s in enumerate(SIGNERS)})


def reported(
    house: House, prices: dict[DevAccount, int], round_: int = 1, age: int = 0
) -> list[SignedReport]:
    now = Timestamp(house.now - age)
    return [sign_report(0, round_, p, now, s.key, house.domain) for s, p in prices.items()]


def by_number(*prices: tuple[int, int]) -> dict[DevAccount, int]:
    return {SIGNERS[number]: price * PRICE_ONE for number, price in prices}


def test_index_is_the_weighted_median_of_a_round(council: House) -> None:
    reports = reported(council, by_number((0, 300), (1, 100), (4, 250), (2, 200)))
    receipt = council.relay(0, 1, reports)
    assert receipt.events[0].arguments["index"] == 250 * PRICE_ONE
    assert read_market(council.word, 0).mark == 250 * PRICE_ONE


def test_round_needs_more_than_half_of_all_weight(council: House) -> None:
    few = reported(council, by_number((0, 1), (1, 1), (2, 1)))
    with pytest.raises(Reverted, match=r"NotEnoughWeight\(present=3, total=7\)"):
        council.relay(0, 1, few)
    council.relay(0, 1, reported(council, by_number((0, 1), (1, 1), (2, 1), (3, 1))))
    with pytest.raises(Reverted, match="NotEnoughWeight"):
        council.relay(0, 2, [])


def test_signer_counts_once_a_round(council: House) -> None:
    reports = reported(council, by_number((4, 100), (0, 100)))
    with pytest.raises(Reverted, match="SignerTwice"):
        council.relay(0, 1, [*reports, *reported(council, by_number((4, 101)))])


def test_report_of_a_stranger_is_refused(house: House) -> None:
    with pytest.raises(Reverted, match="NotASigner"):
        house.relay(0, 1, reported(house, {SIGNERS[0]: PRICE}))


def test_report_for_another_market_round_or_kind_is_refused(house: House) -> None:
    (report,) = reported(house, {OPERATORS.oracle: PRICE})
    for market, round_, kind in (
        (1, 1, ReportKind.INDEX),
        (0, 2, ReportKind.INDEX),
        (0, 1, ReportKind.EXTERNAL),
    ):
        with pytest.raises(Reverted, match="NotASigner"):
            house.relay(market, round_, [report], kind)


def test_round_and_timestamp_only_move_forward(house: House) -> None:
    house.report(0, PRICE)
    (again,) = reported(house, {OPERATORS.oracle: PRICE})
    with pytest.raises(Reverted, match="RoundNotNew"):
        house.relay(0, 1, [again])
    with pytest.raises(Reverted, match="TimestampNotNew"):
        house.relay(0, 2, reported(house, {OPERATORS.oracle: PRICE}, round_=2))


def test_report_from_the_future_is_refused(house: House) -> None:
    with pytest.raises(Reverted, match="TimestampInFuture"):
        house.report(0, PRICE, age=-1)


@pytest.mark.parametrize("price", [10**6 - 1, 10**17 + 1, 0])
def test_price_out_of_bounds_is_refused(house: House, price: int) -> None:
    with pytest.raises(Reverted, match="PriceOutOfBounds"):
        house.report(0, price)


def test_report_for_no_market_is_refused(house: House) -> None:
    with pytest.raises(Reverted, match="MarketUnknown"):
        house.report(2, PRICE)


def test_index_is_as_old_as_its_oldest_report(council: House) -> None:
    old = reported(council, by_number((0, 100)), age=200)
    fresh = reported(council, by_number((4, 100)), age=10)
    council.relay(0, 1, old + fresh)
    assert read_market(council.word, 0).index_time == START - 200


def test_signers_change_with_the_timelock(council: House) -> None:
    council.send(TIMELOCK, "setOracleSigner", SIGNERS[4].address, 0)
    with pytest.raises(Reverted, match="NotASigner"):
        council.relay(0, 1, reported(council, by_number((4, 100))))
    council.send(TIMELOCK, "setOracleSigner", SIGNERS[0].address, 9)
    council.relay(0, 1, reported(council, by_number((0, 100))))
    signers, entries, total = council.read("getOracleSigners")
    assert len(signers) == 4
    assert total == 12
    assert sorted(e["index"] for e in entries) == [0, 1, 2, 3]
    for removed in (0, 2, 1, 3):
        council.send(TIMELOCK, "setOracleSigner", SIGNERS[removed].address, 0)
    assert council.read("getOracleSigners") == ((), (), 0)


def test_mark_is_the_median_of_book_basis_and_external(house: House) -> None:
    house.report(0, PRICE)
    mid = PRICE + 100 * PRICE_ONE
    house.advance(150)
    house.send(MATCHER, "postBookSample", 0, (0, 0, mid - PRICE_ONE, mid + PRICE_ONE, mid))
    assert read_market(house.word, 0).mark == mid
    house.report(0, PRICE + 300 * PRICE_ONE, kind=ReportKind.EXTERNAL)
    assert read_market(house.word, 0).mark == mid
    house.advance(1)
    house.report(0, PRICE + 10 * PRICE_ONE)
    assert read_market(house.word, 0).mark == mid + 10 * PRICE_ONE


def test_mark_stays_within_its_band_of_the_index(house: House) -> None:
    house.report(0, PRICE)
    house.advance(1)
    far = PRICE * 2
    house.send(MATCHER, "postBookSample", 0, (far, far, far, far, far))
    house.report(0, far, kind=ReportKind.EXTERNAL)
    assert read_market(house.word, 0).mark == PRICE + PRICE // 100


def test_parts_of_the_mark_that_are_old_count_as_the_index(house: House) -> None:
    house.report(0, PRICE)
    house.advance(1)
    house.send(MATCHER, "postBookSample", 0, (PRICE, PRICE, PRICE + 9, PRICE + 9, PRICE + 9))
    assert read_market(house.word, 0).mark == PRICE + 9
    house.advance(BTC_USD.stale_seconds + 1)
    house.report(0, PRICE)
    assert read_market(house.word, 0).mark == PRICE


def test_one_sided_book_moves_no_basis(house: House) -> None:
    house.report(0, PRICE)
    house.send(MATCHER, "postBookSample", 0, (0, 0, PRICE, 0, PRICE))
    assert house.read("getMarket", 0)["book"]["weight"] == 0
    assert read_market(house.word, 0).mark == PRICE


def test_crossed_book_and_strangers_are_refused(house: House) -> None:
    house.report(0, PRICE)
    with pytest.raises(Reverted, match="CrossedBook"):
        house.send(MATCHER, "postBookSample", 0, (0, 0, PRICE + 1, PRICE, PRICE))
    with pytest.raises(Reverted, match="NotAllowed"):
        house.send(TIMELOCK, "postBookSample", 0, (0, 0, PRICE, PRICE, PRICE))


def open_position(house: House) -> tuple[int, int]:
    """A long of 10 base units at an index of 10,000 and its short."""
    a, b = house.trader(0, 50_000 * USD), house.trader(1, 50_000 * USD)
    house.report(0, 10_000 * PRICE_ONE)
    house.trade(a, b, 10 * SIZE_ONE, 10_000 * PRICE_ONE)
    return a.account, b.account


def premium_each_minute(house: House, minutes: int) -> None:
    """A premium of 1% a minute, with a fresh index before each sample."""
    index = 10_000 * PRICE_ONE
    for _ in range(minutes):
        bid = index + index // 100
        house.send(MATCHER, "postBookSample", 0, (bid, bid, 0, 0, 0))
        house.advance(60)
        house.report(0, index)


def test_funding_of_the_worked_example_is_paid_in_the_books(house: House) -> None:
    long, short = open_position(house)
    before = [house.read("equity", account) for account in (long, short)]
    premium_each_minute(house, 60)
    assert read_market(house.word, 0).funding_index == 11_875 * RATE_ONE // 1000
    paid = [house.read("equity", a) - e for a, e in zip((long, short), before)]
    assert paid == [-118_750_000, 118_750_000]


def test_missing_samples_count_as_no_premium(house: House) -> None:
    open_position(house)
    premium_each_minute(house, 30)
    house.advance(1800)
    house.report(0, 10_000 * PRICE_ONE)
    # The last index before the interval's end was stale by then: that interval pays nothing.
    assert read_market(house.word, 0).funding_index == 0
    for _ in range(60):
        house.advance(60)
        house.report(0, 10_000 * PRICE_ONE)
    # No samples: the rate is I, 0.01% for 8 h, for one hour.
    assert read_market(house.word, 0).funding_index == RATE_ONE // 8


def test_only_one_premium_sample_counts_a_slot(house: House) -> None:
    open_position(house)
    house.advance(60)
    house.report(0, 10_000 * PRICE_ONE)
    up, down = 10_100 * PRICE_ONE, 9_000 * PRICE_ONE
    house.send(MATCHER, "postBookSample", 0, (up, up, 0, 0, 0))
    house.send(MATCHER, "postBookSample", 0, (down, down, 0, 0, 0))
    state = house.read("getMarket", 0)["funding"]
    assert (state["premiumSum"], state["lastSample"]) == (RATE_ONE // 100, 2)


def test_accruing_often_changes_nothing_within_an_interval(house: House) -> None:
    open_position(house)
    for _ in range(59):
        house.advance(60)
        house.report(0, 10_000 * PRICE_ONE)
        assert house.send(TIMELOCK, "accrueFunding", 0).events == ()
    house.advance(60)
    (event,) = house.send(TIMELOCK, "accrueFunding", 0).events
    assert event == DecodedEvent(
        "FundingAccrued",
        {"market": 0, "fundingIndex": RATE_ONE // 8, "until": START + 3600},
    )


def test_halted_market_funds_nothing_and_closes_what_ran_before(house: House) -> None:
    open_position(house)
    premium_each_minute(house, 30)
    house.send(OPERATORS.guardian.address, "tightenMarket", 0, 3, SIZE_ONE, 100)
    closed = read_market(house.word, 0)
    # Thirty-one slots had begun, thirty had a sample of 1%.
    mean = 30 * RATE_ONE // 100 // 31
    assert closed.funding_time == START + 1800
    assert closed.funding_index == (mean - RATE_ONE // 2000) * 10_000 * 1800 // 28_800
    for _ in range(70):
        house.advance(60)
        house.report(0, 10_000 * PRICE_ONE)
    assert read_market(house.word, 0).funding_index == closed.funding_index
