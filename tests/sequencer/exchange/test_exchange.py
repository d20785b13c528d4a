"""The actor: what is on disk before whom, when much comes at once, and when the disk gives out."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from execution.margin import Reason
from sequencer.exchange import exchange as exchange_module
from sequencer.exchange.errors import DuplicateOrder, ExchangeUnavailable
from sequencer.exchange.limits import CLOCK_AHEAD_MS_MAX, HEARTBEAT_MS
from sequencer.exchange.placement import Announcement, Placement
from sequencer.journal import OrderJournal
from sequencer.matching.engine import MatchingEngine
from sequencer.matching.events import Accepted, Cancelled
from sequencer.matching.inputs import Finalized, Heartbeat
from sequencer.matching.limits import SETTLING_SECONDS
from state.types import Timestamp
from tests.sequencer.exchange.hall import Hall, in_hall, opened, run
from tests.sequencer.exchange.house import DOMAIN, LATER, START

WRITER = Path(__file__).with_name("writer.py")
ROOT = WRITER.parents[3]


def in_log(journal: OrderJournal) -> MatchingEngine:
    """What a restart would find now."""
    return journal.load()


@in_hall
async def test_order_is_in_the_log_before_its_answer_and_its_announcement(hall: Hall) -> None:
    seen: list[bool] = []

    def look(announcement: Announcement) -> None:
        seen.extend(
            in_log(hall.journal).order(event.order) is not None
            for event in announcement.events
            if isinstance(event, Accepted)
        )

    stop = hall.exchange.subscribe(look)
    placed = await hall.exchange.place(hall.traders[0].buy(10, 1_000))
    assert in_log(hall.journal).order(placed.order.order.hash) is not None
    assert seen == [True]
    stop()
    await hall.exchange.place(hall.traders[0].buy(10, 1_000))
    assert seen == [True]


@in_hall
async def test_announcements_come_in_the_order_of_the_log(hall: Hall) -> None:
    first, second, *_ = hall.traders
    orders = [first.sell(10, 1_000 + 10 * i) for i in range(20)]
    orders += [second.buy(15, 1_200) for _ in range(10)]
    await asyncio.gather(*(hall.exchange.place(order) for order in orders))
    sequences = [one.sequence for one in hall.announced]
    assert sequences == sorted(set(sequences))
    assert sequences[-1] == hall.exchange.engine.sequence
    replayed = [event for event in hall.events if isinstance(event, Accepted)]
    assert [event.order for event in replayed] == [o.order.digest(DOMAIN) for o in orders]


@in_hall
async def test_requests_that_come_together_share_a_write(hall: Hall) -> None:
    before = hall.exchange.statistics.writes
    orders = [hall.traders[0].buy(10, 900) for _ in range(20)]
    await asyncio.gather(*(hall.exchange.place(order) for order in orders))
    assert hall.exchange.statistics.writes - before < 20
    assert hall.exchange.statistics.open_orders == 20


@in_hall
async def test_two_of_the_same_at_once_are_one_order(hall: Hall) -> None:
    signed = hall.traders[0].buy(10, 900)
    answers = await asyncio.gather(
        hall.exchange.place(signed), hall.exchange.place(signed), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Placement, DuplicateOrder]


@in_hall
async def test_caller_who_left_before_his_turn_places_nothing(hall: Hall) -> None:
    placing = asyncio.ensure_future(hall.exchange.place(hall.traders[0].buy(10, 900)))
    await asyncio.sleep(0)
    placing.cancel()
    await hall.exchange.beat()
    assert hall.bids() == []


@in_hall
async def test_full_queue_refuses_orders_before_cancels(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_module, "REQUESTS_WAITING_MAX", 3)
    monkeypatch.setattr(exchange_module, "CANCELS_WAITING_MAX", 4)
    trader = hall.traders[0]
    waiting = [asyncio.ensure_future(hall.exchange.place(trader.buy(5, 900))) for _ in range(3)]
    cancelling = asyncio.ensure_future(hall.exchange.cancel(hall.cancel(trader)))
    await asyncio.sleep(0)
    with pytest.raises(ExchangeUnavailable, match="try again"):
        await hall.exchange.place(trader.buy(5, 900))
    with pytest.raises(ExchangeUnavailable):
        await hall.exchange.cancel(hall.cancel(hall.traders[1]))
    assert len(await cancelling) == len(await asyncio.gather(*waiting)) == 3


def test_exchange_opens_with_the_first_block() -> None:
    async def whole() -> None:
        async with opened(with_block=False) as hall:
            with pytest.raises(ExchangeUnavailable, match="first block"):
                await hall.exchange.place(hall.traders[0].buy(10, 900))
            await hall.exchange.record(Finalized(time=0, block=0))
            await hall.block()
            await hall.exchange.place(hall.traders[0].buy(10, 900))

    run(whole())


def test_stopped_exchange_answers_what_it_took_and_refuses_the_rest() -> None:
    async def whole() -> None:
        async with opened() as hall:
            hall.running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await hall.running
            with pytest.raises(ExchangeUnavailable, match="stopping"):
                await hall.exchange.place(hall.traders[0].buy(10, 900))

    run(whole())


def test_order_in_the_middle_of_its_write_is_answered_when_the_exchange_stops() -> None:
    """What is on disk is true, and its trader hears of it."""

    async def whole() -> None:
        async with opened() as hall:
            placing = asyncio.ensure_future(hall.exchange.place(hall.traders[0].buy(10, 900)))
            before = hall.exchange.engine.sequence
            while hall.exchange.engine.sequence == before:
                await asyncio.sleep(0)
            hall.running.cancel()
            placed = await placing
            assert in_log(hall.journal).order(placed.order.order.hash) is not None

    run(whole())


@in_hall
async def test_time_never_goes_back_in_the_log(hall: Hall) -> None:
    await hall.exchange.place(hall.traders[0].buy(10, 900))
    hall.clock.advance(5)
    await hall.exchange.place(hall.traders[0].buy(10, 900))
    later = hall.exchange.engine.time
    hall.clock.set(START + 1)
    await hall.exchange.place(hall.traders[0].buy(10, 900))
    assert hall.exchange.engine.time == later


@in_hall
async def test_clock_that_jumps_ahead_voids_a_day_and_not_a_year(hall: Hall) -> None:
    hall.clock.set(START + 365 * 86_400)
    await hall.exchange.beat()
    assert hall.exchange.engine.time == START * 1_000 + CLOCK_AHEAD_MS_MAX
    hall.clock.set(START + 86_400)
    trader = hall.traders[0]
    placed = await hall.exchange.place(trader.buy(10, 1_000, expiry=Timestamp(LATER + 86_400)))
    assert placed.order.accepted == (START + 86_400) * 1_000


@in_hall
async def test_order_that_expires_between_check_and_match_lets_nobody_unchecked_in(
    hall: Hall,
) -> None:
    rich, poor, taker, _ = hall.traders
    soon = Timestamp(START + SETTLING_SECONDS + 1)
    await hall.exchange.place(rich.sell(10, 1_000, expiry=soon))
    await hall.exchange.place(poor.sell(10, 1_000))
    hall.house.room[2] = 5
    check = hall.house.check

    def slow_check(*what: Any, **rest: Any) -> Reason | None:
        hall.clock.advance(2)
        return check(*what, **rest)

    hall.house.check = slow_check  # type: ignore[method-assign]
    placed = await hall.exchange.place(taker.buy(10, 1_000))
    assert [fill.maker_account for fill in placed.fills] == [1]


@in_hall
async def test_heartbeat_lets_orders_expire_and_is_logged_only_when_it_is_needed(
    hall: Hall,
) -> None:
    expiry = Timestamp(START + SETTLING_SECONDS)
    await hall.exchange.place(hall.traders[0].buy(10, 900, expiry=expiry))
    before = hall.exchange.engine.sequence
    await hall.exchange.beat()
    assert hall.exchange.engine.sequence == before
    hall.clock.advance(HEARTBEAT_MS / 1_000)
    await hall.exchange.beat()
    assert len(hall.named(Cancelled)) == 1
    assert hall.exchange.engine.sequence == before + 1


def test_book_is_the_same_after_a_restart(tmp_path: Path) -> None:
    async def whole() -> None:
        async with opened(tmp_path / "orders") as hall:
            for i in range(10):
                await hall.exchange.place(hall.traders[i % 3].buy(10, 900 + 10 * i))
            await hall.exchange.place(hall.traders[3].sell(25, 900))
            before = hall.exchange.engine.snapshot()
        async with opened(tmp_path / "orders", with_block=False) as hall:
            assert hall.exchange.engine.snapshot() == before
            assert hall.exchange.statistics.open_orders == 8

    run(whole())


def test_snapshot_is_taken_after_so_many_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_module, "SNAPSHOT_INPUTS", 5)

    async def whole() -> None:
        async with opened(tmp_path / "orders") as hall:
            for i in range(30):
                await hall.exchange.place(hall.traders[0].buy(10, 500 + 10 * i))
            before = hall.exchange.engine.snapshot()
        async with opened(tmp_path / "orders", with_block=False) as hall:
            assert hall.journal.snapshots == (25, 30)
            assert hall.exchange.engine.snapshot() == before

    run(whole())


@in_hall
async def test_broken_contract_of_the_engine_stops_the_exchange(hall: Hall) -> None:
    """An auction in a market that was never listed: a bug of ours."""

    class Unknown(Heartbeat, tag="unknown"):
        pass

    with pytest.raises(ExchangeUnavailable):
        await hall.exchange.record(Unknown(time=0))  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        await hall.running
    with pytest.raises(ExchangeUnavailable):
        await hall.exchange.place(hall.traders[0].buy(10, 900))


def _recorded(path: Path) -> tuple[MatchingEngine, MatchingEngine]:
    """What the log gives, twice."""
    journal = OrderJournal.open(path)
    try:
        engine = journal.load()
        assert journal.history.trades(0, 10**6) == engine.fills()[::-1]
        return engine, journal.load()
    finally:
        journal.close()


def _check_acknowledged(path: Path, lines: list[str]) -> None:
    """Every acknowledged order and cancel is in the log, in the state that was acknowledged."""
    first, second = _recorded(path)
    assert first.snapshot() == second.snapshot()
    placed, cancelled = set(), set()
    for line in lines:
        told = json.loads(line)
        placed.update(told.get("placed", []))
        cancelled.update(told.get("cancelled", []))
    for order_hash in placed | cancelled:
        view = first.order(bytes.fromhex(order_hash))
        assert view is not None
        assert order_hash not in cancelled or view.status == "cancelled"


async def _run_writer(path: Path, number: int, kill_after: int | None, *limits: str) -> list[str]:
    """Run a process that trades, and kill it when it has told of so many answers."""
    writer = await asyncio.create_subprocess_exec(
        sys.executable, str(WRITER), str(path), str(number), *limits,
        cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert writer.stdout is not None
    lines: list[str] = []
    while line := await writer.stdout.readline():
        if line.endswith(b"\n"):
            lines.append(line.decode())
        if kill_after is not None and len(lines) == kill_after:
            writer.kill()
    await writer.wait()
    return lines


def test_kill_9_loses_nothing_acknowledged(tmp_path: Path) -> None:
    async def whole() -> None:
        lines: list[str] = []
        for number, kill_after in enumerate((1, 7, 23, 60, 131)):
            lines += await _run_writer(tmp_path / "orders", number, kill_after)
            _check_acknowledged(tmp_path / "orders", lines)
        assert len(lines) > 200

    run(whole())


def test_full_disk_stops_the_exchange_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk that is full."""

    async def whole() -> None:
        lines = await _run_writer(tmp_path / "orders", 0, None, "60000")
        end = json.loads(lines.pop())
        assert "free room" in end["refused"]
        assert end["ended"] == "DatabaseUnwritable"
        _check_acknowledged(tmp_path / "orders", lines)
        assert any("placed" in line for line in lines)
        more = await _run_writer(tmp_path / "orders", 1, 5)
        _check_acknowledged(tmp_path / "orders", lines + more)

    run(whole())
