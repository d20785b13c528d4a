"""Token buckets: so many a second, and so many at once, of each peer."""

from collections import OrderedDict
from dataclasses import dataclass

from node.p2p.limits import ADDRESSES_TRACKED_MAX


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """One bucket a name. A name that is forgotten starts full, so that only idle ones are."""

    def __init__(self, rate: tuple[float, float], names_max: int = ADDRESSES_TRACKED_MAX) -> None:
        """`rate` is tokens a second, and tokens of a full bucket."""
        self._per_second, self._most = rate
        self._names_max = names_max
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str, now: float, tokens: float = 1.0) -> bool:
        """Take tokens out of the bucket of `name`; False, and nothing taken, if it has too few.

        `now` is in seconds of a clock that never goes back.
        """
        bucket = self._bucket(name, now)
        if bucket.tokens < tokens:
            return False
        bucket.tokens -= tokens
        return True

    def charge(self, name: str, now: float, tokens: float) -> None:
        """Take tokens out of the bucket of `name`, or what it has of them."""
        bucket = self._bucket(name, now)
        bucket.tokens = max(0.0, bucket.tokens - tokens)

    def _bucket(self, name: str, now: float) -> _Bucket:
        """The bucket of `name`, filled up to now."""
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = _Bucket(self._most, now)
            if len(self._buckets) > self._names_max:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(name)
        bucket.tokens = min(self._most, bucket.tokens + (now - bucket.at) * self._per_second)
        bucket.at = now
        return bucket
