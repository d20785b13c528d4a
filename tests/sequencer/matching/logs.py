"""Random logs of inputs, small enough that orders meet, and often name each other."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from execution.margin import OrderFlag
from execution.margin.reasons import Reason
from sequencer.matching import inputs
from sequencer.matching.inputs import Input, ListMarket, Refusal
from sequencer.matching.orders import BookOrder, SelfTradePrevention, Trigger, TriggerKind
from tests.sequencer.matching.table import NOW, name, order

MARKET = 1
TICK, LOT = 2, 10
OWNERS = 3
LONGEST = 40

FLAGS = (
    OrderFlag.NONE,
    OrderFlag.NONE,
    OrderFlag.POST_ONLY,
    OrderFlag.IOC,
    OrderFlag.FOK,
    OrderFlag.REDUCE_ONLY,
)
PRICE = st.integers(46, 54).map(lambda price: price * TICK)
SIZE = st.integers(1, 5).map(lambda size: size * LOT)
NAME = st.integers(1, LONGEST // 2).map(name)
BLOCK = st.integers(1, 4)
FILL = st.integers(1, 12)
REASON = st.sampled_from([Reason.TAKER_MARGIN, Reason.MAKER_MARGIN, Reason.NOT_REDUCING])
TRIGGER = st.builds(Trigger, st.sampled_from(TriggerKind), PRICE)
LIFE_SECONDS = st.sampled_from([6, 8, 3_600])


@st.composite
def orders(draw: st.DrawFn, number: int) -> BookOrder:
    """An order of one of five accounts of three owners."""
    account = draw(st.integers(1, 5))
    return order(
        number,
        draw(st.sampled_from(["buy", "sell"])),
        draw(SIZE),
        draw(PRICE),
        draw(st.sampled_from(FLAGS)),
        account=account,
        owner=account % OWNERS,
        prevention=draw(st.sampled_from(SelfTradePrevention)),
        trigger=draw(st.one_of(st.none(), st.none(), st.none(), TRIGGER)),
        expiry=NOW // 1_000 + draw(LIFE_SECONDS),
    )


Fields = dict[str, Any]
Draw = Callable[[st.DrawFn, int], Fields]


def _placed(draw: st.DrawFn, number: int) -> Fields:
    placed = draw(orders(number))
    most = draw(st.integers(0, 60)) if placed.is_reduce_only else placed.size
    return {"order": placed, "most": most}


def _replaced(draw: st.DrawFn, number: int) -> Fields:
    return {"old": draw(NAME), **_placed(draw, number)}


def _decided(draw: st.DrawFn, number: int) -> Fields:
    settled = tuple(draw(st.lists(FILL, max_size=3)))
    refused = tuple(draw(st.lists(st.builds(Refusal, FILL, REASON), max_size=2)))
    block = draw(BLOCK)
    return {"block": block, "transaction": name(block), "settled": settled, "refused": refused}


def _ruled(draw: st.DrawFn, number: int) -> Fields:
    is_open = draw(st.booleans())
    return {
        "market": MARKET,
        "tick": TICK,
        "lot": draw(st.sampled_from([LOT, 20])),
        "is_open": is_open,
    }


KINDS: dict[str, Draw] = {
    "Place": _placed,
    "Replace": _replaced,
    "Cancel": lambda draw, _: {"order": draw(NAME)},
    "CancelAll": lambda draw, _: {"account": draw(st.integers(1, 5))},
    "Shrink": lambda draw, _: {"order": draw(NAME), "most": draw(st.integers(0, 40))},
    "Marks": lambda draw, _: {"marks": {MARKET: draw(PRICE)}, "fires": draw(st.booleans())},
    "Fire": lambda draw, _: {"order": draw(NAME)},
    "Outcome": _decided,
    "Reverted": lambda draw, _: {"block": draw(BLOCK)},
    "Finalized": lambda draw, _: {"block": draw(BLOCK)},
    "Heartbeat": lambda draw, _: {},
    "Clear": lambda draw, _: {"markets": (MARKET,)},
    "ListMarket": _ruled,
}
WEIGHTED = st.sampled_from(["Place"] * 9 + ["Outcome"] * 2 + list(KINDS))


@st.composite
def logs(draw: st.DrawFn, *, is_auction: bool = False, rules_change: bool = True) -> list[Input]:
    """A log with one market; the order that input N places is number N."""
    time = NOW
    log: list[Input] = [
        ListMarket(time=time, market=MARKET, tick=TICK, lot=LOT, is_auction=is_auction)
    ]
    for number in range(1, draw(st.integers(1, LONGEST))):
        time += draw(st.sampled_from([0, 0, 1, 400, 1_500]))
        kind = draw(WEIGHTED)
        if kind == "ListMarket" and not rules_change:
            kind = "Clear"
        fields = KINDS[kind](draw, number)
        if kind == "ListMarket":
            fields["is_auction"] = is_auction
        log.append(getattr(inputs, kind)(time=time, **fields))
    return log
