"""Every fill that may still change: which wait for a block, and which block settled the others."""

from collections.abc import Iterable, Iterator

from sequencer.matching.events import Fill, FillState
from sequencer.matching.views import FillRecord


class FillLedger:
    """Fills from the match until their block is final. Ids count from 1 and are used once."""

    __slots__ = ("_by_block", "_pending", "_pending_of", "_records", "last_id")

    def __init__(self, last_id: int = 0, records: Iterable[FillRecord] = ()) -> None:
        self.last_id = last_id
        self._records: dict[int, FillRecord] = {}
        self._pending: dict[int, Fill] = {}
        self._pending_of: dict[int, dict[int, Fill]] = {}
        self._by_block: dict[int, list[int]] = {}
        for record in records:
            self._index(record)

    def __iter__(self) -> Iterator[FillRecord]:
        """All of them, in order of id."""
        return iter(sorted(self._records.values(), key=_id_of_record))

    def get(self, fill: int) -> FillRecord | None:
        return self._records.get(fill)

    def add(self, fill: Fill) -> None:
        """A fill was matched."""
        self.last_id = fill.id
        self._index(FillRecord(fill, FillState.MATCHED))

    @property
    def pending_count(self) -> int:
        """How many wait for a block."""
        return len(self._pending)

    def pending(self) -> list[Fill]:
        """Those that wait for a block, in order of id."""
        return sorted(self._pending.values(), key=_id)

    def pending_of(self, account: int) -> list[Fill]:
        """Those of an account that wait, in order of id."""
        return sorted(self._pending_of.get(account, {}).values(), key=_id)

    def decided_from(self, block: int) -> Iterator[FillRecord]:
        """Those that blocks from `block` on settled or refused, in order of block."""
        for number in sorted(have for have in self._by_block if have >= block):
            for fill_id in self._by_block[number]:
                yield self._records[fill_id]

    def first_decided(self) -> int | None:
        """The first block that settled or refused one which isn't final."""
        return min(self._by_block, default=None)

    def settle(self, fill: int, block: int, transaction: bytes) -> Fill | None:
        """A block settled the fill; None if it didn't wait."""
        return self._decide(fill, FillState.UNSAFE, block, transaction, 0)

    def refuse(self, fill: int, block: int, transaction: bytes, reason: int) -> Fill | None:
        """The clearing house rejected the fill; None if it didn't wait."""
        return self._decide(fill, FillState.REFUSED, block, transaction, reason)

    def recover(self, fill: int, block: int, transaction: bytes, *, is_kept: bool) -> Fill | None:
        """A block settled a fill that another one had refused; None if none had. Without `is_kept`
        it is forgotten: nobody is left whom it could concern if that block goes too."""
        record = self._records.get(fill)
        if record is None or record.state is not FillState.REFUSED or record.block is None:
            return None
        del self._records[fill]
        self._by_block[record.block].remove(fill)
        if not self._by_block[record.block]:
            del self._by_block[record.block]
        if is_kept:
            self._index(FillRecord(record.fill, FillState.UNSAFE, block, transaction))
        return record.fill

    def revert(self, block: int) -> list[Fill]:
        """Let what was settled from `block` on wait again; in order of id.

        A refused one stays refused: it was unwound, and its orders may have traded since.
        """
        again = []
        for number in [have for have in self._by_block if have >= block]:
            kept = []
            for fill_id in self._by_block.pop(number):
                record = self._records[fill_id]
                if record.state is FillState.REFUSED:
                    kept.append(fill_id)
                    continue
                self._index(FillRecord(record.fill, FillState.MATCHED))
                again.append(record.fill)
            if kept:
                self._by_block[number] = kept
        return sorted(again, key=_id)

    def finalize(self, block: int) -> list[Fill]:
        """Forget all decided up to `block`; returns those that were settled, in order of id."""
        final = []
        for number in [have for have in self._by_block if have <= block]:
            for fill_id in self._by_block.pop(number):
                record = self._records.pop(fill_id)
                if record.state is FillState.UNSAFE:
                    final.append(record.fill)
        return sorted(final, key=_id)

    def _decide(
        self, fill_id: int, state: FillState, block: int, transaction: bytes, reason: int
    ) -> Fill | None:
        record = self._records.get(fill_id)
        if record is None or record.state is not FillState.MATCHED:
            return None
        fill = self._pending.pop(fill_id)
        for account in (fill.taker_account, fill.maker_account):
            of_account = self._pending_of[account]
            del of_account[fill_id]
            if not of_account:
                del self._pending_of[account]
        self._index(FillRecord(fill, state, block, transaction, reason))
        return fill

    def _index(self, record: FillRecord) -> None:
        fill = record.fill
        self._records[fill.id] = record
        if record.block is not None:
            self._by_block.setdefault(record.block, []).append(fill.id)
            return
        self._pending[fill.id] = fill
        self._pending_of.setdefault(fill.taker_account, {})[fill.id] = fill
        self._pending_of.setdefault(fill.maker_account, {})[fill.id] = fill


def _id(fill: Fill) -> int:
    return fill.id


def _id_of_record(record: FillRecord) -> int:
    return record.fill.id
