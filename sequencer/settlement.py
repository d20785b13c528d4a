"""From matched fills to settled ones: the matcher's transactions, and what blocks made of them.

A fill is pending until a block's receipts say what became of it, so that nothing has to be kept of
what is on its way: a transaction that doesn't come into a block leaves its fills where they were.
What a block settled is known by its contents alone, which holds for blocks of a reorg, and for one
that was written just before a crash.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from bridge.l1.accounts import Operator
from execution.evm.engine import Outcome as Execution
from execution.margin import Reason, SignedOrder
from execution.signing import UnsignedTransaction
from execution.transaction import Transaction, TransactionType
from execution.transactions import decode, decode_any
from genesis.config import ChainConfig
from genesis.predeploys import CLEARING_HOUSE
from sequencer.house_view import HouseView
from sequencer.limits import (
    SETTLED_BEHIND_SECONDS,
    SETTLEMENT_FILLS_MAX,
    SETTLEMENT_GAS_PERCENT,
    SETTLEMENT_RETRY_BLOCKS_MAX,
    SETTLEMENT_SLACK_MAX,
    SETTLEMENT_TIP_WEI,
)
from sequencer.matching.engine import MatchingEngine
from sequencer.matching.events import Fill, FillState
from sequencer.matching.faults import Fault
from sequencer.matching.inputs import Finalized, Outcome, Refusal, Reverted
from sequencer.matching.orders import BookOrder
from sequencer.matching.views import FillRecord
from sequencer.refusals import fault_in_books
from sequencer.settlement_batches import (
    BatchPlanner,
    SettlementBatch,
    fills_in,
    recognise,
)
from sequencer.settlement_logs import outcome_of
from state.accounts import Account
from state.blocks import Receipt
from state.errors import InternalError
from state.store import ChainStore
from state.types import BlockNumber, Gas, Hash32, Wei

log = logging.getLogger("tallystick.settlement")


@dataclass(frozen=True, slots=True)
class SettlementStatistics:
    """What was done since the start."""

    transactions: int = 0
    settled: int = 0
    refused: int = 0
    failed: int = 0
    """Transactions that a block left out, or that reverted."""
    trouble: str | None = None
    """Why nothing settles, while nothing does."""


class SettlementDesk:
    """Signs settlements for each block, and finds out what blocks made of them.

    It changes nothing itself: what it returns is for the exchange to record. Used on the event
    loop, between two blocks.
    """

    def __init__(
        self,
        engine: MatchingEngine,
        store: ChainStore,
        config: ChainConfig,
        matcher: Operator,
        view: Callable[[], HouseView],
    ) -> None:
        """`engine` is the exchange's, to be read; `view` gives the books after the newest block."""
        self._engine = engine
        self._store = store
        self._config = config
        self._matcher = matcher
        self._view = view
        self._offered: dict[Hash32, tuple[Fill, ...]] = {}
        self._failures = 0
        self._rest_until = BlockNumber(0)
        self._slack = 1
        self._fills_max = SETTLEMENT_FILLS_MAX
        """Of a transaction: half as many after one that reverted, until the culprit is alone."""
        self._reverted = False
        """Whether one has since the last block."""
        self.statistics = SettlementStatistics()

    # Before a block

    def next_transactions(self, base_fee: Wei) -> tuple[Transaction, ...]:
        """Settlements of the fills that wait, for the next block at that base fee (wei).

        As many as the settlements' share of the block has gas for; none while the matcher can't
        pay, or for some blocks after one that failed.
        """
        self._offered.clear()
        pending = self._engine.pending()
        if not pending or self._store.heads.unsafe.number < self._rest_until:
            return ()
        batches = self._planner().plan(pending, self._gas_room())
        account = self._store.state().account(self._matcher.address) or Account()
        price = Wei(base_fee + SETTLEMENT_TIP_WEI)
        paid = list(self._payable(batches, account, price))
        transactions = tuple(
            self._sign(batch, account.nonce + place, price) for place, batch in enumerate(paid)
        )
        self._offered = {tx.hash: batch.fills for tx, batch in zip(transactions, paid, strict=True)}
        return transactions

    def decided(self, settlement: Transaction, outcome: Execution) -> tuple[int, ...]:
        """Which fills one of the last transactions settled or refused; any thread may ask."""
        fills = self._offered.get(settlement.hash, ())
        if not outcome.succeeded:
            return ()
        told = outcome_of(BlockNumber(0), settlement.hash, fills, outcome.logs)
        return (*told.settled, *_refused_in(told))

    def _planner(self) -> BatchPlanner:
        cap = self._config.rules.transaction_gas_cap or self._config.block_gas_limit
        return BatchPlanner(
            self._order, self._view().account, cap, Gas(cap // self._slack), self._fills_max
        )

    def _gas_room(self) -> int:
        return self._config.block_gas_limit * SETTLEMENT_GAS_PERCENT // 100

    def _payable(
        self, batches: Sequence[SettlementBatch], account: Account, price: Wei
    ) -> Iterator[SettlementBatch]:
        """The first batches that the matcher's balance reaches for."""
        left: int = account.balance
        for batch in batches:
            left -= self._gas_of(batch) * price
            if left < 0:
                self._report(
                    f"the matcher 0x{self._matcher.address.hex()} has {account.balance} wei and"
                    f" can't pay for settlements: {len(self._engine.pending())} fills wait;"
                    " send it ETH on L2"
                )
                return
            yield batch

    def _gas_of(self, batch: SettlementBatch) -> Gas:
        """More after a batch that stopped early: what is left over costs nothing."""
        cap = self._config.rules.transaction_gas_cap or self._config.block_gas_limit
        return Gas(min(cap, batch.gas * self._slack))

    def _sign(self, batch: SettlementBatch, nonce: int, price: Wei) -> Transaction:
        fields = UnsignedTransaction(
            nonce=nonce,
            gas=self._gas_of(batch),
            to=CLEARING_HOUSE,
            data=batch.packed.calldata,
            max_fee_per_gas=price,
            max_priority_fee_per_gas=Wei(SETTLEMENT_TIP_WEI),
        )
        raw = self._matcher.sign(fields, self._config.chain_id)
        return decode(raw, chain_id=self._config.chain_id)

    def _order(self, order_hash: bytes) -> SignedOrder:
        return self._book_order(order_hash).signed

    def _book_order(self, order_hash: bytes) -> BookOrder:
        found = self._engine.order(order_hash)
        if found is None:
            raise InternalError(f"order 0x{order_hash.hex()} of a pending fill isn't in the book")
        return found.order

    # After a block

    def reverted(self) -> tuple[Reverted, ...]:
        """What the book has as settled in blocks that are gone, or that settled it no more when
        they were derived again, which waits again then.

        Reads every block that isn't final and settled something: for a start, and for a reorg.
        """
        decided: defaultdict[tuple[int, bytes], list[FillRecord]] = defaultdict(list)
        for record in self._engine.decided_fills():
            if record.block is not None and record.transaction:
                decided[record.block, record.transaction].append(record)
        for (number, transaction), records in decided.items():
            if not self._stands(BlockNumber(number), transaction, records):
                return (Reverted(time=0, block=number),)
        return ()

    def first_unheard(self) -> BlockNumber:
        """The first block that the book may not have heard of: the newest final one, or an earlier
        one that came after the oldest match that still waits.

        A block may have become final while its outcome couldn't be logged: a full disk stops the
        exchange each time it starts, and meanwhile the chain goes on.
        """
        number = self._store.heads.finalized.number
        for oldest in self._engine.pending()[:1]:
            since = oldest.time // 1_000 - SETTLED_BEHIND_SECONDS
            while (header := self._store.header(number)) and number and header.timestamp >= since:
                number = BlockNumber(number - 1)
        return number

    def outcomes(self, first: BlockNumber) -> tuple[Outcome, ...]:
        """What blocks from `first` on made of fills that wait, as far as the book hasn't heard.

        Blocks are read as they stand, whoever made them. Call it when what is `reverted` waits.
        """
        known = {
            record.transaction
            for record in self._engine.decided_fills(first)
            if record.state is FillState.UNSAFE
        }
        waiting = {fill.id: fill for fill in self._engine.pending()}
        found: list[Outcome] = []
        for number in range(first, self._store.heads.unsafe.number + 1):
            for tx, receipt in self._own(BlockNumber(number)):
                self._offered.pop(tx.hash, None)
                if tx.hash in known or tx.to != CLEARING_HOUSE:
                    continue
                meant = (*self._refused_by(tx), *waiting.values())
                outcome = self._outcome(BlockNumber(number), tx, receipt, meant)
                if outcome is not None:
                    found.append(outcome)
                    for fill in (*outcome.settled, *_refused_in(outcome)):
                        waiting.pop(fill, None)
        if not self._reverted:
            self._fills_max = min(2 * self._fills_max, SETTLEMENT_FILLS_MAX)
        self._reverted = False
        if self._offered:
            # It cost nothing, and what waits may be void soon: the next block is tried at once.
            self._count_failure(f"{len(self._offered)} settlements found no place in the block")
            self._offered.clear()
        return tuple(found)

    def finalized(self) -> tuple[Finalized, ...]:
        """What can't be taken back any more, which the book may forget."""
        final = self._store.heads.finalized.number
        first = self._engine.first_decided_block
        return (Finalized(time=0, block=final),) if first is not None and first <= final else ()

    def is_settlement(self, raw: bytes) -> bool:
        """Whether an envelope is a settlement of this matcher's, which never goes to the pool."""
        if not raw or raw[0] == TransactionType.DEPOSIT:
            return False
        tx = decode_any(raw, chain_id=self._config.chain_id)
        return tx.sender == self._matcher.address and fills_in(tx.data) is not None

    def _stands(
        self, number: BlockNumber, transaction: bytes, records: Sequence[FillRecord]
    ) -> bool:
        """Whether a block has a transaction, and settles of these fills just those that it did."""
        settled = {one.fill.id for one in records if one.state is FillState.UNSAFE}
        for tx, receipt in self._own(number):
            if tx.hash == transaction and receipt.succeeded:
                fills = [one.fill for one in records]
                found = recognise(fills_in(tx.data) or (), fills, self._order)
                told = outcome_of(number, tx.hash, found, receipt.logs)
                return set(told.settled) == settled
        return not settled

    def _own(self, number: BlockNumber) -> Iterator[tuple[Transaction, Receipt]]:
        """The matcher's transactions in a block, with their receipts."""
        block = self._store.block(number)
        if block is None:
            return
        for raw, sender, receipt in zip(block.transactions, block.senders, block.receipts):
            if sender == self._matcher.address:
                yield decode_any(raw, chain_id=self._config.chain_id, sender=sender), receipt

    def _outcome(
        self, number: BlockNumber, tx: Transaction, receipt: Receipt, waiting: Iterable[Fill]
    ) -> Outcome | None:
        """What became of the fills in a transaction; None where nobody waits for any of them."""
        fills = recognise(fills_in(tx.data) or (), waiting, self._order)
        if not any(fills):
            return None
        if not receipt.succeeded:
            return self._isolated(number, tx, fills)
        outcome = outcome_of(number, tx.hash, fills, receipt.logs)
        if outcome.settled or outcome.refused:
            return self._news(outcome, len(fills))
        if self._slack == SETTLEMENT_SLACK_MAX:
            self._fail(f"settlement 0x{tx.hash.hex()} ran out of gas before its first fill")
        self._slack = min(2 * self._slack, SETTLEMENT_SLACK_MAX)
        return None

    def _refused_by(self, tx: Transaction) -> Iterator[Fill]:
        """Fills that a transaction was refused, in a block that may be another one by now."""
        for record in self._engine.decided_fills():
            if record.state is FillState.REFUSED and record.transaction == tx.hash:
                yield record.fill

    def _news(self, outcome: Outcome, fills: int) -> Outcome | None:
        """What nobody knows yet: refusals with whose fault they were, and those fills apart that
        were refused before."""
        known = {
            record.fill.id
            for record in map(self._engine.fill, (*outcome.settled, *_refused_in(outcome)))
            if record is not None and record.state is FillState.REFUSED
        }
        news = msgspec.structs.replace(
            outcome,
            settled=tuple(fill for fill in outcome.settled if fill not in known),
            refused=tuple(one for one in outcome.refused if one.fill not in known),
            recovered=tuple(fill for fill in outcome.settled if fill in known),
        )
        if not (news.settled or news.refused or news.recovered):
            return None
        self._slack = 1
        judged = self._judged(news)
        self._note(judged, fills)
        return judged

    def _isolated(
        self, number: BlockNumber, tx: Transaction, fills: Sequence[Fill | None]
    ) -> Outcome | None:
        """What a settlement that reverted tells of its fills: nothing, if it had several.

        The clearing house skips what it refuses, so that this is its own fault or ours, and all
        that is matched later waits behind the culprit. That is looked for by halves, and given up
        when it reverts alone. Where somebody else is the matcher now, no fill is to blame.
        """
        trouble = f"settlement 0x{tx.hash.hex()} of {len(fills)} fills reverted in block {number}"
        if self._view().matcher != self._matcher.address:
            matcher = self._matcher.address.hex()
            self._fail(f"{trouble}: 0x{matcher} isn't the clearing house's matcher")
            return None
        self._count_failure(trouble)
        self._reverted = True
        self._fills_max = min(self._fills_max, max(1, len(fills) // 2))
        if len(fills) > 1:
            return None
        refused = tuple(Refusal(one.id, Reason.MALFORMED_FILL, Fault.BOTH) for one in fills if one)
        return Outcome(time=0, block=number, transaction=tx.hash, settled=(), refused=refused)

    def _judged(self, outcome: Outcome) -> Outcome:
        """With whose order each refusal was the fault of, where the books say so."""
        header = self._store.header(BlockNumber(outcome.block))
        if not outcome.refused or header is None:
            return outcome
        view = HouseView(self._store.state(), header)
        refused = tuple(self._with_fault(refusal, view) for refusal in outcome.refused)
        return msgspec.structs.replace(outcome, refused=refused)

    def _with_fault(self, refusal: Refusal, view: HouseView) -> Refusal:
        record = self._engine.fill(refusal.fill)
        if record is None:
            return refusal
        taker, maker = (self._book_order(one) for one in (record.fill.taker, record.fill.maker))
        fault = fault_in_books(refusal.reason, taker, maker, view, view.timestamp)
        return Refusal(refusal.fill, refusal.reason, fault)

    def _note(self, outcome: Outcome, fills: int) -> None:
        settled = len(outcome.settled) + len(outcome.recovered)
        refused = len(outcome.refused)
        if self.statistics.trouble is not None:
            log.info("settlement goes on")
        self._failures = 0
        self.statistics = replace(
            self.statistics,
            transactions=self.statistics.transactions + 1,
            settled=self.statistics.settled + settled,
            refused=self.statistics.refused + refused,
            trouble=None,
        )
        log.info("block %d settled %d of %d fills", outcome.block, settled, fills)

    def _fail(self, trouble: str) -> None:
        """Wait twice as long after each failure, so that no block is spent on the same one."""
        self._failures += 1
        pause = min(2 ** (self._failures - 1), SETTLEMENT_RETRY_BLOCKS_MAX)
        self._rest_until = BlockNumber(self._store.heads.unsafe.number + pause)
        self._count_failure(trouble)

    def _count_failure(self, trouble: str) -> None:
        self.statistics = replace(self.statistics, failed=self.statistics.failed + 1)
        self._report(trouble)

    def _report(self, trouble: str) -> None:
        """Log a trouble when it begins, not each block."""
        if self.statistics.trouble is None:
            log.error("%s", trouble)
        self.statistics = replace(self.statistics, trouble=trouble)


def _refused_in(outcome: Outcome) -> Iterator[int]:
    return (refusal.fill for refusal in outcome.refused)
