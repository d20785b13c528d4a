"""Settlement on a real chain: what is matched is settled once, whatever happens in between."""

import pytest

from execution.contracts.abi import clearing_house
from execution.margin import MarketStatus, OrderFlag, Reason
from execution.signing import UnsignedTransaction, sign
from execution.transactions import make_deposit
from execution.transition import Candidate
from genesis.predeploys import CLEARING_HOUSE
from sequencer import settlement_batches
from sequencer.limits import SETTLEMENT_RETRY_BLOCKS_MAX, SETTLEMENT_SLACK_MAX
from sequencer.matching.engine import MatchingEngine
from sequencer.matching.events import Cancelled, FillState, Settled, Unwound, WaitsAgain
from sequencer.matching.inputs import Clear, Finalized, ListMarket
from sequencer.settlement_batches import SettlementBatch
from state.blocks import BlockId, Heads
from state.keccak import keccak
from state.types import Address, BlockNumber, Gas, Wei
from tests.execution.contracts.desk import usd
from tests.execution.contracts.house import OPERATORS, TIMELOCK, USD
from tests.execution.wallet import ETHER, GWEI
from tests.sequencer.trading import BTC, LOT, TradingChain


@pytest.fixture
def trading() -> TradingChain:
    return TradingChain()


def test_block_settles_what_waits_and_the_book_hears_of_it(trading: TradingChain) -> None:
    taker, maker = trading.traders
    fill = trading.match(taker, maker)
    events = trading.block()
    settled = [event for event in events if isinstance(event, Settled)]
    assert [event.fill.id for event in settled] == [fill]
    assert settled[0].block == trading.store.heads.unsafe.number
    assert trading.store.find_transaction(settled[0].transaction) is not None
    assert (trading.position(taker), trading.position(maker)) == (LOT, -LOT)
    assert trading.engine.pending() == []
    assert trading.offered() == ()


def test_block_refuses_a_fill_without_margin_and_settles_the_others(trading: TradingChain) -> None:
    taker, maker = trading.traders
    first, refused = trading.match(taker, maker), trading.match(trading.poor, maker, 100 * LOT)
    last = trading.match(taker, maker)
    events = trading.block()
    assert {e.fill.id for e in events if isinstance(e, Settled)} == {first, last}
    unwound = [(e.fill.id, e.reason) for e in events if isinstance(e, Unwound)]
    assert unwound == [(refused, Reason.TAKER_MARGIN)]
    assert trading.position(trading.poor) == 0


def test_outcomes_of_a_block_told_twice_say_nothing_the_second_time(trading: TradingChain) -> None:
    trading.match(*trading.traders)
    number = trading.mine(trading.offered())
    outcomes = trading.settlement.outcomes(number)
    trading.apply(*outcomes)
    assert len(outcomes) == 1
    assert trading.settlement.outcomes(number) == ()


def test_crash_after_the_block_settles_nothing_twice(trading: TradingChain) -> None:
    """The block is on disk, its outcome isn't in the log: the next start finds it."""
    taker, maker = trading.traders
    fill = trading.match(taker, maker)
    trading.mine(trading.offered())
    assert [waiting.id for waiting in trading.engine.pending()] == [fill]
    again = trading.new_desk()
    assert again.reverted() == ()
    events = trading.apply(*again.outcomes(trading.store.heads.finalized.number))
    assert [e.fill.id for e in events if isinstance(e, Settled)] == [fill]
    assert again.next_transactions(Wei(GWEI)) == ()
    assert trading.position(taker) == LOT


def test_block_that_became_final_before_the_book_heard_of_it_is_heard_of(
    trading: TradingChain,
) -> None:
    """The disk of the log was full until then."""
    fill = trading.match(*trading.traders)
    trading.mine(trading.offered())
    trading.mine()
    head = trading.store.heads.unsafe
    with trading.store.commit() as batch:
        batch.set_heads(Heads(head, head, head))
    again = trading.new_desk()
    events = trading.apply(*again.outcomes(again.first_unheard()))
    assert [e.fill.id for e in events if isinstance(e, Settled)] == [fill]
    assert again.first_unheard() == head.number


