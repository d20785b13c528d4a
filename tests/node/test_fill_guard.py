"""What comes between a match and its settlement: transactions of the block under way.

The races are made by hand: a guard that does something at the very moment at which the builder asks
whether a transaction may stay, before or after the answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from execution.attributes import InclusionRule
from execution.contracts.abi import clearing_house
from execution.evm.engine import ChangesOf, Outcome
from execution.margin import Reason
from execution.signing import UnsignedTransaction, sign
from execution.transaction import Transaction
from execution.transition import Candidate
from genesis.predeploys import CLEARING_HOUSE
from sequencer.builder import Guard
from sequencer.exchange.errors import ExchangeUnavailable
from sequencer.limits import GUARDED_MS
from sequencer.matching.events import Cancelled, FillState
from sequencer.matching.inputs import CancelReason
from state.types import Gas, Hash32, Wei
from tests.execution.contracts.house import USD, Trader
from tests.limits import WAIT_SECONDS_MAX
from tests.node.trading_node import LOT, Node, make_chain, play, running

ALL_CASH = 100_000 * USD
GWEI = 10**9

Step = Callable[[], Awaitable[object]]


@dataclass
class Between:
    """Does something once, on the event loop, when a transaction of the pool has just run.

    Without a `guard` nothing keeps what was matched; `is_after` waits for the answer first.
    """

    step: Step
    loop: asyncio.AbstractEventLoop
    guard: Guard | None
    is_after: bool = False
    error: Exception | None = None
    """What the step raised."""
    done: bool = False

    def start(self) -> None:
        if self.guard is not None:
            self.guard.start()

    def note_forced(self, changes_of: ChangesOf) -> None:
        if self.guard is not None:
            self.guard.note_forced(changes_of)

    def note_settlement(self, settlement: Transaction, outcome: Outcome) -> None:
        if self.guard is not None:
            self.guard.note_settlement(settlement, outcome)

    def admits(self, changes_of: ChangesOf) -> bool:
        if not self.is_after:
            self._do()
        answer = self.guard is None or self.guard.admits(changes_of)
        if self.is_after:
            self._do()
        return answer

    def _do(self) -> None:
        if self.done:
            return
        self.done = True

        async def step() -> None:
            await self.step()

        try:
            asyncio.run_coroutine_threadsafe(step(), self.loop).result(WAIT_SECONDS_MAX)
        except ExchangeUnavailable as error:
            self.error = error


def between(node: Node, step: Step, **how: Any) -> Between:
    how.setdefault("guard", node.trading.guard)
    return Between(step, asyncio.get_running_loop(), **how)


async def stays(node: Node, taker: Trader, sent: Hash32, **how: Any) -> bool:
    """Whether a block holds a transaction although the taker buys while it is under way."""
    racing = between(node, lambda: node.place(taker, True), **how)
    return is_in(node, await node.block(guard=racing), sent)


def call(node: Node, sender: Trader, name: str, *arguments: object) -> Hash32:
    """Send a call of the clearing house to the pool; returns the transaction's hash."""
    fields = UnsignedTransaction(
        nonce=node.chain.mempool.next_nonce(sender.address),
        gas=Gas(1_000_000),
        to=CLEARING_HOUSE,
        data=clearing_house().call(name, *arguments),
        max_fee_per_gas=Wei(10 * GWEI),
        max_priority_fee_per_gas=Wei(2 * GWEI),
    )
    raw = sign(fields, sender.key.key, node.chain.config.chain_id)
    return node.chain.mempool.add(raw).hash


def withdraw(node: Node, trader: Trader) -> Hash32:
    return call(node, trader, "withdraw", trader.account, ALL_CASH, trader.address)


def is_in(node: Node, number: int, transaction: Hash32) -> bool:
    found = node.chain.store.find_transaction(transaction)
    return found is not None and found[0] == number


def story(told: Callable[[Node, Trader, Trader], Awaitable[None]]) -> Callable[[Path], None]:
    """A test of a node on which two traders can meet."""

    def test(tmp_path: Path) -> None:
        house, chain, (taker, maker) = make_chain()

        async def scenario() -> None:
            async with running(house, chain, tmp_path) as node:
                await told(node, taker, maker)

        play(scenario)

    test.__name__, test.__doc__ = told.__name__, told.__doc__  # type: ignore[attr-defined]
    return test


@story
async def test_match_during_a_block_holds_a_withdrawal_back_until_it_is_settled(
    node: Node, taker: Trader, maker: Trader
) -> None:
    await node.place(maker, False)
    sent = withdraw(node, maker)
    assert not await stays(node, taker, sent)
    assert [one.state for one in node.fills] == [FillState.MATCHED]
    number = await node.block()
    assert [(one.state, one.block) for one in node.fills] == [(FillState.UNSAFE, number)]
    assert is_in(node, number, sent)
    assert node.position(maker) == -LOT


@story
async def test_match_during_a_block_is_void_where_nothing_holds_a_withdrawal_back(
    node: Node, taker: Trader, maker: Trader
) -> None:
    """Why there is a guard: this is what comes of it without one."""
    await node.place(maker, False)
    sent = withdraw(node, maker)
    assert await stays(node, taker, sent, guard=None)
    await node.block()
    (record,) = node.fills
    assert (record.state, record.reason) == (FillState.REFUSED, Reason.MAKER_MARGIN)


