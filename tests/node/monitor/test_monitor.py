"""A clearing house that does what it may not: each fault halts the monitor, with evidence."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.evidence_file import EvidenceUnreadable
from node.monitor.evidence import InvariantBroken, settle_violations
from node.monitor.findings import Invariant
from node.monitor.limits import LOAD_SLICE_ACCOUNTS, SCAN_BLOCKS
from node.rpc.feed import ChainFeed
from state.types import BlockNumber
from tests.limits import WAIT_SECONDS_MAX
from tests.node.monitor.chain import (
    CALL,
    CASH,
    COST,
    FLAT,
    LONG,
    OWNERS,
    POOL,
    PRICE,
    SHORT,
    SIZE,
    Event,
    FaultyChain,
    Write,
    market_key,
)

ADDRESS = "0x" + "11" * 20


def halted(chain: FaultyChain) -> dict[str, Any]:
    """Run the monitor until it halts; its evidence."""
    with pytest.raises(InvariantBroken) as caught:
        chain.check()
    assert chain.monitor.checked() < caught.value.number
    found: dict[str, Any] = json.loads(caught.value.path.read_text())
    assert found["block"] == caught.value.number
    return found


def broken(evidence: dict[str, Any]) -> set[Invariant]:
    return {Invariant(one["invariant"]) for one in evidence["findings"]}


def test_sound_books_are_checked_block_by_block(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path)
    chain.check()
    for _ in range(3):
        chain.fault()
        chain.check()
    statistics = chain.monitor.statistics()
    assert (statistics.last, statistics.checked, statistics.violations) == (3, 4, 0)
    assert chain.monitor.checked() == 3
    assert statistics.accounts == 3
    assert statistics.cash == 3 * CASH
    assert not list(tmp_path.iterdir())


# A state that may not be

STATES: dict[str, tuple[Invariant, Sequence[Write]]] = {
    "a long without a short": (
        Invariant.SIZES,
        [({"size": 2 * SIZE}, "positions", market_key(LONG, 0)),
         ({"flow": {"openInterest": 2 * SIZE}}, "markets", 0)],
    ),
    "a held series without its counterpart": (
        Invariant.SIZES,
        [({"options": 1}, "accounts", LONG), (CALL, "heldSeries", LONG << 8),
         (5, "optionSizes", market_key(LONG, CALL >> 2)),
         ({"openInterest": 5}, "seriesBooks", CALL)],
    ),
    "cash from nowhere": (Invariant.CUSTODY, [({"cash": CASH + 1}, "accounts", LONG)]),
    "a unit of custody lost": (Invariant.CUSTODY, [(1, "custody")]),
    "more custody than tokens": (
        Invariant.CUSTODY,
        [({"cash": CASH + 1}, "accounts", LONG), (3 * CASH + 32, "custody")],
    ),
    "fees that nobody paid": (Invariant.CUSTODY, [(12, "feeFund")]),
    "a negative pool of a series": (
        Invariant.CUSTODY,
        [({"pool": -1}, "seriesBooks", CALL), (12, "feeFund")],
    ),
    "a funding pool that owes": (
        Invariant.FUNDING_POOL,
        [({"funding": {"pool": -1}}, "markets", 0), (11 + POOL + 1, "feeFund")],
    ),
    "size without cost": (
        Invariant.COST,
        [({"cost": 0}, "positions", market_key(LONG, 0)),
         ({"cost": 0}, "positions", market_key(SHORT, 0))],
    ),
    "cost of the other sign": (
        Invariant.COST,
        [({"cost": -COST}, "positions", market_key(LONG, 0)),
         ({"cost": COST}, "positions", market_key(SHORT, 0))],
    ),
    "a bit without a position": (Invariant.COST, [({"perps": 3}, "accounts", LONG)]),
    "open interest that isn't the longs": (
        Invariant.OPEN_INTEREST, [({"flow": {"openInterest": SIZE + 1}}, "markets", 0)],
    ),
    "insurance of no market": (
        Invariant.INSURANCE, [(14, "insuranceTotal"), (10, "feeFund")],
    ),
    "a debt that nobody has": (Invariant.INSURANCE, [(1, "reportedDebt")]),
    "cash of a flat account that changes by itself": (
        Invariant.FLAT_CASH,
        [({"cash": CASH + 1}, "accounts", FLAT), ({"cash": CASH - 1}, "accounts", LONG)],
    ),
    "a mark out of its band": (
        Invariant.MARK, [({"price": {"mark": 2 * PRICE}}, "markets", 0)],
    ),
    "funding beyond its cap": (
        Invariant.MARK, [({"flow": {"fundingIndex": 10**20, "openInterest": SIZE}}, "markets", 0)],
    ),
    "a pool that grew by itself": (
        Invariant.FUNDING_POOL,
        [({"funding": {"pool": POOL + 1}}, "markets", 0), (10, "feeFund")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", STATES)
def test_state_that_may_not_be_halts_with_evidence(tmp_path: Path, fault: str) -> None:
    invariant, writes = STATES[fault]
    chain = FaultyChain(tmp_path)
    chain.check()
    block = chain.fault(*writes)
    evidence = halted(chain)
    assert invariant in broken(evidence)
    assert evidence["block"] == block.number == 1
    assert evidence["hash"] == f"0x{block.hash.hex()}"
    assert chain.monitor.checked() == 0
    assert chain.monitor.statistics().violations > 0


def test_open_interest_that_grows_above_its_cap_halts_and_one_that_shrinks_may_stay(
    tmp_path: Path,
) -> None:
    def sizes(size: int) -> list[Write]:
        return [
            ({"size": size}, "positions", market_key(LONG, 0)),
            ({"size": -size}, "positions", market_key(SHORT, 0)),
            ({"flow": {"openInterest": size}}, "markets", 0),
        ]

    chain = FaultyChain(tmp_path, more=[({"caps": {"oiCap": 1}}, "markets", 0)])
    chain.fault(*sizes(SIZE - 1))
    chain.check()
    chain.fault(*sizes(SIZE + 1))
    evidence = halted(chain)
    assert [one["subject"] for one in evidence["findings"]] == ["cap of market 0"]


def test_evidence_has_the_slots_of_the_accounts_that_the_block_touched(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path)
    chain.check()
    chain.fault(({"cash": CASH + 1}, "accounts", LONG))
    evidence = halted(chain)
    (finding,) = evidence["findings"]
    assert (finding["name"], finding["subject"], finding["off"]) == ("CUSTODY", "books", "-1")
    assert list(evidence["accounts"]) == [str(LONG)]
    place = chain.layout.place("accounts", LONG).slot
    assert int(evidence["accounts"][str(LONG)][f"{place:#066x}"], 16) == chain.word(place)


# Events that may not be

FILL = {
    "market": 0, "taker": LONG, "maker": SHORT, "takerBuys": True, "size": 1, "price": 1,
    "takerFee": 1, "makerFee": -1,
}  # fmt: skip
WITHDRAWN = {"account": SHORT, "to": ADDRESS, "amount": 1}

EVENTS: dict[str, tuple[Invariant, Sequence[Event], Sequence[Write]]] = {
    "a fill that costs fees": (
        Invariant.FEES, [("FillSettled", FILL | {"makerFee": -2})], [],
    ),
    "a trade with oneself": (
        Invariant.SELF_TRADE, [("FillSettled", FILL)], [(OWNERS[0], "owners", SHORT)],
    ),
    "a liquidation of a sound account": (
        Invariant.LIQUIDATION,
        [("LiquidationStarted",
          {"account": LONG, "epoch": 1, "equity": 5, "maintenance": 5})],
        [],
    ),
    "a withdrawal into debt": (
        Invariant.WITHDRAWAL,
        [("Withdrawn", WITHDRAWN)],
        [({"cash": -1}, "accounts", SHORT), ({"cash": 2 * CASH + 1}, "accounts", LONG)],
    ),
    "a withdrawal while losses aren't covered": (
        Invariant.INSURANCE,
        [("DebtReported", {"account": LONG, "debt": 14, "total": 14}), ("Withdrawn", WITHDRAWN)],
        [(14, "reportedDebt"), (14, "debtOf", LONG)],
    ),
    "a deposit that is more than was paid": (
        Invariant.FLAT_CASH,
        [("Deposited", {"account": FLAT, "from": ADDRESS, "credited": 5})],
        [({"cash": CASH + 6}, "accounts", FLAT), ({"cash": CASH - 6}, "accounts", LONG)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", EVENTS)
def test_event_that_may_not_be_halts_with_evidence(tmp_path: Path, fault: str) -> None:
    invariant, events, writes = EVENTS[fault]
    chain = FaultyChain(tmp_path, events)
    chain.check()
    chain.fault(*writes)
    assert broken(halted(chain)) == {invariant}


def test_deposit_and_transfer_of_flat_accounts_are_right(tmp_path: Path) -> None:
    events = [
        ("Deposited", {"account": FLAT, "from": ADDRESS, "credited": 5}),
        ("CashMoved", {"from": FLAT, "to": SHORT, "amount": 3}),
    ]
    chain = FaultyChain(tmp_path, events)
    chain.fault(({"cash": CASH + 2}, "accounts", FLAT), ({"cash": CASH - 2}, "accounts", LONG))
    chain.check()
    assert chain.monitor.checked() == 1


# Margin

LIQUIDATION: list[Event] = [
    ("LiquidationStarted", {"account": LONG, "epoch": 1, "equity": 2, "maintenance": 3}),
]
DELEVERAGED: list[Event] = [
    (
        "Deleveraged",
        {"account": LONG, "market": 0, "counterparty": SHORT, "size": 1, "price": 1},
    ),
]
MARGINS: dict[str, tuple[Invariant, Sequence[Event], tuple[int, int, int]]] = {
    "a trade below maintenance margin": (Invariant.MARGIN, [("FillSettled", FILL)], (2, 5, 3)),
    "less initial than maintenance margin": (
        Invariant.REQUIREMENTS, [("FillSettled", FILL)], (9, 2, 3),
    ),
    "a liquidation that takes more than all": (Invariant.LIQUIDATION, LIQUIDATION, (-1, 2, 1)),
    "a liquidation that asks for more margin": (Invariant.LIQUIDATION, LIQUIDATION, (9, 5, 4)),
    "a counterparty below zero": (Invariant.DELEVERAGING, DELEVERAGED, (-1, 2, 1)),
}  # fmt: skip


@pytest.mark.parametrize("fault", MARGINS)
def test_standing_that_may_not_be_halts_with_evidence(tmp_path: Path, fault: str) -> None:
    invariant, events, standing = MARGINS[fault]
    chain = FaultyChain(tmp_path, events)
    chain.check()
    # A change of both accounts that leaves the sums alone.
    chain.fault((standing, "standing"), *swap(1))
    assert broken(halted(chain)) == {invariant}


def test_account_below_its_margin_may_get_better(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path, [("FillSettled", FILL)], more=[((-6, 9, 6), "standing")])
    chain.fault(((-2, 5, 3), "standing"), *swap(1))
    chain.check()
    chain.fault(((-2, 5, 2), "standing"), *swap(2))
    assert broken(halted(chain)) == {Invariant.MARGIN}


def test_standing_is_not_compared_across_a_price(tmp_path: Path) -> None:
    moved = ("MarkMoved", {"market": 0, "mark": PRICE})
    chain = FaultyChain(tmp_path, [("FillSettled", FILL), moved])
    chain.fault(((-2, 5, 3), "standing"), *swap(1))
    chain.check()
    assert chain.monitor.checked() == 1


def test_counterparty_of_a_liquidation_may_need_more_margin(tmp_path: Path) -> None:
    sold = {"account": LONG, "market": 0, "counterparty": SHORT, "size": -1, "price": 1, "fee": 0,
            "vault": True}  # fmt: skip
    chain = FaultyChain(tmp_path, [("PositionLiquidated", sold)])
    chain.fault(((9, 5, 4), "standing"), *swap(1))
    chain.check()
    assert chain.monitor.checked() == 1


def swap(amount: int) -> list[Write]:
    """Cash that went from one account to the other."""
    return [
        ({"cash": CASH + amount}, "accounts", LONG),
        ({"cash": CASH - amount}, "accounts", SHORT),
    ]


# What no known slot tells of


@pytest.mark.parametrize(
    "hidden",
    [
        ({"size": 5, "cost": 5}, "positions", market_key(FLAT, 1)),
        (5, "optionSizes", market_key(FLAT, CALL >> 2)),
    ],
)
def test_position_that_no_list_has_is_found_by_the_scan(tmp_path: Path, hidden: Write) -> None:
    chain = FaultyChain(tmp_path)
    chain.fault(hidden)
    evidence = halted(chain)
    assert broken(evidence) == {Invariant.RECORDS}
    assert list(evidence["accounts"])[0] == str(FLAT)


def test_scan_comes_again_after_so_many_blocks(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path)
    chain.fault()
    chain.check()
    for _ in range(SCAN_BLOCKS):
        chain.block()
    chain.check()
    assert chain.monitor.statistics().scans == 2


def test_block_is_checked_before_the_scan_goes_on(tmp_path: Path) -> None:
    many = 10 * LOAD_SLICE_ACCOUNTS
    owners = [(OWNERS[2], "owners", number) for number in range(4, many + 1)]
    chain = FaultyChain(tmp_path, more=[(many, "accountCount"), *owners])
    chain.fault()
    while chain.monitor.checked() < 1:
        assert chain.monitor.step()
    chain.fault()
    assert chain.monitor.statistics().scans == 0
    assert chain.monitor.step()
    assert chain.monitor.checked() == 2
    chain.check()
    assert chain.monitor.statistics().scans == 1


# Reorgs and restarts


def test_reorg_is_checked_again_from_the_fork(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path)
    for _ in range(4):
        chain.block()
    chain.check()
    with chain.store.commit() as batch:
        batch.rewind(BlockNumber(2))
    assert chain.monitor.checked() == 0
    chain.fault(({"cash": CASH + 1}, "accounts", LONG))
    evidence = halted(chain)
    assert evidence["block"] == 3


def test_start_reads_the_books_as_of_the_safe_head(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path)
    for _ in range(4):
        chain.block()
    second = chain.store.block_id(BlockNumber(2))
    assert second is not None
    with chain.store.commit() as batch:
        batch.set_heads(replace(chain.store.heads, safe=second))
    chain.check()
    assert chain.monitor.statistics().checked == 3


def test_restart_is_refused_until_the_violation_is_accepted(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path)
    chain.check()
    chain.fault(({"cash": CASH + 1}, "accounts", LONG))
    halted(chain)
    with pytest.raises(InvariantBroken, match="--accept-violation 1") as caught:
        settle_violations(tmp_path, chain.store, ())
    assert caught.value.path.name == "invariant-broken-1.json"

    chain.accepted = settle_violations(tmp_path, chain.store, [BlockNumber(1)])
    chain.monitor = chain.new_monitor()
    chain.fault()
    chain.check()
    assert chain.monitor.checked() == 2
    assert chain.monitor.statistics().accepted == 1


def test_accepted_violation_that_gets_worse_halts_again(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path)
    chain.fault(({"cash": CASH + 1}, "accounts", LONG))
    halted(chain)
    chain.accepted = settle_violations(tmp_path, chain.store, [BlockNumber(1)])
    chain.monitor = chain.new_monitor()
    chain.fault(({"cash": CASH + 2}, "accounts", LONG))
    assert halted(chain)["block"] == 2


def test_event_accepted_in_one_block_is_no_licence_for_the_next(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path, [("FillSettled", FILL | {"makerFee": -2})])
    chain.fault()
    halted(chain)
    chain.accepted = settle_violations(tmp_path, chain.store, [BlockNumber(1)])
    chain.monitor = chain.new_monitor()
    chain.fault()
    assert halted(chain)["block"] == 2


def test_evidence_of_a_block_that_another_replaced_holds_nobody(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path)
    chain.fault(({"cash": CASH + 1}, "accounts", LONG))
    halted(chain)
    with chain.store.commit() as batch:
        batch.rewind(BlockNumber(0))
    with pytest.raises(InvariantBroken):
        settle_violations(tmp_path, chain.store, ())
    chain.block()
    assert settle_violations(tmp_path, chain.store, ()) == ()


def test_evidence_that_cannot_be_read_holds_the_node(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path)
    (tmp_path / "invariant-broken-1.json").write_text("{}")
    with pytest.raises(EvidenceUnreadable, match="invariant-broken-1"):
        settle_violations(tmp_path, chain.store, [BlockNumber(1)])


# On a node's loop


def test_run_checks_what_the_feed_announces_and_then_raises(tmp_path: Path) -> None:
    asyncio.run(_run_until_a_fault(tmp_path))


async def _run_until_a_fault(tmp_path: Path) -> None:
    chain = FaultyChain(tmp_path)
    feed = ChainFeed(chain.store)
    running = asyncio.ensure_future(chain.monitor.run(feed))
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        await chain.monitor.wait_checked_head()
        chain.fault()
        await feed.announce()
        await chain.monitor.wait_checked_head()
        assert chain.monitor.checked() == 1
        chain.fault(({"cash": CASH + 1}, "accounts", LONG))
        await feed.announce()
        with pytest.raises(InvariantBroken):
            await running
    waiting = asyncio.ensure_future(chain.monitor.wait_checked_head())
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
