"""How much more a block may hold, so that a batch with that block alone can be posted.

Up to `SEQUENCED_BYTES_MAX` that is sure without a look. Beyond it depends on how well the block
compresses, which is measured only now and then: what came since the last measurement counts as if
it didn't compress at all.
"""

from bridge.limits import SEQUENCED_BYTES_MAX
from sequencer.limits import MEASURED_MARGIN_BYTES, TRANSACTION_LENGTH_BYTES
from state.batch_codec import BatchBlock, BatchTooLarge, encode_batch, encode_block
from state.limits import BATCH_DECODED_BYTES_MAX, BATCH_POSTED_BYTES_MAX
from state.types import Timestamp

_LITERAL_RUN_BYTES = 255
"""Incompressible bytes that cost one more byte, for their count."""


class BatchRoom:
    """The room of one block; `is_compressing` False counts every byte as it is."""

    def __init__(self, *, is_compressing: bool = True) -> None:
        self._is_compressing = is_compressing
        self._transactions: list[bytes] = []
        self._bytes = 0
        self._measured_bytes = 0
        self._measured_posted = 0

    def take(self, raw: bytes) -> bool:
        """Take a transaction in, if there is room for it."""
        size = TRANSACTION_LENGTH_BYTES + len(raw)
        if not self._has_room(size):
            return False
        self._transactions.append(raw)
        self._bytes += size
        return True

    def give_back(self) -> None:
        """The transaction taken last isn't in the block after all."""
        raw = self._transactions.pop()
        self._bytes -= TRANSACTION_LENGTH_BYTES + len(raw)

    def is_postable(self) -> bool:
        """Whether a batch with this block alone fits the caps; certain, unlike the estimates."""
        return self._bytes <= SEQUENCED_BYTES_MAX or self._posted_bytes() is not None

    def _has_room(self, size: int) -> bool:
        if self._bytes + size <= SEQUENCED_BYTES_MAX:
            return True
        decoded = BATCH_DECODED_BYTES_MAX - MEASURED_MARGIN_BYTES
        if not self._is_compressing or self._bytes + size > decoded:
            return False
        return self._fits_estimate(size) or (self._measure() and self._fits_estimate(size))

    def _fits_estimate(self, size: int) -> bool:
        """Whether `size` more bytes fit, were nothing compressible since the last measurement."""
        since = self._bytes - self._measured_bytes + size
        posted = self._measured_posted + since + since // _LITERAL_RUN_BYTES
        return posted <= BATCH_POSTED_BYTES_MAX - MEASURED_MARGIN_BYTES

    def _measure(self) -> bool:
        """Compress what there is, unless that can't have changed enough to matter."""
        if self._bytes - self._measured_bytes < MEASURED_MARGIN_BYTES:
            return False
        posted = self._posted_bytes()
        if posted is None:
            return False
        self._measured_bytes, self._measured_posted = self._bytes, posted
        return True

    def _posted_bytes(self) -> int | None:
        """Size of the posted batch; None where it doesn't fit the caps."""
        block = BatchBlock(Timestamp(0), 0, tuple(self._transactions))
        try:
            return len(encode_batch(encode_block(block)))
        except BatchTooLarge:
            return None
