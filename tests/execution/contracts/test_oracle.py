"""Reports, index, mark, book samples and funding, as the books take them."""

from dataclasses import replace

import pytest

from execution.contracts.abi import DecodedEvent
from execution.contracts.genesis import BTC_USD, PRICE_ONE, RATE_ONE, SIZE_ONE
from execution.margin import Reason, ReportKind, SignedReport, read_market, sign_report
from genesis.accounts import DevAccount, derive_account
from state.types import Address, Timestamp
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


def test_kiloex_2025_nobody_sets_a_price_without_the_signers(house: House) -> None:
    house.report(0, PRICE)
    house.advance(1)
    thief, low = derive_account(7), PRICE // 100
    own = sign_report(0, 9, low, Timestamp(house.now), thief.key, house.domain)
    unsigned = SignedReport(low, Timestamp(house.now), 0, bytes(32), bytes(32))
    for forged in ([own], [unsigned], [own, unsigned]):
        for kind in ReportKind:
            with pytest.raises(Reverted, match="NotASigner"):
                house.relay(0, 9, forged, kind)
    for kind in ReportKind:
        with pytest.raises(Reverted, match="NotEnoughWeight"):
            house.relay(0, 9, [], kind)
    for sender in (thief.address, OPERATORS.guardian.address, TIMELOCK):
        with pytest.raises(Reverted, match="NotAllowed"):
            house.send(sender, "postBookSample", 0, (low, low, low, low, low))
    with pytest.raises(Reverted, match="NotAllowed"):
        house.send(thief.address, "setOracleSigner", thief.address, 1)
    with pytest.raises(Reverted, match="ZeroAddress"):
        house.send(TIMELOCK, "setOracleSigner", Address(bytes(20)), 1)
    market = read_market(house.word, 0)
    assert (market.index, market.mark) == (PRICE, PRICE)


# What an index leaves


def health(house: House) -> dict[str, int]:
    return dict(house.read("getSafety", 0)[1])


def test_minute_keeps_its_last_index_and_its_first_mark(house: House) -> None:
    house.report(0, PRICE)
    bucket = house.now // 60
    house.advance(1)
    house.report(0, PRICE + 5)
    house.advance(1)
    house.report(0, PRICE + 7)
    assert house.read("getIndexSample", 0, bucket) == {
        "index": PRICE + 7,
        "previous": 0,
        "next": 0,
        "firstMark": PRICE,
    }
    assert health(house)["newestBucket"] == bucket


def test_minutes_with_a_report_are_linked_over_those_without(house: House) -> None:
    first = house.now // 60
    buckets = [first, first + 1, first + 9]
    for bucket in buckets:
        house.advance(max(0, bucket * 60 - house.now))
        house.report(0, PRICE + bucket)
    samples = [house.read("getIndexSample", 0, bucket) for bucket in buckets]
    assert [(s["previous"], s["next"]) for s in samples] == [
        (0, first + 1),
        (first, first + 9),
        (first + 1, 0),
    ]
    assert house.read("getIndexSample", 0, first + 5)["index"] == 0