def test_block_that_left_the_chain_lets_its_fills_wait_and_settle_again(
    trading: TradingChain,
) -> None:
    taker, maker = trading.traders
    fill = trading.match(taker, maker)
    before = trading.store.heads.unsafe
    trading.block()
    _rewind(trading, before)
    events = trading.apply(*trading.settlement.reverted())
    assert [e.fill.id for e in events if isinstance(e, WaitsAgain)] == [fill]
    assert trading.position(taker) == 0
    events = trading.block()
    assert [e.fill.id for e in events if isinstance(e, Settled)] == [fill]
    assert trading.position(taker) == LOT


def test_settlement_is_the_same_transaction_in_a_block_derived_again(
    trading: TradingChain,
) -> None:
    """A verifier's block with the same transaction, adopted after a reorg, settles its fills."""
    fill = trading.match(*trading.traders)
    offered, before = trading.offered(), trading.store.heads.unsafe
    trading.apply(*trading.settlement.outcomes(trading.mine(offered)))
    _rewind(trading, before)
    trading.apply(*trading.settlement.reverted())
    number = trading.mine(offered)
    events = trading.apply(*trading.settlement.outcomes(number))
    assert [e.fill.id for e in events if isinstance(e, Settled)] == [fill]


def test_fill_that_a_block_derived_again_refuses_is_unwound(trading: TradingChain) -> None:
    """The same transaction at the same height, after another one that L1 forced before it."""
    fill = trading.match(*trading.traders)
    offered, before = trading.offered(), trading.store.heads.unsafe
    trading.apply(*trading.settlement.outcomes(trading.mine(offered)))
    _rewind(trading, before)
    closing = _from_timelock("setMarketStatus", BTC, int(MarketStatus.REDUCE_ONLY))
    number = trading.mine(offered, forced=(closing,))
    trading.apply(*trading.new_desk().reverted())
    events = trading.apply(*trading.settlement.outcomes(number))
    unwound = [(e.fill.id, e.reason) for e in events if isinstance(e, Unwound)]
    assert unwound == [(fill, Reason.MARKET_REDUCE_ONLY)]


def test_fill_that_was_refused_and_a_block_derived_again_settles_is_settled_in_history(
    trading: TradingChain,
) -> None:
    """The same transaction at the same height, without what L1 had forced before it."""
    taker, maker = trading.traders
    maker_order, taker_order = trading.place(maker, False, 2 * LOT), trading.place(taker, True, LOT)
    (fill,) = (one.id for one in trading.engine.pending())
    offered, before = trading.offered(), trading.store.heads.unsafe
    closing = _from_timelock("setMarketStatus", BTC, int(MarketStatus.REDUCE_ONLY))
    number = trading.mine(offered, forced=(closing,))
    trading.apply(*trading.settlement.outcomes(number))
    assert trading.engine.fills()[0].state is FillState.REFUSED
    _rewind(trading, before)
    number = trading.mine(offered)
    trading.apply(*trading.new_desk().reverted())
    events = trading.apply(*trading.settlement.outcomes(number))
    assert [(e.fill.id, e.block) for e in events if isinstance(e, Settled)] == [(fill, number)]
    assert [(one.state, one.block) for one in trading.engine.fills()] == [
        (FillState.UNSAFE, number)
    ]
    views = [trading.engine.order(one.hash) for one in (maker_order, taker_order)]
    assert [(view.filled, view.left) for view in views if view] == [(LOT, LOT), (LOT, 0)]
    restored = MatchingEngine.restore(trading.engine.snapshot())
    assert restored.snapshot() == trading.engine.snapshot()
    assert trading.settlement.reverted() == ()
    assert trading.settlement.outcomes(number) == ()
    assert trading.apply(*trading.new_desk().outcomes(BlockNumber(0))) == []
    trading.engine.apply(Finalized(time=0, block=number))
    assert trading.engine.fills() == []


