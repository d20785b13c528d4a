"""What stands between a match and its settlement: nothing that the sequencer may put off.

A fill is matched on the books after the newest block, and settles in a later one. In between, a
transaction of the pool could move the collateral, the position or the order that the fill rests on.
Matches happen on the event loop while another thread builds a block, so which came first is decided
in the exchange's turn, one lock for both:

- The match came first: a transaction that changed something of an account with a fill that this
  block hasn't decided is undone and waits. From the start of the next block, whose settlements come
  first, those accounts match nothing until it is made, so that once is enough.
- The transaction came first: its accounts match nothing until the books after the block are there.
  Those that nobody had read before are known by their slots when somebody does.

Whose transaction it is, and by what contract it came, doesn't matter: what it changed is compared
with what the exchange had read of those accounts when it made the match. What only adds to an
account's cash can void nothing and passes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from execution.evm.engine import ChangesOf, Outcome, SlotChange
from execution.margin import read_account, recover_signer
from execution.transaction import Transaction
from genesis.predeploys import CLEARING_HOUSE
from sequencer.exchange.exchange import Exchange
from sequencer.house_view import HouseView
from sequencer.limits import GUARDED_MS
from sequencer.matching.events import Fill
from sequencer.matching.orders import BookOrder
from state.types import Hash32

Decided = Callable[[Transaction, Outcome], Iterable[int]]
"""The fills that a settlement has decided, by what came of it."""


Changes = Mapping[int, SlotChange]


class FillGuard:
    """Says which transactions a block may hold. `begin` is for the event loop, the rest for the
    thread that builds; the exchange's turn keeps them apart.
    """

    def __init__(self, exchange: Exchange, view: Callable[[], HouseView], decided: Decided) -> None:
        """`view` gives the books that the exchange matches on."""
        self._exchange = exchange
        self._view = view
        self._decide = decided
        self._held: set[int] = set()
        """Accounts of transactions that the block under way put off."""
        self._decided: set[int] = set()
        """Fills that the block under way settled or refused."""
        self._newest = 0
        """The newest fill that waited when a block was begun."""

    def begin(self) -> None:
        """A block is about to be built: accounts that a transaction waits for match nothing more.

        What they have matched is planned for the block after this call and before the event loop
        goes on, so that it is settled before that transaction is begun.
        """
        with self._exchange.turn:
            self._view().memory.begin_block(self._held)
            self._held = set()
            self._read_what_waits()

    # While a block is built

    def start(self) -> None:
        """The block is begun, perhaps once more: nothing is decided by it yet."""
        self._decided = set()

    def note_forced(self, changes_of: ChangesOf) -> None:
        """L1 forced a transaction, which nobody may put off; what it voids is unwound."""
        with self._exchange.turn:
            self._note(changes_of(CLEARING_HOUSE))

    def note_settlement(self, settlement: Transaction, outcome: Outcome) -> None:
        """What a settlement decided, nothing can void any more."""
        self._decided.update(self._decide(settlement, outcome))

    def admits(self, changes_of: ChangesOf) -> bool:
        """Whether a transaction of the pool may stay in the block, with all that it changed."""
        with self._exchange.turn:
            changes = changes_of(CLEARING_HOUSE)
            accounts = self._accounts_in(changes)
            if any(self._is_guarded(fill) for one in accounts for fill in self._waiting(one)):
                self._held |= accounts
                return False
            self._note(changes)
            return True

    # Within the exchange's turn

    def _read_what_waits(self) -> None:
        """Have in memory all that the waiting fills rest on: after a start or a reorg it is empty,
        and what was never read can't be told from what belongs to nobody."""
        view, engine = self._view(), self._exchange.engine
        accounts: set[int] = set()
        for fill in engine.pending():
            # What a fill rests on was read when it was matched; a block after that, which didn't
            # settle it, may have taken its signer's key out of memory.
            is_old = view.touched is None or fill.id <= self._newest
            for order_hash in (fill.taker, fill.maker):
                found = engine.order(order_hash)
                if found is not None:
                    _read_for(view, found.order, has_forgotten_signer=is_old)
                    accounts.add(found.order.account)
            self._newest = max(self._newest, fill.id)
        for account in accounts:
            view.read_whole(account)

    def _note(self, changes: Changes) -> None:
        view = self._view()
        unread = [slot for slot in changes if not view.accounts_at(slot)]
        view.memory.note_moved(unread, self._accounts_in(changes))

    def _waiting(self, account: int) -> Iterator[Fill]:
        pending = self._exchange.engine.pending_of(account)
        return (fill for fill in pending if fill.id not in self._decided)

    def _is_guarded(self, fill: Fill) -> bool:
        return self._exchange.engine.time - fill.time <= GUARDED_MS

    def _accounts_in(self, changes: Changes) -> set[int]:
        """Accounts of which something changed that the exchange had read, except by adding cash."""
        view = self._view()
        slots: dict[int, list[int]] = {}
        for slot in changes:
            for account in view.accounts_at(slot):
                slots.setdefault(account, []).append(slot)

        def before(slot: int) -> int:
            return changes[slot].before if slot in changes else view.word(slot)

        def after(slot: int) -> int:
            return changes[slot].after if slot in changes else view.word(slot)

        def only_gains(account: int) -> bool:
            was, now = read_account(before, account), read_account(after, account)
            if was is None or now is None or len(slots[account]) > 1:
                return False
            return now.cash > was.cash and now == replace(was, cash=now.cash)

        return {account for account in slots if not only_gains(account)}


def _read_for(view: HouseView, order: BookOrder, *, has_forgotten_signer: bool) -> None:
    """Read what an order's fills rest on besides its account; its signer costs 50 us."""
    view.filled(order.account, order.nonce)
    if has_forgotten_signer:
        signer = recover_signer(Hash32(order.hash), order.r, order.vs)
        view.session_key_allows(order.account, signer, order.market, view.timestamp)
