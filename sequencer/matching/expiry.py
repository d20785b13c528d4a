"""Which orders' time has come: a queue by millisecond."""

import heapq


class ExpiryQueue:
    """Hashes of orders by the last millisecond that's theirs, which may name one more than once."""

    __slots__ = ("_heap",)

    def __init__(self) -> None:
        self._heap: list[tuple[int, bytes]] = []

    def push(self, last: int, order: bytes) -> None:
        """Bring an order up once `last` (ms) has passed."""
        heapq.heappush(self._heap, (last, order))

    def pop(self, now: int) -> bytes | None:
        """The next order whose time has passed at `now` (ms), or None."""
        if not self._heap or self._heap[0][0] >= now:
            return None
        return heapq.heappop(self._heap)[1]