def test_settlement_that_moved_to_a_later_block_settles_beside_what_it_refused(
    trading: TradingChain,
) -> None:
    taker, maker = trading.traders
    trading.match(trading.poor, maker, 100 * LOT)
    fill = trading.match(taker, maker)
    offered, before = trading.offered(), trading.store.heads.unsafe
    trading.apply(*trading.settlement.outcomes(trading.mine(offered)))
    _rewind(trading, before)
    trading.mine()
    number = trading.mine(offered)
    trading.apply(*trading.settlement.reverted())
    events = trading.apply(*trading.settlement.outcomes(number))
    assert [e.fill.id for e in events if isinstance(e, Settled)] == [fill]
    assert trading.engine.pending() == []


def test_settlement_that_a_block_left_out_is_offered_again_at_once(
    trading: TradingChain, caplog: pytest.LogCaptureFixture
) -> None:
    fill = trading.match(*trading.traders)
    for _ in range(3):
        assert len(trading.offered()) == 1
        trading.apply(*trading.settlement.outcomes(trading.mine()))
    assert len([r for r in caplog.records if "no place" in r.message]) == 1
    assert trading.settlement.statistics.failed == 3
    assert [e.fill.id for e in trading.block() if isinstance(e, Settled)] == [fill]


def test_fill_that_stops_its_batch_is_given_more_gas_and_never_left_out(
    trading: TradingChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However far batches shrink, one fill alone may have what a transaction may."""
    monkeypatch.setattr(settlement_batches, "SETTLEMENT_ACCOUNT_GAS", 0)
    monkeypatch.setattr(settlement_batches, "SETTLEMENT_FILL_GAS", -200_000)
    fill = trading.match(*trading.traders)
    offers = []
    while trading.engine.pending() and len(offers) < 8:
        (offered,) = trading.offered()
        offers.append(offered.gas)
        trading.apply(*trading.settlement.outcomes(trading.mine((offered,))))
    assert offers == [offers[0], 2 * offers[0]]
    monkeypatch.setattr(settlement_batches, "SETTLEMENT_FILL_GAS", 10_000_000)
    trading.settlement = trading.new_desk()
    fill = trading.match(*trading.traders)
    cap = trading.chain.config.rules.transaction_gas_cap
    for slack in (1, 2, 4, SETTLEMENT_SLACK_MAX):
        trading.settlement._slack = slack
        assert [offered.gas <= (cap or 0) for offered in trading.offered()] == [True]
    assert [e.fill.id for e in trading.block() if isinstance(e, Settled)] == [fill]


def test_finalized_fills_are_forgotten(trading: TradingChain) -> None:
    fill = trading.match(*trading.traders)
    trading.block()
    record = trading.engine.fill(fill)
    assert record is not None
    assert record.state is FillState.UNSAFE
    assert trading.settlement.finalized() == ()
    head = trading.store.heads.unsafe
    with trading.store.commit() as batch:
        batch.set_heads(Heads(head, head, head))
    assert trading.settlement.finalized() == (Finalized(time=0, block=head.number),)
    trading.apply(*trading.settlement.finalized())
    assert trading.engine.fill(fill) is None
    assert trading.settlement.finalized() == ()


def test_fills_of_two_auctions_go_into_transactions_of_their_own(trading: TradingChain) -> None:
    """One transaction has one clearing price a market."""
    _make_auction_market(trading)
    taker, maker = trading.traders
    for price in (usd(60_000), usd(60_010)):
        trading.place(maker, False, LOT, price)
        trading.place(taker, True, LOT, price)
        trading.apply(Clear(time=0, markets=(BTC,)))
    assert [fill.price for fill in trading.engine.pending()] == [usd(60_000), usd(60_010)]
    assert len(trading.offered()) == 2


def test_without_ether_nothing_is_offered_and_the_trouble_is_told_once(
    trading: TradingChain, caplog: pytest.LogCaptureFixture
) -> None:
    trading.match(*trading.traders)
    account = trading.store.state().account(OPERATORS.matcher.address)
    assert account is not None
    spend = UnsignedTransaction(
        nonce=account.nonce,
        gas=Gas(21_000),
        to=TIMELOCK,
        value=Wei(account.balance - ETHER // 1_000),
        max_fee_per_gas=Wei(10 * GWEI),
        max_priority_fee_per_gas=Wei(GWEI),
    )
    chain = trading.chain
    chain.mempool.add(sign(spend, OPERATORS.matcher.key, chain.config.chain_id))
    trading.mine()
    high = Wei(100 * GWEI)
    assert trading.settlement.next_transactions(high) == ()
    assert trading.settlement.next_transactions(high) == ()
    told = [r.message for r in caplog.records if "can't pay" in r.message]
    assert len(told) == 1
    assert "send it ETH" in (trading.settlement.statistics.trouble or "")
    assert len(trading.offered()) == 1


def test_matcher_role_moved_leaves_fills_waiting_and_rests_longer_each_time(
    trading: TradingChain,
) -> None:
    fill = trading.match(*trading.traders)
    trading.mine(forced=(_from_timelock("setRole", 2, TIMELOCK),))
    tries = []
    for _ in range(12):
        offered = trading.offered()
        tries.append(len(offered))
        trading.apply(*trading.settlement.outcomes(trading.mine(offered)))
    assert tries == [1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0]
    assert [waiting.id for waiting in trading.engine.pending()] == [fill]
    assert trading.settlement.statistics.failed == 4
    assert "matcher" in (trading.settlement.statistics.trouble or "")
    trading.mine(forced=(_from_timelock("setRole", 2, OPERATORS.matcher.address),))
    for _ in range(SETTLEMENT_RETRY_BLOCKS_MAX):
        trading.block()
    assert trading.engine.pending() == []
    assert trading.settlement.statistics.trouble is None


def test_withdrawal_that_waits_in_the_pool_comes_after_the_settlement_of_a_match(
    trading: TradingChain,
) -> None:
    """Resting orders can't be pulled by withdrawing between match and settlement."""
    taker, maker = trading.traders
    size = 500 * LOT
    trading.place(maker, False, size)
    chain = trading.chain
    sender = chain.store.state().account(maker.address)
    assert sender is not None
    withdraw = UnsignedTransaction(
        nonce=sender.nonce,
        gas=Gas(1_000_000),
        to=CLEARING_HOUSE,
        data=clearing_house().call("withdraw", maker.account, 1_000_000 * USD, maker.address),
        max_fee_per_gas=Wei(500 * GWEI),
        max_priority_fee_per_gas=Wei(400 * GWEI),
    )
    raw = sign(withdraw, maker.key.key, chain.config.chain_id)
    chain.mempool.add(raw)
    trading.place(taker, True, size)
    trading.block()
    block = trading.store.block(trading.store.heads.unsafe.number)
    assert block is not None
    assert block.transactions[1] == raw
    assert [receipt.succeeded for receipt in block.receipts] == [True, False]
    assert trading.position(maker) == -size


def test_many_fills_are_split_by_gas_and_all_settle_in_order(trading: TradingChain) -> None:
    taker, maker = trading.traders
    fills = [trading.match(taker, maker) for _ in range(260)]
    rounds = 0
    settled: list[int] = []
    while trading.engine.pending():
        events = trading.block()
        settled += [e.fill.id for e in events if isinstance(e, Settled)]
        rounds += 1
    assert settled == fills
    assert rounds == 2
    assert trading.position(taker) == 260 * LOT


def test_reduce_only_fill_that_no_longer_reduces_is_refused_and_unwound(
    trading: TradingChain,
) -> None:
    taker, maker = trading.traders
    signed = trading.desk.order(maker, False, LOT, usd(60_000), flags=OrderFlag.REDUCE_ONLY)
    trading.put(signed, maker)
    trading.place(taker, True, LOT)
    events = trading.block()
    assert [e.reason for e in events if isinstance(e, Unwound)] == [Reason.NOT_REDUCING]


@pytest.mark.parametrize("is_taker", [False, True])
@pytest.mark.parametrize(
    ("how", "reason"),
    [("cancelOrders", Reason.ORDER_CANCELLED), ("cancelAllOrders", Reason.WRONG_EPOCH)],
)
def test_order_that_its_trader_voided_after_the_match_leaves_alone(
    trading: TradingChain, how: str, reason: Reason, is_taker: bool
) -> None:
    """Else anybody could have others' orders removed by trading with them."""
    taker, maker = trading.traders
    orders = trading.place(maker, False, 2 * LOT), trading.place(taker, True, LOT)
    culprit, order = (taker, orders[1]) if is_taker else (maker, orders[0])
    nonces = ([order.nonce],) if how == "cancelOrders" else ()
    voiding = _forced(culprit.address, how, culprit.account, *nonces)
    number = trading.mine(trading.offered(), forced=(voiding,))
    events = trading.apply(*trading.settlement.outcomes(number))
    assert [e.reason for e in events if isinstance(e, Unwound)] == [reason]
    gone = [e.order for e in events if isinstance(e, Cancelled)]
    assert gone == [order.hash]
    levels = trading.engine.levels(BTC, 1)
    assert [side[0][1] for side in (levels.bids, levels.asks) if side] == [
        2 * LOT if is_taker else LOT
    ]


def test_batch_that_reverts_is_halved_until_the_fill_at_fault_is_alone_and_refused(
    trading: TradingChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that the matcher sends makes the clearing house revert, so that gas has to."""
    taker, maker = trading.traders
    fills = [trading.match(taker, maker) for _ in range(8)]
    culprit = fills[5]
    enough = trading.settlement._gas_of

    def too_little(batch: SettlementBatch) -> Gas:
        if culprit not in {fill.id for fill in batch.fills}:
            return enough(batch)
        return Gas(25_000 + 16 * len(batch.packed.calldata))

    monkeypatch.setattr(trading.settlement, "_gas_of", too_little)
    events = [event for _ in range(8) for event in trading.block()]
    assert {e.fill.id for e in events if isinstance(e, Settled)} == set(fills) - {culprit}
    (refused,) = [e for e in events if isinstance(e, Unwound)]
    assert (refused.fill.id, refused.reason) == (culprit, Reason.MALFORMED_FILL)
    assert trading.engine.pending() == []


def test_is_settlement_knows_the_matchers_batches_alone(trading: TradingChain) -> None:
    trading.match(*trading.traders)
    (offered,) = trading.offered()
    chain_id = trading.chain.config.chain_id
    fields = UnsignedTransaction(nonce=0, gas=Gas(21_000), to=CLEARING_HOUSE, data=offered.data)
    assert trading.settlement.is_settlement(offered.raw)
    assert not trading.settlement.is_settlement(sign(fields, OPERATORS.oracle.key, chain_id))
    plain = UnsignedTransaction(nonce=0, gas=Gas(21_000), to=CLEARING_HOUSE)
    assert not trading.settlement.is_settlement(sign(plain, OPERATORS.matcher.key, chain_id))
    deposit = _from_timelock("pause").transaction
    assert not isinstance(deposit, bytes)
    assert not trading.settlement.is_settlement(deposit.raw)


def _make_auction_market(trading: TradingChain) -> None:
    trading.apply(ListMarket(time=0, market=BTC, tick=10**7, lot=10**4, is_auction=True))


def _from_timelock(name: str, *arguments: object) -> Candidate:
    return _forced(TIMELOCK, name, *arguments)


def _forced(sender: Address, name: str, *arguments: object) -> Candidate:
    """What L1 puts before all else in a block."""
    deposit = make_deposit(
        source_hash=keccak(repr((name, arguments)).encode()),
        sender=sender,
        to=CLEARING_HOUSE,
        mint=Wei(0),
        value=Wei(0),
        gas=Gas(1_000_000),
        data=clearing_house().call(name, *arguments),
    )
    return Candidate(deposit)


def _rewind(trading: TradingChain, head: BlockId) -> None:
    with trading.store.commit() as batch:
        batch.rewind(BlockNumber(head.number))
