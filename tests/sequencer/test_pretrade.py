"""The margin check against settlement itself: the same code must say the same, to the unit."""

from dataclasses import dataclass, field, replace
from random import Random

import pytest

from execution.contracts.devnet import BTC_USD, ETH_USD
from execution.contracts.parameters import SIZE_ONE
from execution.margin import SERIES_START, Match, Reason
from sequencer.exchange.unseen import UnseenFills
from sequencer.house_view import HouseView
from sequencer.matching.events import Fill
from sequencer.pretrade import PretradeMargin
from state.clock import ManualClock
from tests.execution.contracts.desk import Desk, usd
from tests.execution.contracts.house import OPERATORS, USD, Trader
from tests.sequencer.house_state import HouseState

BTC, ETH = 0, 1
LOT = SIZE_ONE // 1_000
TAKER_FEE, MAKER_FEE = BTC_USD.fees[:2]
NARROW = (
    replace(BTC_USD, oi_low=2 * SIZE_ONE, oi_high=60 * SIZE_ONE, oi_cap=1_000 * SIZE_ONE),
    replace(ETH_USD, oi_low=20 * SIZE_ONE, oi_high=900 * SIZE_ONE, price_band=200_000),
)
"""Small bounds, so that initial margin rises with what the tests trade."""


@dataclass
class Rig:
    """A house, a view of it that follows, and the check on that view."""

    desk: Desk = field(default_factory=lambda: Desk(markets=NARROW))

    def __post_init__(self) -> None:
        self.state = HouseState(self.desk)
        self.clock = ManualClock(self.desk.now)
        self.view = HouseView(self.state, self.state.header())
        self.margin = PretradeMargin(self.view, self.clock)
        self.fills = 0

    def follow(self) -> None:
        """A block: what changed goes into the view."""
        self.clock.advance(self.desk.now - self.clock.now())
        self.view = self.view.after(self.state, self.state.header(), self.state.changes())
        self.margin.renew(self.view)

    def verdicts(
        self,
        taker: Trader,
        maker: Trader,
        market: int,
        delta: int,
        price: int,
        unseen: UnseenFills | None = None,
    ) -> tuple[Reason | None, Reason | None]:
        """What the check says of both sides of a fill, at the fees that they will pay."""
        fees = self.view.fees(taker.account, market), self.view.fees(maker.account, market)
        unseen = unseen or UnseenFills(self.view)
        return (
            self.margin.check(
                taker.account, market, delta, price, fees[0].taker, unseen,
                against=maker.account,
            ),
            self.margin.check(
                maker.account, market, -delta, price, fees[1].maker, unseen,
                against=taker.account,
            ),
        )  # fmt: skip

    def match(self, taker: Trader, maker: Trader, market: int, delta: int, price: int) -> Match:
        sides = (
            self.desk.order(trader, is_buy, abs(delta), price, market=market)
            for trader, is_buy in ((taker, delta > 0), (maker, delta < 0))
        )
        first, second = sides
        return Match(first, second, abs(delta))

    def settle(self, *matches: Match) -> list[tuple[int, Reason]]:
        return self.desk.settle(*matches).rejections

    def fill(self, taker: Trader, maker: Trader, market: int, delta: int, price: int) -> Fill:
        """As the matching engine would tell it."""
        self.fills += 1
        return Fill(
            id=self.fills, market=market, price=price, size=abs(delta), taker=b"", maker=b"",
            taker_account=taker.account, maker_account=maker.account, taker_is_buy=delta > 0,
            time=0,
        )  # fmt: skip


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.desk.report(BTC, usd(60_000))
    rig.desk.report(ETH, usd(3_000))
    return rig


def expected(verdicts: tuple[Reason | None, Reason | None]) -> list[tuple[int, Reason]]:
    """What settlement says when the check said that: the taker is judged first."""
    taker, maker = verdicts
    if taker is not None:
        return [(0, taker)]
    return [(0, Reason.MAKER_MARGIN if maker is Reason.TAKER_MARGIN else maker)] if maker else []