@pytest.mark.parametrize("by_nonce", [True, False])
def test_match_during_a_block_holds_an_order_cancellation_back(
    tmp_path: Path, by_nonce: bool
) -> None:
    house, chain, (taker, maker) = make_chain()

    async def scenario() -> None:
        async with running(house, chain, tmp_path) as node:
            await node.place(maker, False)
            if by_nonce:
                sent = call(node, maker, "cancelOrders", maker.account, [maker.next_nonce - 1])
            else:
                sent = call(node, maker, "cancelAllOrders", maker.account)
            assert not await stays(node, taker, sent)
            number = await node.block()
            assert [one.state for one in node.fills] == [FillState.UNSAFE]
            assert is_in(node, number, sent)

    play(scenario)


@story
async def test_withdrawal_in_the_block_takes_resting_orders_out_of_the_way_of_others(
    node: Node, taker: Trader, maker: Trader
) -> None:
    await node.place(maker, False)
    sent = withdraw(node, maker)
    assert await stays(node, taker, sent, is_after=True)
    assert node.fills == []
    assert CancelReason.CHANGES_ON_CHAIN in {
        event.reason for event in node.told if isinstance(event, Cancelled)
    }


@story
async def test_withdrawal_in_the_block_lets_its_own_trader_take_only_after_it(
    node: Node, taker: Trader, maker: Trader
) -> None:
    await node.place(maker, False)
    withdrawn = call(node, taker, "withdraw", taker.account, USD, taker.address)
    racing = between(node, lambda: node.place(taker, True), is_after=True)
    assert is_in(node, await node.block(guard=racing), withdrawn)
    assert "try again after it" in str(racing.error)
    placed = await node.place(taker, True)
    assert len(placed.fills) == 1


@story
async def test_account_that_deposits_in_the_block_goes_on_trading(
    node: Node, taker: Trader, maker: Trader
) -> None:
    call(node, maker, "withdraw", maker.account, 5 * USD, maker.address)
    await node.block()
    await node.place(maker, False)
    sent = call(node, maker, "deposit", maker.account, 5 * USD)
    assert await stays(node, taker, sent, is_after=True)
    assert [one.state for one in node.fills] == [FillState.MATCHED]


@story
async def test_account_of_a_withdrawal_held_back_matches_nothing_while_its_block_is_built(
    node: Node, taker: Trader, maker: Trader
) -> None:
    """Else who trades all the time could never withdraw, nor be liquidated."""
    await node.place(maker, False)
    sent = withdraw(node, taker)
    await node.block(guard=between(node, lambda: node.place(taker, True)))
    await node.place(maker, False)
    again = between(node, lambda: node.place(taker, True))
    assert is_in(node, await node.block(guard=again), sent)
    assert again.error is not None


@story
async def test_deposit_passes_whatever_its_account_has_matched(
    node: Node, taker: Trader, maker: Trader
) -> None:
    withdrawn = call(node, taker, "withdraw", taker.account, 5 * USD, taker.address)
    assert is_in(node, await node.block(), withdrawn)
    await node.place(maker, False)
    sent = call(node, taker, "deposit", maker.account, 5 * USD)
    assert await stays(node, taker, sent)
    await node.block()
    assert [one.state for one in node.fills] == [FillState.UNSAFE]


def test_transaction_of_somebody_else_passes(tmp_path: Path) -> None:
    house, chain, (taker, maker) = make_chain()

    async def scenario() -> None:
        async with running(house, chain, tmp_path) as node:
            await node.place(maker, False)
            await node.place(taker, True)
            settled = await node.block()
            await node.place(maker, False)
            other = Trader(house.trader(4).key, 0)
            sent = call(node, other, "createAccount")
            assert await stays(node, taker, sent)
            assert [one.block for one in node.fills] == [settled, None]

    play(scenario)


@story
async def test_fill_that_nobody_settles_holds_a_withdrawal_for_a_minute(
    node: Node, taker: Trader, maker: Trader
) -> None:
    await node.match(taker, maker)
    node.trading.settlement._rest_until = 10**9  # As after many failures.
    sent = withdraw(node, maker)
    assert not is_in(node, await node.block(), sent)
    node.chain.clock.advance(GUARDED_MS / 1_000 + 1)
    await node.trading.exchange.beat()
    assert is_in(node, await node.block(), sent)


def test_restart_keeps_what_was_matched_before_it(tmp_path: Path) -> None:
    """Nothing that the fill rests on has been read yet by then."""
    house, chain, (taker, maker) = make_chain()

    async def scenario() -> None:
        async with running(house, chain, tmp_path) as node:
            await node.match(taker, maker)
            sent = withdraw(node, maker)
        async with running(house, chain, tmp_path) as node:
            node.trading.settlement._rest_until = 10**9
            assert not is_in(node, await node.block(), sent)

    play(scenario)


@story
async def test_forced_withdrawal_voids_a_fill_and_keeps_its_account_from_another(
    node: Node, taker: Trader, maker: Trader
) -> None:
    await node.match(taker, maker)
    await node.place(maker, False)
    withdraw(node, maker)
    (forced,) = node.chain.mempool.content_from(maker.address).pending[maker.address]
    call(node, taker, "accrueFunding", 0)
    racing = between(node, lambda: node.place(taker, True))
    await node.block(forced=(Candidate(forced, InclusionRule.SKIP),), guard=racing)
    assert racing.done
    (record,) = node.fills
    assert (record.state, record.reason) == (FillState.REFUSED, Reason.MAKER_MARGIN)
    assert CancelReason.CHANGES_ON_CHAIN in {
        event.reason for event in node.told if isinstance(event, Cancelled)
    }