def test_book_and_external_price_leave_no_sample(house: House) -> None:
    house.report(0, PRICE)
    house.advance(60)
    house.send(MATCHER, "postBookSample", 0, (PRICE, PRICE, PRICE, PRICE, PRICE))
    house.report(0, PRICE, kind=ReportKind.EXTERNAL)
    assert health(house)["newestBucket"] == START // 60
    assert house.read("getIndexSample", 0, house.now // 60)["firstMark"] == 0


def test_outage_ends_with_the_first_fresh_report(house: House) -> None:
    assert house.report(0, PRICE).named("PricesResumed") == []
    house.advance(BTC_USD.stale_seconds)
    assert house.report(0, PRICE).named("PricesResumed") == []
    assert health(house)["resumedTime"] == 0
    house.advance(BTC_USD.stale_seconds + 50)
    late = house.report(0, PRICE, age=BTC_USD.stale_seconds + 1)
    assert late.named("PricesResumed") == []
    assert house.report(0, PRICE).named("PricesResumed") == [{"market": 0, "time": house.now}]
    assert health(house)["resumedTime"] == house.now
    house.advance(1)
    house.report(0, PRICE)
    assert health(house)["resumedTime"] == house.now - 1


def test_resume_after_an_outage_liquidates_nobody_on_the_first_price(house: House) -> None:
    weak, other, bidder = (
        house.trader(0, 2_000 * USD),
        house.trader(1, 10**12),
        house.trader(2, 10**12),
    )
    house.report(0, PRICE)
    assert house.trade(weak, other, SIZE_ONE, PRICE).rejections == []
    low = PRICE - 1_500 * PRICE_ONE
    bid = house.order(bidder, True, SIZE_ONE, low).packed
    house.advance(BTC_USD.stale_seconds + 1)
    with pytest.raises(Reverted, match="NoLiquidationNow"):
        house.send(bidder.address, "liquidate", weak.account, bid)
    house.report(0, low)
    for seconds in (0, BTC_USD.safety.grace_seconds - 1):
        house.advance(seconds)
        house.report(0, low, kind=ReportKind.EXTERNAL)
        with pytest.raises(Reverted, match="NoLiquidationNow"):
            house.send(bidder.address, "liquidate", weak.account, bid)
    house.advance(1)
    assert house.send(bidder.address, "liquidate", weak.account, bid).named("PositionLiquidated")


PAUSE_MOVE = BTC_USD.safety.pause_move
PAUSE_WINDOW = BTC_USD.safety.pause_window
PAUSE_SECONDS = BTC_USD.safety.pause_seconds
JUMP = PRICE + PRICE * PAUSE_MOVE // 10**6


@pytest.mark.parametrize("price", [JUMP + 1, 2 * PRICE - JUMP - 1])
def test_index_that_moves_too_far_pauses_its_market(house: House, price: int) -> None:
    house.report(0, PRICE)
    house.advance(PAUSE_WINDOW)
    until = house.now + PAUSE_SECONDS
    assert house.report(0, price).named("VolatilityPaused") == [{"market": 0, "until": until}]
    state = health(house)
    assert (state["pausedUntil"], state["anchorTime"]) == (until, house.now)
    assert state["anchorIndex"] == price


def test_index_may_move_as_far_as_the_bound(house: House) -> None:
    house.report(0, PRICE)
    house.advance(1)
    assert house.report(0, JUMP).named("VolatilityPaused") == []
    assert health(house)["pausedUntil"] == 0


def test_move_in_steps_within_one_window_pauses(house: House) -> None:
    house.report(0, PRICE)
    step = (JUMP - PRICE) // 3 + 1
    for number in range(1, 3):
        house.advance(1)
        assert house.report(0, PRICE + number * step).named("VolatilityPaused") == []
    house.advance(1)
    assert len(house.report(0, PRICE + 3 * step).named("VolatilityPaused")) == 1


def test_jump_between_two_windows_pauses(house: House) -> None:
    house.report(0, PRICE)
    house.advance(PAUSE_WINDOW + 1)
    assert len(house.report(0, JUMP + 1).named("VolatilityPaused")) == 1


def test_move_that_takes_longer_than_a_window_pauses_nothing(house: House) -> None:
    house.report(0, PRICE)
    half = (JUMP - PRICE) // 2 + 1
    for number in range(1, 6):
        house.advance(PAUSE_WINDOW + 1)
        assert house.report(0, PRICE + number * half).named("VolatilityPaused") == []


def test_gap_of_an_outage_pauses_nothing(house: House) -> None:
    house.report(0, PRICE)
    house.advance(BTC_USD.stale_seconds + 1)
    receipt = house.report(0, 2 * PRICE)
    assert receipt.named("VolatilityPaused") == []
    assert len(receipt.named("PricesResumed")) == 1


def test_pause_can_be_switched_off() -> None:
    calm = replace(BTC_USD, safety=replace(BTC_USD.safety, pause_move=0))
    house = House(markets=(calm,))
    house.report(0, PRICE)
    house.advance(1)
    assert house.report(0, 3 * PRICE).named("VolatilityPaused") == []


def test_paused_market_only_reduces_until_the_pause_ends(house: House) -> None:
    a, b = house.trader(0, 100_000 * USD), house.trader(1, 100_000 * USD)
    house.report(0, PRICE)
    house.trade(a, b, SIZE_ONE, PRICE)
    house.advance(1)
    house.report(0, JUMP + 1)
    assert house.trade(a, b, SIZE_ONE, PRICE).rejections == [(0, Reason.MARKET_REDUCE_ONLY)]
    near = JUMP // BTC_USD.tick * BTC_USD.tick
    assert house.trade(b, a, SIZE_ONE // 2, near).rejections == []
    house.advance(PAUSE_SECONDS)
    house.report(0, JUMP + 1)
    assert house.trade(a, b, SIZE_ONE // 2, near).rejections == []


def test_closed_market_takes_no_price_any_more(house: House) -> None:
    house.report(0, PRICE)
    bucket = health(house)["newestBucket"]
    house.send(OPERATORS.guardian.address, "closeMarket", 0, bucket)
    house.advance(60)
    for kind in ReportKind:
        with pytest.raises(Reverted, match="MarketClosed"):
            house.report(0, PRICE * 2, kind=kind)
    with pytest.raises(Reverted, match="MarketClosed"):
        house.send(MATCHER, "postBookSample", 0, (0, 0, PRICE, PRICE, PRICE))
    house.send(TIMELOCK, "accrueFunding", 0)
    assert read_market(house.word, 0).mark == PRICE
    house.report(1, PRICE)


def test_report_costs_little_more_than_its_signature_and_slots(house: House) -> None:
    costs = []
    for seconds in (0, 60, 1):
        house.advance(seconds)
        house.report(0, PRICE)
        costs.append(house.evm.result.gas_used)
    print(f"gas of the first report, the first in a minute, and another: {costs}")
    assert costs[2] < 100_000


# The mark


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