def test_check_fill_at_the_boundary_agrees_with_settlement_to_the_unit(rig: Rig) -> None:
    rich = rig.desk.trader(9, 10_000_000 * USD)
    price, size = usd(60_000), SIZE_ONE
    notional = 60_000 * USD
    fee = -(-notional * TAKER_FEE // 1_000_000)
    needed = -(-notional * NARROW[BTC].imf // 1_000_000) + fee
    exact = rig.desk.trader(1, needed)
    short = rig.desk.trader(2, needed - 1)
    rig.follow()
    assert rig.verdicts(exact, rich, BTC, size, price) == (None, None)
    assert rig.verdicts(short, rich, BTC, size, price) == (Reason.TAKER_MARGIN, None)
    assert rig.settle(rig.match(short, rich, BTC, size, price)) == [(0, Reason.TAKER_MARGIN)]
    assert rig.settle(rig.match(exact, rich, BTC, size, price)) == []


@pytest.mark.parametrize("market", [7, SERIES_START + 64])
def test_check_leaves_out_a_fill_that_waits_in_a_market_that_a_reorg_took_back(
    rig: Rig, market: int
) -> None:
    trader, other = rig.desk.trader(1, 100_000 * USD), rig.desk.trader(2, 100_000 * USD)
    rig.follow()
    gone = rig.fill(trader, other, market, SIZE_ONE, usd(60_000))
    assert rig.verdicts(
        trader, other, BTC, SIZE_ONE, usd(60_000), UnseenFills(rig.view, [gone])
    ) == (None, None)


@pytest.mark.parametrize("seed", range(6))
def test_check_random_perpetual_fills_says_what_settlement_says(rig: Rig, seed: int) -> None:
    random = Random(seed)
    traders = [
        rig.desk.trader(n, random.choice([30, 300, 3_000, 40_000]) * USD * random.randint(1, 9))
        for n in range(6)
    ]
    for trader in traders[3:5]:
        rig.desk.send(trader.address, "setMarginMode", trader.account, 1)
    outcomes = set()
    for _ in range(60):
        if random.random() < 0.3:
            rig.desk.advance(random.choice([1, 600, 4_000]))
            rig.desk.report(BTC, usd(random.randint(57_500, 62_500)))
            rig.desk.report(ETH, usd(random.randint(2_850, 3_150)))
        rig.follow()
        market = random.choice((BTC, ETH))
        taker, maker = random.sample(traders, 2)
        delta = random.choice((-1, 1)) * random.randint(1, 3_000) * LOT
        mark = rig.view.market(market).mark
        price = mark // usd(1) * usd(1) + usd(random.randint(-20, 20))
        said = expected(rig.verdicts(taker, maker, market, delta, price))
        assert rig.settle(rig.match(taker, maker, market, delta, price)) == said
        outcomes.add(said[0][1] if said else None)
    assert {None, Reason.TAKER_MARGIN, Reason.MAKER_MARGIN} <= outcomes


@pytest.mark.parametrize("seed", range(3))
def test_check_random_option_fills_says_what_settlement_says(rig: Rig, seed: int) -> None:
    random = Random(seed)
    desk = rig.desk
    strike = desk.list_strike(desk.on_the_minute(20 * 86_400), usd(60_000))
    desk.quote(strike, usd(60_000))
    traders = [desk.trader(n, random.choice([900, 9_000, 90_000]) * USD) for n in range(5)]
    outcomes = set()
    for _ in range(40):
        if random.random() < 0.4:
            desk.quote(strike, usd(random.randint(58_500, 61_500)))
        elif random.random() < 0.2:
            desk.advance(61)
        rig.follow()
        market = random.choice((strike, strike + 1, BTC))
        taker, maker = random.sample(traders, 2)
        delta = random.choice((-1, 1)) * random.randint(1, 80) * SIZE_ONE // 100
        mark = dict(rig.view.marks()).get(market, 0)
        price = mark // usd(1) * usd(1) + usd(random.randint(1, 20))
        said = expected(rig.verdicts(taker, maker, market, delta, price))
        assert rig.settle(rig.match(taker, maker, market, delta, price)) == said
        outcomes.add(said[0][1] if said else None)
    assert {None, Reason.TAKER_MARGIN} <= outcomes


def test_check_after_pending_fills_judges_as_if_they_were_settled(rig: Rig) -> None:
    maker = rig.desk.trader(8, 10_000_000 * USD)
    taker = rig.desk.trader(1, 2_400 * USD)
    rig.follow()
    price, size = usd(60_000), SIZE_ONE
    first = rig.fill(taker, maker, BTC, size, price)
    assert rig.verdicts(taker, maker, BTC, size, price) == (None, None)
    unseen = UnseenFills(rig.view, [first])
    again = rig.verdicts(taker, maker, BTC, size, price, unseen)
    assert again == (Reason.TAKER_MARGIN, None)
    back = rig.verdicts(taker, maker, BTC, -size, price, unseen)
    assert back == (None, None)
    matches = [rig.match(taker, maker, BTC, size, price) for _ in range(2)]
    assert rig.settle(*matches) == [(1, Reason.TAKER_MARGIN)]


def test_check_below_requirement_lets_only_reduce(rig: Rig) -> None:
    maker = rig.desk.trader(8, 10_000_000 * USD)
    taker = rig.desk.trader(1, 1_400 * USD)
    rig.settle(rig.match(taker, maker, BTC, SIZE_ONE, usd(60_000)))
    rig.desk.advance(1)
    rig.desk.report(BTC, usd(59_500))
    rig.follow()
    assert rig.verdicts(taker, maker, BTC, LOT, usd(59_500))[0] is Reason.TAKER_MARGIN
    assert rig.verdicts(taker, maker, BTC, -LOT, usd(59_500))[0] is None


def test_check_stale_price_lets_only_reduce(rig: Rig) -> None:
    maker = rig.desk.trader(8, 10_000_000 * USD)
    taker = rig.desk.trader(1, 100_000 * USD)
    rig.settle(rig.match(taker, maker, BTC, SIZE_ONE, usd(60_000)))
    rig.desk.advance(3_600)
    rig.follow()
    assert rig.verdicts(taker, maker, BTC, LOT, usd(60_000))[0] is Reason.ORACLE_STALE
    assert rig.verdicts(taker, maker, BTC, -LOT, usd(60_000))[0] is None


def test_check_other_side_unknown_counts_it_as_opening(rig: Rig) -> None:
    """A sale to somebody who is short opens no interest; to somebody unknown it may."""
    long, short = (rig.desk.trader(n, 10_000_000 * USD) for n in (7, 8))
    rig.settle(rig.match(long, short, BTC, 20 * SIZE_ONE, usd(60_000)))
    fraction = rig.desk.read("marginFractions", BTC)[0]
    assert fraction > NARROW[BTC].imf
    cash = 60_000 * (fraction + TAKER_FEE)
    seller = rig.desk.trader(1, cash)
    rig.follow()
    none = UnseenFills(rig.view)
    sale = (seller.account, BTC, -SIZE_ONE, usd(60_000), TAKER_FEE, none)
    assert rig.margin.check(*sale, against=short.account) is None
    assert rig.margin.check(*sale, against=long.account) is Reason.TAKER_MARGIN
    assert rig.margin.check(*sale) is Reason.TAKER_MARGIN


def test_check_account_or_market_that_does_not_exist_is_refused(rig: Rig) -> None:
    trader = rig.desk.trader(1, USD)
    rig.follow()
    none = UnseenFills(rig.view)
    assert rig.margin.check(99, BTC, LOT, usd(1), 0, none) is Reason.UNKNOWN_ACCOUNT
    assert rig.margin.check(trader.account, 7, LOT, usd(1), 0, none) is Reason.UNKNOWN_MARKET
    assert rig.margin.check(trader.account, 700, LOT, usd(1), 0, none) is Reason.UNKNOWN_MARKET


def test_check_paused_house_lets_only_reduce(rig: Rig) -> None:
    maker = rig.desk.trader(8, 10_000_000 * USD)
    taker = rig.desk.trader(1, 100_000 * USD)
    rig.settle(rig.match(taker, maker, BTC, SIZE_ONE, usd(60_000)))
    rig.follow()
    assert rig.verdicts(taker, maker, BTC, LOT, usd(60_000))[0] is None
    rig.desk.send(OPERATORS.guardian.address, "pause")
    rig.follow()
    assert rig.verdicts(taker, maker, BTC, LOT, usd(60_000))[0] is Reason.MARKET_REDUCE_ONLY
    assert rig.verdicts(taker, maker, BTC, -LOT, usd(60_000))[0] is None


def test_check_machine_made_anew_answers_the_same(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = rig.desk.trader(8, 10_000_000 * USD)
    taker = rig.desk.trader(1, 2_400 * USD)
    rig.settle(rig.match(taker, maker, BTC, SIZE_ONE, usd(60_000)))
    rig.follow()
    monkeypatch.setattr("sequencer.pretrade.LENS_CALLS_MAX", 3)
    verdicts = {rig.verdicts(taker, maker, BTC, SIZE_ONE, usd(60_000)) for _ in range(5)}
    assert verdicts == {(Reason.TAKER_MARGIN, None)}


@pytest.mark.parametrize("seed", range(4))
def test_check_fill_by_fill_says_what_settlement_says_of_all_in_one_batch(
    rig: Rig, seed: int
) -> None:
    """Each fill is written into the copy once; a machine made anew writes them all and agrees."""
    random = Random(seed)
    desk = rig.desk
    strike = desk.list_strike(desk.on_the_minute(20 * 86_400), usd(60_000))
    desk.quote(strike, usd(60_000))
    traders = [desk.trader(n, random.choice([3_000, 9_000, 90_000]) * USD) for n in range(5)]
    rig.follow()
    unseen, matches, refused = UnseenFills(rig.view), [], 0
    for _ in range(60):
        market = random.choice((BTC, ETH, strike, strike + 1))
        taker, maker = random.sample(traders, 2)
        delta = random.choice((-1, 1)) * random.randint(1, 90) * SIZE_ONE // 100
        price = dict(rig.view.marks())[market] // usd(1) * usd(1)
        said = rig.verdicts(taker, maker, market, delta, price, unseen)
        anew = replace_margin(rig).verdicts(taker, maker, market, delta, price, unseen)
        assert said == anew
        if said != (None, None):
            refused += 1
            continue
        unseen.add(rig.fill(taker, maker, market, delta, price))
        matches.append(rig.match(taker, maker, market, delta, price))
    assert refused
    assert rig.settle(*matches) == []
    held = {(t.account, m): unseen.position(t.account, m) for t in traders for m in (BTC, strike)}
    rig.follow()
    assert held == {key: rig.view.position(*key) for key in held}


def replace_margin(rig: Rig) -> Rig:
    """The same rig with a machine that has answered nothing yet."""
    other = object.__new__(Rig)
    other.desk, other.view, other.fills = rig.desk, rig.view, rig.fills
    other.margin = PretradeMargin(rig.view, rig.clock)
    return other


def test_check_after_a_block_starts_from_its_books_alone(rig: Rig) -> None:
    """What was written for fills that a block settled, or refused, is gone with them."""
    maker = rig.desk.trader(8, 10_000_000 * USD)
    taker = rig.desk.trader(1, 2_400 * USD)
    rig.follow()
    trade = (taker, maker, BTC, SIZE_ONE, usd(60_000))
    lost = UnseenFills(rig.view, [rig.fill(*trade)])
    assert rig.verdicts(*trade, lost) == (Reason.TAKER_MARGIN, None)
    assert rig.verdicts(*trade) == (None, None)
    rig.settle(rig.match(*trade))
    rig.follow()
    assert rig.verdicts(*trade) == (Reason.TAKER_MARGIN, None)


def test_check_beyond_the_open_interest_cap_says_so_with_what_others_have_matched(
    rig: Rig,
) -> None:
    cap = 1_000 * SIZE_ONE
    traders = [rig.desk.trader(n, 900_000_000 * USD) for n in range(4)]
    rig.follow()
    first = rig.fill(traders[0], traders[1], BTC, cap - 2 * LOT, usd(60_000))
    unseen = UnseenFills(rig.view, [first])
    assert unseen.grown(BTC) == cap - 2 * LOT
    taker, maker = traders[2:]
    within, beyond = ((taker, maker, BTC, lots * LOT, usd(60_000)) for lots in (2, 3))
    assert rig.verdicts(*within, unseen) == (None, None)
    assert rig.verdicts(*beyond, unseen) == (Reason.OPEN_INTEREST_CAP,) * 2
    closing = (traders[1], traders[0], BTC, 3 * LOT, usd(60_000))
    assert rig.verdicts(*closing, unseen) == (None, None)
    resting = (taker.account, BTC, 3 * LOT, usd(60_000), TAKER_FEE, unseen)
    assert rig.margin.check(*resting) is None
    matches = [rig.match(traders[0], traders[1], BTC, cap - 2 * LOT, usd(60_000))]
    matches += [rig.match(*trade) for trade in (beyond, within)]
    assert rig.settle(*matches) == [(1, Reason.OPEN_INTEREST_CAP)]
