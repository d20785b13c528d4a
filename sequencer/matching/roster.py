"""All orders the engine knows: by hash, by account, by nonce, and by when to let go of them."""

from collections import Counter
from collections.abc import Iterator

from sequencer.matching.entry import Entry, expiry_ms, last_match_ms
from sequencer.matching.expiry import ExpiryQueue


class Roster:
    """Orders from when they come until nothing can come of them any more."""

    __slots__ = ("_by_account", "_by_hash", "_ending", "_nonces", "_of_owner", "_voiding")

    def __init__(self) -> None:
        self._by_hash: dict[bytes, Entry] = {}
        self._by_account: dict[int, dict[bytes, Entry]] = {}
        self._nonces: dict[tuple[int, int], bytes] = {}
        self._of_owner: Counter[bytes] = Counter()
        self._ending = ExpiryQueue()
        self._voiding = ExpiryQueue()

    def __iter__(self) -> Iterator[Entry]:
        """All of them, in the order in which they came."""
        return iter(self._by_hash.values())

    def __len__(self) -> int:
        return len(self._by_hash)

    def __contains__(self, order_hash: bytes) -> bool:
        return order_hash in self._by_hash

    def get(self, order_hash: bytes) -> Entry | None:
        return self._by_hash.get(order_hash)

    def open_of(self, account: int) -> list[Entry]:
        """An account's live and waiting orders, in order of rank."""
        entries = self._by_account.get(account)
        return sorted(entries.values(), key=lambda entry: entry.rank) if entries else []

    def with_nonce(self, account: int, nonce: int) -> Entry | None:
        """The newest order with a nonce."""
        order_hash = self._nonces.get((account, nonce))
        return None if order_hash is None else self._by_hash.get(order_hash)

    def is_nonce_used(self, account: int, nonce: int) -> bool:
        return (account, nonce) in self._nonces

    def count_of(self, owner: bytes) -> int:
        """How many orders there are of all accounts of an owner, done ones too."""
        return self._of_owner[owner]

    def add(self, entry: Entry) -> None:
        """Take in a new order that's live or waits."""
        order = entry.order
        self._index(entry)
        self._ending.push(last_match_ms(order), order.hash)
        self.open(entry)

    def restore(self, entry: Entry, now: int) -> None:
        """Take in an order from a snapshot made at `now` (ms)."""
        order = entry.order
        self._index(entry)
        if last_match_ms(order) >= now:
            self._ending.push(last_match_ms(order), order.hash)
        else:
            self._voiding.push(expiry_ms(order), order.hash)
        if not entry.is_done:
            self.open(entry)

    def _index(self, entry: Entry) -> None:
        order = entry.order
        self._by_hash[order.hash] = entry
        self._nonces[order.account, order.nonce] = order.hash
        self._of_owner[order.owner] += 1

    def open(self, entry: Entry) -> None:
        """Count an order among its account's open ones, for the first time or again."""
        self._by_account.setdefault(entry.order.account, {})[entry.order.hash] = entry

    def close(self, entry: Entry) -> None:
        """An open order is filled or cancelled."""
        of_account = self._by_account[entry.order.account]
        del of_account[entry.order.hash]
        if not of_account:
            del self._by_account[entry.order.account]

    def pop_ended(self, now: int) -> Entry | None:
        """The next order that's past its last match at `now` (ms), done or not; each one once."""
        order_hash = self._ending.pop(now)
        if order_hash is None:
            return None
        entry = self._by_hash[order_hash]
        self._voiding.push(expiry_ms(entry.order), order_hash)
        return entry

    def forget_void(self, now: int) -> None:
        """Let go of the orders that expired before `now` (ms) and have no fill to wait for."""
        while (order_hash := self._voiding.pop(now)) is not None:
            self.forget_if_over(self._by_hash.get(order_hash), now)

    def forget_if_over(self, entry: Entry | None, now: int) -> None:
        """Let go of an order if nothing can come of it any more."""
        if entry is None or not entry.may_be_forgotten(now):
            return
        order = entry.order
        del self._by_hash[order.hash]
        self._of_owner[order.owner] -= 1
        if not self._of_owner[order.owner]:
            del self._of_owner[order.owner]
        # Of two orders with one nonce, the later one holds it.
        if self._nonces.get((order.account, order.nonce)) == order.hash:
            del self._nonces[order.account, order.nonce]
